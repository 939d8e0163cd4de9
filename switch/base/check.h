// CHECK: a promise of this code to itself. On in production. A false one stops the process: for money, no answer is better
// than a wrong one. The text never holds data, only the expression and its place.
#pragma once

namespace tollgate {
[[noreturn]] void check_failed(const char* expression, const char* file, int line) noexcept;
}  // namespace tollgate

#define TG_CHECK(expression)                                                          \
  do {                                                                                \
    if (!(expression)) [[unlikely]]                                                   \
      ::tollgate::check_failed(#expression, __FILE__, __LINE__);                      \
  } while (false)
