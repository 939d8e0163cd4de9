// The engine: facts and a schedule in, an assessment out (reference "fees", 3.2). Pure: no clock, no state,
// no allocation, no failure. Same event, same volumes, same schedule: same integers, for ever. Any thread,
// any number at once.
//
// An Assessment belongs to its caller, who reuses it: assess fills what it counts and leaves the rest as it
// was, so reading past a count is reading rubbish. It holds what a posting and a receipt need; changes by
// later events (refund, void, reversal, partial reversal: change.h) have the same shape with signed amounts,
// so one posting rule serves all.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "fees/facts.h"
#include "fees/model.h"
#include "fees/schedule.h"

namespace tollgate::fees {

// What is priced. Amounts are 0 … 999,999,999,999 and tip + cashback ≤ amount; the caller has checked
// (AMOUNT_RANGE).
struct Event {
  PricedEvent kind = PricedEvent::sale;
  std::int64_t amount_minor = 0;
  std::int64_t tip_minor = 0;
  std::int64_t cashback_minor = 0;
  BusinessDate business_date;     // of the event, from CompiledSchedule::moment
  std::int32_t local_minute = 0;  // likewise
  Facts facts;
};

// The volume number of each component by its index, before the event: of last month (PREVIOUS, RETROACTIVE)
// or of this one (RUNNING). A shorter span, or an empty one, stands for zeros.
struct Volumes {
  std::span<const std::int64_t> number;
};

namespace flag {
inline constexpr std::uint16_t kMin = 1, kMax = 2, kTie = 4, kGroupMin = 8,
                               kGroupMax = 16;                                 // of a priced line
inline constexpr std::uint16_t kReturned = 32, kMirror = 64, kRepriced = 128;  // of a change
}  // namespace flag

inline constexpr std::uint16_t kNoRule = 0xFFFF;

struct Line {
  std::uint16_t component = 0;   // index in FeeSchedule::components
  std::uint16_t rule = kNoRule;  // index in Component::rules; kNoRule: given back or taken back, not priced
  std::uint16_t flags = 0;
  Payer payer = Payer::merchant;
  bool taxable = false;         // counts for the schedule's tax, of either level
  std::uint16_t account = 0;    // four digits: income of a fee, expense of a cost; 0 when the payer is NONE
  std::uint16_t contra = 0;     // credit side of a cost
  Exact exact = 0;              // after discount and clamp; 0 without a rule
  std::int64_t base_minor = 0;  // what was priced; adds to the component's volume when the event is a sale
  std::int64_t volume = 0;      // the number the rule saw
  std::int64_t cap_delta_minor = 0;  // change by cap groups, in amount
  std::int64_t amount_minor = 0;
};

// One split: what each party gets, in declared order, and what stays with the house.
struct SplitLine {
  std::uint16_t split = 0;  // index in FeeSchedule::splits
  std::uint16_t parties = 0;
  std::int64_t of_minor = 0;  // sum of the components shared
  std::int64_t house_minor = 0;
  std::array<std::int64_t, kPartiesMax> party_minor;
};

// Changes: positive as a sale makes them, negative when given back.
struct Totals {
  std::int64_t gross_minor = 0;  // what clearing owes: amount and cardholder fee
  std::int64_t fee_minor = 0;    // lines the merchant pays, without tax on top
  std::int64_t cardholder_fee_minor = 0;
  std::int64_t cost_minor = 0;          // lines of the house
  std::int64_t taxable_minor = 0;       // what TRANSACTION tax was worked out on
  std::int64_t tax_minor = 0;           // TRANSACTION tax; its mode is the schedule's
  std::int64_t merchant_net_minor = 0;  // change of the merchant payable; may be negative
};

struct Assessment {
  std::uint16_t line_count = 0;
  std::uint16_t split_count = 0;
  Totals totals;
  std::array<Line, kComponentsMax> line_store;
  std::array<SplitLine, kGroupsMax> split_store;

  Assessment() noexcept {}  // NOLINT(modernize-use-equals-default): the stores stay unset on purpose
  Assessment(const Assessment& other) noexcept { *this = other; }
  Assessment& operator=(const Assessment& other) noexcept;
  [[nodiscard]] std::span<const Line> lines() const noexcept { return {line_store.data(), line_count}; }
  [[nodiscard]] std::span<Line> lines() noexcept { return {line_store.data(), line_count}; }
  [[nodiscard]] std::span<const SplitLine> splits() const noexcept {
    return {split_store.data(), split_count};
  }
  [[nodiscard]] std::span<SplitLine> splits() noexcept { return {split_store.data(), split_count}; }
};

// Prices the event. merchant_net is amount − fees − tax on top for a sale; for REFUND and CHARGEBACK only
// this event's own fees (the amount itself goes back through change.h), for VERIFY and DECLINE there is no
// amount to pay out.
void assess(const CompiledSchedule& schedule, const Event& event, const Volumes& volumes,
            Assessment& out) noexcept;

// The first rule of a component that takes the event, or kNoRule. For quotes and checks; assess does not go
// through it.
[[nodiscard]] std::uint16_t matching_rule(const CompiledSchedule& schedule, std::uint16_t component,
                                          const Event& event, std::int64_t volume) noexcept;

}  // namespace tollgate::fees
