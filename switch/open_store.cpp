#include "switch/open_store.h"

#include <algorithm>
#include <filesystem>

#include "switch/base/chance.h"
#include "switch/base/hash.h"
#include "switch/base/log.h"

namespace tollgate {
namespace {

constexpr std::string_view kComponent = "store";

void log_store(storage::StoreLog level, std::string_view text) {
  switch (level) {
    case storage::StoreLog::debug:
    case storage::StoreLog::info:
      return log::debug("rocksdb", text);
    case storage::StoreLog::warning:
      return log::warn("rocksdb", text);
    case storage::StoreLog::error:
      return log::error("rocksdb", text);
  }
}

storage::StoreOptions options_of(const config::Config& config) {
  storage::StoreOptions options;
  options.log = log_store;
  options.space.watermark_bytes = std::uint64_t{config.store.watermark_mb} << 20;
  options.space.watermark_percent = config.store.watermark_percent;
  // The reserve lies below the watermark, or there would be no time in which only reversals and the console
  // go on.
  if (config.store.watermark_mb != 0 || config.store.watermark_percent == 0)
    options.space.reserve_bytes = std::min(options.space.reserve_bytes, options.space.watermark_bytes / 2);
  options.memtable_bytes = std::uint64_t{config.store.memtable_mb} << 20;
  return options;
}

std::string mark_path_of(const config::Config& config) {
  // In the store's directory unless another disk is named, so that a copy of the directory is a whole store.
  if (!config.store.mark_path.empty()) return config.store.mark_path;
  return (std::filesystem::path(config.store.path) / "high-water-mark").string();
}

bool is_new(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return true;
  return std::filesystem::is_directory(path, error) && std::filesystem::is_empty(path, error);
}

}  // namespace

Result<OpenedStore> open_store(const config::Config& config) {
  const auto& path = config.store.path;
  const auto mark = mark_path_of(config);
  const auto options = options_of(config);
  OpenedStore opened;
  if (is_new(path)) {
    std::error_code error;
    if (std::filesystem::exists(mark, error)) {
      return fail(
          ErrorCode::conflict,
          "the store is empty but its high-water mark is there: the store is gone, or the mark is another's",
          mark);
    }
    const auto formatted = storage::format_store(path, mark, config.store.partitions, options);
    if (!formatted) return std::unexpected(formatted.error());
    opened.formatted = true;
    log::info(kComponent, "formatted", {{"path", path}, {"partitions", config.store.partitions}});
  }
  auto started = storage::start_store(path, mark, options);
  if (!started) return std::unexpected(started.error());
  if (started->journal && started->journal->partitions() != config.store.partitions) {
    return fail(ErrorCode::conflict,
                "the store was formatted with " + std::to_string(started->journal->partitions()) +
                    " partitions, the configuration says " + std::to_string(config.store.partitions) +
                    ": store.partitions is fixed when a store is formatted",
                path);
  }
  for (const auto& note : started->verdict.notes) log::warn(kComponent, note, {{"path", path}});
  opened.started = std::move(*started);
  return opened;
}

Result<std::shared_ptr<crypto::KeyVault>> open_vault(const config::Config& config, bool formatted) {
  const auto& file = config.vault.kek_file;
  if (file.empty()) {
    const auto known = Sha256::of(as_bytes("tollgate lab key: sealed with what everybody knows"));
    return std::make_shared<crypto::KeyVault>(crypto::KeyVault::from_kek(known));
  }
  std::error_code error;
  if (formatted && config.environment != config::Environment::production &&
      !std::filesystem::exists(file, error)) {
    SystemChance chance;
    if (auto created = crypto::KeyVault::create_kek_file(file, chance); !created)
      return std::unexpected(created.error());
    log::info(kComponent, "key file made", {{"file", file}});
  }
  auto vault = crypto::KeyVault::open_kek_file(file);
  if (!vault) return std::unexpected(vault.error());
  return std::make_shared<crypto::KeyVault>(std::move(*vault));
}

}  // namespace tollgate
