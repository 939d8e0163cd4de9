#include "switch/base/money.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace tollgate {
namespace {

constexpr Currency kCny{156}, kJpy{392}, kKwd{414};

TEST(Amount, HoldsTwelveDigitsAndNoMore) {
  EXPECT_EQ(Amount::of(0)->minor(), 0);
  EXPECT_EQ(Amount::of(999'999'999'999)->minor(), 999'999'999'999);
  EXPECT_EQ(Amount::of(1'000'000'000'000), std::nullopt);
  EXPECT_EQ(Amount::of(-1), std::nullopt);
  EXPECT_EQ(Amount::of(INT64_MIN), std::nullopt);
}

TEST(AmountDeathTest, StopsTheProcessWhenAProvenBoundIsWrong) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EQ(Amount::checked(5).minor(), 5);
  EXPECT_DEATH((void)Amount::checked(-1), "minor >= 0");
  EXPECT_DEATH((void)Amount::checked(kAmountMax + 1), "minor <= kAmountMax");
}

TEST(Currency, KnowsCodeNumberAndExponent) {
  EXPECT_EQ(currency_code(kCny), "CNY");
  EXPECT_EQ(currency_of("CNY"), kCny);
  EXPECT_EQ(currency_exponent(kCny), 2);
  EXPECT_EQ(currency_exponent(kJpy), 0);
  EXPECT_EQ(currency_exponent(kKwd), 3);
  EXPECT_EQ(currency_code({999}), "");
  EXPECT_EQ(currency_of("XXX"), std::nullopt);
  EXPECT_EQ(currency_of("cny"), std::nullopt);
  EXPECT_EQ(currency_of("CNYX"), std::nullopt);
}

TEST(Currency, TableIsSortedSoThatEveryRowIsFound) {
  for (std::uint16_t n = 0; n < 1000; ++n) {
    const auto code = currency_code({n});
    if (!code.empty()) {
      EXPECT_EQ(currency_of(code), Currency{n}) << code;
    }
  }
  for (const auto* code : {"AUD", "USD", "EUR", "BRL", "TWD", "HKD", "THB"})
    EXPECT_NE(currency_code(*currency_of(code)), "") << code;
}

TEST(FormatMinor, PutsThePointWhereTheCurrencyHasIt) {
  EXPECT_EQ(format_minor(88210, kCny), "882.10");
  EXPECT_EQ(format_minor(5, kCny), "0.05");
  EXPECT_EQ(format_minor(0, kCny), "0.00");
  EXPECT_EQ(format_minor(-5, kCny), "-0.05");
  EXPECT_EQ(format_minor(100, kCny), "1.00");
  EXPECT_EQ(format_minor(88210, kJpy), "88210");
  EXPECT_EQ(format_minor(7, kKwd), "0.007");
  EXPECT_EQ(format_minor(INT64_MIN, kCny), "-92233720368547758.08");
}

TEST(Balance, IsWrittenAndReadBeyondSixtyFourBits) {
  const Int128 big = Int128{INT64_MAX} * 1'000'000;
  EXPECT_EQ(to_decimal({big}), "9223372036854775807000000");
  EXPECT_EQ(balance_of("9223372036854775807000000")->value, big);
  EXPECT_EQ(to_decimal({-big}), "-9223372036854775807000000");
  EXPECT_EQ(balance_of(to_decimal({-big}))->value, -big);
  EXPECT_EQ(to_decimal({0}), "0");
  const Int128 least = Int128{1} << 126;
  EXPECT_EQ(to_decimal({-least - least}), "-170141183460469231731687303715884105728");
}

TEST(Balance, RefusesWhatIsNotADecimal) {
  for (const char* text :
       {"", "-", "+1", "1.0", "1e3", " 1", "0x1", "--1", "170141183460469231731687303715884105728"})
    EXPECT_FALSE(balance_of(text)) << text;
}

}  // namespace
}  // namespace tollgate
