// Coverage: what a rule's match takes, in a form that can be compared (internal to fees/). Ranges are merged,
// hours are a set of minutes, lists are sorted, so that "holds" is set inclusion in every dimension.
#pragma once

#include <bitset>
#include <vector>

#include "fees/model.h"

namespace tollgate::fees {

class Coverage {
 public:
  explicit Coverage(const Match& match);
  // Names no dimension that `other` lacks, and contains its values in each.
  [[nodiscard]] bool holds(const Coverage& other) const;
  // No fact can satisfy both. False does not mean that one can: two tags may stand on one transaction.
  [[nodiscard]] bool excludes(const Coverage& other) const;

 private:
  [[nodiscard]] bool both_name(const Coverage& other, Dimension d) const noexcept {
    return match_->names(d) && other.match_->names(d);
  }

  const Match* match_;
  std::vector<Code> brands_, tags_;
  std::vector<Currency> currencies_;
  std::vector<Range> mcc_, dates_;
  Range amount_, volume_;
  std::bitset<1440> minutes_;
};

[[nodiscard]] std::vector<Coverage> coverage_of(const std::vector<Rule>& rules);

}  // namespace tollgate::fees
