// What a terminal may send in which state, as data (operations interface, section 5, "Acceptance by state"). The class of a
// message follows its kind, never its MTI alone. Precedence of the answers: 97, 03, 58, 90.
#pragma once

#include <cstdint>
#include <string_view>

#include "switch/core/commands.h"
#include "switch/iso/dialect.h"

namespace tollgate::core {

// What the gate looks at: the terminal's own state, and what its merchant and holds make of it.
enum class Standing : std::uint8_t {
  unknown_terminal,
  unknown_merchant,    // or field 42 is not the terminal's
  pending,
  active,
  suspended,
  suspended_lost,      // a hold lost_stolen
  merchant_suspended,  // or closed
  maintenance,
  replacing,
  deregistering,
  deregistered,
  count_,
};

struct Verdict {
  bool allowed = false;
  std::string_view code;  // field 39 when not allowed
};

[[nodiscard]] Verdict admit(Standing standing, iso::KindClass cls, iso::Kind kind) noexcept;
[[nodiscard]] Acceptance acceptance_of(Standing standing) noexcept;

}  // namespace tollgate::core
