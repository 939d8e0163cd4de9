// Reads JSON that a client sent, strictly: every member has a kind and bounds, what nobody asked for is
// refused with its pointer (RFC 6901), text has no control characters. All errors of a document are gathered,
// so that one round shows them all. Boost.JSON's own conversion names no field and fails on absent optionals,
// hence this one.
//
// null counts as absent. Integers only: 1.0 is refused. Thread: its request's.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "switch/admin/problem.h"
#include "switch/base/time.h"

namespace tollgate::admin {

namespace json = boost::json;

// malformed_json with the place of the first fault.
[[nodiscard]] std::expected<json::value, Problem> parse_json(std::string_view text);

struct TextRule {
  std::size_t min = 0, max = 128;    // bytes of UTF-8
  bool (*allows)(char c) = nullptr;  // every character; nullptr: any that is not a control character
};
[[nodiscard]] inline bool is_digit_char(char c) {
  return c >= '0' && c <= '9';
}
[[nodiscard]] inline bool is_name_char(char c) {
  return is_digit_char(c) || (c >= 'a' && c <= 'z') || c == '-';
}
[[nodiscard]] inline bool is_key_char(char c) {
  return is_name_char(c) || c == '_' || c == '.';
}
[[nodiscard]] inline bool is_code_char(char c) {  // fields 41 and 42: ans without space
  return c > 0x20 && c < 0x7F && c != '@' && c != ':' && c != '"' && c != '\\' && c != '/' && c != '%';
}
inline constexpr TextRule kNameRule{1, 32, is_name_char};  // hosts, routes, schedules' own rule is fees'

using FieldErrors = std::vector<FieldError>;

class Binder {
 public:
  // `value` outlives the binder; what is no object is an error at once.
  Binder(const json::value& value, std::string pointer, FieldErrors& errors);

  [[nodiscard]] bool has(std::string_view name);
  [[nodiscard]] std::optional<std::string> text(std::string_view name, const TextRule& rule = {});
  [[nodiscard]] std::string need_text(std::string_view name, const TextRule& rule = {});
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view name, std::int64_t min,
                                                    std::int64_t max);
  [[nodiscard]] std::int64_t need_integer(std::string_view name, std::int64_t min, std::int64_t max);
  [[nodiscard]] std::optional<bool> flag(std::string_view name);
  [[nodiscard]] std::optional<WallTime> time(std::string_view name);
  [[nodiscard]] std::optional<std::string> one_of(std::string_view name,
                                                  std::initializer_list<std::string_view> values);
  [[nodiscard]] std::vector<std::string> texts(std::string_view name, std::size_t count_max,
                                               const TextRule& rule = {});
  [[nodiscard]] std::optional<std::map<std::string, std::string>> labels(std::string_view name);
  [[nodiscard]] const json::value* object(std::string_view name);  // nullptr when absent or no object
  [[nodiscard]] const json::array* array(std::string_view name, std::size_t count_max);

  [[nodiscard]] std::string pointer(std::string_view name) const;
  [[nodiscard]] std::string pointer(std::string_view name, std::size_t index) const;
  [[nodiscard]] const std::string& pointer() const noexcept { return pointer_; }
  void error(std::string_view name, std::string code, std::string detail);
  [[nodiscard]] FieldErrors& errors() noexcept { return errors_; }

  // Refuses every member that nobody asked for.
  void done();

 private:
  const json::value* take(std::string_view name);
  std::optional<std::string> checked(const json::value& value, std::string pointer, const TextRule& rule);

  const json::object* object_ = nullptr;
  std::string pointer_;
  FieldErrors& errors_;
  std::vector<std::string_view> taken_;
};

// unknown_field when nothing else is wrong, else validation_failed.
[[nodiscard]] Problem problem_of(FieldErrors errors);

}  // namespace tollgate::admin
