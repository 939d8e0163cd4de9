// The combinations of facts that the rules of a schedule tell apart (internal to fees/: report.cpp).
#pragma once

#include <string>
#include <vector>

#include "fees/engine.h"

namespace tollgate::fees {

struct Segment {
  Event event;              // a sale with those facts, date and time; the amount is open
  std::int64_t volume = 0;  // the number that every component sees
  std::string name;
  std::vector<std::int64_t> starts;  // amounts where a rule that it can meet, or a tier, begins; ascending
};

struct Segments {
  std::vector<Segment> list;  // no two with the same rules
  bool complete = true;
};

[[nodiscard]] Segments segments_of(const CompiledSchedule& schedule, std::size_t points_max);

// Whether the match takes the event at some amount.
[[nodiscard]] bool takes_at_some_amount(const Match& match, const Event& event, Currency currency,
                                        std::int64_t volume);

}  // namespace tollgate::fees
