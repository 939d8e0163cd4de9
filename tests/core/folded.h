// The state of a partition folded apart from the one that serves, and how two states differ: what a worker
// holds and what its journal gives must be the same bytes.
#pragma once

#include <google/protobuf/util/message_differencer.h>

#include <memory>
#include <string>

#include "proto/records.h"
#include "switch/core/fold.h"

namespace tollgate::test {

[[nodiscard]] inline Result<storage::Snapshot> folded(const core::EngineConfig& config,
                                                      std::shared_ptr<crypto::KeyVault> vault,
                                                      const storage::Journal& journal, PartitionId partition,
                                                      const storage::Head& upto) {
  return core::fold_apart({.config = config, .vault = std::move(vault), .partition = partition, .upto = upto},
                          journal);
}

// Empty when they are equal byte for byte; otherwise the fields that differ, or the order that does.
[[nodiscard]] inline std::string difference(PartitionId partition, const storage::Snapshot& worker,
                                            const storage::Snapshot& fold) {
  if (worker.group != fold.group) return "of different groups";
  if (worker.state == fold.state) return {};
  std::string report;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&report);
  const auto compare = [&](auto a, auto b) {
    if (!a.ParseFromArray(worker.state.data(), static_cast<int>(worker.state.size())) ||
        !b.ParseFromArray(fold.state.data(), static_cast<int>(fold.state.size())))
      return std::string("not a state");
    return differencer.Compare(a, b) ? std::string("the same fields in another order") : report;
  };
  return partition == kHouse ? compare(v1::HouseSnapshot(), v1::HouseSnapshot())
                             : compare(v1::PartitionSnapshot(), v1::PartitionSnapshot());
}

}  // namespace tollgate::test
