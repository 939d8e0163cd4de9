// The state file of a replay: how far each partition was read, and what was summed up to there. Written whole
// and renamed, so that a run that is killed leaves the state before. Thread: the caller's.
#pragma once

#include <string>
#include <vector>

#include "switch/cli/fees_replay.h"

namespace tollgate::cli {

struct ReplayedPartition {
  GroupNo next{1};
  ReplayTotals totals;
};
struct ReplayState {
  std::string run;                            // what was asked of which store; another run's state is refused
  std::vector<ReplayedPartition> partitions;  // 1 … n
};

[[nodiscard]] Result<void> write_state(const std::string& file, const ReplayState& state);
// not_found when there is no such file; invalid when it is no state.
[[nodiscard]] Result<ReplayState> read_state(const std::string& file);

}  // namespace tollgate::cli
