// spdlog gives what is easy to get wrong: whole lines from many threads, levels, a sink that survives a full
// pipe. Its pattern cannot escape JSON, so the line is made here and spdlog passes it through ("%v").
#include "switch/base/log.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <mutex>
#include <utility>

#include "switch/base/utf8.h"

namespace tollgate::log {
namespace {

constexpr std::string_view kNames[] = {"debug", "info", "warn", "error"};
constexpr const char* kColours[] = {"\x1b[2m", "\x1b[32m", "\x1b[33m", "\x1b[1;31m"};
constexpr std::string_view kReset = "\x1b[0m";

// What moves a cursor, ends a line or turns text around: C0, DEL, C1, line and paragraph separators,
// bidirectional controls.
bool is_control(std::uint32_t c) noexcept {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x2028 || c == 0x2029 || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

void append_escaped(std::string& out, std::string_view text) {
  const bool cut = text.size() > kValueMax;
  std::size_t at = 0;
  while (at < text.size() && at < kValueMax) {
    const auto point = utf8::front(text.substr(at));
    if (point.size == 0) {
      out += utf8::kReplacement;
      ++at;
      continue;
    }
    if (point.value == '"' || point.value == '\\') {
      out += '\\';
      out += static_cast<char>(point.value);
    } else if (point.value == '\n') {
      out += "\\n";
    } else if (is_control(point.value)) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", point.value);
    } else {
      out += text.substr(at, point.size);
    }
    at += point.size;
  }
  if (cut) out += "…";
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text);
  out += '"';
}

// logfmt: bare when it reads as one word.
void append_word(std::string& out, std::string_view text) {
  const bool bare =
      !text.empty() && text.size() <= kValueMax && text.find_first_of(" =\"\\") == std::string_view::npos;
  const auto from = out.size();
  append_quoted(out, text);
  if (bare && std::string_view(out).substr(from + 1, out.size() - from - 2) == text)
    out.replace(from, out.size() - from, text);
}

void append_value(std::string& out, const Field::Value& value,
                  void (*append_text)(std::string&, std::string_view)) {
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    append_text(out, *text);
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    out += *flag ? "true" : "false";
  } else if (const auto* id = std::get_if<Field::Id>(&value)) {
    append_text(out, format_id(id->prefix, id->id));
  } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
    fmt::format_to(std::back_inserter(out), "{}", *number);
  } else {
    fmt::format_to(std::back_inserter(out), "{}", std::get<std::uint64_t>(value));
  }
}

// Milliseconds always written, so that lines align and sort as text.
std::string timestamp(WallTime at) {
  constexpr std::int64_t kSecond = 1'000'000;
  const auto of_second = (at.us % kSecond + kSecond) % kSecond;
  auto text = format_utc(WallTime{at.us - of_second});
  text.pop_back();
  return fmt::format("{}.{:03}Z", text, of_second / 1000);
}

class FunctionSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit FunctionSink(std::function<void(std::string_view)> to) : to_(std::move(to)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    to_({message.payload.data(), message.payload.size()});
  }
  void flush_() override {}
  std::function<void(std::string_view)> to_;
};

struct Logger {
  std::shared_ptr<spdlog::logger> out;
  Format format = Format::json;
  Colour colour = Colour::off;
};

std::shared_ptr<const Logger> make_logger(Options options) {
  auto logger = std::make_shared<Logger>();
  const bool terminal = !options.to && ::isatty(STDERR_FILENO) == 1;
  logger->format = options.format != Format::automatic ? options.format
                   : terminal                          ? Format::logfmt
                                                       : Format::json;
  const char* no_colour = std::getenv("NO_COLOR");
  logger->colour = terminal && (no_colour == nullptr || *no_colour == '\0') ? Colour::on : Colour::off;
  spdlog::sink_ptr sink;
  if (options.to) {
    sink = std::make_shared<FunctionSink>(std::move(options.to));
  } else {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  }
  logger->out = std::make_shared<spdlog::logger>("tollgate", std::move(sink));
  logger->out->set_pattern("%v");
  logger->out->set_level(spdlog::level::trace);  // the level is ours, checked before the line is made
  return logger;
}

std::atomic<Level> current_level{Level::info};

// A pointer that may change while others write. libstdc++ 12's atomic<shared_ptr> spins; a mutex is plain,
// and lines are rare.
struct Current {
  std::mutex mutex;
  std::shared_ptr<const Logger> logger = make_logger({});
};
Current& current() {
  static auto* state = new Current;  // never destroyed: threads may write until the process ends
  return *state;
}

}  // namespace

std::string_view name(Level level) noexcept {
  return kNames[static_cast<std::size_t>(level)];
}

std::optional<Level> level_of(std::string_view name) noexcept {
  for (std::size_t i = 0; i < std::size(kNames); ++i)
    if (kNames[i] == name) return static_cast<Level>(i);
  return std::nullopt;
}

std::string render_json(const Line& line) {
  std::string out =
      fmt::format(R"({{"ts":"{}","level":"{}","component":)", timestamp(line.at), name(line.level));
  append_quoted(out, line.component);
  out += ",\"msg\":";
  append_quoted(out, line.message);
  for (const auto& field : line.fields) {
    out += ',';
    append_quoted(out, field.key());
    out += ':';
    append_value(out, field.value(), append_quoted);
  }
  out += '}';
  return out;
}

std::string render_logfmt(const Line& line, Colour colour) {
  const bool on = colour == Colour::on;
  std::string out = fmt::format("{} {}{:<5}{} ", timestamp(line.at),
                                on ? kColours[static_cast<std::size_t>(line.level)] : "", name(line.level),
                                on ? kReset : "");
  append_word(out, line.component);
  out += ' ';
  append_quoted(out, line.message);
  for (const auto& field : line.fields) {
    out += ' ';
    append_word(out, field.key());
    out += '=';
    append_value(out, field.value(), append_word);
  }
  return out;
}

void configure(Options options) {
  set_level(options.level);
  auto logger = make_logger(std::move(options));
  const std::lock_guard lock(current().mutex);
  current().logger = std::move(logger);
}

void set_level(Level level) noexcept {
  current_level.store(level, std::memory_order_relaxed);
}
Level level() noexcept {
  return current_level.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view component, std::string_view message, Fields fields) {
  if (level < log::level()) return;
  std::shared_ptr<const Logger> logger;
  {
    const std::lock_guard lock(current().mutex);
    logger = current().logger;
  }
  const Line line{SystemClock::now().wall, level, component, message, {fields.begin(), fields.size()}};
  const auto text = logger->format == Format::json ? render_json(line) : render_logfmt(line, logger->colour);
  logger->out->log(spdlog::level::info, spdlog::string_view_t(text.data(), text.size()));
}

}  // namespace tollgate::log
