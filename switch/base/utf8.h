// UTF-8 as RFC 3629 has it: no overlong form, no surrogate, nothing above U+10FFFF. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tollgate::utf8 {

inline constexpr std::string_view kReplacement =
    "\xEF\xBF\xBD";  // U+FFFD, in place of a byte that is not UTF-8

struct CodePoint {
  std::uint32_t value = 0;
  std::size_t size = 0;  // bytes; 0: what stands here is not UTF-8
};

// The code point at the front of text, which is not empty.
[[nodiscard]] CodePoint front(std::string_view text) noexcept;
[[nodiscard]] bool valid(std::string_view text) noexcept;

}  // namespace tollgate::utf8
