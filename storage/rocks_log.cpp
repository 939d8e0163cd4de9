#include "storage/rocks_log.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <system_error>

#include "switch/base/time.h"

namespace tollgate::storage::rocks {
namespace {

StoreLog level_of(rocksdb::InfoLogLevel level) noexcept {
  switch (level) {
    case rocksdb::DEBUG_LEVEL:
      return StoreLog::debug;
    case rocksdb::WARN_LEVEL:
      return StoreLog::warning;
    case rocksdb::ERROR_LEVEL:
    case rocksdb::FATAL_LEVEL:
      return StoreLog::error;
    default:
      return StoreLog::info;
  }
}

class HookLogger final : public rocksdb::Logger {
 public:
  explicit HookLogger(StoreLogHook hook) : rocksdb::Logger(rocksdb::INFO_LEVEL), hook_(std::move(hook)) {}
  ~HookLogger() override { closed_ = true; }

  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override { Logv(rocksdb::INFO_LEVEL, format, arguments); }
  void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (!hook_ || level < GetInfoLogLevel()) return;
    std::array<char, 2048> text;  // longer lines are cut: they list options, which settings() gives
    const int n = std::vsnprintf(text.data(), text.size(), format, arguments);
    if (n > 0)
      hook_(level_of(level),
            {text.data(), std::min<std::size_t>(static_cast<std::size_t>(n), text.size() - 1)});
  }

 private:
  StoreLogHook hook_;
};

// A full disk under this file loses lines and nothing else.
StoreLogHook file_hook(std::FILE* file) {
  const std::shared_ptr<std::FILE> shared(file, [](std::FILE* f) { std::fclose(f); });
  const auto mutex = std::make_shared<std::mutex>();
  return [shared, mutex](StoreLog level, std::string_view text) {
    constexpr const char* kNames[] = {"debug", "info", "warning", "error"};
    const auto line =
        fmt::format("{} {} {}\n", format_utc(SystemClock::now().wall), kNames[static_cast<int>(level)], text);
    const std::lock_guard lock(*mutex);
    std::fwrite(line.data(), 1, line.size(), shared.get());
    std::fflush(shared.get());
  };
}

class Listener final : public rocksdb::EventListener {
 public:
  explicit Listener(std::function<void(std::string)> on_error) : on_error_(std::move(on_error)) {}
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* status) override {
    on_error_(fmt::format("RocksDB background error, reason {}: {}", static_cast<int>(reason),
                          status == nullptr ? "no status" : status->ToString()));
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* automatic) override {
    *automatic = false;
  }

 private:
  std::function<void(std::string)> on_error_;
};

}  // namespace

Result<std::shared_ptr<rocksdb::Logger>> make_logger(const std::string& store, const StoreOptions& options) {
  if (options.log || options.log_file.empty()) return std::make_shared<HookLogger>(options.log);
  namespace fs = std::filesystem;
  std::error_code ignored;
  const auto inside = fs::weakly_canonical(store, ignored);
  const auto file = fs::weakly_canonical(options.log_file, ignored);
  const auto relative = file.lexically_relative(inside).string();
  if (!relative.empty() && !relative.starts_with("..")) {
    return fail(ErrorCode::invalid, "the log of the store may not lie inside the store", options.log_file);
  }
  std::FILE* out = std::fopen(options.log_file.c_str(), "ae");
  if (out == nullptr) return fail(ErrorCode::io, std::generic_category().message(errno), options.log_file);
  return std::make_shared<HookLogger>(file_hook(out));
}

std::shared_ptr<rocksdb::EventListener> make_listener(std::function<void(std::string)> on_error) {
  return std::make_shared<Listener>(std::move(on_error));
}

}  // namespace tollgate::storage::rocks
