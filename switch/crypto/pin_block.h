// The parts of a clear PIN block (ISO 9564-1 format 0), as big-endian integers; for files of this folder
// only.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tollgate::crypto {

inline constexpr unsigned kPinMin = 4, kPinMax = 12;  // digits, ISO 9564-1

// 0000 and the 12 digits left of the check digit; nullopt unless pan has 13 to 19 digits.
[[nodiscard]] std::optional<std::uint64_t> pan_part(std::string_view pan) noexcept;
// 0, length, digits, F to the end. Looks at every nibble whatever it finds.
[[nodiscard]] bool pin_part_well_formed(std::uint64_t block) noexcept;
// Between that integer and a block as it lies in memory.
[[nodiscard]] std::uint64_t to_block(std::uint64_t big_endian) noexcept;

}  // namespace tollgate::crypto
