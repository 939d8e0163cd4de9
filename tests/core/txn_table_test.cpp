// The table of transactions against a model that is too simple to be wrong, through many times its size.
#include "switch/core/txn_table.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>

namespace tollgate::core {
namespace {

constexpr PartitionId kPartition{3};

TxnId id_of(std::uint64_t n) {
  return {kPartition, Epoch{1 + static_cast<std::uint32_t>(n / 1000)}, n};
}

struct Model {
  struct Row {
    std::uint64_t key;
    TxnId id;
    std::uint16_t mti;
    TxnIndex index;
  };
  std::deque<Row> rows;  // oldest first

  [[nodiscard]] TxnIndex find(std::uint64_t key, auto&& fits) const {
    for (auto row = rows.rbegin(); row != rows.rend(); ++row)
      if (row->key == key && fits(*row)) return row->index;
    return kNoTxn;
  }
};

void compare(const TxnTable& table, const Model& model, std::uint64_t key) {
  EXPECT_EQ(table.find(key), model.find(key, [](const auto&) { return true; }));
  EXPECT_EQ(table.find(key, 0x0400), model.find(key, [](const auto& row) { return row.mti == 0x0400; }));
  EXPECT_EQ(table.find_original(key), model.find(key, [](const auto& row) { return row.mti != 0x0400; }));
}

TEST(TxnTable, FindsWhatAModelFinds) {
  constexpr std::uint32_t kMax = 300;
  std::mt19937_64 chance(20261122);
  TxnTable table(kMax);
  Model model;
  for (std::uint64_t n = 1; n <= 40'000; ++n) {
    // Few keys, so that chains form; close together and far apart, so that words meet.
    const auto key = TxnTable::key_of(static_cast<std::uint32_t>(chance() % 7) << (chance() % 3 * 8), 1,
                                      static_cast<std::uint32_t>(chance() % 60));
    const std::uint16_t mti = chance() % 4 == 0 ? 0x0400 : 0x0200;
    if (model.rows.size() == kMax) model.rows.pop_front();
    const auto index = table.insert(key, id_of(n), mti);
    ASSERT_NE(index, kNoTxn);
    ASSERT_EQ(table.newest(), index);
    model.rows.push_back({key, id_of(n), mti, index});
    ASSERT_EQ(table.size(), model.rows.size());
    compare(table, model, key);
    compare(table, model, TxnTable::key_of(static_cast<std::uint32_t>(chance() % 7), 1, 61));  // none
    const auto& any = model.rows[chance() % model.rows.size()];
    compare(table, model, any.key);
    ASSERT_EQ(table.find_id(any.id), any.index);
    ASSERT_EQ(table.find_id(id_of(n + 1)), kNoTxn);
    if (n > kMax) {
      ASSERT_EQ(table.find_id(id_of(n - kMax)), kNoTxn);
    }
  }
}

// Terminals count their STANs up, eight of them at home in one line of the table: lines overflow into each
// other when the table is as full as it gets, and empty again as the oldest leave.
TEST(TxnTable, FindsTheStansOfManyTerminals) {
  constexpr std::uint32_t kMax = 4000, kTerminals = 37;
  TxnTable table(kMax);
  std::uint64_t id = 0;
  const auto key = [](std::uint64_t n) {
    return TxnTable::key_of(static_cast<std::uint32_t>(n % kTerminals), 1,
                            static_cast<std::uint32_t>(n / kTerminals));
  };
  for (std::uint64_t n = 0; n < 5 * kMax; ++n) {
    ASSERT_EQ(table.find(key(n)), kNoTxn);
    const auto index = table.insert(key(n), id_of(++id), 0x0200);
    ASSERT_NE(index, kNoTxn);
    ASSERT_EQ(table.find(key(n)), index);
    if (n % 97 != 0) continue;
    for (std::uint64_t m = 0; m <= n; ++m) {
      ASSERT_EQ(table.find(key(m)) == kNoTxn, n - m >= kMax) << m << " of " << n;
    }
  }
}

TEST(TxnTable, KeepsWhatIsNotResolvedAndSaysThatItIsFull) {
  TxnTable table(20);
  auto& open = table[table.insert(1, id_of(1), 0x0200)];
  open.state = TxnState::authorizing;
  for (std::uint64_t n = 2; n <= 20; ++n) ASSERT_NE(table.insert(n, id_of(n), 0x0200), kNoTxn);
  EXPECT_FALSE(table.has_room());
  EXPECT_EQ(table.insert(21, id_of(21), 0x0200), kNoTxn);
  EXPECT_NE(table.find(1), kNoTxn);
  open.state = TxnState::completed;
  EXPECT_TRUE(table.has_room());
  EXPECT_NE(table.insert(21, id_of(21), 0x0200), kNoTxn);
  EXPECT_EQ(table.find(1), kNoTxn);
}

TEST(TxnTable, ForgetsWhatItWasToRememberWhenThatLeaves) {
  TxnTable table(20);
  for (std::uint64_t n = 1; n <= 20; ++n) ASSERT_NE(table.insert(n, id_of(n), 0x0200), kNoTxn);
  table.remember(table.find(1));
  EXPECT_EQ(table.find_id(id_of(1)), table.find(1));
  EXPECT_EQ(table.find_id(id_of(7)), table.find(7));
  ASSERT_NE(table.insert(21, id_of(21), 0x0200), kNoTxn);
  EXPECT_EQ(table.find_id(id_of(1)), kNoTxn);
}

// The place of an original that has left belongs to another transaction by then.
TEST(TxnTable, DoesNotTakeAnotherForAnOriginalThatHasLeft) {
  TxnTable table(20);
  ASSERT_NE(table.insert(1, id_of(1), 0x0200), kNoTxn);
  for (std::uint64_t n = 2; n <= 15; ++n) ASSERT_NE(table.insert(n, id_of(n), 0x0200), kNoTxn);
  auto& undo = table[table.insert(16, id_of(16), 0x0200)];
  undo.original = id_of(1);
  EXPECT_EQ(table.find_original_of(undo), table.find(1));
  for (std::uint64_t n = 17; n <= 30; ++n) ASSERT_NE(table.insert(n, id_of(n), 0x0200), kNoTxn);
  EXPECT_EQ(table.find_original_of(undo), kNoTxn);
}

TEST(TxnTableDeathTest, RefusesAnIdThatDoesNotAscend) {
  TxnTable table(20);
  ASSERT_NE(table.insert(1, id_of(5), 0x0200), kNoTxn);
  EXPECT_DEATH((void)table.insert(2, id_of(5), 0x0200), "");
}

}  // namespace
}  // namespace tollgate::core
