// A snapshot folded beside the traffic is the one that the worker itself would have written, byte for byte.
#include <gtest/gtest.h>

#include "tests/core/folded.h"
#include "tests/core/rig.h"

namespace tollgate {
namespace {

using test::Rig;

sim::SaleOrder card_sale(std::int64_t minor) {
  return {.card = sim::example_card(), .amount = Amount::checked(minor)};
}

// What differs between worker and fold, over the house and all partitions; empty: nothing.
std::string differences(Rig& rig) {
  std::string out;
  for (const auto id : rig.engine().owned()) {
    const auto worker = rig.engine().snapshot(id);
    const auto fold = test::folded(rig.config(), rig.vault(), rig.journal(), id, rig.journal().head(id));
    if (!worker || !fold) return "no state: " + (fold ? std::string("of the worker") : fold.error().text());
    out += test::difference(id, *worker, *fold);
  }
  return out;
}

void write_down(Rig& rig) {
  for (const auto id : rig.engine().owned()) {
    auto fold = test::folded(rig.config(), rig.vault(), rig.journal(), id, rig.journal().head(id));
    ASSERT_TRUE(fold.has_value()) << fold.error().text();
    ASSERT_TRUE(rig.journal().put_snapshot(id, std::move(*fold)).has_value());
  }
}

// Sales, a void, a decline, an instant sale, an open reversal, a hold, an order with a key.
void trade(Rig& rig, sim::SimTerminal& pos) {
  for (int i = 1; i <= 4; ++i) EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(i * 1'000))).code(), "00");
  EXPECT_EQ(rig.ask(pos, pos.void_sale(pos.last_stan())).code(), "00");
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(1'051))).code(), "51");
  auto instant = card_sale(20'000);
  instant.instant = true;
  EXPECT_EQ(rig.ask(pos, pos.sale(instant)).code(), "00");
  rig.host_silent = true;
  (void)rig.exchange(pos.sale(card_sale(7'000)));
  rig.advance(std::chrono::seconds(16));  // answered 98, owed a reversal that nobody acknowledges
  ASSERT_EQ(rig.replies.size(), 1U);
  EXPECT_EQ(pos.receive(ByteView(rig.replies[0]).subspan(2)).code(), "98");
  EXPECT_TRUE(rig.suspend(1).ok());
}

TEST(Fold, GivesTheWorkersBytesFromTheFirstRecord) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  EXPECT_EQ(differences(rig), "");
  trade(rig, pos);
  EXPECT_EQ(rig.engine().counters().reversals_owed, 1U);
  EXPECT_EQ(differences(rig), "");
}

TEST(Fold, GivesTheWorkersBytesFromASnapshotAndTheTail) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  trade(rig, pos);
  write_down(rig);
  EXPECT_EQ(differences(rig), "");  // nothing behind it
  rig.host_silent = false;
  EXPECT_TRUE(rig.activate(1).ok());
  rig.advance(std::chrono::seconds(30));  // the reversal is settled
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(3'000))).code(), "00");
  EXPECT_EQ(differences(rig), "");
  rig.crash();
  EXPECT_EQ(differences(rig), "");
}

// Transactions are written and read without message objects: the library must write the same bytes of what it reads.
TEST(Fold, WritesTransactionsAsTheLibraryDoes) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  trade(rig, pos);
  std::size_t receipts = 0, counted = 0, open = 0;
  for (std::uint16_t id = 1; id <= 2; ++id) {
    const auto snapshot = rig.engine().snapshot({id});
    ASSERT_TRUE(snapshot.has_value());
    v1::PartitionSnapshot state;
    ASSERT_TRUE(state.ParseFromArray(snapshot->state.data(), static_cast<int>(snapshot->state.size())));
    v1::PartitionSnapshot txns;
    txns.mutable_txns()->Swap(state.mutable_txns());
    for (const auto& txn : txns.txns()) {
      receipts += txn.receipt().empty() ? 0 : 1;
      counted += txn.has_counted() ? 1 : 0;
      open += txn.pan_group() != 0 ? 1 : 0;
    }
    EXPECT_TRUE(as_text(snapshot->state).ends_with(txns.SerializeAsString()));
  }
  EXPECT_GE(receipts, 1U);
  EXPECT_GE(counted, 5U);
  EXPECT_GE(open, 1U);
}

// An intent on its way has no outcome in either; what the worker knows of it besides is not state.
TEST(Fold, GivesTheWorkersBytesWhileARequestIsAtItsHost) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  rig.host_silent = true;
  (void)rig.exchange(pos.sale(card_sale(1'000)));
  EXPECT_EQ(differences(rig), "");
  write_down(rig);
  EXPECT_EQ(differences(rig), "");  // the intent is open in there too
  EXPECT_EQ(rig.engine().counters().reversals_owed, 0U);
  rig.crash();
  EXPECT_EQ(rig.engine().counters().reversals_owed, 1U);  // from the snapshot alone
}

// The table is full and the oldest leave: also from the middle of chains, and originals before their voids.
TEST(Fold, GivesTheWorkersBytesWhenTransactionsAreEvicted) {
  Rig rig({.transactions_max = 16});
  auto pos = rig.terminal();
  rig.sign_in(pos);
  for (int round = 0; round < 12; ++round) {
    EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(1'000 + round))).code(), "00");
    EXPECT_EQ(rig.ask(pos, pos.void_sale(pos.last_stan())).code(), "00");
    EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(2'000 + round))).code(), "00");
    EXPECT_EQ(differences(rig), "") << round;
    if (round == 6) write_down(rig);
  }
  rig.crash();
  EXPECT_EQ(differences(rig), "");
}

TEST(Fold, ControlAStateOfAnotherMomentDiffersAndIsNamed) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(1'000))).code(), "00");
  const auto id = core::Engine::partition_of(test::kMerchant, 2);
  const auto before = test::folded(rig.config(), rig.vault(), rig.journal(), id, rig.journal().head(id));
  ASSERT_TRUE(before.has_value());
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(2'000))).code(), "00");
  auto worker = rig.engine().snapshot(id);
  EXPECT_EQ(test::difference(id, *worker, *before), "of different groups");
  worker->group = before->group;
  EXPECT_NE(test::difference(id, *worker, *before), "");
  worker->state = before->state;
  EXPECT_EQ(test::difference(id, *worker, *before), "");
}

TEST(Fold, EndsAtItsGroup) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(1'000))).code(), "00");
  const auto id = core::Engine::partition_of(test::kMerchant, 2);
  const auto head = rig.journal().head(id);
  const auto fold_upto = [&](std::uint64_t upto) {
    return test::folded(rig.config(), rig.vault(), rig.journal(), id, {{upto}, head.hash, head.epoch});
  };
  const auto before = fold_upto(head.group.value - 1);
  const auto whole = fold_upto(head.group.value);
  ASSERT_TRUE(before.has_value() && whole.has_value());
  EXPECT_EQ(before->group.value, head.group.value - 1);
  EXPECT_NE(before->state, whole->state);
  // The journal ends before it: the bytes would be those of another place in the chain.
  EXPECT_EQ(fold_upto(head.group.value + 1).error().code, ErrorCode::conflict);
  write_down(rig);
  EXPECT_EQ(fold_upto(head.group.value - 1).error().code, ErrorCode::conflict);  // older than what is there
}

TEST(Fold, StopsWhenItIsToldTo) {
  Rig rig;
  const std::atomic<bool> cancelled = true;
  const auto id = core::Engine::partition_of(test::kMerchant, 2);
  const auto fold = core::fold_apart({.config = rig.config(),
                                      .vault = rig.vault(),
                                      .partition = id,
                                      .upto = rig.journal().head(id),
                                      .cancelled = &cancelled},
                                     rig.journal());
  EXPECT_EQ(fold.error().code, ErrorCode::unavailable);
}

TEST(Fold, RefusesASnapshotThatIsCutShort) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(1'000))).code(), "00");
  const auto id = core::Engine::partition_of(test::kMerchant, 2);
  const auto head = rig.journal().head(id);
  const auto whole = test::folded(rig.config(), rig.vault(), rig.journal(), id, head);
  ASSERT_TRUE(whole.has_value());
  for (const std::size_t cut : {std::size_t{1}, std::size_t{7}, whole->state.size() / 3}) {
    auto shorter = *whole;
    shorter.state.resize(shorter.state.size() - cut);
    ASSERT_TRUE(
        rig.journal().put_snapshot(id, shorter).has_value());  // its hash is right: only what it says is not
    const auto fold = test::folded(rig.config(), rig.vault(), rig.journal(), id, head);
    ASSERT_FALSE(fold.has_value()) << cut;
    EXPECT_EQ(fold.error().code, ErrorCode::damaged) << cut;
  }
}

}  // namespace
}  // namespace tollgate
