// Writes JSON into a string, member by member, in the order it is told. For what the interface answers;
// reading is binder.h's. Commas and escapes are its business, balance of brackets the caller's. A byte that is not
// UTF-8 (terminals and hosts send GBK) becomes U+FFFD.
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <optional>
#include <string>
#include <string_view>

namespace tollgate::admin {

// Appends `text` with quotes; control characters, quote and backslash escaped.
void append_json_string(std::string& out, std::string_view text);

class JsonOut {
 public:
  explicit JsonOut(std::string& out) : out_(out) {}

  JsonOut& begin_object() { return open('{'); }
  JsonOut& end_object() { return close('}'); }
  JsonOut& begin_array() { return open('['); }
  JsonOut& end_array() { return close(']'); }
  JsonOut& key(std::string_view name) {
    comma();
    append_json_string(out_, name);
    out_ += ':';
    fresh_ = true;
    return *this;
  }

  JsonOut& value(std::string_view text) {
    comma();
    append_json_string(out_, text);
    return *this;
  }
  JsonOut& value(const char* text) { return value(std::string_view(text)); }
  JsonOut& value(const std::string& text) { return value(std::string_view(text)); }
  JsonOut& value(std::same_as<bool> auto flag) { return raw(flag ? "true" : "false"); }
  template <std::integral T>
  requires(!std::same_as<T, bool>) JsonOut& value(T number) {
    comma();
    fmt::format_to(std::back_inserter(out_), "{}", number);
    return *this;
  }
  JsonOut& null() { return raw("null"); }
  // Text that is JSON already.
  JsonOut& raw(std::string_view json) {
    comma();
    out_ += json;
    return *this;
  }

  template <class T>
  JsonOut& field(std::string_view name, const T& v) {
    return key(name).value(v);
  }
  // null where there is nothing to say
  JsonOut& field_or_null(std::string_view name, std::string_view text) {
    key(name);
    return text.empty() ? null() : value(text);
  }

 private:
  JsonOut& open(char bracket) {
    comma();
    out_ += bracket;
    fresh_ = true;
    return *this;
  }
  JsonOut& close(char bracket) {
    out_ += bracket;
    fresh_ = false;
    return *this;
  }
  void comma() {
    if (!fresh_) out_ += ',';
    fresh_ = false;
  }

  std::string& out_;
  bool fresh_ = true;
};

}  // namespace tollgate::admin
