#include "storage/committer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "storage/high_water_mark.h"
#include "storage/memory_journal.h"

namespace tollgate::storage::test {
namespace {

constexpr std::uint16_t kPartitions = 4;

// The owner of one partition, in a thread of its own: hands in a group, waits for the news, hands in the
// next.
class Owner {
 public:
  Owner(Journal& journal, PartitionId partition)
      : partition_(partition), epoch_(journal.own(partition).value()) {}

  CommitWork next() {
    CommitWork work = std::move(spare_);
    work.partition = partition_;
    work.epoch = epoch_;
    work.group = {++group_};
    work.records = 1;
    work.payload.assign(100, static_cast<std::uint8_t>(group_));
    return work;
  }
  void news(CommitWork&& work, AppendResult result) {
    const std::lock_guard lock(mutex_);
    spare_ = std::move(work);
    result_ = result;
    heard_ = true;
    ready_.notify_one();
  }
  AppendResult wait() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [&] { return heard_; });
    heard_ = false;
    return result_;
  }
  [[nodiscard]] std::size_t spare_capacity() const { return spare_.payload.capacity(); }

 private:
  PartitionId partition_;
  Epoch epoch_;
  std::uint64_t group_ = 0;
  CommitWork spare_;
  std::mutex mutex_;
  std::condition_variable ready_;
  AppendResult result_ = AppendResult::unknown;
  bool heard_ = false;
};

// A mark in memory that can fail, and that looks at the journal when it is written.
class FakeMarkFile final : public MarkFile {
 public:
  explicit FakeMarkFile(std::function<Result<void>(ByteView)> write) : write_(std::move(write)) {}
  Result<Bytes> read() override { return Bytes{}; }
  Result<void> write_at(std::size_t, ByteView bytes) override { return write_(bytes); }
  Result<void> sync() override { return {}; }

 private:
  std::function<Result<void>(ByteView)> write_;
};

Mark empty_mark() {
  Mark mark;
  for (std::uint16_t p = 0; p <= kPartitions; ++p) mark.partitions.push_back({{p}, {}, {}});
  return mark;
}

CommitWork work_of(PartitionId partition, Epoch epoch, std::uint64_t group) {
  return {.partition = partition,
          .epoch = epoch,
          .group = {group},
          .records = 1,
          .payload = Bytes(50, 7),
          .cells = {}};
}

TEST(Committer, CommitsGroupsOfManyOwnersInTheirOrder) {
  constexpr std::uint64_t kGroups = 500;
  MemoryJournal journal(kPartitions);
  std::vector<std::unique_ptr<Owner>> owners;
  for (std::uint16_t p = 0; p <= kPartitions; ++p)
    owners.push_back(std::make_unique<Owner>(journal, PartitionId{p}));
  Committer committer(
      journal, nullptr,
      {.done = [&](CommitWork&& w, AppendResult r) { owners[w.partition.value]->news(std::move(w), r); },
       .stopped = [](AppendResult, std::string why) { ADD_FAILURE() << why; }});
  std::vector<std::thread> threads;
  for (auto& owner : owners) {
    threads.emplace_back([&committer, &o = *owner] {
      for (std::uint64_t g = 0; g < kGroups; ++g) {
        committer.submit(o.next());
        ASSERT_EQ(o.wait(), AppendResult::durable);
        ASSERT_GE(o.spare_capacity(), 100U);  // the buffer came back
      }
    });
  }
  for (auto& t : threads) t.join();
  committer.drain();
  const auto stats = committer.stats();
  EXPECT_EQ(stats.groups, kGroups * owners.size());
  EXPECT_EQ(stats.records, stats.groups);
  EXPECT_EQ(stats.bytes, stats.groups * 100);
  EXPECT_LE(stats.appends, stats.groups);
  for (std::uint16_t p = 0; p <= kPartitions; ++p) EXPECT_EQ(journal.head({p}).group.value, kGroups);
}

TEST(Committer, TakesEverythingThatIsReadyInOneAppend) {
  std::mutex gate;
  gate.lock();
  auto store = std::make_shared<MemoryStore>(kPartitions, StoreIdentity{});
  MemoryJournal journal(store, [&](std::uint64_t append) {
    if (append == 1) std::lock_guard wait(gate);  // the first append lasts until the others are there
    return MemoryFault::none;
  });
  std::vector<Epoch> epochs;
  for (std::uint16_t p = 0; p <= kPartitions; ++p) epochs.push_back(journal.own({p}).value());
  Committer committer(journal, nullptr, {.done = [](CommitWork&&, AppendResult) {}, .stopped = {}});
  committer.submit(work_of({0}, epochs[0], 1));
  for (std::uint16_t p = 1; p <= kPartitions; ++p) committer.submit(work_of({p}, epochs[p], 1));
  gate.unlock();
  committer.drain();
  EXPECT_EQ(committer.stats().groups, 5U);
  EXPECT_LE(committer.stats().appends, 2U);
}

TEST(Committer, AnswersOnlyAfterTheMark) {
  MemoryJournal journal(kPartitions);
  const auto epoch = journal.own({2}).value();
  std::vector<std::string> order;
  HighWaterMark mark(std::make_unique<FakeMarkFile>([&](ByteView bytes) -> Result<void> {
                       EXPECT_EQ(journal.head({2}).group.value, 1U);  // never the mark before the group
                       const auto decoded = encode_mark_slot(mark.state());
                       EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), decoded.begin(), decoded.end()));
                       order.push_back("mark");
                       return {};
                     }),
                     empty_mark());
  Committer committer(journal, &mark,
                      {.done = [&](CommitWork&&, AppendResult) { order.push_back("done"); }, .stopped = {}});
  committer.submit(work_of({2}, epoch, 1));
  committer.drain();
  EXPECT_THAT(order, ::testing::ElementsAre("mark", "done"));
  EXPECT_EQ(mark.state().partitions[2].group.value, 1U);
  EXPECT_EQ(mark.state().partitions[2].hash, journal.head({2}).hash);
}

struct StopCase {
  const char* name;
  MemoryFault fault;
  AppendResult result;
};
class CommitterStops : public ::testing::TestWithParam<StopCase> {};

TEST_P(CommitterStops, AppendsNothingMoreAndSaysItOnce) {
  auto store = std::make_shared<MemoryStore>(kPartitions, StoreIdentity{});
  std::uint64_t appends = 0;
  MemoryJournal journal(store, [&](std::uint64_t n) {
    appends = n;
    return n == 2 ? GetParam().fault : MemoryFault::none;
  });
  const auto epoch = journal.own({1}).value();
  const auto other = journal.own({2}).value();
  int done = 0, stops = 0;
  AppendResult why = AppendResult::durable;
  {
    Committer committer(journal, nullptr,
                        {.done = [&](CommitWork&&, AppendResult) { ++done; },
                         .stopped =
                             [&](AppendResult result, std::string text) {
                               ++stops;
                               why = result;
                               EXPECT_FALSE(text.empty());
                             }});
    committer.submit(work_of({1}, epoch, 1));
    committer.drain();
    committer.submit(work_of({1}, epoch, 2));
    committer.drain();
    committer.submit(work_of({2}, other, 1));
    committer.submit(work_of({1}, epoch, 3));  // owners that have not heard yet
    committer.drain();
  }
  EXPECT_EQ(done, 1);
  EXPECT_EQ(stops, 1);
  EXPECT_EQ(why, GetParam().result);
  EXPECT_EQ(appends, 2U);
}

INSTANTIATE_TEST_SUITE_P(
    Results, CommitterStops,
    ::testing::Values(StopCase{"UnknownNotWritten", MemoryFault::unknown_before, AppendResult::unknown},
                      StopCase{"UnknownWritten", MemoryFault::unknown_after, AppendResult::unknown},
                      StopCase{"Fenced", MemoryFault::fenced, AppendResult::fenced}),
    [](const auto& c) { return c.param.name; });

TEST(Committer, StopsWhenTheMarkCannotBeWritten) {
  MemoryJournal journal(kPartitions);
  const auto epoch = journal.own({1}).value();
  HighWaterMark mark(std::make_unique<FakeMarkFile>([](ByteView) { return fail(ErrorCode::io, "no"); }),
                     empty_mark());
  int done = 0, stops = 0;
  {
    Committer committer(journal, &mark,
                        {.done = [&](CommitWork&&, AppendResult) { ++done; },
                         .stopped = [&](AppendResult, std::string) { ++stops; }});
    committer.submit(work_of({1}, epoch, 1));
  }
  EXPECT_EQ(done, 0);
  EXPECT_EQ(stops, 1);
}

TEST(Committer, AFullJournalGivesTheGroupBackAndGoesOn) {
  MemoryJournal journal(kPartitions);
  const auto epoch = journal.own({1}).value();
  std::vector<AppendResult> results;
  CommitWork returned;
  Committer committer(journal, nullptr,
                      {.done =
                           [&](CommitWork&& work, AppendResult result) {
                             results.push_back(result);
                             returned = std::move(work);
                           },
                       .stopped = {}});
  journal.set_space_low(true);
  committer.submit(work_of({1}, epoch, 1));
  committer.drain();
  journal.set_space_low(false);
  committer.submit(std::move(returned));
  committer.drain();
  EXPECT_THAT(results, ::testing::ElementsAre(AppendResult::full, AppendResult::durable));
  EXPECT_EQ(committer.stats().full, 1U);
}

TEST(Committer, BelowTheWatermarkEssentialGroupsOfAMixedBatchGoOn) {
  MemoryJournal journal(kPartitions);
  const auto one = journal.own({1}).value(), two = journal.own({2}).value(), zero = journal.own({0}).value();
  std::mutex mutex;
  std::map<std::uint16_t, AppendResult> results;
  std::mutex gate;
  gate.lock();
  Committer committer(journal, nullptr,
                      {.done =
                           [&](CommitWork&& work, AppendResult result) {
                             if (work.partition.value == 0) std::lock_guard wait(gate);
                             const std::lock_guard lock(mutex);
                             results[work.partition.value] = result;
                           },
                       .stopped = {}});
  committer.submit(work_of({0}, zero, 1));  // holds the thread in its news until the batch is there
  journal.set_space_low(true);
  auto reversal = work_of({2}, two, 1);
  reversal.essential = true;
  committer.submit(work_of({1}, one, 1));
  committer.submit(std::move(reversal));
  gate.unlock();
  committer.drain();
  EXPECT_EQ(results[1], AppendResult::full);
  EXPECT_EQ(results[2], AppendResult::durable);
}

TEST(Committer, FinishesWhatWasHandedInBeforeItEnds) {
  MemoryJournal journal(kPartitions);
  const auto epoch = journal.own({1}).value();
  int done = 0;
  {
    Committer committer(journal, nullptr,
                        {.done = [&](CommitWork&&, AppendResult) { ++done; }, .stopped = {}});
    committer.submit(work_of({1}, epoch, 1));
  }
  EXPECT_EQ(done, 1);
  EXPECT_EQ(journal.head({1}).group.value, 1U);
}

TEST(CommitterDeathTest, TwoUndecidedGroupsOfOnePartitionAreABrokenPromise) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        std::mutex gate;
        gate.lock();
        auto store = std::make_shared<MemoryStore>(kPartitions, StoreIdentity{});
        MemoryJournal journal(store, [&](std::uint64_t) {
          gate.lock();
          return MemoryFault::none;
        });
        const auto epoch = journal.own({1}).value();
        Committer committer(journal, nullptr, {.done = [](CommitWork&&, AppendResult) {}, .stopped = {}});
        committer.submit(work_of({1}, epoch, 1));
        committer.submit(work_of({1}, epoch, 2));
      },
      "handed_in");
}

}  // namespace
}  // namespace tollgate::storage::test
