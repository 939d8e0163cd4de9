// Private to switch/iso: the dialect files of switch/iso/dialects, as CMake wrote them into the binary.
#pragma once

#include <string_view>

namespace tollgate::iso::builtin {

inline constexpr std::string_view kNames[] = {"cup", "iso87-ascii", "iso87-bcd", "iso93-ascii"};
extern const std::string_view kTexts[4];  // in the order of kNames

}  // namespace tollgate::iso::builtin
