#include "storage/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/memory_journal.h"
#include "tests/storage/records.h"

namespace tollgate::storage::test {
namespace {

const StoreIdentity kStore{{1}, 1};
const Digest kAtFive{5}, kOther{6};

// A store with one merchant partition, marked at group 5.
struct World {
  MarkReading mark{MarkHealth::good, {kStore, 9, {{{0}, {0}, {}}, {{1}, {5}, kAtFive}}}, {}};
  StoreView store{StoreCondition::open, {}, kStore, {{}, {Head{{5}, kAtFive, {1}}, kAtFive}}};
};

struct Row {
  const char* name;
  std::function<void(World&)> change;
  StartAction action;
  const char* says;  // in the reason or the notes
  std::size_t missing = 0;
  bool acceptable = false;
};

class StartTable : public ::testing::TestWithParam<Row> {};

TEST_P(StartTable, Row) {
  World world;
  GetParam().change(world);
  const auto verdict = judge(world.mark, world.store);
  EXPECT_EQ(verdict.action, GetParam().action);
  std::string text = verdict.reason;
  for (const auto& note : verdict.notes) text += "\n" + note;
  EXPECT_THAT(text, ::testing::HasSubstr(GetParam().says));
  EXPECT_EQ(verdict.missing.size(), GetParam().missing);
  EXPECT_EQ(verdict.acceptable, GetParam().acceptable);
  EXPECT_EQ(verdict.action == StartAction::safe_mode, !verdict.reason.empty());
}

constexpr auto kSafe = StartAction::safe_mode;
INSTANTIATE_TEST_SUITE_P(
    Rows, StartTable,
    ::testing::Values(
        Row{"StoreAtMark", [](World&) {}, StartAction::serve, ""},
        Row{"StoreAhead", [](World& w) { w.store.partitions[1].head.group = {7}; },
            StartAction::serve_with_note, "groups 6 to 7 are durable but were never answered"},
        Row{"StoreBehind",
            [](World& w) {
              w.store.partitions[1].head.group = {3};
              w.store.partitions[1].at_mark.reset();
            },
            kSafe, "missing", 1},
        Row{"StoreEmpty", [](World& w) { w.store.partitions[1] = {}; }, kSafe, "missing", 1},
        Row{"OtherHashAtMark", [](World& w) { w.store.partitions[1].at_mark = kOther; }, kSafe, "differ", 1},
        Row{"AheadWithOtherHistory",
            [](World& w) {
              w.store.partitions[1].head.group = {9};
              w.store.partitions[1].at_mark = kOther;
            },
            kSafe, "differ", 1},
        Row{"GroupAtMarkUnreadable", [](World& w) { w.store.partitions[1].at_mark.reset(); }, kSafe, "differ",
            1},
        Row{"OlderSlot",
            [](World& w) {
              w.mark.health = MarkHealth::older_slot;
              w.mark.note = "slot 1: torn";
            },
            StartAction::serve_with_note, "slot 1: torn"},
        Row{"OlderSlotAndStoreBehindIt",
            [](World& w) {
              w.mark.health = MarkHealth::older_slot;
              w.store.partitions[1].head.group = {4};
            },
            kSafe, "missing", 1},
        Row{"NoMark",
            [](World& w) {
              w.mark = {MarkHealth::unusable, {}, "no such file"};
            },
            kSafe, "no such file"},
        Row{"NoMarkAndEmptyStore",
            [](World& w) {
              w.mark = {MarkHealth::unusable, {}, "no such file"};
              w.store.partitions[1] = {};
            },
            kSafe, "no such file"},
        Row{"MarkOfAnotherStore", [](World& w) { w.mark.mark.store.id[0] = 9; }, kSafe, "another store"},
        Row{"MarkOfAnotherGeneration", [](World& w) { w.store.identity.generation = 2; }, kSafe,
            "generation"},
        Row{"OtherPartitionCount", [](World& w) { w.store.partitions.emplace_back(); }, kSafe,
            "counts 1 partitions"},
        Row{"RefusedButComplete",
            [](World& w) {
              w.store.condition = StoreCondition::refused;
              w.store.why = "Corruption: checksum";
            },
            kSafe, "behind the last acknowledgement: Corruption", 0, true},
        Row{"RefusedAndBehind",
            [](World& w) {
              w.store.condition = StoreCondition::refused;
              w.store.why = "Corruption: checksum";
              w.store.partitions[1].head.group = {2};
            },
            kSafe, "Corruption", 1},
        Row{"DiskFull",
            [](World& w) {
              w.store.condition = StoreCondition::disk_full;
              w.store.why = "No space left";
            },
            kSafe, "the disk is full: No space left"},
        Row{"Unreadable",
            [](World& w) {
              w.store.condition = StoreCondition::unreadable;
              w.store.why = "MANIFEST";
            },
            kSafe, "cannot be read at all: MANIFEST", 1}),
    [](const auto& row) { return row.param.name; });

TEST(Verdict, NamesTheMissingGroupsPerPartition) {
  World world;
  world.store.partitions[1].head.group = {3};
  const auto verdict = judge(world.mark, world.store);
  ASSERT_EQ(verdict.missing.size(), 1U);
  EXPECT_EQ(verdict.missing[0].partition.value, 1U);
  EXPECT_EQ(verdict.missing[0].first.value, 4U);
  EXPECT_EQ(verdict.missing[0].last.value, 5U);
}

TEST(Verdict, LooksAtTheGroupThatTheMarkNames) {
  MemoryJournal journal(1);
  Writer writer(journal);
  std::vector<Digest> heads{{}};
  for (int i = 0; i < 3; ++i) {
    writer.write(1, {intent(1, 1, 1, 1)});
    heads.push_back(journal.head({1}).hash);
  }
  const auto verdict_at = [&](std::uint64_t group, const Digest& hash) {
    const MarkReading mark{
        MarkHealth::good, {journal.identity(), 1, {{{0}, {}, {}}, {{1}, {group}, hash}}}, {}};
    return judge(mark, view_store(journal, StoreCondition::open, {}, mark)).action;
  };
  EXPECT_EQ(verdict_at(3, heads[3]), StartAction::serve);
  EXPECT_EQ(verdict_at(2, heads[2]), StartAction::serve_with_note);
  EXPECT_EQ(verdict_at(0, {}), StartAction::serve_with_note);
  EXPECT_EQ(verdict_at(2, heads[3]), StartAction::safe_mode);
  EXPECT_EQ(verdict_at(4, heads[3]), StartAction::safe_mode);
  journal.store()->flip_group_byte({1}, {2}, 90);
  EXPECT_EQ(verdict_at(2, heads[2]), StartAction::safe_mode);
}

}  // namespace
}  // namespace tollgate::storage::test
