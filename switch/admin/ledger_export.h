// GET /v1/ledger/entries: one response body over some partitions, pulled part by part; then the trailer
// (section 9 of the operations interface). What is counted and hashed is exactly what was sent.
//
// Thread: one at a time (the server's).
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "switch/admin/entry_json.h"
#include "switch/admin/http.h"
#include "switch/admin/ledger_reader.h"
#include "switch/base/money.h"

namespace tollgate::admin {

struct ExportFilter {
  std::optional<BusinessDate> from, to;  // inclusive
  std::string account, merchant;         // empty: all
  [[nodiscard]] bool drops_entries() const noexcept { return !account.empty() || !merchant.empty(); }
  [[nodiscard]] bool takes(const v1::LedgerEntry& entry) const;
};

struct ExportStart {
  PartitionId partition;
  EntrySeq after;
};

// The end of an export, also built by `ledger export --resume` over all that it has.
class ExportTrailer {
 public:
  explicit ExportTrailer(bool filtered) : filtered_(filtered) {}
  ExportTrailer(const ExportTrailer&) = delete;
  ExportTrailer& operator=(const ExportTrailer&) = delete;

  struct Sums {
    std::string_view currency;
    Int128 debit = 0, credit = 0;
  };
  void add(PartitionId partition, EntrySeq seq, const Digest& chain, const Sums& sums);
  // The chain at the end of the last range of the partition, where add() did not know it.
  void set_chain(PartitionId partition, const Digest& chain);
  void add_bytes(std::string_view lines) { sha_.update(as_bytes(lines)); }
  // Once. With line feed.
  [[nodiscard]] std::string line();
  [[nodiscard]] const std::string& sha256() const noexcept { return sha_text_; }
  [[nodiscard]] std::string chains() const;  // "1:hex,2:hex"

 private:
  struct Range {
    PartitionId partition;
    EntrySeq first, last;
    Digest chain{};
  };
  bool filtered_;
  std::vector<Range> ranges_;
  std::map<std::string, Int128, std::less<>> debit_, credit_;
  std::uint64_t count_ = 0;
  Sha256 sha_;
  std::string sha_text_;
};

class LedgerExport final : public http::BodySource {
 public:
  LedgerExport(LedgerReader& reader, ExportFilter filter, std::deque<ExportStart> parts);
  [[nodiscard]] Result<void> next(std::string& out) override;
  [[nodiscard]] http::Headers trailers() const override;

 private:
  LedgerReader& reader_;
  ExportFilter filter_;
  std::deque<ExportStart> parts_;
  std::optional<EntryScan> scan_;
  PartitionId partition_;
  EntryJson json_;
  ExportTrailer trailer_{filter_.drops_entries()};
  bool ended_ = false;
};

}  // namespace tollgate::admin
