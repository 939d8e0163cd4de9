// `tollgate crypto check FILE`: recomputes every vector of a file (the format of
// tests/crypto/vectors/crypto.json) with the code that the switch runs, so that anybody can hold Tollgate
// against published values. Thread: the caller's; no state.
//
// A vector that is marked NEGATIVE passes when it is refused. Kinds without code are skipped, named and
// counted. Outputs may be keys, so a failure names the vector and never shows what came out.
#pragma once

#include <iosfwd>
#include <string>

namespace tollgate::cli {

// Writes failures, then "N skipped: kind xN, ..." where there are any, then "N passed, N failed". Exit code:
// 0 when none failed and at least one passed, 1 otherwise; 2 when the file cannot be read as vectors, with
// the reason.
[[nodiscard]] int crypto_check(const std::string& file, std::ostream& out);

}  // namespace tollgate::cli
