// The table behind config.h: one row a key, with its default, bounds, sentence and the member that it fills.
// Internal to switch/config*.cpp. To add a key: a member in Config, a row here; parser, sample, reference and
// tests follow. Thread: any.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "switch/config.h"

namespace tollgate::config {

// A value as TOML, an environment variable or a flag can give it.
using Raw = std::variant<std::string, std::int64_t, bool>;

using Member =
    std::variant<std::string*, bool*, std::uint16_t*, std::uint32_t*, std::chrono::milliseconds*,
                 std::chrono::seconds*, TimeOfDay*, Environment*, MacRule*, log::Level*, log::Format*>;

template <class Owner>
struct Row {
  std::string_view key;
  std::string_view fallback;  // the default, as a flag would give it
  Member (*member)(Owner&);
  std::string_view sentence;
  std::int64_t least = 0, most = 0;                    // numbers
  std::string (*check)(const std::string&) = nullptr;  // texts: what is wrong, or ""
};

[[nodiscard]] std::span<const Row<Config>> rows() noexcept;
[[nodiscard]] std::span<const Row<Listener>> listener_rows() noexcept;

// "whole number", "text", "true or false", "lab | demo | production"
[[nodiscard]] std::string type_name(const Member& member);
// "1 … 1023", or "" where there is none.
template <class Owner>
[[nodiscard]] std::string bounds_text(const Row<Owner>& row) {
  return row.most == 0 ? "" : std::to_string(row.least) + " … " + std::to_string(row.most);
}

// What a flag or variable says, in the type that the member wants; a text that does not fit stays text and
// set() refuses it.
[[nodiscard]] Raw raw_of(const Member& member, std::string_view text);
struct Rule {
  std::int64_t least, most;
  std::string (*check)(const std::string&);
};
// Sets the member; what is wrong, or "".
[[nodiscard]] std::string set(const Member& member, const Rule& rule, const Raw& value);
template <class Owner>
[[nodiscard]] std::string set(const Row<Owner>& row, Owner& owner, const Raw& value) {
  return set(row.member(owner), Rule{row.least, row.most, row.check}, value);
}
// As the file writes it: quoted when it is a text.
[[nodiscard]] std::string written(const Member& member);

}  // namespace tollgate::config
