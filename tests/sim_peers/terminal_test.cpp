#include "switch/sim/terminal.h"

#include <gtest/gtest.h>

#include "tests/sim_peers/vectors.h"

namespace tollgate::sim {
namespace {

constexpr const char* kTmkA = "11111111111111111111111111111111";
constexpr const char* kTmkB = "0123456789ABCDEFFEDCBA9876543210";

TerminalConfig config_a() {
  TerminalConfig config;
  config.tid = "10000001";
  config.merchant_code = "102290058120001";
  config.tmk = kTmkA;
  return config;
}

TerminalConfig config_b() {
  auto config = config_a();
  config.tid = "10000002";
  config.tmk = kTmkB;
  config.operator_id = "";
  config.pin_max = "12";
  config.capability = "500";
  return config;
}

SimTerminal signed_in(TerminalConfig config) {
  const bool a = config.tmk == kTmkA;
  auto terminal = SimTerminal::make(std::move(config)).value();
  EXPECT_FALSE(
      terminal.sign_in(a ? crypto::SignInScheme::double_tdk_004 : crypto::SignInScheme::double_003).empty());
  const auto verdict = terminal.receive(vector_body(a ? "c-0810-signin-004" : "c-0810-signin-003"));
  EXPECT_EQ(verdict.fault, ReplyFault::none);
  EXPECT_TRUE(terminal.signed_in());
  return terminal;
}

SaleOrder order_of(std::int64_t fen, Entry entry = Entry::magstripe) {
  SaleOrder order;
  order.entry = entry;
  order.card = example_card();
  order.amount = Amount::checked(fen);
  return order;
}

SaleOrder qr_order(std::int64_t fen, std::string code) {
  SaleOrder order;
  order.entry = Entry::qr;
  order.code = std::move(code);
  order.amount = Amount::checked(fen);
  return order;
}

void expect_frame(ByteView built, const std::string& name) {
  EXPECT_EQ(to_hex(built), to_hex(vector_frame(name))) << name;
}

// Brings the terminal to the approved sale of 100.00 with STAN 2.
void approve_sale(SimTerminal& terminal) {
  ASSERT_FALSE(terminal.sale(order_of(10'000)).empty());
  const auto verdict = terminal.receive(vector_body("c-0210-sale"));
  ASSERT_EQ(verdict.fault, ReplyFault::none);
  ASSERT_TRUE(verdict.approved);
}

TEST(SimTerminal, SignInWithSerialEqualsTheVector) {
  auto config = config_a();
  config.serial = "12345678";
  auto terminal = SimTerminal::make(config).value();
  expect_frame(terminal.sign_in(crypto::SignInScheme::double_tdk_004), "c-0800-signin-004");
}

TEST(SimTerminal, SignInWithoutSerialEqualsTheVector) {
  auto config = config_b();
  config.operator_id = "001";
  auto terminal = SimTerminal::make(config).value();
  expect_frame(terminal.sign_in(crypto::SignInScheme::double_003), "c-0800-signin-003");
}

TEST(SimTerminal, SignInReplyGivesKeysAndBatch) {
  const auto terminal = signed_in(config_a());
  EXPECT_EQ(terminal.batch(), 1U);
  ASSERT_NE(terminal.keys(), nullptr);
  EXPECT_TRUE(terminal.keys()->track.has_value());
}

TEST(SimTerminal, SignInUnderAnotherTmkIsRefused) {
  auto config = config_a();
  config.tmk = kTmkB;
  auto terminal = SimTerminal::make(config).value();
  (void)terminal.sign_in(crypto::SignInScheme::double_tdk_004);
  EXPECT_EQ(terminal.receive(vector_body("c-0810-signin-004")).fault, ReplyFault::bad_keys);
  EXPECT_FALSE(terminal.signed_in());
  EXPECT_TRUE(terminal.sale(order_of(100)).empty());
}

TEST(SimTerminal, SignOutAndEchoEqualTheVectors) {
  auto terminal = signed_in(config_a());
  expect_frame(terminal.echo(), "c-0820-echo");
  EXPECT_TRUE(terminal.receive(vector_body("c-0830-echo")).approved);
  terminal.set_next_stan(10);
  expect_frame(terminal.sign_out(), "c-0820-signout");
  EXPECT_TRUE(terminal.receive(vector_body("c-0830-signout")).approved);
  EXPECT_FALSE(terminal.signed_in());
}

TEST(SimTerminal, MagstripeSaleWithPinEqualsTheVector) {
  auto terminal = signed_in(config_a());
  expect_frame(terminal.sale(order_of(10'000)), "c-0200-sale");
}

TEST(SimTerminal, SaleUnderKeysWithDifferentHalvesEqualsTheVector) {
  auto terminal = signed_in(config_b());
  terminal.set_next_stan(2);
  expect_frame(terminal.sale(order_of(12'345)), "c-0200-sale-pin");
}

TEST(SimTerminal, ChipSaleEqualsTheVector) {
  auto terminal = signed_in(config_b());
  terminal.set_next_stan(15);
  auto order = order_of(8'800, Entry::chip);
  ChipData chip;
  chip.cryptogram = {0x95, 0xBB, 0xE3, 0x72, 0x27, 0x1D, 0xDA, 0x7C};
  chip.unpredictable = {0x7F, 0x9F, 0x34, 0x9E};
  chip.counter = 0x0157;
  chip.date = {0x25, 0x09, 0x12};
  chip.device = {'T', 'G', '0', '0', '0', '0', '0', '2'};
  order.chip = chip;
  expect_frame(terminal.sale(order), "c-0200-sale-chip");
  const auto verdict = terminal.receive(vector_body("c-0210-sale-chip"));
  EXPECT_EQ(verdict.fault, ReplyFault::none);
  EXPECT_TRUE(verdict.approved);
}

TEST(SimTerminal, ChipSaleWithMadeUpDataDecodesWithAllItsTags) {
  auto terminal = signed_in(config_a());
  const Bytes frame = [&] {
    const auto view = terminal.sale(order_of(5'000, Entry::contactless));
    return Bytes(view.begin(), view.end());
  }();
  iso::MessageView message;
  ASSERT_TRUE(iso::decode(*iso::Dialect::builtin("cup"), ByteView(frame).subspan(2), message).ok());
  EXPECT_EQ(message.raw(55).size(), 145U);
  EXPECT_TRUE(message.equals(22, "071"));
  EXPECT_TRUE(message.equals(60, "2200000100060"));
  EXPECT_GT(frame.size(), 270U);
}

TEST(SimTerminal, BalanceAndInstantSaleEqualTheVectors) {
  auto config = config_a();
  config.operator_id = "";
  auto terminal = signed_in(config);
  terminal.set_next_stan(41);
  expect_frame(terminal.balance(example_card()), "c-0200-balance");
  EXPECT_TRUE(terminal.receive(vector_body("c-0210-balance")).approved);
  terminal.set_next_stan(43);
  auto order = order_of(100'000);
  order.instant = true;
  expect_frame(terminal.sale(order), "c-0200-sale-instant");
  EXPECT_TRUE(terminal.receive(vector_body("c-0210-sale-instant")).approved);
}

TEST(SimTerminal, QrSalesEqualTheVectors) {
  auto config = config_a();
  config.operator_id = "";
  auto terminal = signed_in(config);
  terminal.set_next_stan(12);
  expect_frame(terminal.sale(qr_order(1'234, "6220000000000000012")), "c-0200-qr-unionpay");
  terminal.withdraw();
  terminal.set_next_stan(45);
  expect_frame(terminal.sale(qr_order(2'500, "134567890123456789")), "c-0200-qr-wechat");
  EXPECT_TRUE(terminal.receive(vector_body("c-0210-qr-wechat")).approved);
  terminal.set_next_stan(52);
  expect_frame(terminal.void_sale(45), "c-0200-qr-void");
}

TEST(SimTerminal, PendingQrSaleIsQueriedAsTheVectorShows) {
  auto config = config_a();
  config.operator_id = "";
  auto terminal = signed_in(config);
  terminal.set_next_stan(46);
  expect_frame(terminal.sale(qr_order(3'600, "283456789012345678")), "c-0200-qr-alipay");
  const auto verdict = terminal.receive(vector_body("c-0210-qr-pending"));
  EXPECT_TRUE(verdict.answered);
  EXPECT_EQ(verdict.code(), "09");
  terminal.set_next_stan(51);
  expect_frame(terminal.qr_query(46), "c-0200-qr-query");
}

TEST(SimTerminal, VoidAndItsReversalEqualTheVectors) {
  auto terminal = signed_in(config_a());
  approve_sale(terminal);
  expect_frame(terminal.void_sale(2), "c-0200-void");
  terminal.no_answer("98");
  ASSERT_TRUE(terminal.owes_reversal());
  expect_frame(terminal.reversal(), "c-0400-void-reversal");
}

TEST(SimTerminal, ApprovedVoidVoidsItsSale) {
  auto terminal = signed_in(config_a());
  approve_sale(terminal);
  (void)terminal.void_sale(2);
  EXPECT_TRUE(terminal.receive(vector_body("c-0210-void")).approved);
  EXPECT_EQ(terminal.journal().front().state, PromiseState::voided);
  EXPECT_EQ(terminal.voidable(), nullptr);
  EXPECT_TRUE(terminal.void_sale(2).empty());
}

TEST(SimTerminal, NoAnswerOwesAReversalBeforeAnythingNew) {
  auto terminal = signed_in(config_a());
  (void)terminal.sale(order_of(10'000));
  terminal.no_answer("98");
  EXPECT_TRUE(terminal.sale(order_of(100)).empty());
  EXPECT_TRUE(terminal.balance(example_card()).empty());
  expect_frame(terminal.reversal(), "c-0400-reversal");
  EXPECT_EQ(terminal.receive(vector_body("c-0410-reversal")).fault, ReplyFault::none);
  EXPECT_FALSE(terminal.owes_reversal());
  EXPECT_EQ(terminal.journal().back().state, PromiseState::reversed);
}

TEST(SimTerminal, UnansweredReversalStaysOwed) {
  auto terminal = signed_in(config_a());
  (void)terminal.sale(order_of(10'000));
  terminal.no_answer("98");
  const auto first = to_hex(terminal.reversal());
  terminal.no_answer("98");
  ASSERT_TRUE(terminal.owes_reversal());
  EXPECT_EQ(to_hex(terminal.reversal()), first);
}

TEST(SimTerminal, RetransmissionIsTheSameBytes) {
  auto config = config_a();
  config.operator_id = "";
  auto terminal = signed_in(config);
  terminal.set_next_stan(60);
  expect_frame(terminal.sale(order_of(7'700)), "c-0200-retransmission-1");
  expect_frame(terminal.retransmit(), "c-0200-retransmission-1");
  EXPECT_TRUE(terminal.busy());
}

TEST(SimTerminal, RepeatedReplyMustBeTheSameBytesAndChangesNothing) {
  auto terminal = signed_in(config_a());
  approve_sale(terminal);
  EXPECT_FALSE(terminal.retransmit().empty());
  EXPECT_EQ(terminal.receive(vector_body("c-0210-sale")).fault, ReplyFault::none);
  EXPECT_FALSE(terminal.retransmit().empty());
  auto other = vector_frame("c-0210-sale");
  other[7] ^= 0x10;  // the header: nothing else notices
  EXPECT_EQ(terminal.receive(ByteView(other).subspan(2)).fault, ReplyFault::not_the_same);
  EXPECT_EQ(terminal.journal().size(), 1U);
}

TEST(SimTerminal, WrongMacOnAnApprovalOwesAReversalWithA0) {
  auto terminal = signed_in(config_a());
  (void)terminal.sale(order_of(10'000));
  auto reply = vector_frame("c-0210-sale");
  reply.back() ^= 1;
  const auto verdict = terminal.receive(ByteView(reply).subspan(2));
  EXPECT_EQ(verdict.fault, ReplyFault::wrong_mac);
  EXPECT_FALSE(verdict.approved);
  ASSERT_TRUE(terminal.owes_reversal());
  const auto view = terminal.reversal();
  iso::MessageView reversal;
  ASSERT_TRUE(iso::decode(*iso::Dialect::builtin("cup"), view.subspan(2), reversal).ok());
  EXPECT_TRUE(reversal.equals(39, "A0"));
}

// One changed echo a case: the reply is ignored and the terminal waits on.
TEST(SimTerminal, IgnoresRepliesThatDoNotFit) {
  struct Case {
    const char* what;
    int field;
    std::size_t byte;
    ReplyFault fault;
  };
  for (const auto& c : {Case{"3", 3, 0, ReplyFault::wrong_echo}, Case{"4", 4, 5, ReplyFault::wrong_echo},
                        Case{"11", 11, 2, ReplyFault::wrong_echo}, Case{"41", 41, 7, ReplyFault::wrong_echo},
                        Case{"42", 42, 14, ReplyFault::wrong_echo}}) {
    auto terminal = signed_in(config_a());
    (void)terminal.sale(order_of(10'000));
    auto reply = vector_frame("c-0210-sale");
    iso::MessageView view;
    ASSERT_TRUE(iso::decode(*iso::Dialect::builtin("cup"), ByteView(reply).subspan(2), view).ok());
    reply[static_cast<std::size_t>(view.raw(c.field).data() - reply.data()) + c.byte] ^= 1;
    const auto verdict = terminal.receive(ByteView(reply).subspan(2));
    EXPECT_EQ(verdict.fault, c.fault) << c.what;
    EXPECT_EQ(verdict.field, c.field);
    EXPECT_FALSE(verdict.answered);
    EXPECT_TRUE(terminal.busy());
    EXPECT_TRUE(terminal.receive(vector_body("c-0210-sale")).approved) << "the right one still counts";
  }
}

TEST(SimTerminal, IgnoresAnotherMtiAndWhatItDidNotAskFor) {
  auto terminal = signed_in(config_a());
  EXPECT_EQ(terminal.receive(vector_body("c-0210-sale")).fault, ReplyFault::unexpected);
  (void)terminal.sale(order_of(10'000));
  EXPECT_EQ(terminal.receive(vector_body("c-0410-reversal")).fault, ReplyFault::wrong_mti);
  const auto truncated = vector_body("c-0210-sale");
  EXPECT_EQ(terminal.receive(truncated.first(truncated.size() - 3)).fault, ReplyFault::unreadable);
}

TEST(SimTerminal, TellsWhenTheHeaderAsksForANewSignIn) {
  auto terminal = signed_in(config_a());
  terminal.set_next_stan(75);
  auto order = order_of(1'000);
  (void)terminal.sale(order);
  const auto verdict = terminal.receive(vector_body("c-0210-old-batch-77"));
  EXPECT_TRUE(verdict.answered);
  EXPECT_EQ(verdict.code(), "77");
  EXPECT_EQ(verdict.requirement, '3');
  EXPECT_EQ(terminal.journal().back().state, PromiseState::declined);
}

TEST(SimTerminal, StopsWhenTheStansOfTheBatchAreUsedUp) {
  auto terminal = signed_in(config_a());
  terminal.set_next_stan(999'999);
  EXPECT_FALSE(terminal.sale(order_of(100)).empty());
  terminal.withdraw();
  terminal.set_next_stan(1'000'000);
  EXPECT_TRUE(terminal.sale(order_of(100)).empty());
}

TEST(SimTerminal, JournalForgetsTheOldestFirst) {
  auto config = config_a();
  config.journal_max = 2;
  auto terminal = signed_in(config);
  for (int i = 0; i < 3; ++i) {
    (void)terminal.balance(example_card());
    terminal.no_answer();
  }
  EXPECT_EQ(terminal.journal().size(), 2U);
  EXPECT_EQ(terminal.journal().back().stan, terminal.last_stan());
}

TEST(SimTerminal, RefusesAConfigurationThatDoesNotFitTheDialect) {
  auto config = config_a();
  config.tid = "1000001";
  EXPECT_FALSE(SimTerminal::make(config).has_value());
  config = config_a();
  config.merchant_code = "1";
  EXPECT_FALSE(SimTerminal::make(config).has_value());
  config = config_a();
  config.tmk = "11";
  EXPECT_FALSE(SimTerminal::make(config).has_value());
}

TEST(TestCards, PassLuhnAndKeepTheirBin) {
  for (std::uint64_t i = 0; i < 200; ++i) {
    const auto card = test_card(i * 7'919);
    ASSERT_EQ(card.pan.size(), 19U);
    EXPECT_TRUE(card.pan.starts_with("622202"));
    int sum = 0;
    for (std::size_t at = 0; at < 19; ++at) {
      int digit = card.pan[18 - at] - '0';
      if (at % 2 == 1 && (digit *= 2) > 9) digit -= 9;
      sum += digit;
    }
    EXPECT_EQ(sum % 10, 0) << card.pan;
    EXPECT_EQ(card.track2().size(), 37U);
  }
}

TEST(TestCards, WalletCodesHaveTheirPrefixesAndLengths) {
  for (std::uint64_t i = 0; i < 50; ++i) {
    EXPECT_EQ(wallet_code(Wallet::unionpay, i).size(), 19U);
    EXPECT_TRUE(wallet_code(Wallet::unionpay, i).starts_with("62"));
    const auto wechat = std::stoi(wallet_code(Wallet::wechat, i).substr(0, 2));
    EXPECT_TRUE(wechat >= 10 && wechat <= 15);
    const auto alipay = std::stoi(wallet_code(Wallet::alipay, i).substr(0, 2));
    EXPECT_TRUE(alipay >= 25 && alipay <= 30);
    EXPECT_EQ(wallet_code(Wallet::alipay, i).size(), 18U);
  }
}

}  // namespace
}  // namespace tollgate::sim
