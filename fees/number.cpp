#include "fees/number.h"

#include "switch/base/check.h"

namespace tollgate::fees {
namespace {

// Every rounding of the module ends here: quotient, remainder and divisor of a value that is not negative.
template <class Integer>
Rounded settle(Integer quotient, Integer remainder, Integer divisor, Rounding mode) noexcept {
  TG_CHECK(quotient <= static_cast<Integer>(INT64_MAX - 1));
  auto units = static_cast<std::int64_t>(quotient);
  const Integer rest = divisor - remainder;  // compared instead of 2 × remainder, which could overflow
  const bool tie = remainder == rest;
  bool above = false;
  switch (mode) {
    case Rounding::down:
      break;
    case Rounding::up:
      above = remainder != 0;
      break;
    case Rounding::half_up:
      above = remainder >= rest;
      break;
    case Rounding::half_down:
      above = remainder > rest;
      break;
    case Rounding::half_even:
      above = remainder > rest || (tie && (units & 1) != 0);
      break;
  }
  return {units + (above ? 1 : 0), tie};
}

}  // namespace

Rounded round_exact(Exact value, Rounding mode) noexcept {
  TG_CHECK(value >= 0);
  __extension__ using Unsigned = unsigned __int128;
  const auto whole = static_cast<Unsigned>(value);
  if (whole >> 64 == 0) {  // below 18.4 minor units, but also every value without cents of a small ticket
    const auto small = static_cast<std::uint64_t>(whole);
    constexpr std::uint64_t kOne = kExactOne;
    return settle<std::uint64_t>(small / kOne, small % kOne, kOne, mode);
  }
  const Unsigned quotient = whole / static_cast<Unsigned>(kExactOne);
  return settle<Unsigned>(quotient, whole - quotient * static_cast<Unsigned>(kExactOne),
                          static_cast<Unsigned>(kExactOne), mode);
}

std::int64_t divide_rounded(Int128 numerator, Int128 denominator, Rounding mode) noexcept {
  TG_CHECK(numerator >= 0 && denominator > 0);
  const Int128 quotient = numerator / denominator;
  return settle<Int128>(quotient, numerator - quotient * denominator, denominator, mode).units;
}

std::int64_t give_back(const GiveBack& of) noexcept {
  TG_CHECK(of.value_minor >= 0 && of.done_minor >= 0 && of.whole_minor >= 0);
  if (of.whole_minor == 0) return 0;
  return divide_rounded(Int128{of.value_minor} * of.done_minor, of.whole_minor, of.mode);
}

std::string exact_text(Exact value) {
  std::string text = to_decimal(Balance{value / kExactOne});
  auto fraction = static_cast<std::int64_t>(value % kExactOne);
  if (fraction == 0) return text;
  std::string digits = std::to_string(fraction);
  digits.insert(0, 18 - digits.size(), '0');
  digits.erase(digits.find_last_not_of('0') + 1);
  return text + "." + digits;
}

std::string rate_text(std::int64_t rate_nano) {
  return exact_text(Exact{rate_nano} * kNano);
}

std::optional<std::int64_t> parse_rate(std::string_view text) noexcept {
  if (text.empty() || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  std::int64_t value = (text[0] - '0') * kNano;
  text.remove_prefix(1);
  if (!text.empty()) {
    if (text[0] != '.' || text.size() < 2 || text.size() > 10) return std::nullopt;
    std::int64_t unit = kNano;
    for (const char c : text.substr(1)) {
      if (c < '0' || c > '9') return std::nullopt;
      unit /= 10;
      value += (c - '0') * unit;
    }
  }
  if (value > kNano) return std::nullopt;
  return value;
}

}  // namespace tollgate::fees
