// The crash harness of reference "durability", 4.3: the script of crash_script.h is cut at every mutating
// call, strictly and torn, and failed at every call, once and from then on. A process per point; this one
// never opens a store, so that a fork takes no threads along. Counting rules are those of section 5; each
// harness shows its negative control.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "tests/storage/crash_script.h"
#include "tests/storage/forked.h"
#include "tests/storage/scratch.h"

namespace tollgate::storage::test {
namespace {

constexpr std::size_t kWorkers = 4;  // processes at a time; mostly they wait for each other's small writes

constexpr std::uint64_t kSecondLookEvery = 8;

struct Tally {
  std::uint64_t points = 0, acknowledged = 0, complete = 0, lost = 0, noticed = 0, refused = 0, half = 0,
                named = 0, snapshot_lost = 0, aborted = 0;
  std::string first;  // what was wrong, at the last point that the start did not notice if there is one

  void add(Found found, std::uint64_t n, const char* text) {
    switch (found) {
      case Found::complete:
        ++complete;
        return;
      case Found::lost:
        ++lost;
        break;
      case Found::noticed:
        ++noticed;
        break;
      case Found::refused:
        ++refused;
        break;
      case Found::half:
        ++half;
        break;
      case Found::named:
        ++named;
        break;
      case Found::snapshot_lost:
        ++snapshot_lost;
        break;
    }
    if (first.empty() || found != Found::noticed) first = fmt::format("point {}: {}", n, text);
  }
  [[nodiscard]] std::string line() const {
    return fmt::format(
        "{} points, {} acknowledged: complete {}, lost {}, noticed {}, refused {}, half {}, named {}, "
        "snapshots "
        "lost {}; aborted {}; {}",
        points, acknowledged, complete, lost, noticed, refused, half, named, snapshot_lost, aborted, first);
  }
};

struct Campaign {
  const char* name;
  FaultPlan plan;   // n is put in
  bool cut = true;  // cut at n, else fail at n
  bool sync = true;
  std::uint64_t stride = 1;
  bool whole_logs = false;  // the look is only at whether it opens so
};

class CrashPoints : public ::testing::Test {
 protected:
  void SetUp() override {
    shared_ = static_cast<Shared*>(::mmap(nullptr, kWorkers * sizeof(Shared), PROT_READ | PROT_WRITE,
                                          MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(shared_, MAP_FAILED);
    ASSERT_EQ(wait_child(fork_child([&] { format_for_crash(fresh_); })), 0);
  }
  void TearDown() override { ::munmap(shared_, kWorkers * sizeof(Shared)); }

  // One point on its way: the script up to its fault, then a look; at some points that look writes more and
  // crashes, and a second look follows.
  struct Worker {
    enum class Stage { script, look, second_look } stage = Stage::script;
    std::uint64_t n = 0;
    std::uint64_t acknowledged = 0;
    bool ended = false, aborted = false;
    int pid = 0;
    Shared* shared = nullptr;
    CrashDirectory directory;
  };

  void launch(const Campaign& campaign, Worker& w, std::uint64_t n) {
    new (w.shared) Shared{};
    w = {.stage = Worker::Stage::script,
         .n = n,
         .shared = w.shared,
         .directory = {scratch_ / std::to_string(n)}};
    w.pid = fork_child([&] {
      std::filesystem::copy(fresh_.path, w.directory.path, std::filesystem::copy_options::recursive);
      auto plan = campaign.plan;
      plan.seed = n;
      (campaign.cut ? plan.cut_at : plan.fail_at) = n;
      run_script(w.directory, plan, campaign.sync, *w.shared);
    });
  }

  // Takes the point one step on; what was found once it is through.
  std::optional<Found> advance(const Campaign& campaign, Worker& w, int status) {
    const bool again = w.n % kSecondLookEvery == 0 && !campaign.whole_logs;
    if (w.stage == Worker::Stage::script) {
      w.ended = WIFEXITED(status) && WEXITSTATUS(status) == 0 && w.shared->calls < w.n;
      w.aborted = WIFSIGNALED(status);
      w.acknowledged = w.shared->acknowledged;
      w.stage = Worker::Stage::look;
    } else {
      // A verifier that dies is a start that was refused.
      if (!WIFEXITED(status))
        w.shared->say(fmt::format("the verification died of signal {}", WTERMSIG(status)));
      const auto found = WIFEXITED(status) ? static_cast<Found>(WEXITSTATUS(status)) : Found::refused;
      if (found != Found::complete || !again || w.stage == Worker::Stage::second_look) {
        std::filesystem::remove_all(w.directory.path);
        return found;
      }
      w.stage = Worker::Stage::second_look;
    }
    w.pid = fork_child([&] {
      if (campaign.whole_logs) open_with_whole_logs(w.directory, *w.shared);
      verify_script(w.directory, again && w.stage == Worker::Stage::look, *w.shared);
    });
    return std::nullopt;
  }

  // n = 1, 2, … until the script comes to its end without reaching n.
  Tally run(const Campaign& campaign) {
    Tally tally;
    std::array<Worker, kWorkers> workers;
    std::uint64_t next = 1;
    for (std::size_t i = 0; i < kWorkers; ++i, next += campaign.stride) {
      workers[i].shared = &shared_[i];
      launch(campaign, workers[i], next);
    }
    bool ended = false;
    for (std::size_t running = kWorkers; running > 0;) {
      int status = 0;
      const auto pid = ::wait(&status);
      auto& w = *std::find_if(workers.begin(), workers.end(), [&](const Worker& x) { return x.pid == pid; });
      const auto found = advance(campaign, w, status);
      if (!found) continue;
      if (w.ended) {
        ended = true;  // the fault lies behind the end, so this was no point
        EXPECT_EQ(*found, Found::complete) << w.shared->text;
      } else {
        ++tally.points;
        tally.acknowledged += w.acknowledged;
        tally.aborted += w.aborted ? 1 : 0;
        tally.add(*found, w.n, w.shared->text);
      }
      if (ended) {
        --running;
      } else {
        launch(campaign, w, std::exchange(next, next + campaign.stride));
      }
    }
    fmt::print("{}: {}\n", campaign.name, tally.line());
    return tally;
  }

  static void expect_nothing_wrong(const Tally& tally) {
    EXPECT_GT(tally.points, 400U);
    EXPECT_EQ(tally.complete, tally.points) << tally.line();
  }

  Scratch scratch_;
  CrashDirectory fresh_{scratch_ / "fresh"};
  Shared* shared_ = nullptr;
};

TEST_F(CrashPoints, APowerCutAtEveryCallLosesNothing) {
  expect_nothing_wrong(run({.name = "strict cut", .plan = {}}));
}

TEST_F(CrashPoints, APowerCutWithTornTailsAtEveryCallLosesNothing) {
  expect_nothing_wrong(run({.name = "torn cut", .plan = {.torn = true}}));
}

TEST_F(CrashPoints, AnErrorAtEveryCallLosesNothing) {
  expect_nothing_wrong(run({.name = "error once", .plan = {}, .cut = false}));
}

TEST_F(CrashPoints, ErrorsFromEveryThirdCallOnLoseNothing) {
  const auto tally =
      run({.name = "errors from then on", .plan = {.fail_for_ever = true}, .cut = false, .stride = 3});
  EXPECT_GT(tally.points, 200U);
  EXPECT_EQ(tally.complete, tally.points) << tally.line();
}

TEST_F(CrashPoints, AFullDiskFromEveryFifthCallOnLosesNothing) {
  const auto tally = run({.name = "no space from then on",
                          .plan = {.fail_for_ever = true, .no_space = true},
                          .cut = false,
                          .stride = 5});
  EXPECT_EQ(tally.complete, tally.points) << tally.line();
}

// The torn cuts do reach records in front of waiting zeros: who reads on there refuses the store.
TEST_F(CrashPoints, ControlLogsThatAreReadToTheEndOfTheirFilesAreRefused) {
  const auto tally =
      run({.name = "control: whole logs", .plan = {.torn = true}, .stride = 3, .whole_logs = true});
  EXPECT_GT(tally.refused, 20U) << tally.line();
  EXPECT_EQ(tally.complete + tally.refused, tally.points) << tally.line();
}

// Negative controls: without syncs acknowledged transactions go, and it is the mark that says so at the
// start.
TEST_F(CrashPoints, ControlWithoutSyncTheyAreLostAndTheMarkNotices) {
  const auto tally = run({.name = "control: no sync", .plan = {}, .sync = false, .stride = 7});
  EXPECT_GT(tally.noticed, tally.points / 2) << tally.line();
  EXPECT_EQ(tally.lost, 0U) << tally.line();
  // Now and then only the middle of the log is gone: then it is the reading that names it. Never is it
  // silent.
  EXPECT_EQ(tally.half, 0U) << tally.line();
  EXPECT_EQ(tally.complete + tally.noticed + tally.named, tally.points) << tally.line();
}

// The journal is whole, and the snapshot that counted is not there.
TEST_F(CrashPoints, ControlASnapshotThatIsNotSyncedIsLost) {
  const auto tally =
      run({.name = "control: no snapshot sync", .plan = {.pretend_snapshot_sync = true}, .stride = 11});
  EXPECT_GT(tally.snapshot_lost, tally.points / 2) << tally.line();
  EXPECT_EQ(tally.snapshot_lost + tally.complete, tally.points) << tally.line();
}

TEST_F(CrashPoints, ControlADirectorySyncThatIsNotDoneIsNoticed) {
  const auto tally =
      run({.name = "control: no directory sync", .plan = {.pretend_directory_sync = true}, .stride = 23});
  EXPECT_LT(tally.complete, tally.points / 2) << tally.line();
  EXPECT_EQ(tally.lost, 0U) << tally.line();
}

}  // namespace
}  // namespace tollgate::storage::test
