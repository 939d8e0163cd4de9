// Which business date a moment belongs to: the local calendar date, plus one day at and after the cut-off
// (fees reference, section 3.1, rule 2). Thread: its owner's (the zone caches its offset).
#pragma once

#include <cstdint>

#include "switch/base/time.h"

namespace tollgate::ledger {

class BusinessDay {
 public:
  BusinessDay(TimeZone zone, std::int32_t cutoff_s) : zone_(std::move(zone)), cutoff_s_(cutoff_s) {}
  [[nodiscard]] LocalTime local(WallTime time) const { return zone_.local(time); }
  [[nodiscard]] BusinessDate date(WallTime time) const {
    const auto here = zone_.local(time);
    return {here.date.days + (here.second_of_day >= cutoff_s_ ? 1 : 0)};
  }
  [[nodiscard]] const TimeZone& zone() const noexcept { return zone_; }

 private:
  TimeZone zone_;
  std::int32_t cutoff_s_;
};

}  // namespace tollgate::ledger
