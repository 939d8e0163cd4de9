// A terminal's conversation with the switch, from sign-in to the books, over the real engine, codec, fees and
// postings.
#include <gtest/gtest.h>

#include "tests/core/rig.h"

namespace tollgate {
namespace {

using test::Rig;

sim::SaleOrder card_sale(std::int64_t minor) {
  return {.card = sim::example_card(), .amount = Amount::checked(minor)};
}

sim::SaleOrder qr_sale(std::int64_t minor, sim::Wallet wallet = sim::Wallet::wechat) {
  return {.entry = sim::Entry::qr, .code = sim::wallet_code(wallet, 1), .amount = Amount::checked(minor)};
}

TEST(Conversation, RefusesASaleAfterSignOut) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  const auto sale = pos.sale(card_sale(10'000));
  const Bytes frame(sale.begin(), sale.end());  // its MAC is right: the session is over all the same
  pos.withdraw();
  rig.ask(pos, pos.sign_out());
  const auto replies = rig.exchange(frame);
  ASSERT_EQ(replies.size(), 1U);
  iso::MessageView view;
  ASSERT_TRUE(iso::decode(*iso::Dialect::builtin("cup"), ByteView(replies[0]).subspan(2), view).ok());
  EXPECT_TRUE(view.equals(39, "77"));
  EXPECT_EQ(view.header()[2] & 0x0F, 3);  // sign in again
  EXPECT_TRUE(rig.entries().empty());
}

TEST(Conversation, SellsByCardAndBooksTheFeeBeforeTheAnswer) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  const auto verdict = rig.ask(pos, pos.sale(card_sale(10'000)));
  EXPECT_EQ(verdict.code(), "00");
  EXPECT_EQ(rig.balance("1100/unionpay"), "10000");
  EXPECT_EQ(rig.balance("2100/102290058120001"), "-9940");
  EXPECT_EQ(rig.balance("4100"), "-60");
  ASSERT_EQ(rig.entries().size(), 1U);
  EXPECT_EQ(rig.entries()[0].type(), "sale");
  EXPECT_EQ(rig.entries()[0].seq(), 1U);
  EXPECT_EQ(rig.view(1).batch_count, 1U);
}

TEST(Conversation, SellsByWalletAt38BasisPoints) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  EXPECT_EQ(rig.ask(pos, pos.sale(qr_sale(10'000))).code(), "00");
  EXPECT_EQ(rig.balance("1110/wechat"), "10000");
  EXPECT_EQ(rig.balance("2100/102290058120001"), "-9962");
  EXPECT_EQ(rig.balance("4110"), "-38");
}

TEST(Conversation, SellsWithInstantSettlementForThreeYuanMore) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  auto order = card_sale(10'000);
  order.instant = true;
  EXPECT_EQ(rig.ask(pos, pos.sale(order)).code(), "00");
  EXPECT_EQ(rig.balance("4100"), "-60");
  EXPECT_EQ(rig.balance("4120"), "-300");
  EXPECT_EQ(rig.balance("2100/102290058120001"), "0");
  ASSERT_EQ(rig.entries().size(), 2U);
  EXPECT_EQ(rig.entries()[1].type(), "instant_payout");
  EXPECT_EQ(rig.entries()[1].legs(0).amount_minor(), 9640);
}

TEST(Conversation, DeclinesWithTheHostsCodeAndBooksNothing) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(10'051))).code(), "51");
  EXPECT_TRUE(rig.entries().empty());
}

TEST(Conversation, AnswersARepeatWithTheSameBytesAndPostsNothing) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  const auto sale = pos.sale(card_sale(7'700));
  const Bytes frame(sale.begin(), sale.end());
  const auto first = rig.exchange(frame);
  rig.advance(std::chrono::seconds(2));
  const auto second = rig.exchange(frame);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first, second);
  EXPECT_EQ(rig.entries().size(), 1U);
  EXPECT_EQ(rig.host("cup").books().totals().requests, 1U);
}

TEST(Conversation, AnswersARepeatWithTheSameBytesAfterACrash) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  const auto sale = pos.sale(card_sale(7'700));
  const Bytes frame(sale.begin(), sale.end());
  const auto first = rig.exchange(frame);
  rig.crash();
  EXPECT_EQ(rig.exchange(frame), first);
  EXPECT_EQ(rig.entries().size(), 1U);
  EXPECT_EQ(rig.balance("2100/102290058120001"), "-7654");
}

TEST(Conversation, WithoutTheReplayGuardARepeatIsPostedTwice) {  // negative control of the two before
  Rig rig({.flags = {.skip_replay_guard = true}});
  auto pos = rig.terminal();
  rig.sign_in(pos);
  const auto sale = pos.sale(card_sale(7'700));
  const Bytes frame(sale.begin(), sale.end());
  const auto first = rig.exchange(frame);
  EXPECT_NE(rig.exchange(frame), first);
  EXPECT_EQ(rig.entries().size(), 2U);
}

TEST(Conversation, RefusesTheSameNumberWithAnotherAmount) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(7'700))).code(), "00");
  pos.set_next_stan(pos.last_stan());
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(7'701))).code(), "94");
  EXPECT_EQ(rig.entries().size(), 1U);
}

TEST(Conversation, VoidsASaleWithItsMirror) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(10'000))).code(), "00");
  const auto stan = pos.last_stan();
  EXPECT_EQ(rig.ask(pos, pos.void_sale(stan)).code(), "00");
  for (const auto* account : {"1100/unionpay", "2100/102290058120001", "4100"})
    EXPECT_EQ(rig.balance(account), "0") << account;
  EXPECT_EQ(rig.entries().size(), 2U);
  EXPECT_EQ(rig.entries()[1].mirrors(), 1U);
  EXPECT_EQ(rig.view(1).batch_count, 0U);
}

TEST(Conversation, VoidsAnInstantSaleAsARefundBecauseTheMoneyIsGone) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  auto order = card_sale(10'000);
  order.instant = true;
  EXPECT_EQ(rig.ask(pos, pos.sale(order)).code(), "00");
  EXPECT_EQ(rig.ask(pos, pos.void_sale(pos.last_stan())).code(), "00");
  EXPECT_EQ(rig.balance("1100/unionpay"), "0");
  EXPECT_EQ(rig.balance("4100"), "0");
  EXPECT_EQ(rig.balance("4120"), "-300");  // kept: it was served
  EXPECT_EQ(rig.balance("2100/102290058120001"),
            "9940");  // the merchant owes what it was paid, less the fee returned
}

TEST(Gate, ReleasesAHoldWhenItsEndHasCome) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  core::SuspendTerminal what;
  what.terminal = ObjectId(rig.view(1).terminal.id());
  what.reason = "merchant_request";
  what.until = WallTime{rig.now().wall.us + 3'000'000};
  EXPECT_TRUE(rig.command(core::PartitionCommand(what)).ok());
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(1'000))).code(), "58");
  rig.advance(std::chrono::seconds(4));
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(1'000))).code(), "00");
}

TEST(Conversation, ReversesAfterNoAnswerUntilTheHostAcknowledges) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  EXPECT_TRUE(rig.exchange(pos.sale(card_sale(10'091))).empty());  // the host stays silent
  rig.advance(std::chrono::seconds(14));
  EXPECT_TRUE(rig.replies.empty());
  rig.advance(std::chrono::seconds(2));
  ASSERT_EQ(rig.replies.size(), 1U);
  EXPECT_EQ(pos.receive(ByteView(rig.replies[0]).subspan(2)).code(), "98");
  EXPECT_EQ(rig.host("cup").books().totals().reversed, 1U);
  EXPECT_EQ(rig.engine().counters().reversals_owed, 0U);
  EXPECT_TRUE(rig.entries().empty());
}

TEST(Conversation, CountsALateApprovalAndDoesNotObeyIt) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  EXPECT_TRUE(rig.exchange(pos.sale(card_sale(10'092))).empty());  // answered after twice the time-out
  rig.advance(std::chrono::seconds(31));
  ASSERT_EQ(rig.replies.size(), 1U);
  EXPECT_EQ(pos.receive(ByteView(rig.replies[0]).subspan(2)).code(), "98");
  EXPECT_EQ(rig.engine().counters().late_replies, 1U);
  EXPECT_TRUE(rig.entries().empty());
  EXPECT_EQ(rig.host("cup").books().totals().reversed, 1U);
}

TEST(Conversation, CountsASecondAnswer) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(10'094))).code(), "00");
  EXPECT_EQ(rig.engine().counters().duplicate_replies, 1U);
  EXPECT_EQ(rig.entries().size(), 1U);
}

TEST(Conversation, UndoesWhatTheTerminalReverses) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  const auto sale = pos.sale(card_sale(10'000));
  (void)rig.exchange(sale);  // the answer is lost on the way to the terminal
  pos.no_answer();
  EXPECT_EQ(rig.ask(pos, pos.reversal()).code(), "00");
  EXPECT_EQ(rig.balance("4100"), "0");
  EXPECT_EQ(rig.balance("2100/102290058120001"), "0");
  EXPECT_EQ(rig.host("cup").books().totals().reversed, 1U);
  EXPECT_EQ(rig.entries().size(), 2U);
}

TEST(Conversation, RefusesAReversalOfNothingAndThenItsLateOriginal) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  const auto sale = pos.sale(card_sale(10'000));
  const Bytes never_sent(sale.begin(), sale.end());
  pos.no_answer();
  EXPECT_EQ(rig.ask(pos, pos.reversal()).code(), "25");
  const auto late = rig.exchange(never_sent);
  ASSERT_EQ(late.size(), 1U);
  iso::MessageView view;
  ASSERT_TRUE(iso::decode(*iso::Dialect::builtin("cup"), ByteView(late[0]).subspan(2), view).ok());
  EXPECT_TRUE(view.equals(39, "12"));
  EXPECT_TRUE(rig.entries().empty());
}

TEST(Conversation, TellsABalanceAndPostsNothing) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  EXPECT_EQ(rig.ask(pos, pos.balance(sim::example_card())).code(), "00");
  EXPECT_TRUE(rig.entries().empty());
}

TEST(Conversation, EchoesWithoutAStan) {
  Rig rig;
  auto pos = rig.terminal();
  EXPECT_EQ(rig.ask(pos, pos.echo()).code(), "00");
}

TEST(Gate, RefusesFromTheMessageAfterSuspend) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(1'000))).code(), "00");
  EXPECT_TRUE(rig.suspend(1).ok());
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(1'000))).code(), "58");
  rig.crash();
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(1'000))).code(), "58");
  EXPECT_EQ(rig.ask(pos, pos.echo()).code(), "00");
  EXPECT_TRUE(rig.activate(1).ok());
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(1'000))).code(), "00");
  EXPECT_EQ(rig.entries().size(), 2U);
}

TEST(Gate, KnowsAnUnknownTerminalFromAForeignMerchantCode) {
  Rig rig;
  auto unknown = rig.terminal(99);
  EXPECT_EQ(rig.ask(unknown, unknown.sign_in()).code(), "97");
  auto moved = sim::SimTerminal::make(
      {.tid = "10000001", .merchant_code = "102290058120009", .tmk = "11111111111111111111111111111111"});
  EXPECT_EQ(rig.ask(*moved, moved->sign_in()).code(), "03");
}

TEST(Gate, RefusesAPendingTerminalsSale) {
  Rig rig;
  rig.add_terminal(2, false);
  auto pos = rig.terminal(2);
  rig.sign_in(pos);  // keys and test only
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(1'000))).code(), "58");
}

TEST(Hosts, AreAnsweredForWith91WhenAllLinksAreDown) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  rig.take_host_down("cup");
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(1'000))).code(), "91");
  rig.bring_host_up("cup");
  rig.advance(std::chrono::seconds(5));
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(1'000))).code(), "00");
}

TEST(Hosts, TakeOverForOneAnother) {
  Rig rig({.hosts = {"cup", "spare"}});
  auto pos = rig.terminal();
  rig.sign_in(pos);
  rig.take_host_down("cup");
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(1'000))).code(), "00");
  EXPECT_EQ(rig.host("spare").books().totals().approved, 1U);
}

TEST(Crash, OwesAReversalForAnIntentWithoutOutcome) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  rig.host_silent = true;
  EXPECT_TRUE(rig.exchange(pos.sale(card_sale(10'000))).empty());
  EXPECT_EQ(rig.host("cup").books().totals().approved, 1U);
  rig.host_silent = false;
  rig.crash();
  rig.advance(std::chrono::seconds(1));
  EXPECT_EQ(rig.host("cup").books().totals().reversed, 1U);
  EXPECT_EQ(rig.engine().counters().reversals_owed, 0U);
  EXPECT_TRUE(rig.entries().empty());
}

TEST(Crash, KeepsAReversalOwedAcrossRestarts) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  rig.host_silent = true;
  (void)rig.exchange(pos.sale(card_sale(10'000)));
  rig.advance(std::chrono::seconds(16));
  EXPECT_EQ(rig.engine().counters().reversals_owed, 1U);
  rig.take_host_down("cup");
  rig.crash();
  EXPECT_EQ(rig.engine().counters().reversals_owed, 1U);
  rig.host_silent = false;
  rig.bring_host_up("cup");
  rig.advance(std::chrono::seconds(30));
  EXPECT_EQ(rig.engine().counters().reversals_owed, 0U);
  EXPECT_EQ(rig.host("cup").books().totals().reversed, 1U);
}

TEST(Durability, NothingLeavesBeforeItsRecord) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  rig.hold_commits(true);
  EXPECT_TRUE(rig.exchange(pos.sale(card_sale(10'000))).empty());
  EXPECT_EQ(rig.host("cup").books().totals().requests, 0U);  // the intent is not durable
  rig.hold_commits(false);
  rig.run();
  EXPECT_EQ(rig.replies.size(), 1U);
}

TEST(Durability, AnAnswerBeforeItsRecordIsCaught) {  // negative control of the one before
  Rig rig({.flags = {.answer_before_commit = true}});
  auto pos = rig.terminal();
  rig.hold_commits(true);
  EXPECT_EQ(rig.exchange(pos.sign_in()).size(), 1U);
}

TEST(Recovery, GivesTheSameBooksFromSnapshotAndFromTheFirstRecord) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  for (int i = 1; i <= 5; ++i) EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(i * 1'000))).code(), "00");
  EXPECT_EQ(rig.ask(pos, pos.void_sale(pos.last_stan())).code(), "00");
  const auto before = rig.engine().ledger_heads();
  rig.crash();
  const auto replayed = rig.engine().ledger_heads();
  for (const auto id : rig.engine().owned()) {
    auto snapshot = rig.engine().snapshot(id);
    ASSERT_TRUE(snapshot.has_value());
    snapshot->hash = rig.journal().head(id).hash;
    ASSERT_TRUE(rig.journal().put_snapshot(id, *snapshot).has_value());
  }
  rig.crash();
  const auto restored = rig.engine().ledger_heads();
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(before[i].last, replayed[i].last);
    EXPECT_EQ(before[i].chain, replayed[i].chain);
    EXPECT_EQ(before[i].last, restored[i].last);
    EXPECT_EQ(before[i].chain, restored[i].chain);
  }
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(1'000))).code(), "00");
}

TEST(Bounds, RefuseWhenEverySlotIsTaken) {
  Rig rig({.in_flight_max = 1});
  rig.add_terminal(2);
  auto one = rig.terminal(1);
  auto two = rig.terminal(2);
  rig.sign_in(one);
  rig.sign_in(two);
  rig.host_silent = true;
  EXPECT_TRUE(rig.exchange(one.sale(card_sale(1'000))).empty());
  EXPECT_EQ(rig.ask(two, two.sale(card_sale(1'000))).code(), "96");
}

// One connection must not take the places of all others; its next request is served when one of its own is
// answered.
TEST(Bounds, RefuseWhatOneConnectionSendsTooMuch) {
  Rig rig({.connection_in_flight_max = 1});
  rig.add_terminal(2);
  auto one = rig.terminal(1);
  auto two = rig.terminal(2);
  rig.sign_in(one);
  rig.sign_in(two);
  rig.host_silent = true;
  EXPECT_TRUE(rig.exchange(one.sale(card_sale(1'000))).empty());
  EXPECT_EQ(rig.ask(two, two.sale(card_sale(1'000))).code(), "96");
  rig.advance(std::chrono::seconds(16));  // the first is given up, and answered 98
  rig.host_silent = false;
  EXPECT_EQ(rig.ask(two, two.sale(card_sale(2'000))).code(), "00");
}

// A read brings what has come, of many terminals, and the host's answers come together too: each is dealt
// with as if it had come alone, what is unreadable among them included.
TEST(Reads, TakeAsManyMessagesAsCome) {
  constexpr std::uint32_t kTerminals = 21;
  Rig rig;
  std::vector<sim::SimTerminal> terminals;
  for (std::uint32_t n = 1; n <= kTerminals; ++n) {
    if (n > 1) rig.add_terminal(n);
    terminals.push_back(rig.terminal(n));
    rig.sign_in(terminals.back());
  }
  const auto refused_before = rig.engine().counters().decode_errors;
  const Bytes unreadable{0, 5, 1, 2, 3, 4, 5};
  Bytes read;
  for (std::uint32_t n = 0; n < kTerminals; ++n) {
    if (n == 7) read.insert(read.end(), unreadable.begin(), unreadable.end());
    const auto sale = terminals[n].sale(card_sale(1'000 + n));
    read.insert(read.end(), sale.begin(), sale.end());
  }
  rig.join_answers = rig.hold_answers = true;
  std::size_t answers = 0;
  rig.alter_answer = [&](Bytes& answer) {
    if (++answers == 3) answer.insert(answer.end(), {0, 3, 'n', 'o', 'n'});
  };
  EXPECT_TRUE(rig.exchange(read).empty());
  EXPECT_EQ(answers, kTerminals);
  EXPECT_EQ(rig.engine().counters().decode_errors, refused_before + 1);
  rig.hold_answers = false;
  rig.run();
  ASSERT_EQ(rig.replies.size(), kTerminals);
  for (std::uint32_t n = 0; n < kTerminals; ++n) {
    const auto verdict = terminals[n].receive(ByteView(rig.replies[n]).subspan(2));
    EXPECT_EQ(verdict.fault, sim::ReplyFault::none) << n;
    EXPECT_EQ(verdict.code(), "00") << n;
  }
  EXPECT_EQ(rig.engine().counters().hosts.at("cup").refused_frames, 1U);
  ASSERT_EQ(rig.entries().size(), kTerminals);
  std::int64_t gross = 0;
  for (std::uint32_t n = 0; n < kTerminals; ++n) gross += 1'000 + n;
  EXPECT_EQ(rig.balance("1100/unionpay"), std::to_string(gross));
}

// The host's answers end in a length that is none: those before it count, those behind it never came.
TEST(Reads, OfALinkEndAtALengthThatIsNone) {
  Rig rig;
  std::vector<sim::SimTerminal> terminals;
  Bytes read;
  for (std::uint32_t n = 1; n <= 4; ++n) {
    if (n > 1) rig.add_terminal(n);
    terminals.push_back(rig.terminal(n));
    rig.sign_in(terminals.back());
    const auto sale = terminals.back().sale(card_sale(1'000));
    read.insert(read.end(), sale.begin(), sale.end());
  }
  rig.join_answers = rig.hold_answers = true;
  std::size_t answers = 0;
  rig.alter_answer = [&](Bytes& answer) {
    if (++answers == 2) answer.insert(answer.end(), {0, 0});
  };
  EXPECT_TRUE(rig.exchange(read).empty());
  rig.hold_answers = false;
  rig.run();
  ASSERT_EQ(rig.replies.size(), 4U);
  for (std::uint32_t n = 0; n < 4; ++n) {
    const auto verdict = terminals[n].receive(ByteView(rig.replies[n]).subspan(2));
    EXPECT_EQ(verdict.fault, sim::ReplyFault::none) << n;
    EXPECT_EQ(verdict.code(), n < 2 ? "00" : "98") << n;
  }
  EXPECT_EQ(rig.entries().size(), 2U);
  rig.alter_answer = {};
  rig.advance(std::chrono::seconds(5));  // the link comes back, and what was approved unseen is undone
  EXPECT_EQ(rig.engine().counters().reversals_owed, 0U);
  EXPECT_EQ(rig.engine().counters().reversal_causes.at("LINK_LOST"), 2U);
}

// The same sale twice in one read is one sale, and the same answer twice in one read is one answer.
TEST(Reads, TakeARepeatForOne) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  const auto sale = pos.sale(card_sale(1'000));
  Bytes read(sale.begin(), sale.end());
  read.insert(read.end(), sale.begin(), sale.end());
  rig.alter_answer = [](Bytes& answer) {
    const auto once = answer;
    answer.insert(answer.end(), once.begin(), once.end());
  };
  const auto replies = rig.exchange(read);
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_EQ(pos.receive(ByteView(replies[0]).subspan(2)).code(), "00");
  EXPECT_EQ(rig.entries().size(), 1U);
  EXPECT_EQ(rig.engine().counters().repeated, 1U);
  EXPECT_EQ(rig.engine().counters().duplicate_replies, 1U);
}

// A length that no message has ends the connection; what stood before it counts.
TEST(Reads, EndAtALengthThatIsNone) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  const auto sale = pos.sale(card_sale(1'000));
  Bytes read(sale.begin(), sale.end());
  read.insert(read.end(), {0, 0});
  (void)rig.exchange(read);
  EXPECT_EQ(rig.engine().counters().closes.at("malformed"), 1U);
  EXPECT_EQ(rig.entries().size(), 1U);
}

TEST(Commands, AnswerAKeyTwiceWithOneEffect) {
  Rig rig;
  core::SuspendTerminal what;
  what.terminal = ObjectId(rig.view(1).terminal.id());
  what.reason = "device_fault";
  EXPECT_FALSE(rig.command(core::PartitionCommand(what), "k1").replayed);
  EXPECT_TRUE(rig.command(core::PartitionCommand(what), "k1").replayed);
  rig.crash();
  EXPECT_TRUE(rig.command(core::PartitionCommand(what), "k1").replayed);
  EXPECT_EQ(rig.view(1).holds.size(), 1U);
}

TEST(Commands, PublishWhatNeedsAnOverrideOnlyWithOne) {
  Rig rig;
  const auto version = [](int number) {
    return R"({"schedule_id":"bands","version":)" + std::to_string(number) +
           R"(,"valid_from":"2029-01-01T00:00:00Z","currency":"CNY","time_zone":"Asia/Shanghai","components":[{"id":"mdr","account":"4100","rules":[
           {"id":"small","match":{"amount":{"max":100000}},"rate":"0.0038"},{"id":"large","rate":"0.006"}]}]})";
  };
  const auto refused = rig.command(core::HouseCommand(core::PublishSchedule{version(1), "bands.json"}));
  EXPECT_EQ(refused.problem, "override_required");
  ASSERT_NE(refused.examined, nullptr);
  EXPECT_EQ(refused.examined->report().findings.size(), 2U);
  EXPECT_EQ(rig.engine().reference()->prices().find("bands", 1), nullptr);
  EXPECT_TRUE(
      rig.command(core::HouseCommand(core::PublishSchedule{version(1), "bands.json", "agreed"})).ok());
  EXPECT_NE(rig.engine().reference()->prices().find("bands", 1), nullptr);
  rig.crash();  // what was published with an override needs none to be folded
  EXPECT_NE(rig.engine().reference()->prices().find("bands", 1), nullptr);
  // What a caller examined is taken, whatever it was made on.
  auto examined = fees::Examination::of(version(2));
  ASSERT_TRUE(examined.has_value());
  EXPECT_TRUE(
      rig.command(core::HouseCommand(core::PublishSchedule{version(2), "", "agreed", *examined})).ok());
}

TEST(Commands, TakeAPersonsNameForOneTokenOnly) {
  Rig rig;
  core::CreateToken create;
  create.token.set_name("li");
  create.token.set_sha256(std::string(32, 'a'));
  ASSERT_TRUE(rig.command(core::HouseCommand(create)).ok());
  create.token.set_sha256(std::string(32, 'b'));
  EXPECT_EQ(rig.command(core::HouseCommand(create)).problem, "already_exists");
  const auto tokens = rig.engine().reference()->tokens();
  ASSERT_EQ(tokens.size(), 1U);
  ASSERT_TRUE(rig.command(core::HouseCommand(core::RevokeToken{ObjectId(tokens[0].id())})).ok());
  EXPECT_TRUE(rig.command(core::HouseCommand(create)).ok());  // free again
}

}  // namespace
}  // namespace tollgate
