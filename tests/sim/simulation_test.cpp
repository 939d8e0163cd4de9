// Runs the simulated world (world.h) over many seeds. `test_simulation --seeds 1..1000` says which; `--seed
// 42` replays one with a readable trace. Every run also shows that it can fail: two planted bugs must be
// caught, the same seed must give the same trace, and everything that the world can do to the switch must
// have happened.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "tests/sim/world.h"

namespace tollgate {
namespace {

using test::SimOptions;
using test::simulate;

std::uint64_t first_seed = 1, last_seed = 1000;
bool replay = false;
char seed_text[64] = "";

// The source that ran: a seed means nothing without it.
std::string commit() {
  std::string out;
  if (FILE* pipe =
          popen("git -C " TOLLGATE_SOURCE_DIR " describe --always --dirty --abbrev=12 2>/dev/null", "r")) {
    char line[128];
    while (fgets(line, sizeof line, pipe) != nullptr) out += line;
    pclose(pipe);
  }
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out.empty() ? "unknown" : out;
}

// A broken CHECK inside the switch stops the process: say at least which world it was.
void on_abort(int) {
  const auto length = std::char_traits<char>::length(seed_text);
  (void)!write(2, seed_text, length);
}

test::SimReport run(const SimOptions& options) {
  *fmt::format_to_n(seed_text, sizeof seed_text - 1, "simulation: stopped at seed {}\n", options.seed).out =
      '\0';
  return simulate(options);
}

std::string failure(std::uint64_t seed, const std::string& what) {
  return fmt::format("seed {} at commit {}: {}\nreplay: test_simulation --seed {}", seed, commit(), what,
                     seed);
}

// A world in which nothing happens keeps every promise: each of these must have been there.
constexpr const char* kWanted[] = {"asks sale",
                                   "asks instant_sale",
                                   "asks qr_sale",
                                   "asks void_sale",
                                   "asks qr_void",
                                   "asks balance",
                                   "asks reversal",
                                   "asks sign_in",
                                   "asks sign_out",
                                   "asks echo",
                                   "promise approved",
                                   "promise declined",
                                   "promise reversed",
                                   "promise voided",
                                   "code 00",
                                   "code 51",
                                   "code 58",
                                   "code 03",
                                   "code 98",
                                   "code 91",
                                   "code 96",
                                   "code 77",
                                   "code A0",
                                   "code 12",
                                   "code 25",
                                   "code 90",
                                   "crash at random",
                                   "crash before append",
                                   "crash after append",
                                   "crash unknown, written",
                                   "crash unknown, not written",
                                   "commit stalls",
                                   "journal full",
                                   "snapshot",
                                   "suspend terminal done",
                                   "activate terminal done",
                                   "suspend merchant done",
                                   "activate merchant done",
                                   "terminal side split",
                                   "terminal side stalls",
                                   "terminal side reset",
                                   "network repeats a request",
                                   "terminal repeats a request",
                                   "terminal gives up",
                                   "refusal of a repeat",
                                   "late answer ignored",
                                   "answer lost",
                                   "host side split",
                                   "host side reset",
                                   "host down",
                                   "host silent",
                                   "host slow",
                                   "host answers late",
                                   "host answers twice",
                                   "host never answers",
                                   "host late original",
                                   "host reversal of unknown",
                                   "host answer lost",
                                   "request lost on a broken link",
                                   "request delivered on a broken link",
                                   "wall clock jumps",
                                   "approval",
                                   "repeat compared",
                                   "fee recomputed",
                                   "volume of a sale",
                                   "volume above zero",
                                   "void booked",
                                   "entry mirrored by a reversal",
                                   "refusal in suspension",
                                   "late reply recorded",
                                   "owed: timeout",
                                   "owed: terminal",
                                   "owed: crash",
                                   "owed: link lost",
                                   "host entry settled"};

TEST(Simulation, KeepsEveryPromiseInEveryWorld) {
  std::map<std::string, std::uint64_t> tally;
  Duration simulated{};
  int failures = 0;
  for (auto seed = first_seed; seed <= last_seed && failures < 5; ++seed) {
    const auto report = run({.seed = seed, .trace = replay ? stdout : nullptr});
    if (!report.violation.empty()) {
      ++failures;
      ADD_FAILURE() << failure(seed, report.violation);
    }
    simulated += report.simulated;
    for (const auto& [what, times] : report.tally) tally[what] += times;
  }
  if (replay || failures > 0) return;
  const auto hours = std::chrono::duration_cast<std::chrono::minutes>(simulated).count() / 60;
  fmt::print("seeds {}..{} at commit {}: {} hours simulated\n", first_seed, last_seed, commit(), hours);
  for (const auto& [what, times] : tally) fmt::print("  {:<36} {:>9}\n", what, times);
  const bool enough = last_seed - first_seed >= 999;  // fewer worlds need not show everything
  for (const auto* what : kWanted) EXPECT_TRUE(!enough || tally[what] > 0) << what << " never happened";
  EXPECT_GT(tally["approval"], 10 * (last_seed - first_seed + 1));
}

// Negative controls: a switch that is wrong in one place does not get through twenty worlds.
std::uint64_t worlds_until_caught(const core::EngineConfig::TestFlags& flags, std::string_view promise) {
  for (std::uint64_t seed = first_seed; seed < first_seed + 20; ++seed) {
    const auto report = run({.seed = seed, .flags = flags});
    if (report.violation.empty()) continue;
    EXPECT_EQ(report.violation.substr(0, promise.size()), promise) << report.violation;
    return seed - first_seed + 1;
  }
  return 0;
}

TEST(SimulationCatches, AnAnswerBeforeItsRecordIsDurable) {
  const auto worlds = worlds_until_caught({.answer_before_commit = true}, "P1");
  EXPECT_GT(worlds, 0U) << "the planted bug got through twenty worlds";
}

TEST(SimulationCatches, AMissingReplayGuard) {
  const auto worlds = worlds_until_caught({.skip_replay_guard = true}, "P2");
  EXPECT_GT(worlds, 0U) << "the planted bug got through twenty worlds";
}

TEST(SimulationCatches, AVoidThatLeavesItsSaleInTheVolume) {
  const auto worlds = worlds_until_caught({.keep_voided_volume = true}, "P9");
  EXPECT_GT(worlds, 0U) << "the planted bug got through twenty worlds";
}

TEST(Simulation, GivesTheSameTraceForTheSameSeed) {
  for (std::uint64_t seed = first_seed; seed < first_seed + 3; ++seed) {
    const auto once = run({.seed = seed});
    EXPECT_EQ(once.trace_hash, run({.seed = seed}).trace_hash) << failure(seed, "two runs differ");
    EXPECT_NE(once.trace_hash, run({.seed = seed + 1}).trace_hash);
  }
}

bool arguments(int argc, char** argv) {
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name = argv[i];
    if (i + 1 == argc) return false;
    const std::string value = argv[i + 1];
    const auto dots = value.find("..");
    if (name == "--seed") {
      replay = true;
      first_seed = last_seed = std::strtoull(value.c_str(), nullptr, 10);
    } else if (name == "--seeds" && dots != std::string::npos) {
      first_seed = std::strtoull(value.c_str(), nullptr, 10);
      last_seed = std::strtoull(value.c_str() + dots + 2, nullptr, 10);
    } else {
      return false;
    }
  }
  return first_seed <= last_seed;
}

}  // namespace
}  // namespace tollgate

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (!tollgate::arguments(argc, argv)) {
    fmt::print(stderr, "usage: {} [--seeds FIRST..LAST | --seed SEED]\n", argv[0]);
    return 2;
  }
  if (tollgate::replay) testing::GTEST_FLAG(filter) = "Simulation.KeepsEveryPromiseInEveryWorld";
  signal(SIGABRT, tollgate::on_abort);
  return RUN_ALL_TESTS();
}
