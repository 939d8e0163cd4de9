// `tollgate fees replay`: stored transactions rated again out of the journal of a stopped store. Under their
// own schedules the difference is zero to the fen; under a candidate it is what the candidate would have
// changed, by merchant and component. The price is fees::assess, the path that booked it.
//
// Partitions are read in order, each by one thread, as many at once as there are cores. What a run has read
// is kept in a state file, from which the same run goes on after it was stopped.
//
// With a candidate, sales that a void or a reversal undid count as nothing, whenever that happened; refunds
// start from what their sale would have cost. The whole journal is read once more for that, before anything
// is priced.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "fees/schedule.h"
#include "storage/journal.h"

namespace CLI {
class App;
}

namespace tollgate::cli {

struct ReplayProgress {
  std::uint64_t groups_read = 0, groups = 0, rated = 0;
};

struct ReplayOptions {
  BusinessDate from, to;               // of the receipts, both included
  fees::SchedulePtr candidate;         // null: their own schedules
  std::vector<std::string> merchants;  // codes; empty: all
  std::string state_file;              // empty: none is kept
  unsigned jobs = 0;                   // 0: one per core
  std::uint32_t save_every = 4096;     // groups
  // Called by the thread that runs the replay, a few times a second and at every save; false stops the run
  // after the state was written.
  std::function<bool(const ReplayProgress&)> progress = nullptr;
};

// Sums over receipts; the merchant's fee with tax on top.
struct ReplaySums {
  std::uint64_t receipts = 0;
  Int128 before = 0, after = 0;          // fees
  Int128 net_before = 0, net_after = 0;  // merchant_net; of a component 0
  friend bool operator==(const ReplaySums&, const ReplaySums&) = default;
};

using ReplayKey = std::pair<std::string, std::uint16_t>;  // merchant or component, currency

struct ReplayTotals {
  std::uint64_t rated = 0, differ = 0;
  std::uint64_t undone = 0, other_currency = 0;  // left out, with a candidate only
  std::map<ReplayKey, ReplaySums> merchants, components;
  std::vector<std::string> differences;  // the first of them, in words, with their place

  void add(const ReplayTotals& other);
  friend bool operator==(const ReplayTotals&, const ReplayTotals&) = default;
};
inline constexpr std::size_t kDifferencesShown = 20;

struct ReplayResult {
  ReplayTotals totals;
  bool stopped = false;       // by `progress`; the state file knows where
  std::uint64_t resumed = 0;  // groups that an earlier run had read
  std::uint64_t groups = 0;   // of all partitions
};

// Errors: a journal that does not read, a state file of another run.
[[nodiscard]] Result<ReplayResult> replay_fees(const storage::Journal& journal, const ReplayOptions& options);

// The report, in minor units. 0 when nothing differs, or with a candidate; 1 otherwise.
int print_replay(const ReplayResult& result, const ReplayOptions& options, std::ostream& out);

void add_fees_replay_command(CLI::App& app);

}  // namespace tollgate::cli
