// The words of the reference for every enumeration, in the order of its values (internal to fees/ and its
// checker).
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "fees/facts.h"
#include "fees/model.h"

namespace tollgate::fees {

using Words = std::string_view;

inline constexpr std::array<Words, 7> kChannelWords = {"CONTACT",
                                                       "CONTACTLESS",
                                                       "MAGSTRIPE",
                                                       "MANUAL",
                                                       "ECOM",
                                                       "QR_MERCHANT_PRESENTED",
                                                       "QR_CUSTOMER_PRESENTED"};
inline constexpr std::array<Words, 3> kFundingWords = {"DEBIT", "CREDIT", "PREPAID"};
inline constexpr std::array<Words, 3> kRegionWords = {"DOMESTIC", "INTRA", "INTER"};
inline constexpr std::array<Words, 3> kSettlementWords = {"T1", "D0", "INSTANT"};
inline constexpr std::array<Words, 7> kWeekdayWords = {"MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"};
inline constexpr std::array<Words, 5> kRoundingWords = {"HALF_UP", "HALF_EVEN", "HALF_DOWN", "DOWN", "UP"};
inline constexpr std::array<Words, 2> kRoundAtWords = {"COMPONENT", "TOTAL"};
inline constexpr std::array<Words, 5> kEventWords = {"SALE", "VERIFY", "DECLINE", "REFUND", "CHARGEBACK"};
inline constexpr std::array<Words, 4> kPayerWords = {"MERCHANT", "CARDHOLDER", "HOUSE", "NONE"};
inline constexpr std::array<Words, 5> kBaseWords = {"AMOUNT", "GOODS", "TIP", "CASHBACK", "FEES"};
inline constexpr std::array<Words, 3> kVolumeWords = {"PREVIOUS", "RUNNING", "RETROACTIVE"};
inline constexpr std::array<Words, 3> kRefundWords = {"PROPORTIONAL", "KEEP", "FULL_ONLY"};
inline constexpr std::array<Words, 2> kTaxModeWords = {"INCLUSIVE", "EXCLUSIVE"};
inline constexpr std::array<Words, 2> kTaxLevelWords = {"TRANSACTION", "PERIOD"};
inline constexpr std::array<Words, 2> kSplitWords = {"DOWN", "LARGEST_REMAINDER"};
inline constexpr std::array<Words, 2> kCycleWords = {"MONTH", "YEAR"};
inline constexpr std::array<Words, 2> kPerWords = {"TERMINAL", "MERCHANT"};
inline constexpr std::array<Words, 2> kAnchorWords = {"ACTIVATION", "CALENDAR"};
inline constexpr std::array<Words, 2> kTimingWords = {"ADVANCE", "ARREARS"};
inline constexpr std::array<Words, 2> kProrationWords = {"NONE", "DAILY"};
inline constexpr std::array<Words, 2> kCollectWords = {"NET", "INVOICE"};
inline constexpr std::array<Words, 4> kLevelWords = {"DEFAULT", "AGENT", "MERCHANT", "TERMINAL"};

// The facts' enumerations begin with "absent", so their value is the index in the words plus one.
template <class Enum, std::size_t N>
[[nodiscard]] constexpr std::optional<Enum> fact_of(const std::array<Words, N>& words,
                                                    std::string_view word) noexcept {
  for (std::size_t i = 0; i < N; ++i)
    if (words[i] == word) return static_cast<Enum>(i + 1);
  return std::nullopt;
}
template <class Enum, std::size_t N>
[[nodiscard]] constexpr Words fact_word(const std::array<Words, N>& words, Enum value) noexcept {
  const auto i = static_cast<std::size_t>(value);
  return i == 0 ? Words{} : words[i - 1];
}

}  // namespace tollgate::fees
