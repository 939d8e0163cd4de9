// A device's custody follows its terminal: assigned when an estate document binds it, deployed when the
// terminal is active. Terminal and device live in different partitions, so it is an order of its own, after
// the terminal's; an apply that was cut off between the two is completed by the next one.
#pragma once

#include "switch/admin/call.h"

namespace tollgate::admin {

// The state that the device of this terminal should have, or nothing where it has it.
[[nodiscard]] std::optional<v1::Device> wanted_device(const ReferenceData& reference,
                                                      const v1::Terminal& terminal);
// Gives that order when there is one to give; a failure is logged, the terminal's own change stands.
void settle_device(Call& call, const v1::Terminal& terminal);

}  // namespace tollgate::admin
