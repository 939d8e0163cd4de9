// Rates the receipts of one partition again and sums up what changed. Owned by the thread that reads the
// partition; the price lists are shared and never change.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "fees/what_if.h"
#include "switch/cli/fees_replay.h"
#include "switch/cli/fees_replay_records.h"
#include "tollgate/v1/fees.pb.h"

namespace tollgate::cli {

// Every schedule that was ever published, by the digest that receipts name.
using Published = std::unordered_map<std::string, fees::SchedulePtr>;

class Rating {
 public:
  Rating(const ReplayOptions& options, const Published& published, const Undone& undone, ReplayTotals totals);
  Rating(const Rating&) = delete;
  Rating& operator=(const Rating&) = delete;

  void rate(const OutcomeBytes& outcome, const storage::Group& group);
  // Only keeps the sales that later receipts refer to: what lies before a resumed run.
  void recollect(const OutcomeBytes& outcome);
  [[nodiscard]] const ReplayTotals& totals() const noexcept { return totals_; }

 private:
  [[nodiscard]] bool read(ByteView receipt);  // into receipt_ and own_
  [[nodiscard]] bool asked_for() const;
  void under_own(const OutcomeBytes& outcome, const storage::Group& group);
  void under_candidate(const OutcomeBytes& outcome, const storage::Group& group);
  void keep(std::uint64_t txn);
  void add(const fees::Assessment& before, const fees::Assessment& after,
           const fees::CompiledSchedule& priced_by);
  void differs(const OutcomeBytes& outcome, const storage::Group& group, const std::string& what);

  const ReplayOptions& options_;
  const Published& published_;
  const Undone& undone_;
  ReplayTotals totals_;
  std::unordered_map<std::uint64_t, fees::PastSale> sales_;
  v1::Receipt receipt_;
  std::string last_hash_;
  fees::SchedulePtr own_;
};

}  // namespace tollgate::cli
