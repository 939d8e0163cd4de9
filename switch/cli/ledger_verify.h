// `tollgate ledger verify`: recomputes the books from the records alone and trusts nothing else that the switch wrote. It shares
// with the switch the invariants' definition (switch/ledger/entry.h) and the fee engine, which is what is being proven; not the
// fold. Invariants are numbered as in the fees reference, section 8.
//
// Thread: the caller's. Reads in the order of the journal; memory grows with the open transactions and the accounts.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "storage/journal.h"

namespace CLI {
class App;
}

namespace tollgate::cli {

struct VerifyCheck {
  std::string name;   // "I5 sequence"
  std::uint64_t looked_at = 0;
  std::string broken;  // the first break, named with its place; empty: holds
};

struct VerifyReport {
  std::vector<VerifyCheck> checks;
  std::uint64_t entries = 0, records = 0;
  struct Chain {
    std::uint16_t partition;
    std::uint64_t last;
    std::string hash;
  };
  std::vector<Chain> chains;
  [[nodiscard]] bool passed() const;
};

// Every partition of an open journal.
[[nodiscard]] VerifyReport verify_ledger(const storage::Journal& journal);
// Writes the report; ends with "N passed, N failed". 0 only when all hold.
int print_report(const VerifyReport& report, std::ostream& out);
// A stopped store (opened read-only) with its high-water mark.
[[nodiscard]] int ledger_verify_store(const std::string& data, const std::string& mark, std::ostream& out);
// An NDJSON export: sequence, balance and the trailer's sums and hash.
[[nodiscard]] int ledger_verify_export(const std::string& file, std::ostream& out);

void add_ledger_verify_command(CLI::App& app);

}  // namespace tollgate::cli
