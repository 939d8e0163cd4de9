// Results of the books as the JSON of case files (internal to the checker).
#pragma once

#include <boost/json.hpp>
#include <string_view>

#include "fees/book_types.h"

namespace tollgate::cli {

[[nodiscard]] boost::json::object to_json(const fees::TxnResult& result);
[[nodiscard]] boost::json::object to_json(const fees::RecurringResult& result, bool closing);
[[nodiscard]] boost::json::object to_json(const fees::RecognisedResult& result);
[[nodiscard]] boost::json::object to_json(const fees::PeriodResult& result, std::string_view month);
[[nodiscard]] boost::json::object to_json(const fees::SettleResult& result);

}  // namespace tollgate::cli
