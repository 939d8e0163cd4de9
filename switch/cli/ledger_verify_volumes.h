// I15 of `tollgate ledger verify`: the volume numbers in receipts are the running sums by sequence (fees
// reference, 3.2). Summed here once more by merchant, component id and month, from receipts and what undid
// them; shares no code with the switch's fold. As there, a merchant's months before the one before its newest
// are closed: nothing is added to them or taken from them, and they read as zero.
//
// Thread: the caller's. Memory grows with the sales of the months that are still open.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fees/recurring.h"
#include "fees/schedule.h"
#include "proto/records.h"

namespace tollgate::cli {

class VolumeSums {
 public:
  // In the order of the partition's records. The first difference in words; nullopt when every number is
  // right.
  [[nodiscard]] std::optional<std::string> on_receipt(std::uint64_t txn, const v1::Receipt& receipt,
                                                      const fees::CompiledSchedule& schedule);
  void on_mirror(std::uint64_t txn, std::uint64_t original);
  void on_reversal(std::uint64_t txn);

 private:
  struct Sale {
    std::string merchant;
    fees::Month month;
    std::vector<std::pair<std::string, std::int64_t>> bases;  // by component id
    bool standing = true;
  };
  void add(const Sale& sale, int direction);
  [[nodiscard]] std::int64_t sum(const std::string& merchant, const std::string& component,
                                 fees::Month month) const;

  std::map<std::tuple<std::string, std::string, fees::Month>, std::int64_t> sums_;
  std::map<std::string, fees::Month> newest_;  // by merchant
  std::unordered_map<std::uint64_t, Sale> sales_;
  std::unordered_map<std::uint64_t, std::uint64_t> mirrors_;  // void -> sale
};

}  // namespace tollgate::cli
