// Refusal: why a schedule, an assignment or an event is not taken. The code is the word of the reference
// ("fees", section 4) that programs compare; the place is a JSON pointer into the text that was offered, the
// sentence is for people. Text of the input is quoted only where it is a name that the operator chose.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "switch/base/result.h"

namespace tollgate::fees {

enum class Reason : std::uint8_t {
  // publication, in the order in which they are looked for
  schema,
  duplicate_id,
  unknown_id,
  bad_range,
  bad_share,
  bad_combination,
  dead_rule,
  uncovered,
  bad_version,
  backdated,
  assignment_overlap,
  // events, in the order in which they are looked for
  id_conflict,
  reversed,
  amount_range,
  unknown_ref,
  already_resolved,
  has_refunds,
  over_refund,
  no_schedule
};

[[nodiscard]] std::string_view reason_code(Reason reason) noexcept;  // "DEAD_RULE"

struct Refusal {
  Reason reason = Reason::schema;
  std::string where;  // "/components/0/rules/2/rate"; empty when there is no place
  std::string what;   // a sentence without a full stop

  // As the rest of the house reports it: "file.json#/components/0: DEAD_RULE: …".
  [[nodiscard]] Error error(std::string_view file = {}) const;
};

template <class T>
using Priced = std::expected<T, Refusal>;

[[nodiscard]] inline std::unexpected<Refusal> refuse(Reason reason, std::string what,
                                                     std::string where = {}) {
  return std::unexpected(Refusal{reason, std::move(where), std::move(what)});
}

}  // namespace tollgate::fees
