// Configuration of `tollgate serve`: one table of keys (config_table.cpp) from which come the parser, the
// sample file, the reference and `config show`. Sources, strongest first: flag (--set KEY=VALUE), environment
// (TOLLGATE__HTTP__ADDRESS), file, default. Every value keeps where it came from.
//
// Refused, each with file:line:column or the flag's name, all at once and not one at a time: an unknown key
// (with "did you mean"), a wrong type, a value out of bounds, mac = "off" outside lab, production without a
// key file or without a second person, two listeners of one name or address.
//
// Pure but for reading the one file. Thread: any; a Config is a value. Read once at start by the composition
// root.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "switch/base/log.h"
#include "switch/base/result.h"

namespace tollgate::config {

enum class Environment : std::uint8_t { lab, demo, production };
enum class MacRule : std::uint8_t { required, off };
[[nodiscard]] std::string_view name(Environment environment) noexcept;

// Local time of day, to the minute.
struct TimeOfDay {
  std::chrono::minutes since_midnight{};
};

struct Listener {
  std::string name, address, dialect;
  MacRule mac = MacRule::required;
};

// What the keys mean, their defaults and bounds: `tollgate config default`.
struct Config {
  Environment environment = Environment::lab;
  struct Store {
    std::string path, mark_path;
    std::uint16_t partitions = 0;
    std::uint32_t memtable_mb = 0, watermark_mb = 0;
    std::uint16_t watermark_percent = 0;
  } store;
  struct Workers {
    std::uint16_t count = 0;  // 0: worker_count() decides
  } workers;
  struct Commit {
    std::uint32_t max_group_bytes = 0;
  } commit;
  struct Core {
    std::uint32_t in_flight_max = 0, transactions_max = 0, reversals_owed_max = 0;  // each per partition
  } core;
  struct Session {
    std::uint32_t in_flight_max = 0, max_connections = 0;
    std::chrono::milliseconds frame_timeout{};
    std::chrono::seconds idle_timeout{};
  } session;
  struct Http {
    std::string address;
  } http, metrics;
  struct Log {
    log::Level level = log::Level::info;
    log::Format format = log::Format::automatic;
  } log;
  struct Vault {
    std::string kek_file;
  } vault;
  struct Acquirer {
    std::string code;
  } acquirer;
  struct Business {
    std::string time_zone;
    TimeOfDay cutoff;
  } business;
  struct Approvals {
    bool required = true;
  } approvals;
  struct Bulk {
    std::uint32_t approval_threshold = 0;
  } bulk;
  std::vector<Listener> listeners;
};

struct Sources {
  std::string file;  // empty: none
  std::vector<std::pair<std::string, std::string>>
      environment;                // names as in the process; others than TOLLGATE__ ignored
  std::vector<std::string> sets;  // "store.path=/var/lib/tollgate", "listener.pos.address=…"
};

struct Setting {
  std::string key, value,
      origin;  // value as in the file; "default", "tollgate.toml:12", "env TOLLGATE__…", "flag --set"
};

struct Loaded {
  Config config;
  std::vector<Setting> settings;  // in the table's order, listeners last
};

using Errors = std::vector<Error>;  // never empty
[[nodiscard]] std::expected<Loaded, Errors> load(const Sources& sources);
// The same from text; file is only its name in errors.
[[nodiscard]] std::expected<Loaded, Errors> load_text(std::string_view text, std::string_view file,
                                                      const Sources& rest = {});

[[nodiscard]] std::vector<std::pair<std::string, std::string>> process_environment();

// Threads that carry partitions: count, or one less than there are cores (the last is for the commit thread),
// at least 1.
[[nodiscard]] std::uint16_t worker_count(const Config& config, unsigned cores) noexcept;

[[nodiscard]] std::string show(const Loaded& loaded);  // `tollgate config show`: key, value, origin
[[nodiscard]] std::string sample();                    // `tollgate config default`, and deploy/tollgate.toml
[[nodiscard]] std::string reference();                 // the keys as a Markdown table

}  // namespace tollgate::config
