// JSON of transactions: the row of a list, and the whole story (time line, fee, entries). Only the masked
// number and the token of a card are in the journal, so nothing else can be shown.
//
// Thread: its request's.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "switch/admin/backend.h"
#include "switch/admin/json_out.h"
#include "switch/admin/transaction_reader.h"
#include "switch/admin/views.h"

namespace tollgate::admin {

// Terminals of the rows of one answer, each asked for once.
class TransactionNames {
 public:
  struct Who {
    std::string tid, merchant_code, merchant_id;
  };
  explicit TransactionNames(const Backend& backend) : backend_(backend) {}
  [[nodiscard]] const Who& of(const TxnRow& row);

 private:
  const Backend& backend_;
  std::map<std::uint64_t, Who> known_;
  Who unknown_;
};

[[nodiscard]] std::optional<TxnOutcome> outcome_of(std::string_view name) noexcept;
[[nodiscard]] std::string mti_text(std::uint32_t mti);
[[nodiscard]] std::string_view kind_text(std::uint32_t kind) noexcept;

// Members only; the object's brackets are the caller's.
void write_transaction_row(JsonOut& out, const TxnRow& row, TransactionNames& names, const Clock& clock);
[[nodiscard]] std::string transaction_json(const TransactionReader::Story& story, TransactionNames& names,
                                           const Clock& clock);

}  // namespace tollgate::admin
