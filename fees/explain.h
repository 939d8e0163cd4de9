// A price in words: how each line came about, for quotes, receipts on a screen and disputes. The words follow
// the integers of the assessment; nothing is computed again. English and Chinese say the same.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fees/engine.h"

namespace tollgate::fees {

enum class Language : std::uint8_t { en, zh };

// One line per priced component, per split and for the tax, then the totals:
// "mdr: 100.00 × 0.6 % = 0.60, rule card" … "fee 0.60, merchant receives 99.40 CNY (retail_cny@1)".
[[nodiscard]] std::vector<std::string> explain(const CompiledSchedule& schedule, const Assessment& assessment,
                                               Language language);

// The rule as a sentence: "0.6 % of the amount, at most 20.00".
[[nodiscard]] std::string describe_rule(const CompiledSchedule& schedule, const Component& component,
                                        const Rule& rule, Language language);

}  // namespace tollgate::fees
