// Running a case file of fees (format tollgate-fee-cases/1): each case is a set of books of its own, driven
// by events whose whole results are compared. Used by `tollgate fees check` and by the tests.
#pragma once

#include <ostream>
#include <string>

namespace tollgate::cli {

struct CaseTotals {
  int passed = 0;
  int failed = 0;
};

// Prints every difference: case, step, path, expected and got. A text that is not a case file counts as one
// failure.
[[nodiscard]] CaseTotals run_fee_cases(const std::string& text, const std::string& name, std::ostream& out);

}  // namespace tollgate::cli
