// The promises J1 to J5 of storage/journal.h as tests, the same for every journal. A journal gives a
// JournalHarness and one INSTANTIATE_TEST_SUITE_P(Name, JournalContract, ...) in a file that includes this
// one; one such file a binary.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "storage/journal.h"

namespace tollgate::storage::test {

class JournalHarness {
 public:
  virtual ~JournalHarness() = default;
  virtual Journal& journal() = 0;
  virtual void restart() = 0;  // the process dies without a word and starts again
  virtual void fail_next_append(
      bool written) = 0;  // its result is unknown; written: after a restart it is there
  virtual void set_space_low(bool low) = 0;
  virtual void flip_payload_byte(PartitionId partition, GroupNo group) = 0;  // then restarts
  virtual void remove_group(PartitionId partition, GroupNo group) = 0;       // from the middle; then restarts
  virtual void flip_snapshot_byte(PartitionId partition, GroupNo group) = 0;  // in its state; then restarts
};

struct HarnessKind {
  std::string name;
  std::function<std::unique_ptr<JournalHarness>()> make;  // a new store with 3 partitions
};
inline void PrintTo(const HarnessKind& kind, std::ostream* out) {
  *out << kind.name;
}

inline constexpr PartitionId kOne{1}, kTwo{2}, kThree{3};

class JournalContract : public ::testing::TestWithParam<HarnessKind> {
 protected:
  void SetUp() override {
    harness_ = GetParam().make();
    for (std::uint16_t p = 0; p <= 3; ++p) epochs_[p] = journal().own({p}).value();
  }
  Journal& journal() { return harness_->journal(); }
  void restart() {
    harness_->restart();
    for (std::uint16_t p = 0; p <= 3; ++p) epochs_[p] = journal().own({p}).value();
  }

  static Bytes payload_of(PartitionId partition, std::uint64_t group, std::size_t size = 300) {
    Bytes out(size);
    for (std::size_t i = 0; i < size; ++i)
      out[i] = static_cast<std::uint8_t>(partition.value * 31 + group * 7 + i * 13);
    return out;
  }
  GroupAppend group_of(PartitionId partition, std::uint64_t group, const Bytes& payload,
                       std::span<const CellWrite> cells = {}) {
    return {.partition = partition,
            .epoch = epochs_[partition.value],
            .group = {group},
            .records = payload.empty() ? 0U : 3U,
            .payload = payload,
            .cells = cells};
  }
  AppendResult append(PartitionId partition, std::uint64_t group, std::span<const CellWrite> cells = {}) {
    const auto payload = payload_of(partition, group);
    const GroupAppend one = group_of(partition, group, payload, cells);
    why_.clear();
    return journal().append({&one, 1}, why_);
  }
  // Numbers of the groups that read() shows, each compared byte by byte.
  std::vector<std::uint64_t> numbers(PartitionId partition, std::uint64_t from = 1) {
    std::vector<std::uint64_t> out;
    const auto ok = journal().read(partition, {from}, [&](const Group& g) {
      EXPECT_EQ(Bytes(g.payload.begin(), g.payload.end()),
                payload_of(partition, g.group.value, g.payload.size()));
      EXPECT_EQ(g.partition, partition);
      out.push_back(g.group.value);
      return true;
    });
    EXPECT_TRUE(ok.has_value()) << ok.error().text();
    return out;
  }

  std::unique_ptr<JournalHarness> harness_;
  std::array<Epoch, 4> epochs_{};
  std::string why_;
};

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_P(JournalContract, ANewPartitionEndsAtZeroWithAZeroChain) {
  EXPECT_EQ(journal().head(kOne).group.value, 0U);
  EXPECT_EQ(journal().head(kOne).hash, Digest{});
  EXPECT_TRUE(numbers(kOne).empty());
}

TEST_P(JournalContract, J1DurableGroupsSurviveARestart) {
  ASSERT_EQ(append(kOne, 1), AppendResult::durable);
  ASSERT_EQ(append(kOne, 2), AppendResult::durable);
  const auto head = journal().head(kOne);
  restart();
  EXPECT_THAT(numbers(kOne), ElementsAre(1U, 2U));
  EXPECT_EQ(journal().head(kOne).group.value, 2U);
  EXPECT_EQ(journal().head(kOne).hash, head.hash);
  ASSERT_EQ(append(kOne, 3), AppendResult::durable);
  EXPECT_THAT(numbers(kOne), ElementsAre(1U, 2U, 3U));
}

TEST_P(JournalContract, OneAppendWritesSeveralPartitionsAndTheirCells) {
  const auto a = payload_of(kOne, 1), b = payload_of(kTwo, 1, 5000);
  const std::array<CellWrite, 1> cell_a{CellWrite{"pan/a", Bytes{1, 2, 3}}},
      cell_b{CellWrite{"pan/b", Bytes{4}}};
  const std::array<GroupAppend, 2> groups{group_of(kOne, 1, a, cell_a), group_of(kTwo, 1, b, cell_b)};
  ASSERT_EQ(journal().append(groups, why_), AppendResult::durable);
  restart();
  EXPECT_THAT(numbers(kOne), ElementsAre(1U));
  EXPECT_THAT(numbers(kTwo), ElementsAre(1U));
  EXPECT_EQ(journal().cell("pan/a").value(), (Bytes{1, 2, 3}));
  std::vector<std::string> keys;
  ASSERT_TRUE(
      journal().cells("pan/", [&](std::string_view key, ByteView) { return keys.emplace_back(key), true; }));
  EXPECT_THAT(keys, ElementsAre("pan/a", "pan/b"));
}

TEST_P(JournalContract, ADeletedCellIsGoneAndAnotherPrefixStays) {
  const std::array<CellWrite, 2> set{CellWrite{"pan/x", Bytes{1}}, CellWrite{"vault/x", Bytes{2}}};
  ASSERT_EQ(append(kOne, 1, set), AppendResult::durable);
  const std::array<CellWrite, 1> gone{CellWrite{"pan/x", std::nullopt}};
  const Bytes none;
  const GroupAppend cells_only = group_of(kOne, 2, none, gone);  // a group may hold cells and no record
  ASSERT_EQ(journal().append({&cells_only, 1}, why_), AppendResult::durable);
  restart();
  EXPECT_EQ(journal().cell("pan/x").value(), std::nullopt);
  EXPECT_EQ(journal().cell("vault/x").value(), Bytes{2});
}

TEST_P(JournalContract, J2GroupsComeBackInOrderFromAnyPosition) {
  for (std::uint64_t g = 1; g <= 9; ++g) ASSERT_EQ(append(kTwo, g), AppendResult::durable);
  ASSERT_EQ(append(kOne, 1), AppendResult::durable);
  ASSERT_EQ(append(kThree, 1), AppendResult::durable);
  EXPECT_THAT(numbers(kTwo, 8), ElementsAre(8U, 9U));
  EXPECT_TRUE(numbers(kTwo, 10).empty());
  std::uint64_t seen = 0;
  ASSERT_TRUE(journal().read(kTwo, {1}, [&](const Group&) { return ++seen < 4; }));
  EXPECT_EQ(seen, 4U);  // a visitor that has enough ends the reading
}

TEST_P(JournalContract, J2EachGroupHasAHashOfItsOwnAndTheLastIsTheHead) {
  ASSERT_EQ(append(kOne, 1), AppendResult::durable);
  ASSERT_EQ(append(kOne, 2), AppendResult::durable);
  std::vector<Digest> hashes;
  ASSERT_TRUE(journal().read(kOne, {1}, [&](const Group& g) { return hashes.push_back(g.hash), true; }));
  EXPECT_NE(hashes[0], hashes[1]);
  EXPECT_EQ(hashes[1], journal().head(kOne).hash);
}

TEST_P(JournalContract, J2ADamagedGroupIsNamedAndNothingBehindItIsShown) {
  for (std::uint64_t g = 1; g <= 4; ++g) ASSERT_EQ(append(kOne, g), AppendResult::durable);
  harness_->flip_payload_byte(kOne, {3});
  std::vector<std::uint64_t> shown;
  const auto result =
      journal().read(kOne, {1}, [&](const Group& g) { return shown.push_back(g.group.value), true; });
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::damaged);
  EXPECT_THAT(result.error().where, HasSubstr("partition 1 group 3"));
  EXPECT_THAT(shown, ElementsAre(1U, 2U));
}

TEST_P(JournalContract, J2AMissingGroupIsNamedNotSkipped) {
  for (std::uint64_t g = 1; g <= 4; ++g) ASSERT_EQ(append(kOne, g), AppendResult::durable);
  harness_->remove_group(kOne, {2});
  const auto result = journal().read(kOne, {1}, [&](const Group&) { return true; });
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::damaged);
  EXPECT_THAT(result.error().where, HasSubstr("partition 1 group 2"));
}

TEST_P(JournalContract, J3AnEarlierOwnerIsFencedAndWritesNothing) {
  ASSERT_EQ(append(kOne, 1), AppendResult::durable);
  const auto old = epochs_[1];
  const auto newer = journal().own(kOne).value();
  EXPECT_EQ(newer.value, old.value + 1);
  const std::array<CellWrite, 1> cell{CellWrite{"pan/late", Bytes{1}}};
  EXPECT_EQ(append(kOne, 2, cell), AppendResult::fenced);
  EXPECT_FALSE(why_.empty());
  EXPECT_THAT(numbers(kOne), ElementsAre(1U));
  EXPECT_EQ(journal().cell("pan/late").value(), std::nullopt);
  epochs_[1] = newer;
  EXPECT_EQ(append(kOne, 2), AppendResult::durable);
}

TEST_P(JournalContract, J3OneFencedGroupRefusesTheWholeAppend) {
  const auto a = payload_of(kOne, 1), b = payload_of(kTwo, 1);
  std::array<GroupAppend, 2> groups{group_of(kOne, 1, a), group_of(kTwo, 1, b)};
  groups[1].epoch.value -= 1;
  EXPECT_EQ(journal().append(groups, why_), AppendResult::fenced);
  EXPECT_TRUE(numbers(kOne).empty());
  EXPECT_TRUE(numbers(kTwo).empty());
}

TEST_P(JournalContract, J3EpochsRiseAcrossRestarts) {
  const auto before = epochs_[1];
  restart();
  EXPECT_GT(epochs_[1], before);
}

TEST_P(JournalContract, AGroupThatIsNotTheNextOneIsRefused) {
  ASSERT_EQ(append(kOne, 1), AppendResult::durable);
  EXPECT_EQ(append(kOne, 1), AppendResult::fenced);
  EXPECT_EQ(append(kOne, 3), AppendResult::fenced);
  const auto a = payload_of(kOne, 2), b = payload_of(kOne, 3);
  const std::array<GroupAppend, 2> twice{group_of(kOne, 2, a), group_of(kOne, 3, b)};
  EXPECT_EQ(journal().append(twice, why_), AppendResult::fenced);  // at most one group of a partition
  EXPECT_EQ(append(kOne, 2), AppendResult::durable);
}

TEST_P(JournalContract, APartitionThatTheStoreLacksCannotBeOwned) {
  EXPECT_EQ(journal().own({4}).error().code, ErrorCode::not_found);
}

TEST_P(JournalContract, J4AfterUnknownNothingIsTakenUntilARestart) {
  for (const bool written : {false, true}) {
    const auto next = journal().head(kOne).group.value + 1;
    harness_->fail_next_append(written);
    EXPECT_EQ(append(kOne, next), AppendResult::unknown);
    EXPECT_FALSE(why_.empty());
    EXPECT_EQ(append(kTwo, journal().head(kTwo).group.value + 1), AppendResult::unknown);
    EXPECT_FALSE(journal().own(kTwo).has_value());
    EXPECT_FALSE(journal().put_snapshot(kTwo, {}).has_value());
    restart();
    const auto after = journal().head(kOne).group.value;
    EXPECT_TRUE(after == next || after == next - 1) << after;
    EXPECT_EQ(numbers(kOne).size(), after);
    EXPECT_EQ(append(kOne, after + 1), AppendResult::durable);
  }
}

TEST_P(JournalContract, BelowTheWatermarkOnlyEssentialGroupsGoOn) {
  harness_->set_space_low(true);
  EXPECT_TRUE(journal().space_low());
  EXPECT_EQ(append(kOne, 1), AppendResult::full);
  EXPECT_FALSE(why_.empty());
  const auto payload = payload_of(kOne, 1);
  auto essential = group_of(kOne, 1, payload);
  essential.essential = true;
  EXPECT_EQ(journal().append({&essential, 1}, why_), AppendResult::durable);
  harness_->set_space_low(false);
  EXPECT_EQ(append(kOne, 2), AppendResult::durable);  // full is not the end: it may be tried again
  EXPECT_THAT(numbers(kOne), ElementsAre(1U, 2U));
}

TEST_P(JournalContract, J5AReaderBesideTheWriterSeesAPrefixWithoutAGap) {
  constexpr std::uint64_t kGroups = 300;
  std::atomic<std::uint64_t> durable{0};
  std::thread reader([&] {
    std::uint64_t last = 0;
    while (last < kGroups) {
      const auto floor = durable.load();
      std::uint64_t seen = 0;
      const auto ok = journal().read(kOne, {1}, [&](const Group& g) { return ++seen == g.group.value; });
      EXPECT_TRUE(ok.has_value()) << ok.error().text();
      EXPECT_GE(seen, floor);
      EXPECT_GE(seen, last);
      if (HasFailure()) return;
      last = seen;
    }
  });
  for (std::uint64_t g = 1; g <= kGroups; ++g) {
    ASSERT_EQ(append(kOne, g), AppendResult::durable);
    durable = g;
  }
  reader.join();
}

TEST_P(JournalContract, TheNewestSnapshotComesBack) {
  EXPECT_EQ(journal().latest_snapshot(kOne).value(), std::nullopt);
  for (std::uint64_t g = 1; g <= 4; ++g) {
    ASSERT_EQ(append(kOne, g), AppendResult::durable);
    const auto head = journal().head(kOne);
    const Bytes state(g * 900'000,
                      static_cast<std::uint8_t>(g));  // some larger than one piece, none a multiple
    ASSERT_TRUE(journal().put_snapshot(kOne, {head.group, head.hash, state}).has_value());
  }
  restart();
  const auto found = journal().latest_snapshot(kOne).value();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->group.value, 4U);
  EXPECT_EQ(found->hash, journal().head(kOne).hash);
  EXPECT_EQ(found->state, Bytes(4 * 900'000, 4));
  EXPECT_EQ(journal().latest_snapshot(kTwo).value(), std::nullopt);
}

TEST_P(JournalContract, ADamagedSnapshotGivesWayToTheOneBefore) {
  for (std::uint64_t g = 1; g <= 2; ++g) {
    ASSERT_EQ(append(kOne, g), AppendResult::durable);
    const auto head = journal().head(kOne);
    ASSERT_TRUE(journal()
                    .put_snapshot(kOne, {head.group, head.hash, Bytes(5000, static_cast<std::uint8_t>(g))})
                    .has_value());
  }
  harness_->flip_snapshot_byte(kOne, {2});
  const auto found = journal().latest_snapshot(kOne).value();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->group.value, 1U);
  harness_->flip_snapshot_byte(kOne, {1});
  EXPECT_EQ(journal().latest_snapshot(kOne).value(), std::nullopt);  // the journal is folded from its start
}

TEST_P(JournalContract, ASnapshotOfAnotherHistoryIsRefused) {
  ASSERT_EQ(append(kOne, 1), AppendResult::durable);
  auto hash = journal().head(kOne).hash;
  hash[0] ^= 1;
  EXPECT_FALSE(journal().put_snapshot(kOne, {{1}, hash, {}}).has_value());
  EXPECT_FALSE(
      journal().put_snapshot(kOne, {{2}, journal().head(kOne).hash, {}}).has_value());  // a group to come
  EXPECT_EQ(journal().latest_snapshot(kOne).value(), std::nullopt);
}

TEST_P(JournalContract, AStagedSnapshotDoesNotCountUntilItIsInstalled) {
  ASSERT_EQ(append(kOne, 1), AppendResult::durable);
  ASSERT_TRUE(journal().put_snapshot(kOne, {{1}, journal().head(kOne).hash, Bytes(5000, 1)}).has_value());
  ASSERT_EQ(append(kOne, 2), AppendResult::durable);
  auto staged = journal().stage_snapshot(kOne, {{2}, journal().head(kOne).hash, Bytes(2'500'000, 2)});
  ASSERT_TRUE(staged.has_value()) << staged.error().text();
  EXPECT_EQ(journal().latest_snapshot(kOne).value()->group.value, 1U);
  ASSERT_EQ(append(kOne, 3), AppendResult::durable);  // the traffic goes on between the two
  ASSERT_TRUE((*staged)->install().has_value());
  EXPECT_EQ(journal().latest_snapshot(kOne).value()->state, Bytes(2'500'000, 2));
  staged->reset();
  EXPECT_EQ(journal().latest_snapshot(kOne).value()->state, Bytes(2'500'000, 2));
  restart();
  EXPECT_EQ(journal().latest_snapshot(kOne).value()->state, Bytes(2'500'000, 2));
}

TEST_P(JournalContract, AStagedSnapshotThatIsDroppedOrDiesLeavesTheOneBefore) {
  ASSERT_EQ(append(kOne, 1), AppendResult::durable);
  ASSERT_TRUE(journal().put_snapshot(kOne, {{1}, journal().head(kOne).hash, Bytes(5000, 1)}).has_value());
  ASSERT_EQ(append(kOne, 2), AppendResult::durable);
  const auto hash = journal().head(kOne).hash;
  ASSERT_TRUE(journal().stage_snapshot(kOne, {{2}, hash, Bytes(5000, 2)}).has_value());
  EXPECT_EQ(journal().latest_snapshot(kOne).value()->state, Bytes(5000, 1));
  restart();
  EXPECT_EQ(journal().latest_snapshot(kOne).value()->state, Bytes(5000, 1));
  ASSERT_TRUE(
      journal().put_snapshot(kOne, {{2}, hash, Bytes(4000, 3)}).has_value());  // and the next try counts
  EXPECT_EQ(journal().latest_snapshot(kOne).value()->state, Bytes(4000, 3));
}

TEST_P(JournalContract, OfTwoSnapshotsTheOneOfTheLaterGroupIsTheNewest) {
  ASSERT_EQ(append(kOne, 1), AppendResult::durable);
  auto earlier = journal().stage_snapshot(kOne, {{1}, journal().head(kOne).hash, Bytes(5000, 1)}).value();
  ASSERT_EQ(append(kOne, 2), AppendResult::durable);
  auto later = journal().stage_snapshot(kOne, {{2}, journal().head(kOne).hash, Bytes(5000, 2)}).value();
  ASSERT_TRUE(later->install().has_value());
  ASSERT_TRUE(earlier->install().has_value());
  EXPECT_EQ(journal().latest_snapshot(kOne).value()->state, Bytes(5000, 2));
  restart();
  EXPECT_EQ(journal().latest_snapshot(kOne).value()->state, Bytes(5000, 2));
}

TEST_P(JournalContract, TheSameGroupMayBeWrittenDownAgain) {
  ASSERT_EQ(append(kOne, 1), AppendResult::durable);
  const auto hash = journal().head(kOne).hash;
  for (const std::size_t size : {2'200'000U, 10U, 0U, 3000U}) {
    ASSERT_TRUE(journal().put_snapshot(kOne, {{1}, hash, Bytes(size, 7)}).has_value());
    EXPECT_EQ(journal().latest_snapshot(kOne).value()->state, Bytes(size, 7));
  }
}

TEST_P(JournalContract, J4AStagedSnapshotIsNotInstalledAfterUnknown) {
  ASSERT_EQ(append(kOne, 1), AppendResult::durable);
  auto staged = journal().stage_snapshot(kOne, {{1}, journal().head(kOne).hash, Bytes(5000, 1)}).value();
  harness_->fail_next_append(false);
  ASSERT_EQ(append(kOne, 2), AppendResult::unknown);
  EXPECT_FALSE(staged->install().has_value());
  staged.reset();
  restart();
  EXPECT_EQ(journal().latest_snapshot(kOne).value(), std::nullopt);
}

}  // namespace tollgate::storage::test
