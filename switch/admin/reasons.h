// Reasons of holds (section 4 of the operations interface): what may be given, what must stand beside it, who
// may release it. The table is catalog.json.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "switch/admin/auth.h"
#include "switch/admin/binder.h"
#include "switch/base/time.h"

namespace tollgate::admin {

struct SuspendBody {
  std::string reason, note, evidence;
  WallTime until;
};
// Of POST …/suspend. What the reason requires (case_ref, contact …) is kept as evidence.
[[nodiscard]] std::expected<SuspendBody, Problem> read_suspend(std::string_view body, WallTime now);

// The role that releasing this hold takes and the principal lacks.
[[nodiscard]] std::optional<Problem> may_not_release(const core::HoldView& hold, const Principal& principal);

}  // namespace tollgate::admin
