// What this binary is: the project's version and the commit it was built from, written by CMake. Thread: any;
// constants.
#pragma once

#include <string_view>

namespace tollgate {

[[nodiscard]] std::string_view version() noexcept;  // "0.1.0"
[[nodiscard]] std::string_view
commit() noexcept;  // 12 hex digits, with "+" when files differed; "unknown" outside a clone

}  // namespace tollgate
