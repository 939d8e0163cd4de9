// What is looked for in one schedule before it may be published (reference "fees", section 4), beyond its
// form: DUPLICATE_ID, UNKNOWN_ID, BAD_RANGE, BAD_SHARE, BAD_COMBINATION, DEAD_RULE, UNCOVERED, in this order.
// load_schedule runs it; nobody else needs to. Checks against other versions are in price_book.h; what is
// reported without refusing is in report.h.
#pragma once

#include <optional>

#include "fees/model.h"
#include "fees/refusal.h"

namespace tollgate::fees {

[[nodiscard]] std::optional<Refusal> check_schedule(const FeeSchedule& schedule);

}  // namespace tollgate::fees
