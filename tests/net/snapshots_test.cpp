// Snapshots beside the traffic: who makes them, on which thread, and what an end leaves of one in the making.
#include "switch/net/snapshots.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "storage/memory_journal.h"

namespace tollgate::net {
namespace {

using namespace std::chrono_literals;

constexpr PartitionId kOne{1};

int nice_of_this_thread() {
  return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)));
}

class SnapshotsTest : public ::testing::Test {
 protected:
  SnapshotsTest() {
    const auto epoch = journal_.own(kOne).value();
    const Bytes payload(100, 1);
    const storage::GroupAppend group{
        .partition = kOne, .epoch = epoch, .group = {1}, .records = 1, .payload = payload, .cells = {}};
    std::string why;
    EXPECT_EQ(journal_.append({&group, 1}, why), storage::AppendResult::durable);
  }
  void make(Snapshots::Doors doors) {
    snapshots_ = std::make_unique<Snapshots>(journal_, 2, 10, std::move(doors));
  }
  // A worker that answers at once with this state.
  auto worker(std::uint8_t fill) {
    return [this, fill](PartitionId partition, const Snapshots::Doors::Give& give) {
      ++asked_;
      const auto head = journal_.head(partition);
      give(storage::Snapshot{head.group, head.hash, Bytes(20, fill)});
      return true;
    };
  }
  static bool until(const std::function<bool()>& holds) {
    for (int i = 0; i < 2000 && !holds(); ++i) std::this_thread::sleep_for(5ms);
    return holds();
  }

  storage::MemoryJournal journal_{2};
  std::atomic<int> folded_{0}, asked_{0};
  std::unique_ptr<Snapshots> snapshots_;
};

TEST_F(SnapshotsTest, AreFoldedWithTheLowestShareOfTheProcessorAndNoWorkerIsAsked) {
  std::atomic<int> nice{-1};
  make({.fold = [&](PartitionId, const storage::Head& upto,
                    const std::atomic<bool>&) -> Result<storage::Snapshot> {
          nice = nice_of_this_thread();
          ++folded_;
          return storage::Snapshot{upto.group, upto.hash, Bytes(20, 1)};
        },
        .ask = worker(2)});
  snapshots_->count(kOne, 9);
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(folded_, 0);  // one record is missing
  snapshots_->count(kOne, 1);
  ASSERT_TRUE(until([&] { return snapshots_->taken() == 1; }));
  EXPECT_EQ(nice, 19);
  EXPECT_NE(nice_of_this_thread(), 19);
  EXPECT_EQ(asked_, 0);
  EXPECT_EQ(journal_.latest_snapshot(kOne).value()->state, Bytes(20, 1));
}

TEST_F(SnapshotsTest, OneThatFailsIsTriedAgainAfterAsManyRecordsMore) {
  make({.fold = [&](PartitionId, const storage::Head& upto,
                    const std::atomic<bool>&) -> Result<storage::Snapshot> {
          if (++folded_ == 1) return fail(ErrorCode::io, "a read failed");
          return storage::Snapshot{upto.group, upto.hash, Bytes(20, 1)};
        },
        .ask = worker(2)});
  snapshots_->count(kOne, 10);
  ASSERT_TRUE(until([&] { return folded_ == 1; }));
  std::this_thread::sleep_for(1200ms);  // the thread looks once a second
  EXPECT_EQ(folded_, 1);
  snapshots_->count(kOne, 10);
  ASSERT_TRUE(until([&] { return snapshots_->taken() == 1; }));
}

TEST_F(SnapshotsTest, AStopDropsOneInTheMaking) {
  make({.fold = [&](PartitionId, const storage::Head&,
                    const std::atomic<bool>& cancelled) -> Result<storage::Snapshot> {
          ++folded_;
          while (!cancelled) std::this_thread::sleep_for(1ms);
          return fail(ErrorCode::unavailable, "cancelled");
        },
        .ask = worker(2)});
  snapshots_->count(kOne, 10);
  ASSERT_TRUE(until([&] { return folded_ == 1; }));
  snapshots_->stop();
  EXPECT_EQ(snapshots_->taken(), 0U);
  EXPECT_EQ(journal_.latest_snapshot(kOne).value(), std::nullopt);
}

TEST_F(SnapshotsTest, ADrainTakesTheWorkersStateInsteadOfOneInTheMaking) {
  make({.fold = [&](PartitionId, const storage::Head& upto,
                    const std::atomic<bool>& cancelled) -> Result<storage::Snapshot> {
          ++folded_;
          while (!cancelled) std::this_thread::sleep_for(1ms);
          return storage::Snapshot{upto.group, upto.hash, Bytes(20, 1)};  // as if it had just come to its end
        },
        .ask = worker(2)});
  snapshots_->count(kOne, 10);
  ASSERT_TRUE(until([&] { return folded_ == 1; }));
  snapshots_->take_all();
  EXPECT_EQ(asked_, 1);
  EXPECT_EQ(journal_.latest_snapshot(kOne).value()->state, Bytes(20, 2));
}

}  // namespace
}  // namespace tollgate::net
