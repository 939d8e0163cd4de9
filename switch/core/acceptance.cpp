#include "switch/core/acceptance.h"

#include <array>

namespace tollgate::core {
namespace {

struct Row {
  Standing standing;
  bool financial, reversal, advice, batch, management;
  std::string_view code;
};

// One line per state. "Keys and test only" of a pending terminal is its sign-in and echo, which are the management kinds that
// a terminal without parameters can send; "last upload" and "sign-off only" of a deregistering one are handled by admit().
constexpr std::array kRows = {
    Row{Standing::unknown_terminal, false, false, false, false, false, "97"},
    Row{Standing::unknown_merchant, false, false, false, false, false, "03"},
    Row{Standing::pending, false, false, false, false, true, "58"},
    Row{Standing::active, true, true, true, true, true, ""},
    Row{Standing::suspended, false, true, true, true, true, "58"},
    Row{Standing::suspended_lost, false, true, false, false, false, "58"},
    Row{Standing::merchant_suspended, false, true, true, true, true, "03"},
    Row{Standing::maintenance, false, true, true, true, true, "90"},
    Row{Standing::replacing, true, true, true, true, true, "58"},
    Row{Standing::deregistering, false, true, true, true, true, "58"},
    Row{Standing::deregistered, false, false, false, false, false, "97"},
};
static_assert(kRows.size() == static_cast<std::size_t>(Standing::count_));

constexpr const Row& row_of(Standing standing) noexcept { return kRows[static_cast<std::size_t>(standing)]; }

}  // namespace

Verdict admit(Standing standing, iso::KindClass cls, iso::Kind kind) noexcept {
  const auto& row = row_of(standing);
  bool allowed = false;
  switch (cls) {
    case iso::KindClass::financial: allowed = row.financial; break;
    case iso::KindClass::reversal: allowed = row.reversal; break;
    case iso::KindClass::advice: allowed = row.advice; break;
    case iso::KindClass::batch: allowed = row.batch; break;
    case iso::KindClass::management: allowed = row.management; break;
  }
  if (standing == Standing::pending && cls == iso::KindClass::management)
    allowed = kind == iso::Kind::sign_in || kind == iso::Kind::echo || kind == iso::Kind::key_download;
  if (standing == Standing::deregistering && cls == iso::KindClass::management) allowed = kind == iso::Kind::sign_out;
  return {allowed, allowed ? std::string_view{} : row.code};
}

Acceptance acceptance_of(Standing standing) noexcept {
  const auto& row = row_of(standing);
  return {row.financial, row.reversal, row.advice, row.batch, row.management};
}

}  // namespace tollgate::core
