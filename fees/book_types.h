// What goes into a Book and comes out of it: events, and results as changes (what is given back is negative).
// Plain values.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "fees/engine.h"
#include "fees/recurring.h"
#include "fees/schedule.h"

namespace tollgate::fees {

// Who and what an event is about, as the event itself says it. What it leaves out comes from the transaction
// that it refers to, or else from the defaults.
struct EventFacts {
  std::string merchant, terminal, agent;
  Facts facts;
  friend bool operator==(const EventFacts&, const EventFacts&) = default;
  [[nodiscard]] Parties parties() const noexcept { return {terminal, merchant, agent}; }
};
enum class Fact : std::uint8_t {
  merchant,
  terminal,
  agent,
  channel,
  brand,
  funding,
  region,
  settlement,
  mcc,
  currency,
  tags
};
struct FactsPatch {
  std::uint16_t given = 0;  // a bit per Fact
  EventFacts value;
  void give(Fact fact) noexcept { given |= static_cast<std::uint16_t>(1U << static_cast<unsigned>(fact)); }
  [[nodiscard]] EventFacts over(EventFacts base) const;
};

enum class EventType : std::uint8_t {
  sale,
  completion,
  preauth,
  refund,
  chargeback,
  reversal,
  void_sale,
  release,
  representment,
  verify,
  decline
};

struct TxnEvent {
  EventType type = EventType::sale;
  std::string id, ref;
  WallTime at;
  std::int64_t amount_minor = 0, tip_minor = 0, cashback_minor = 0;
  std::optional<std::int64_t> replacement_minor;  // partial reversal
  EventFacts defaults;
  FactsPatch own;
};

namespace txn_flag {
inline constexpr std::uint16_t kMemo = 1, kReplay = 2, kTombstone = 4, kAsRefund = 8, kNegativeNet = 16,
                               kNoReceipt = 32;
}

struct TxnResult {
  SchedulePtr schedule;  // that priced it; empty for a tombstone
  BusinessDate business_date;
  std::vector<Line> lines;
  std::vector<SplitLine> splits;
  Totals totals;
  std::int64_t hold_minor = 0;            // change of memo holds
  std::int64_t instant_payout_minor = 0;  // sent at once
  std::uint16_t flags = 0;
};

struct Charge {
  std::string fee, subject;
  BusinessDate from, to;
  std::int32_t used = 0, days = 0;
  std::int64_t amount_minor = 0;
  bool waived = false, returned = false;
};
struct Earned {
  std::string fee, subject;
  BusinessDate from;
  std::int64_t amount_minor = 0;
};
struct RecurringResult {
  BusinessDate business_date;
  std::vector<Charge> charges;
  std::int64_t fee_minor = 0, tax_minor = 0, merchant_net_minor = 0;
  std::int64_t deposit_minor = 0;  // closing
  std::vector<Earned> earned;      // closing
};
struct RecognisedResult {
  BusinessDate business_date;
  std::vector<Earned> earned;
};
struct Adjustment {
  std::string component;
  std::int64_t charged_minor = 0, due_minor = 0;
};
struct PeriodTaxed {
  Tax tax;
  Rounding rounding = Rounding::half_up;
  std::int64_t base_minor = 0, tax_minor = 0;
};
struct PeriodResult {
  std::vector<Adjustment> adjustments;
  std::vector<PeriodTaxed> taxes;
  std::int64_t merchant_net_minor = 0;
};

enum class LineKind : std::uint8_t {
  sale,
  refund,
  chargeback,
  representment,
  fee,
  fee_returned,
  tax,
  recurring,
  deposit,
  adjustment
};
inline constexpr std::size_t kLineKinds = 10;
using LineSums = std::array<std::int64_t, kLineKinds>;

struct SettleResult {
  BusinessDate business_date;
  LineSums lines{};
  BatchIn in;
  BatchOut out;
};

}  // namespace tollgate::fees
