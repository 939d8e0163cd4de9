// From JSON to a FeeSchedule or an Assignment (internal to fees/): every SCHEMA rule of the reference, and
// nothing else.
#pragma once

#include <string>
#include <string_view>

#include "fees/model.h"
#include "fees/refusal.h"

namespace tollgate::fees {

struct ReadSchedule {
  FeeSchedule schedule;
  std::string canonical;
};
[[nodiscard]] Priced<ReadSchedule> read_schedule(std::string_view json);
[[nodiscard]] Priced<Assignment> read_assignment(std::string_view json);

}  // namespace tollgate::fees
