// Text of a message inside a line of JSON: what could end the string or the line becomes '?'. Peers are
// hostile by default.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace tollgate::sim {

[[nodiscard]] inline std::string log_text(std::string_view text) {
  std::string plain(text);
  std::ranges::replace_if(
      plain, [](unsigned char c) { return c < 0x20 || c > 0x7E || c == '"' || c == '\\'; }, '?');
  return plain;
}

}  // namespace tollgate::sim
