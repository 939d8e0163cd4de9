// `tollgate fees check | quote` as functions: a case file held against the books, and one price worked out
// from a schedule file, with its derivation. No store and no server is touched. Thread: the caller's; no
// state. Exit codes: 0 as asked, 1 refused or failed, 2 the input cannot be read.
#pragma once

#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

namespace tollgate::cli {

// Every case and booking flow of a case file (the format of tests/fees/vectors/fees.json). Writes what
// differs, then "N passed, N failed". 0 only when all passed and at least one case ran.
[[nodiscard]] int fees_check(const std::string& file, std::ostream& out);

struct FeesQuoteOptions {
  std::string schedule_file;
  std::string amount;  // in major units, with the decimals of the currency: "100.00"
  std::string tip = "0", cashback = "0";
  std::string at;                                            // RFC 3339; empty: the schedule's first instant
  std::string event = "SALE";                                // SALE, VERIFY, DECLINE, REFUND, CHARGEBACK
  std::vector<std::pair<std::string, std::string>> facts;    // "funding", "DEBIT"
  std::vector<std::pair<std::string, std::string>> volumes;  // component, number
  bool chinese = false;
};
// One line per step of the derivation, then the totals.
[[nodiscard]] int fees_quote(const FeesQuoteOptions& options, std::ostream& out);

}  // namespace tollgate::cli
