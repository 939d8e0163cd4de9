#include "storage/indexer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "storage/memory_journal.h"
#include "storage/recovery.h"
#include "storage/rocks_index.h"
#include "tests/storage/records.h"
#include "tests/storage/scratch.h"

namespace tollgate::storage::test {
namespace {

enum class StoreKind { memory, rocks };

std::vector<Bytes> all_keys(const IndexStore& store) {
  std::vector<Bytes> out;
  const std::array<std::uint8_t, 1> from{'A'}, past{'Z'};
  EXPECT_TRUE(store.scan(from, past, false,
                         [&](ByteView key) { return out.emplace_back(key.begin(), key.end()), true; }));
  return out;
}

class IndexerOver : public ::testing::TestWithParam<StoreKind> {
 protected:
  // A store that the test may look into while the indexer owns it.
  std::unique_ptr<IndexStore> make_store() {
    std::unique_ptr<IndexStore> store = std::make_unique<MemoryIndex>();
    if (GetParam() == StoreKind::rocks) store = open_rocks_index(scratch_ / "index", {}).value();
    seen_ = store.get();
    return store;
  }
  void start(IndexerOptions options = {}) {
    indexer_.reset();
    indexer_ = std::move(Indexer::start(journal_, make_store(), std::move(options)).value());
  }
  std::vector<std::uint64_t> groups(const Indexer::Positions& positions) {
    std::vector<std::uint64_t> out;
    for (const auto& p : positions.value()) out.push_back(p.group.value);
    return out;
  }

  Scratch scratch_;
  std::shared_ptr<MemoryStore> store_ = std::make_shared<MemoryStore>(2, StoreIdentity{{'i'}, 1});
  MemoryJournal journal_{store_};
  Writer writer_{journal_};
  IndexStore* seen_ = nullptr;
  std::unique_ptr<Indexer> indexer_;
};

TEST_P(IndexerOver, FindsRecordsByRrnStanTransactionTokenAndEntry) {
  const std::uint64_t terminal = ObjectId({1}, {1}, 77).raw();
  writer_.write(1, {intent(1, 500, terminal, 10), intent(2, 501, terminal, 11)});
  writer_.write(1, {outcome(1, 1, {1, 2}), outcome(2, 1, {3})});
  writer_.write(2, {intent(3, 500, 5, 10)});  // the same RRN in another partition, on another day
  start();
  ASSERT_TRUE(indexer_->catch_up().has_value());

  EXPECT_THAT(indexer_->find_by_rrn(500).value(),
              ::testing::ElementsAre(Position{{1}, {1}, 0}, Position{{2}, {1}, 0}));
  EXPECT_TRUE(indexer_->find_by_rrn(999).value().empty());
  EXPECT_THAT(groups(indexer_->find_by_stan(ObjectId(terminal), 1, 11)), ::testing::ElementsAre(1U));
  EXPECT_TRUE(indexer_->find_by_stan(ObjectId(terminal), 2, 11).value().empty());
  EXPECT_THAT(groups(indexer_->find_txn(TxnId(2))), ::testing::ElementsAre(1U, 2U));
  EXPECT_THAT(groups(indexer_->find_by_token(as_bytes(std::string(16, 'b')))), ::testing::ElementsAre(1U));
  EXPECT_FALSE(indexer_->find_by_token(as_bytes("short")).has_value());

  const auto found = indexer_->find_txn(TxnId(2)).value();
  EXPECT_EQ(indexer_->read_record(found[0]).value().intent().rrn(), 501U);
  EXPECT_EQ(indexer_->read_record(found[1]).value().outcome().response_code(), "00");

  EXPECT_EQ(indexer_->find_entries({1}, {0}, 100).value().size(), 2U);  // two records hold the three entries
  const auto last = indexer_->find_entries({1}, {2}, 100).value();
  ASSERT_EQ(last.size(), 1U);
  EXPECT_EQ(indexer_->read_record(last[0]).value().outcome().txn(), 2U);
  EXPECT_TRUE(indexer_->find_entries({1}, {3}, 100).value().empty());
  EXPECT_TRUE(indexer_->find_entries({2}, {0}, 100).value().empty());
}

TEST_P(IndexerOver, FindsTheRecordOfAnotherTransactionThatDecidesAboutThisOne) {
  v1::Record voided = outcome(2, 1);
  voided.mutable_outcome()->set_resolves(1);
  v1::Record owed;
  owed.mutable_reversal_owed()->set_txn(1);
  owed.mutable_reversal_owed()->set_by(5);
  writer_.write(1, {intent(1, 1, 1, 1)});
  writer_.write(1, {voided});
  writer_.write(1, {owed});
  start();
  ASSERT_TRUE(indexer_->catch_up().has_value());
  EXPECT_THAT(groups(indexer_->find_txn(TxnId(1))), ::testing::ElementsAre(1U, 2U, 3U));
  EXPECT_THAT(groups(indexer_->find_txn(TxnId(5))), ::testing::ElementsAre(3U));
}

TEST_P(IndexerOver, ListsNewestFirstInPagesWithoutOverlapOrGap) {
  std::vector<std::int64_t> times;
  for (std::int64_t i = 0; i < 25; ++i) {
    const std::int64_t at = kStartUs + i / 2 * 1000;  // pairs share a time
    times.push_back(at);
    writer_.write(
        static_cast<std::uint16_t>(1 + i % 2),
        {intent(static_cast<std::uint64_t>(i + 1), 1, 40 + static_cast<std::uint64_t>(i % 3), 1, at)});
  }
  start();
  ASSERT_TRUE(indexer_->catch_up().has_value());
  std::vector<TxnItem> seen;
  TxnQuery query{.terminal = {}, .from = {}, .past = {}, .after = {}, .limit = 7};
  while (true) {
    const auto page = indexer_->list(query).value();
    seen.insert(seen.end(), page.begin(), page.end());
    if (page.size() < query.limit) break;
    query.after = page.back();
  }
  ASSERT_EQ(seen.size(), times.size());
  std::set<Position> distinct;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    EXPECT_EQ(seen[i].at.us, times[times.size() - 1 - i]);
    distinct.insert(seen[i].position);
  }
  EXPECT_EQ(distinct.size(), seen.size());

  const auto of_terminal =
      indexer_->list({.terminal = ObjectId(41), .from = {}, .past = {}, .after = {}, .limit = 100});
  EXPECT_EQ(of_terminal.value().size(), 8U);
  const auto window = indexer_->list({.terminal = {},
                                      .from = WallTime{kStartUs + 1000},
                                      .past = WallTime{kStartUs + 3000},
                                      .after = {},
                                      .limit = 100});
  EXPECT_EQ(window.value().size(), 4U);
  EXPECT_TRUE(
      indexer_->list({.terminal = {}, .from = {}, .past = {}, .after = {}, .limit = 0}).value().empty());
}

TEST_P(IndexerOver, FollowsTheJournalWhileItGrows) {
  start({.batch_keys = 100, .gather = std::chrono::milliseconds(1), .on_error = {}});
  for (std::uint64_t i = 1; i <= 300; ++i) {
    writer_.write(static_cast<std::uint16_t>(1 + i % 2), {intent(i, i, i % 7 + 1, 1), outcome(i, 1, {i})});
    indexer_->notify();
  }
  ASSERT_TRUE(indexer_->catch_up().has_value());
  for (std::uint64_t i = 1; i <= 300; ++i) ASSERT_EQ(indexer_->find_txn(TxnId(i)).value().size(), 2U) << i;
  EXPECT_EQ(indexer_->indexed({1}).value, 150U);
}

TEST_P(IndexerOver, ARebuiltIndexEqualsTheOneThatGrew) {
  start({.batch_keys = 64, .gather = std::chrono::milliseconds(0), .on_error = {}});
  for (std::uint64_t i = 1; i <= 200; ++i) {
    writer_.write(static_cast<std::uint16_t>(1 + i % 2),
                  {intent(i, 1000 + i % 50, i % 7 + 1, 3), outcome(i, 1, {i, i + 1000})});
    if (i % 10 != 0) continue;
    ASSERT_TRUE(indexer_->catch_up().has_value());
  }
  ASSERT_TRUE(indexer_->catch_up().has_value());
  const auto grown = all_keys(*seen_);
  ASSERT_GT(grown.size(), 1500U);
  ASSERT_TRUE(indexer_->rebuild().has_value());
  EXPECT_EQ(all_keys(*seen_), grown);
}

TEST_P(IndexerOver, StopsAtADamagedGroupAndGoesOnAfterARebuild) {
  writer_.write(1, {intent(1, 500, 1, 1)});
  writer_.write(1, {intent(2, 501, 1, 2)});
  store_->flip_group_byte({1}, {2}, 100);
  std::atomic<int> errors = 0;
  start(
      {.batch_keys = 1, .gather = std::chrono::milliseconds(0), .on_error = [&](const Error&) { ++errors; }});
  EXPECT_EQ(indexer_->catch_up().error().code, ErrorCode::damaged);
  EXPECT_EQ(indexer_->find_by_rrn(500).value().size(), 1U);
  EXPECT_FALSE(indexer_->catch_up().has_value());  // stays stopped
  store_->flip_group_byte({1}, {2}, 100);          // the group is whole again
  EXPECT_TRUE(indexer_->rebuild().has_value());
  EXPECT_EQ(indexer_->find_by_rrn(501).value().size(), 1U);
  EXPECT_EQ(errors, 1);
}

TEST_P(IndexerOver, AnswersBesideTheWriter) {
  start({.batch_keys = 50, .gather = std::chrono::milliseconds(0), .on_error = {}});
  std::atomic<bool> stop = false;
  std::thread reader([&] {
    while (!stop) {
      ASSERT_TRUE(indexer_->find_by_rrn(7).has_value());
      ASSERT_TRUE(indexer_->list({}).has_value());
    }
  });
  for (std::uint64_t i = 1; i <= 100; ++i) {
    writer_.write(1, {intent(i, 7, 1, 1)});
    indexer_->notify();
    if (i != 50) continue;
    EXPECT_TRUE(indexer_->rebuild().has_value());
  }
  EXPECT_TRUE(indexer_->catch_up().has_value());
  stop = true;
  reader.join();
  EXPECT_EQ(indexer_->find_by_rrn(7).value().size(), 100U);
}

INSTANTIATE_TEST_SUITE_P(Stores, IndexerOver, ::testing::Values(StoreKind::memory, StoreKind::rocks),
                         [](const auto& kind) {
                           return kind.param == StoreKind::memory ? "memory" : "rocks";
                         });

TEST(RocksIndex, GoesOnWhereItEndedAfterAClose) {
  const Scratch scratch;
  MemoryJournal journal(1);
  Writer writer(journal);
  for (std::uint64_t i = 1; i <= 10; ++i) writer.write(1, {intent(i, i, 1, 1)});
  {
    auto indexer =
        std::move(Indexer::start(journal, open_rocks_index(scratch / "index", {}).value(), {}).value());
    ASSERT_TRUE(indexer->catch_up().has_value());
  }
  const auto store = open_rocks_index(scratch / "index", {}).value();
  EXPECT_EQ(store->progress({1}).value().group.value, 10U);
  EXPECT_EQ(store->progress({1}).value().hash, journal.head({1}).hash);
}

TEST(RocksIndex, OneOfAnotherHistoryIsThrownAway) {
  const Scratch scratch;
  MemoryJournal mine(1), other(1);
  Writer(mine).write(1, {intent(1, 500, 1, 1)});
  Writer(other).write(1, {intent(9, 900, 1, 1)});
  for (auto* journal : {&other, &mine}) {
    auto indexer =
        std::move(Indexer::start(*journal, open_rocks_index(scratch / "index", {}).value(), {}).value());
    ASSERT_TRUE(indexer->catch_up().has_value());
    EXPECT_EQ(indexer->find_by_rrn(900).value().size(), journal == &other ? 1U : 0U);
    EXPECT_EQ(indexer->find_by_rrn(500).value().size(), journal == &mine ? 1U : 0U);
  }
}

TEST(RocksIndex, ADamagedOneIsThrownAwayAndMadeAgain) {
  const Scratch scratch;
  MemoryJournal journal(1);
  Writer writer(journal);
  writer.write(1, {intent(1, 500, 1, 1)});
  const auto path = scratch / "index";
  {
    auto indexer = std::move(Indexer::start(journal, open_rocks_index(path, {}).value(), {}).value());
    ASSERT_TRUE(indexer->catch_up().has_value());
  }
  for (const auto& file : std::filesystem::directory_iterator(path)) {
    if (file.path().filename().string().starts_with("MANIFEST"))
      std::ofstream(file.path(), std::ios::trunc) << "rubbish";
  }
  std::string said;
  RocksIndexOptions options;
  options.log = [&](StoreLog level, std::string_view text) {
    if (level == StoreLog::warning && text.find("thrown away") != std::string_view::npos) said = text;
  };
  auto indexer = std::move(Indexer::start(journal, open_rocks_index(path, options).value(), {}).value());
  ASSERT_TRUE(indexer->catch_up().has_value());
  EXPECT_EQ(indexer->find_by_rrn(500).value().size(), 1U);
  EXPECT_FALSE(said.empty());
}

}  // namespace
}  // namespace tollgate::storage::test
