#include "switch/base/money.h"

#include <algorithm>
#include <array>

#include "switch/base/check.h"

namespace tollgate {
namespace {

struct CurrencyRow {
  std::uint16_t number;
  char code[4];
  std::uint8_t exponent;
};

// ISO 4217, the currencies that acquirers settle in; sorted by number.
constexpr std::array kCurrencies = {
    CurrencyRow{36, "AUD", 2},  CurrencyRow{48, "BHD", 3},  CurrencyRow{96, "BND", 2},  CurrencyRow{116, "KHR", 2},
    CurrencyRow{124, "CAD", 2}, CurrencyRow{152, "CLP", 0}, CurrencyRow{156, "CNY", 2}, CurrencyRow{203, "CZK", 2},
    CurrencyRow{208, "DKK", 2}, CurrencyRow{344, "HKD", 2}, CurrencyRow{348, "HUF", 2}, CurrencyRow{356, "INR", 2},
    CurrencyRow{360, "IDR", 2}, CurrencyRow{376, "ILS", 2}, CurrencyRow{392, "JPY", 0}, CurrencyRow{400, "JOD", 3},
    CurrencyRow{410, "KRW", 0}, CurrencyRow{414, "KWD", 3}, CurrencyRow{446, "MOP", 2}, CurrencyRow{458, "MYR", 2},
    CurrencyRow{484, "MXN", 2}, CurrencyRow{512, "OMR", 3}, CurrencyRow{554, "NZD", 2}, CurrencyRow{578, "NOK", 2},
    CurrencyRow{608, "PHP", 2}, CurrencyRow{634, "QAR", 2}, CurrencyRow{643, "RUB", 2}, CurrencyRow{682, "SAR", 2},
    CurrencyRow{702, "SGD", 2}, CurrencyRow{704, "VND", 0}, CurrencyRow{710, "ZAR", 2}, CurrencyRow{752, "SEK", 2},
    CurrencyRow{756, "CHF", 2}, CurrencyRow{764, "THB", 2}, CurrencyRow{784, "AED", 2}, CurrencyRow{788, "TND", 3},
    CurrencyRow{818, "EGP", 2}, CurrencyRow{826, "GBP", 2}, CurrencyRow{840, "USD", 2}, CurrencyRow{901, "TWD", 2},
    CurrencyRow{949, "TRY", 2}, CurrencyRow{978, "EUR", 2}, CurrencyRow{985, "PLN", 2}, CurrencyRow{986, "BRL", 2},
};

const CurrencyRow* find(Currency currency) noexcept {
  const auto* it = std::ranges::lower_bound(kCurrencies, currency.number, {}, &CurrencyRow::number);
  return it != kCurrencies.end() && it->number == currency.number ? it : nullptr;
}

}  // namespace

Amount Amount::checked(std::int64_t minor) noexcept {
  TG_CHECK(minor >= 0 && minor <= kAmountMax);
  return Amount(minor);
}

std::string_view currency_code(Currency currency) noexcept {
  const auto* row = find(currency);
  return row == nullptr ? std::string_view{} : std::string_view(row->code, 3);
}

std::optional<Currency> currency_of(std::string_view code) noexcept {
  for (const auto& row : kCurrencies)
    if (code == std::string_view(row.code, 3)) return Currency{row.number};
  return std::nullopt;
}

int currency_exponent(Currency currency) noexcept {
  const auto* row = find(currency);
  return row == nullptr ? 2 : row->exponent;
}

std::string format_minor(std::int64_t minor, Currency currency) {
  const int exponent = currency_exponent(currency);
  const bool negative = minor < 0;
  std::string digits = to_decimal(Balance{negative ? -Int128{minor} : Int128{minor}});
  if (exponent > 0) {
    if (digits.size() <= static_cast<std::size_t>(exponent)) digits.insert(0, static_cast<std::size_t>(exponent) + 1 - digits.size(), '0');
    digits.insert(digits.size() - static_cast<std::size_t>(exponent), 1, '.');
  }
  return negative ? "-" + digits : digits;
}

std::string to_decimal(Balance balance) {
  __extension__ using Unsigned = unsigned __int128;
  const bool negative = balance.value < 0;
  Unsigned rest = negative ? -static_cast<Unsigned>(balance.value) : static_cast<Unsigned>(balance.value);
  char buffer[41];
  char* at = buffer + sizeof buffer;
  do {
    *--at = static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
  } while (rest != 0);
  if (negative) *--at = '-';
  return {at, buffer + sizeof buffer};
}

std::optional<Balance> balance_of(std::string_view decimal) noexcept {
  const bool negative = decimal.starts_with('-');
  if (negative) decimal.remove_prefix(1);
  if (decimal.empty() || decimal.size() > 38) return std::nullopt;  // 38 digits always fit 127 bits
  Int128 value = 0;
  for (const char c : decimal) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return Balance{negative ? -value : value};
}

}  // namespace tollgate
