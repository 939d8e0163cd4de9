#include "switch/config_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "switch/base/ids.h"
#include "switch/base/time.h"
#include "switch/iso/dialect.h"
#include "switch/net/address.h"

namespace tollgate::config {
namespace {

constexpr std::array<std::string_view, 3> kEnvironments = {"lab", "demo", "production"};
constexpr std::array<std::string_view, 2> kMacRules = {"required", "off"};
constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warn", "error"};
constexpr std::array<std::string_view, 3> kFormats = {"auto", "json", "logfmt"};

// The words of an enumeration, in its order.
std::span<const std::string_view> words(Environment) noexcept {
  return kEnvironments;
}
std::span<const std::string_view> words(MacRule) noexcept {
  return kMacRules;
}
std::span<const std::string_view> words(log::Level) noexcept {
  return kLevels;
}
std::span<const std::string_view> words(log::Format) noexcept {
  return kFormats;
}

std::string check_address(const std::string& text) {
  const auto address = net::parse_address(text);
  return address ? "" : fmt::format("must be HOST:PORT, is \"{}\"", text);
}
std::string check_not_empty(const std::string& text) {
  return text.empty() ? "must not be empty" : "";
}
std::string check_dialect(const std::string& text) {
  const auto names = iso::Dialect::builtin_names();
  if (std::ranges::find(names, text) != names.end()) return "";
  return fmt::format("must be one of {}, is \"{}\"", fmt::join(names, ", "), text);
}
std::string check_acquirer(const std::string& text) {  // field 32: n..11
  const bool digits = std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  return digits && !text.empty() && text.size() <= 11 ? "" : "must be 1 to 11 digits (field 32)";
}
std::string check_zone(const std::string& text) {
  const auto zone = TimeZone::load(text);
  return zone ? "" : fmt::format("is not in the IANA data base: \"{}\"", text);
}
// Operator-chosen names are [a-z0-9-]{1,32} (api.md, section 1); a letter first, so that a name is never
// taken for an index.
std::string check_name(const std::string& text) {
  const bool fits = !text.empty() && text.size() <= 32 && text[0] >= 'a' && text[0] <= 'z' &&
                    std::ranges::all_of(text, [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
                    });
  return fits ? "" : "must be a letter and then letters, digits or -, lower case, at most 32";
}

// clang-format off
// The order is that of the sample file: keys of a section stand together.
constexpr Row<Config> kRows[] = {
    {"environment", "lab", [](Config& c) -> Member { return &c.environment; },
     "Lab keys are accepted only outside production; listeners without MAC only in lab."},
    {"store.path", "data", [](Config& c) -> Member { return &c.store.path; },
     "Directory of the store; one process at a time. Relative to the working directory.", 0, 0, check_not_empty},
    {"store.partitions", "4", [](Config& c) -> Member { return &c.store.partitions; },
     "Slices of merchants, each with its own journal and ledger. Fixed when the store is formatted.", 1, kPartitionsMax},
    {"store.mark_path", "", [](Config& c) -> Member { return &c.store.mark_path; },
     "File of the high-water mark, best on another disk than the store; it proves at start that no acknowledged record is missing. Empty: in the store's directory."},
    {"store.memtable_mb", "32", [](Config& c) -> Member { return &c.store.memtable_mb; },
     "Memory for records before they are written to table files, in MiB; two of them at most.", 8, 4096},
    {"store.watermark_mb", "2048", [](Config& c) -> Member { return &c.store.watermark_mb; },
     "Below so much free space, in MiB, new work is refused; reversals and the console go on. 0 switches it off.", 0, 1'048'576},
    {"store.watermark_percent", "5", [](Config& c) -> Member { return &c.store.watermark_percent; },
     "The same as a share of the file system; the larger of the two counts. 0 switches it off.", 0, 50},
    {"workers.count", "0", [](Config& c) -> Member { return &c.workers.count; },
     "Threads that carry the partitions. 0: one less than there are cores, at least 1.", 0, 256},
    {"commit.max_group_bytes", "4194304", [](Config& c) -> Member { return &c.commit.max_group_bytes; },
     "A partition's commit group is written at this size even when more could gather.", 65'536, 67'108'864},
    {"core.in_flight_max", "4096", [](Config& c) -> Member { return &c.core.in_flight_max; },
     "Transactions per partition that wait for a host; more are refused.", 1, 1'000'000},
    {"core.transactions_max", "1000000", [](Config& c) -> Member { return &c.core.transactions_max; },
     "Transactions per partition kept in memory; older resolved ones stay in the journal.", 1'000, 100'000'000},
    {"core.reversals_owed_max", "100000", [](Config& c) -> Member { return &c.core.reversals_owed_max; },
     "Reversals per partition that no host has acknowledged; above it new requests are refused.", 1, 10'000'000},
    {"session.in_flight_max", "256", [](Config& c) -> Member { return &c.session.in_flight_max; },
     "Most requests of one connection that wait for a host, in each partition; more are refused.", 1, 65'536},
    {"session.max_connections", "10000", [](Config& c) -> Member { return &c.session.max_connections; },
     "Most connections of terminals per worker; further ones are closed at once.", 1, 1'000'000},
    {"session.frame_timeout_ms", "3000", [](Config& c) -> Member { return &c.session.frame_timeout; },
     "A message must be complete so long after its first byte, or the connection is closed.", 100, 600'000},
    {"session.idle_timeout_s", "3600", [](Config& c) -> Member { return &c.session.idle_timeout; },
     "A connection without a message for so long is closed.", 1, 604'800},
    {"http.address", "127.0.0.1:8080", [](Config& c) -> Member { return &c.http.address; },
     "Operations interface and console. Port 0 takes a free one.", 0, 0, check_address},
    {"metrics.address", "127.0.0.1:9109", [](Config& c) -> Member { return &c.metrics.address; },
     "Prometheus metrics. Port 0 takes a free one.", 0, 0, check_address},
    {"log.level", "info", [](Config& c) -> Member { return &c.log.level; },
     "The least that is logged on stderr."},
    {"log.format", "auto", [](Config& c) -> Member { return &c.log.format; },
     "JSON lines or logfmt; auto is logfmt on a terminal, JSON elsewhere."},
    {"vault.kek_file", "", [](Config& c) -> Member { return &c.vault.kek_file; },
     "File with the key that seals all other keys, mode 0600. Empty: a lab key that everybody knows, refused in production."},
    {"acquirer.code", "01020000", [](Config& c) -> Member { return &c.acquirer.code; },
     "This acquirer's institution code, field 32.", 0, 0, check_acquirer},
    {"business.time_zone", "Asia/Shanghai", [](Config& c) -> Member { return &c.business.time_zone; },
     "IANA name of the zone in which business days and the terminals' clocks count.", 0, 0, check_zone},
    {"business.cutoff", "23:00", [](Config& c) -> Member { return &c.business.cutoff; },
     "Local time at which the next business day begins."},
    {"approvals.required", "true", [](Config& c) -> Member { return &c.approvals.required; },
     "A second person approves deregistration, fee publication, key destruction and large operations. May be off only outside production."},
    {"bulk.approval_threshold", "50", [](Config& c) -> Member { return &c.bulk.approval_threshold; },
     "An operation on more terminals than this, or on more than 1 % of the active ones, needs approval.", 1, 1'000'000},
};

constexpr Row<Listener> kListenerRows[] = {
    {"name", "pos", [](Listener& l) -> Member { return &l.name; },
     "How the ports file, metrics and --set call it: listener.NAME.address.", 0, 0, check_name},
    {"address", "127.0.0.1:8583", [](Listener& l) -> Member { return &l.address; },
     "Where terminals connect. Port 0 takes a free one.", 0, 0, check_address},
    {"dialect", "cup", [](Listener& l) -> Member { return &l.dialect; },
     "Name of the dialect that its terminals speak.", 0, 0, check_dialect},
    {"mac", "required", [](Listener& l) -> Member { return &l.mac; },
     "Whether requests must carry a MAC that fits; off only in lab, for benchmarks."},
};
// clang-format on

template <class T>
std::string set_number(T& to, std::int64_t value, const Rule& rule) {
  if (value < rule.least || value > rule.most)
    return fmt::format("must be {} … {}, is {}", rule.least, rule.most, value);
  to = static_cast<T>(value);
  return {};
}

std::string joined(std::span<const std::string_view> options) {
  return fmt::format("{}", fmt::join(options, " | "));
}

std::string set_time(TimeOfDay& to, const std::string& text) {
  const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4))
    return "must be a time of day like 23:00";
  const int hour = (text[0] - '0') * 10 + text[1] - '0', minute = (text[3] - '0') * 10 + text[4] - '0';
  if (hour > 23 || minute > 59) return "must be a time of day from 00:00 to 23:59";
  to.since_midnight = std::chrono::minutes(hour * 60 + minute);
  return {};
}

template <class T>
constexpr bool kIsDuration =
    std::is_same_v<T, std::chrono::milliseconds> || std::is_same_v<T, std::chrono::seconds>;
template <class T>
constexpr bool kIsNumber = (std::is_integral_v<T> && !std::is_same_v<T, bool>) || kIsDuration<T>;

std::string set_text(std::string& to, const std::string& text, const Rule& rule) {
  constexpr std::size_t kTextMax = 4096;  // PATH_MAX
  if (text.size() > kTextMax) return fmt::format("must be at most {} bytes", kTextMax);
  const bool printable =
      std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
  if (!printable) return "must not hold control characters";
  auto wrong = rule.check == nullptr ? std::string() : rule.check(text);
  if (wrong.empty()) to = text;
  return wrong;
}

}  // namespace

std::string_view name(Environment environment) noexcept {
  return kEnvironments[static_cast<std::size_t>(environment)];
}

std::span<const Row<Config>> rows() noexcept {
  return kRows;
}
std::span<const Row<Listener>> listener_rows() noexcept {
  return kListenerRows;
}

std::string type_name(const Member& member) {
  return std::visit(
      [](const auto* m) -> std::string {
        using T = std::remove_cvref_t<decltype(*m)>;
        if constexpr (std::is_same_v<T, std::string>) return "text";
        if constexpr (std::is_same_v<T, bool>) return "true or false";
        if constexpr (std::is_same_v<T, TimeOfDay>) return "time of day";
        if constexpr (kIsNumber<T>) return "whole number";
        if constexpr (std::is_enum_v<T>) return joined(words(T{}));
      },
      member);
}

Raw raw_of(const Member& member, std::string_view text) {
  return std::visit(
      [&](const auto* m) -> Raw {
        using T = std::remove_cvref_t<decltype(*m)>;
        if constexpr (std::is_same_v<T, bool>) {
          if (text == "true" || text == "false") return text == "true";
        } else if constexpr (kIsNumber<T>) {
          std::int64_t number = 0;
          const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
          if (error == std::errc{} && end == text.data() + text.size()) return number;
        }
        return std::string(text);
      },
      member);
}

std::string set(const Member& member, const Rule& rule, const Raw& value) {
  return std::visit(
      [&](auto* to) -> std::string {
        using T = std::remove_cvref_t<decltype(*to)>;
        const auto* text = std::get_if<std::string>(&value);
        const auto* number = std::get_if<std::int64_t>(&value);
        if constexpr (std::is_same_v<T, bool>) {
          const auto* flag = std::get_if<bool>(&value);
          if (flag != nullptr) *to = *flag;
          return flag != nullptr ? "" : "must be true or false";
        } else if constexpr (kIsDuration<T>) {
          std::int64_t count = 0;
          auto wrong = number == nullptr ? "must be a whole number" : set_number(count, *number, rule);
          if (wrong.empty()) *to = T(count);
          return wrong;
        } else if constexpr (kIsNumber<T>) {
          return number == nullptr ? "must be a whole number" : set_number(*to, *number, rule);
        } else if constexpr (std::is_enum_v<T>) {
          const auto options = words(T{});
          const auto it = text == nullptr ? options.end() : std::ranges::find(options, *text);
          if (it == options.end()) return "must be one of " + joined(options);
          *to = static_cast<T>(it - options.begin());
          return {};
        } else if constexpr (std::is_same_v<T, TimeOfDay>) {
          return text == nullptr ? "must be a time of day like \"23:00\", in quotes" : set_time(*to, *text);
        } else {
          return text == nullptr ? "must be a text in quotes" : set_text(*to, *text, rule);
        }
      },
      member);
}

std::string written(const Member& member) {
  return std::visit(
      [](const auto* m) -> std::string {
        using T = std::remove_cvref_t<decltype(*m)>;
        if constexpr (std::is_same_v<T, bool>) {
          return *m ? "true" : "false";
        } else if constexpr (kIsDuration<T>) {
          return std::to_string(m->count());
        } else if constexpr (kIsNumber<T>) {
          return std::to_string(*m);
        } else if constexpr (std::is_enum_v<T>) {
          return fmt::format("\"{}\"", words(*m)[static_cast<std::size_t>(*m)]);
        } else if constexpr (std::is_same_v<T, TimeOfDay>) {
          const auto minutes = m->since_midnight.count();
          return fmt::format("\"{:02}:{:02}\"", minutes / 60, minutes % 60);
        } else {
          std::string quoted = "\"";
          for (const char c : *m) {
            if (c == '"' || c == '\\') quoted += '\\';
            quoted += c;
          }
          return quoted + '"';
        }
      },
      member);
}

}  // namespace tollgate::config
