// BusinessClock: which business date an instant belongs to, by the zone and cut-off of a schedule (reference
// "fees", section 3.1). The zone's offsets are compiled once into a table, so that a clock is immutable and
// may be shared by every thread, which a TimeZone with its cache may not. The terminal's own clock never
// decides.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "switch/base/result.h"
#include "switch/base/time.h"

namespace tollgate::fees {

class BusinessClock {
 public:
  struct Moment {
    BusinessDate business_date;     // the local date, and one day more from the cut-off on
    std::int32_t local_minute = 0;  // 0 … 1439 of the local clock
  };

  // cutoff_minute: 720 … 1440. Refuses a zone that the IANA data base lacks.
  [[nodiscard]] static Result<BusinessClock> load(std::string_view zone, std::int32_t cutoff_minute);

  [[nodiscard]] Moment at(WallTime time) const noexcept;

 private:
  BusinessClock(TimeZone zone, std::int32_t cutoff_s) : zone_(std::move(zone)), cutoff_s_(cutoff_s) {}
  [[nodiscard]] std::int64_t offset_s(std::int64_t second) const noexcept;

  struct Step {
    std::int64_t from_s;
    std::int64_t offset_s;
  };
  TimeZone zone_;  // for instants outside the table; copied before use
  std::int32_t cutoff_s_;
  std::vector<Step> steps_;  // ascending; the first begins the table
};

}  // namespace tollgate::fees
