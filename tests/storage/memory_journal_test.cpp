#include "storage/memory_journal.h"

#include "tests/storage/journal_contract.h"

namespace tollgate::storage::test {
namespace {

class MemoryHarness final : public JournalHarness {
 public:
  MemoryHarness() { restart(); }
  Journal& journal() override { return *journal_; }
  void restart() override {
    fault_ = MemoryFault::none;
    journal_ = std::make_unique<MemoryJournal>(store_, [this](std::uint64_t) { return fault_; });
  }
  void fail_next_append(bool written) override {
    fault_ = written ? MemoryFault::unknown_after : MemoryFault::unknown_before;
  }
  void set_space_low(bool low) override { journal_->set_space_low(low); }
  void flip_payload_byte(PartitionId partition, GroupNo group) override {
    store_->flip_group_byte(partition, group, 100);
    restart();
  }
  void remove_group(PartitionId partition, GroupNo group) override {
    store_->lose_group(partition, group);
    restart();
  }
  void flip_snapshot_byte(PartitionId partition, GroupNo group) override {
    store_->flip_snapshot_byte(partition, group, sizeof(std::uint8_t) * 200);
    restart();
  }

 private:
  std::shared_ptr<MemoryStore> store_ =
      std::make_shared<MemoryStore>(3, StoreIdentity{{'t', 'e', 's', 't'}, 1});
  MemoryFault fault_ = MemoryFault::none;
  std::unique_ptr<MemoryJournal> journal_;
};

INSTANTIATE_TEST_SUITE_P(Memory, JournalContract,
                         ::testing::Values(HarnessKind{"memory",
                                                       [] { return std::make_unique<MemoryHarness>(); }}),
                         [](const auto& kind) { return kind.param.name; });

TEST(MemoryJournal, TwoJournalsOverOneStoreFenceEachOther) {
  const auto store = std::make_shared<MemoryStore>(1, StoreIdentity{});
  MemoryJournal first(store), second(store);
  const auto old = first.own(kOne).value();
  const auto fresh = second.own(kOne).value();
  const Bytes payload{1, 2, 3};
  std::string why;
  GroupAppend group{
      .partition = kOne, .epoch = old, .group = {1}, .records = 1, .payload = payload, .cells = {}};
  EXPECT_EQ(first.append({&group, 1}, why), AppendResult::fenced);
  group.epoch = fresh;
  EXPECT_EQ(second.append({&group, 1}, why), AppendResult::durable);
  EXPECT_EQ(first.head(kOne).group.value, 1U);
}

TEST(MemoryJournal, MeetsTheFaultThatIsAskedForAtThatAppend) {
  const auto store = std::make_shared<MemoryStore>(1, StoreIdentity{});
  MemoryJournal journal(store,
                        [](std::uint64_t n) { return n == 2 ? MemoryFault::full : MemoryFault::none; });
  const auto epoch = journal.own(kOne).value();
  const Bytes payload{1};
  std::string why;
  GroupAppend group{
      .partition = kOne, .epoch = epoch, .group = {1}, .records = 1, .payload = payload, .cells = {}};
  EXPECT_EQ(journal.append({&group, 1}, why), AppendResult::durable);
  group.group = {2};
  EXPECT_EQ(journal.append({&group, 1}, why), AppendResult::full);
  EXPECT_EQ(journal.append({&group, 1}, why), AppendResult::durable);
}

}  // namespace
}  // namespace tollgate::storage::test
