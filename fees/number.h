// The arithmetic of fees: exact values, rounding, and the one formula for giving back (reference "fees",
// section 1).
//
// Amounts are int64 minor units, rates are int64 nano (0.6 % = 6,000,000), exact values are 128-bit integers
// over 10^18. There is no floating point in this module and no other place that rounds. Every function is
// pure and may be called from any thread; a broken bound is a CHECK, because a wrong fee is worse than none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "switch/base/money.h"

namespace tollgate::fees {

inline constexpr std::int64_t kNano = 1'000'000'000;      // a rate of 1
inline constexpr std::int64_t kExactOne = kNano * kNano;  // one minor unit in an exact value
inline constexpr std::int64_t kVolumeMax = (std::int64_t{1} << 53) - 1;

using Exact = Int128;  // value × 10^18, never negative

enum class Rounding : std::uint8_t { half_up, half_even, half_down, down, up };

struct Rounded {
  std::int64_t units = 0;
  bool tie = false;  // the exact value was a half: the mode decided
};
[[nodiscard]] Rounded round_exact(Exact value, Rounding mode) noexcept;

// numerator / denominator, rounded; numerator ≥ 0, denominator > 0.
[[nodiscard]] std::int64_t divide_rounded(Int128 numerator, Int128 denominator, Rounding mode) noexcept;

// T(v, done, whole, mode) = round(v × done / whole): what of v is given back when `done` of `whole` is
// undone. 0 if whole is 0. Each step books T(after) − T(before), so that any path to the whole returns the
// whole.
struct GiveBack {
  std::int64_t value_minor = 0;
  std::int64_t done_minor = 0;
  std::int64_t whole_minor = 0;
  Rounding mode = Rounding::half_up;
};
[[nodiscard]] std::int64_t give_back(const GiveBack& of) noexcept;

// The value that stands in a message or a report: "4.506", "60"; no trailing zero.
[[nodiscard]] std::string exact_text(Exact value);
// "0.006" for 6,000,000: the shortest form.
[[nodiscard]] std::string rate_text(std::int64_t rate_nano);
// "0" … "1" with at most nine decimals; nullopt for anything else.
[[nodiscard]] std::optional<std::int64_t> parse_rate(std::string_view text) noexcept;

}  // namespace tollgate::fees
