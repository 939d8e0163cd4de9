// What an event of the past would have cost under another schedule: the same engine, the facts, amounts and
// volumes of its receipt. For replay and for the effect of a draft before it is published. Pure; any thread.
//
// Volumes are those that the receipt holds, by component id; a component that counted none then has none
// now.
#pragma once

#include <optional>

#include "fees/receipt.h"

namespace tollgate::fees {

// The sale behind a refund, a mirror or a replacement, as its own receipt told it.
struct PastSale {
  Event event;
  std::vector<std::int64_t> numbers;  // volumes by component of the candidate
};
// nullopt when the receipt is no sale's, or does not read.
[[nodiscard]] std::optional<PastSale> past_sale(const v1::Receipt& receipt, const CompiledSchedule& own,
                                                const CompiledSchedule& candidate);

// `sale` is looked at for refunds, mirrors and replacements only; without it their facts and date stand in
// for the sale's. nullopt when the receipt holds what no receipt can.
[[nodiscard]] std::optional<Assessment> what_if(const v1::Receipt& receipt, const CompiledSchedule& own,
                                                const CompiledSchedule& candidate, const PastSale* sale);

}  // namespace tollgate::fees
