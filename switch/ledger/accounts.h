// Chart of accounts: four digits, each with the key of its sub-ledger. Source: fees reference, section 6.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "switch/base/ids.h"

namespace tollgate::ledger {

using Account = Strong<struct AccountTag, std::uint16_t>;

inline constexpr Account kSchemeClearing{1100};      // [scheme]
inline constexpr Account kQrClearing{1110};          // [channel]
inline constexpr Account kMerchantReceivable{1300};  // [merchant]
inline constexpr Account kPayablePending{2100};      // [merchant]
inline constexpr Account kPayoutInTransit{2130};     // [payout]
inline constexpr Account kAgents{2300};              // [agent]
inline constexpr Account kVat{2400};
inline constexpr Account kAgentExpense{5200};

// 9xxx: commitments that are not money yet. They never share an entry with real accounts (invariant 2).
[[nodiscard]] constexpr bool is_memo(Account account) noexcept {
  return account.value >= 9000;
}
[[nodiscard]] constexpr bool is_account(std::uint32_t number) noexcept {
  return number >= 1000 && number <= 9999;
}

// "2100/102290058120001", or "4100" where there is no sub-ledger.
[[nodiscard]] inline std::string account_name(std::uint32_t account, std::string_view sub) {
  auto name = std::to_string(account);
  if (!sub.empty()) name.append(1, '/').append(sub);
  return name;
}

}  // namespace tollgate::ledger
