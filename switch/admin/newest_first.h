// Objects of several partitions as one list, newest first: by epoch and sequence of their ids, then by
// partition. The order is that of creation inside a partition, and stable across them, so a cursor is a place
// in it. Holds one short run per partition.
//
// Thread: its request's.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "switch/base/ids.h"

namespace tollgate::admin {

// Partition last, so that it decides last.
[[nodiscard]] constexpr std::uint64_t age_key(ObjectId id) noexcept {
  return id.raw() << 10 | id.raw() >> 54;
}

template <class View>
class NewestFirst {
 public:
  using Fetch = std::function<std::vector<View>(PartitionId partition, ObjectId before, std::size_t limit)>;
  using IdOf = std::function<ObjectId(const View& view)>;

  // before_key: age_key of the last one seen; 0: from the newest.
  NewestFirst(std::uint16_t partitions, std::uint64_t before_key, Fetch fetch, IdOf id_of)
      : fetch_(std::move(fetch)), id_of_(std::move(id_of)) {
    const auto low = before_key >> 10;
    const auto cut = before_key & 1023;
    for (std::uint16_t p = 1; p <= partitions; ++p) {
      Run run{PartitionId{p}, ObjectId(), {}, 0, false};
      if (before_key != 0) run.before = ObjectId((std::uint64_t{p} << 54) + low + (p < cut ? 1 : 0));
      runs_.push_back(std::move(run));
    }
  }

  [[nodiscard]] std::optional<View> next() {
    Run* newest = nullptr;
    for (auto& run : runs_)
      if (fill(run) && (newest == nullptr || key(run) > key(*newest))) newest = &run;
    if (newest == nullptr) return std::nullopt;
    return std::move(newest->views[newest->at++]);
  }

 private:
  static constexpr std::size_t kRun = 64;
  struct Run {
    PartitionId partition;
    ObjectId before;
    std::vector<View> views;
    std::size_t at = 0;
    bool ended = false;
  };

  [[nodiscard]] std::uint64_t key(const Run& run) const { return age_key(id_of_(run.views[run.at])); }
  bool fill(Run& run) {
    if (run.at < run.views.size()) return true;
    if (run.ended) return false;
    run.views = fetch_(run.partition, run.before, kRun);
    run.at = 0;
    run.ended = run.views.size() < kRun;
    if (run.views.empty()) return false;
    run.before = id_of_(run.views.back());
    return true;
  }

  Fetch fetch_;
  IdOf id_of_;
  std::vector<Run> runs_;
};

}  // namespace tollgate::admin
