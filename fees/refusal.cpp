#include "fees/refusal.h"

#include <array>

namespace tollgate::fees {

std::string_view reason_code(Reason reason) noexcept {
  static constexpr std::array<std::string_view, 19> kCodes = {
      "SCHEMA",      "DUPLICATE_ID",    "UNKNOWN_ID",         "BAD_RANGE",
      "BAD_SHARE",   "BAD_COMBINATION", "DEAD_RULE",          "UNCOVERED",
      "BAD_VERSION", "BACKDATED",       "ASSIGNMENT_OVERLAP", "ID_CONFLICT",
      "REVERSED",    "AMOUNT_RANGE",    "UNKNOWN_REF",        "ALREADY_RESOLVED",
      "HAS_REFUNDS", "OVER_REFUND",     "NO_SCHEDULE"};
  return kCodes[static_cast<std::size_t>(reason)];
}

Error Refusal::error(std::string_view file) const {
  Error error;
  error.code = reason == Reason::id_conflict || reason == Reason::bad_version ? ErrorCode::conflict
                                                                              : ErrorCode::invalid;
  error.where = std::string(file) + (where.empty() ? "" : "#" + where);
  error.what = std::string(reason_code(reason)) + ": " + what;
  return error;
}

}  // namespace tollgate::fees
