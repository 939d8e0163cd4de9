// Money: integers of minor units, never a fraction, never a sign that means direction (reference "fees", section 1).
//
// Amount is what a message or a fee line holds: 0 … 999,999,999,999 (field 4 has 12 digits). Balance is a running sum in
// 128 bits, because int64 overflows after 9,223,372 largest sales. Currencies are ISO 4217 numbers; their exponent is for
// display only.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tollgate {

inline constexpr std::int64_t kAmountMax = 999'999'999'999;  // 12 digits of field 4

class Amount {
 public:
  constexpr Amount() noexcept = default;
  // nullopt outside 0 … kAmountMax.
  [[nodiscard]] static constexpr std::optional<Amount> of(std::int64_t minor) noexcept {
    if (minor < 0 || minor > kAmountMax) return std::nullopt;
    return Amount(minor);
  }
  // For values whose bound was proven where they were made; stops the process otherwise.
  [[nodiscard]] static Amount checked(std::int64_t minor) noexcept;

  [[nodiscard]] constexpr std::int64_t minor() const noexcept { return minor_; }
  friend constexpr auto operator<=>(Amount, Amount) noexcept = default;

 private:
  constexpr explicit Amount(std::int64_t minor) noexcept : minor_(minor) {}
  std::int64_t minor_ = 0;
};

struct Currency {
  std::uint16_t number = 0;  // ISO 4217 numeric: 156 CNY
  friend constexpr auto operator<=>(Currency, Currency) noexcept = default;
};

// The alphabetic code ("CNY"), or "" for a number that the table lacks.
[[nodiscard]] std::string_view currency_code(Currency currency) noexcept;
// From "CNY"; nullopt for a code that the table lacks.
[[nodiscard]] std::optional<Currency> currency_of(std::string_view code) noexcept;
// Digits behind the point: JPY 0, CNY 2, KWD 3.
[[nodiscard]] int currency_exponent(Currency currency) noexcept;
// "882.10" for 88210 CNY. Display only.
[[nodiscard]] std::string format_minor(std::int64_t minor, Currency currency);

__extension__ using Int128 = __int128;

// A signed sum: debit positive, credit negative, or as its owner says.
struct Balance {
  Int128 value = 0;
  friend constexpr auto operator<=>(const Balance&, const Balance&) noexcept = default;
};
[[nodiscard]] std::string to_decimal(Balance balance);
[[nodiscard]] std::optional<Balance> balance_of(std::string_view decimal) noexcept;

}  // namespace tollgate
