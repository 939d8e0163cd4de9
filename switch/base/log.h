// Log: one line per event on stderr, JSON for machines, coloured logfmt for a person at a terminal. For what
// an operator acts on (start, stop, links, refusals of configuration), never per transaction: that is what
// metrics and the journal are for.
//
// A line is {"ts","level","component","msg"} and typed key-values. Only safe types have a constructor: text,
// whole numbers, bool, ids and MaskedPan. Sensitive<T> and raw bytes have none, so a secret does not compile.
// Text is taken as hostile: control characters, C1 and line separators are escaped, bytes that are not UTF-8
// replaced, and a value ends after kValueMax bytes, so that nobody writes a second line or a terminal
// sequence through a name.
//
// Thread: any. configure() belongs to main, before other threads start; set_level() is free. Pure modules
// (fees, iso, ledger, core) do not log: a line carries the machine's clock.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "switch/base/ids.h"
#include "switch/base/sensitive.h"
#include "switch/base/time.h"

namespace tollgate::log {

enum class Level : std::uint8_t { debug, info, warn, error };
enum class Format : std::uint8_t { automatic, json, logfmt };  // automatic: logfmt when stderr is a terminal

[[nodiscard]] std::string_view name(Level level) noexcept;
[[nodiscard]] std::optional<Level> level_of(std::string_view name) noexcept;

inline constexpr std::size_t kValueMax = 2048;

// A key and a safe value. Holds views: it lives as long as the call that it is an argument of.
class Field {
 public:
  Field(std::string_view key, std::string_view text) noexcept : key_(key), value_(text) {}
  Field(std::string_view key, const char* text) noexcept : key_(key), value_(std::string_view(text)) {}
  Field(std::string_view key, const std::string& text) noexcept : key_(key), value_(std::string_view(text)) {}
  Field(std::string_view key, std::same_as<bool> auto flag) noexcept : key_(key), value_(flag) {}
  template <std::signed_integral T>
  Field(std::string_view key, T number) noexcept : key_(key), value_(std::int64_t{number}) {}
  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) Field(std::string_view key, T number)
  noexcept : key_(key), value_(std::uint64_t{number}) {}
  template <class Tag, class T>
  Field(std::string_view key, Strong<Tag, T> id) noexcept : Field(key, id.value) {}
  Field(std::string_view key, std::string_view prefix, ObjectId id) noexcept
      : key_(key), value_(Id{prefix, id}) {}
  Field(std::string_view key, const MaskedPan& pan) noexcept : key_(key), value_(pan.text()) {}

  struct Id {
    std::string_view prefix;
    ObjectId id;
  };
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, bool, Id>;
  [[nodiscard]] std::string_view key() const noexcept { return key_; }
  [[nodiscard]] const Value& value() const noexcept { return value_; }

 private:
  std::string_view key_;
  Value value_;
};

struct Options {
  Level level = Level::info;
  Format format = Format::automatic;
  // Instead of stderr: receives each line without its line end, one at a time. For tests.
  std::function<void(std::string_view line)> to;
};

void configure(Options options);
void set_level(Level level) noexcept;
[[nodiscard]] Level level() noexcept;

using Fields = std::initializer_list<Field>;
void write(Level level, std::string_view component, std::string_view message, Fields fields = {});
inline void debug(std::string_view component, std::string_view message, Fields fields = {}) {
  write(Level::debug, component, message, fields);
}
inline void info(std::string_view component, std::string_view message, Fields fields = {}) {
  write(Level::info, component, message, fields);
}
inline void warn(std::string_view component, std::string_view message, Fields fields = {}) {
  write(Level::warn, component, message, fields);
}
inline void error(std::string_view component, std::string_view message, Fields fields = {}) {
  write(Level::error, component, message, fields);
}

// The line itself, pure.
struct Line {
  WallTime at;
  Level level = Level::info;
  std::string_view component, message;
  std::span<const Field> fields;
};
enum class Colour : std::uint8_t { off, on };
[[nodiscard]] std::string render_json(const Line& line);
[[nodiscard]] std::string render_logfmt(const Line& line, Colour colour);

}  // namespace tollgate::log
