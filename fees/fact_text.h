// Facts by their names and words, as case files, the command line and the operations interface write them:
// "funding" and "DEBIT". One place, so that all of them refuse the same things.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "fees/book_types.h"
#include "fees/facts.h"
#include "switch/base/result.h"

namespace tollgate::fees {

// merchant_id, terminal_id, agent_id, channel, brand, funding, region, settlement, mcc, currency, tags
// (separated by commas). Refuses an unknown name or word.
[[nodiscard]] Result<void> set_fact(std::string_view name, std::string_view value, FactsPatch& out);
[[nodiscard]] Result<void> set_tags(std::span<const std::string> tags, FactsPatch& out);

// "" when the fact is absent.
[[nodiscard]] std::string fact_text(const Facts& facts, Fact fact);

}  // namespace tollgate::fees
