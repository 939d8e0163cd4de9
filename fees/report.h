// What is reported of a schedule before it is published, without refusing it (reference "fees", section 4,
// last paragraph): it may be meant, so a person overrides it in writing. Everything is found at the break
// points of the piecewise-linear fee, on exact values; no amount is sampled.
//
// A segment is a set of facts that the rules do not tell apart. Up to kSegmentPoints combinations of the
// values that rules name are looked at; beyond that one for each rule, and `complete` is false. Tags are
// taken one at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fees/schedule.h"

namespace tollgate::fees {

inline constexpr std::size_t kSegmentPoints = 4096;

enum class FindingKind : std::uint8_t {
  net_falls,  // one unit more of sale leaves the merchant less, exactly: from → to, net before → net after
  fee_above_amount,  // fee and tax on top exceed the sale: the largest such ticket is `to`
  free_ticket,       // no fee at all: the largest such ticket is `to`
  negative_margin  // fees of the merchant below the house's costs, from … to; value is the lowest margin at
                   // its ends
};

struct Finding {
  FindingKind kind = FindingKind::net_falls;
  std::string segment;  // "funding DEBIT, settlement INSTANT"; "any" when the rules name nothing
  std::int64_t from_minor = 0, to_minor = 0;
  std::int64_t before_minor = 0,
               after_minor = 0;  // net_falls: net at from and at to; negative_margin: margin at from and to

  // As a sentence with amounts of the currency.
  [[nodiscard]] std::string text(const CompiledSchedule& schedule) const;
};

struct Report {
  std::vector<Finding> findings;
  std::size_t segments = 0;  // that differ in their rules
  bool complete = true;
};

[[nodiscard]] Report report_on(const CompiledSchedule& schedule);

}  // namespace tollgate::fees
