// A journal that tells how long each append took and how many records it carried, and is otherwise the
// journal behind it: the commit thread's figures for /metrics. Owner: the composition root. Threads: as the
// journal behind it.
#pragma once

#include <functional>
#include <numeric>

#include "storage/journal.h"
#include "switch/base/time.h"

namespace tollgate {

class TimedJournal final : public storage::Journal {
 public:
  using Observe = std::function<void(std::uint64_t records, Duration took)>;
  TimedJournal(storage::Journal& behind, Observe observe) : behind_(behind), observe_(std::move(observe)) {}

  [[nodiscard]] storage::AppendResult append(std::span<const storage::GroupAppend> groups,
                                             std::string& why) override {
    const auto began = SystemClock::now().instant;
    const auto result = behind_.append(groups, why);
    if (result == storage::AppendResult::durable) {
      const auto add = [](std::uint64_t sum, const storage::GroupAppend& group) {
        return sum + group.records;
      };
      observe_(std::accumulate(groups.begin(), groups.end(), std::uint64_t{0}, add),
               SystemClock::now().instant - began);
    }
    return result;
  }
  [[nodiscard]] storage::StoreIdentity identity() const override { return behind_.identity(); }
  [[nodiscard]] bool space_low() const override { return behind_.space_low(); }
  [[nodiscard]] bool space_exhausted() const override { return behind_.space_exhausted(); }
  [[nodiscard]] std::uint16_t partitions() const noexcept override { return behind_.partitions(); }
  [[nodiscard]] Result<Epoch> own(PartitionId partition) override { return behind_.own(partition); }
  [[nodiscard]] storage::Head head(PartitionId partition) const override { return behind_.head(partition); }
  using Journal::read;
  [[nodiscard]] Result<void> read(PartitionId partition, GroupNo from, const Visit& visit,
                                  storage::Proof proof) const override {
    return behind_.read(partition, from, visit, proof);
  }
  [[nodiscard]] Result<std::unique_ptr<storage::StagedSnapshot>> stage_snapshot(
      PartitionId partition, storage::Snapshot&& snapshot) override {
    return behind_.stage_snapshot(partition, std::move(snapshot));
  }
  [[nodiscard]] Result<std::optional<storage::Snapshot>> latest_snapshot(
      PartitionId partition) const override {
    return behind_.latest_snapshot(partition);
  }
  [[nodiscard]] Result<std::optional<Bytes>> cell(std::string_view key) const override {
    return behind_.cell(key);
  }
  [[nodiscard]] Result<void> cells(std::string_view prefix, const VisitCell& visit) const override {
    return behind_.cells(prefix, visit);
  }

 private:
  storage::Journal& behind_;
  const Observe observe_;
};

}  // namespace tollgate
