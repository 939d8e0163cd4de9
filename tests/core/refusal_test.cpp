// What is refused, and what is not text: remembered, read again, answered the same when it comes again.
#include <gtest/gtest.h>

#include <algorithm>

#include "switch/core/refusals.h"
#include "tests/core/rig.h"

namespace tollgate {
namespace {

using test::Rig;

sim::SaleOrder card_sale(std::int64_t minor) {
  return {.card = sim::example_card(), .amount = Amount::checked(minor)};
}

std::string code_of(const std::vector<Bytes>& replies) {
  iso::MessageView view;
  std::array<char, 2> code;
  if (replies.size() != 1 ||
      !iso::decode(*iso::Dialect::builtin("cup"), ByteView(replies[0]).subspan(2), view).ok())
    return "none";
  return std::string(view.value(39, code));
}

Bytes replaced(ByteView in, std::string_view what, std::string_view by) {
  Bytes out(in.begin(), in.end());
  const auto at = std::ranges::search(out, as_bytes(what));
  EXPECT_FALSE(at.empty());
  if (!at.empty()) std::ranges::copy(as_bytes(by), at.begin());
  return out;
}

// The same bytes again get the same bytes again, also where nothing of a transaction is kept.
TEST(Refusal, OfAnUnknownTerminalIsTheSameAgainAndRecordedOnce) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  const auto stranger = replaced(pos.sale(card_sale(10'000)), "10000001", "10009999");
  const auto first = rig.exchange(stranger);
  ASSERT_EQ(first.size(), 1U);
  const auto records = rig.records().size();
  EXPECT_EQ(rig.exchange(stranger), first);
  EXPECT_EQ(rig.records().size(), records);
  rig.crash();
  EXPECT_EQ(rig.exchange(stranger), first);
  EXPECT_NE(rig.exchange(replaced(stranger, "10009999", "10009998")), first);
}

TEST(Refusal, UnderAStanThatIsTakenIsTheSameAgain) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(10'000))).code(), "00");
  pos.set_next_stan(pos.last_stan());
  const auto sale = pos.sale(card_sale(7'701));
  const Bytes other(sale.begin(), sale.end());
  pos.withdraw();
  const auto first = rig.exchange(other);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(code_of(first), "94");
  rig.advance(std::chrono::seconds(2));  // another second, another number: not computed again
  EXPECT_EQ(rig.exchange(other), first);
  rig.crash();
  EXPECT_EQ(rig.exchange(other), first);
}

// A repeat that comes when its sale has left the table would be charged again.
TEST(Refusal, OfARepeatWhoseSaleIsForgotten) {
  Rig rig({.transactions_max = 20});
  auto pos = rig.terminal();
  rig.sign_in(pos);
  const auto sale = pos.sale(card_sale(7'700));
  const Bytes frame(sale.begin(), sale.end());
  EXPECT_EQ(rig.ask(pos, frame).code(), "00");
  const auto first = rig.exchange(frame);
  ASSERT_EQ(first.size(), 1U);
  for (int i = 0; i < 25; ++i) {
    EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(1'000 + i))).code(), "00");
    if (i == 10) {
      EXPECT_EQ(rig.exchange(frame), first);  // still known
    }
  }
  const auto entries = rig.entries().size();
  const auto refused = rig.exchange(frame);
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(code_of(refused), "94");
  EXPECT_EQ(rig.exchange(frame), refused);
  rig.crash();
  EXPECT_EQ(rig.exchange(frame), refused);
  EXPECT_EQ(rig.entries().size(), entries);
  rig.sign_in(pos);
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(2'000))).code(), "00");  // what is new goes on
}

// What somebody sends without the key stays under the STAN, and must not hide that the sale is forgotten.
TEST(Refusal, OfAForgottenRepeatIsNotUndoneByRubbish) {
  Rig rig({.transactions_max = 20});
  auto pos = rig.terminal();
  rig.sign_in(pos);
  const auto sale = pos.sale(card_sale(7'700));
  const Bytes frame(sale.begin(), sale.end());
  EXPECT_EQ(rig.ask(pos, frame).code(), "00");
  for (int i = 0; i < 25; ++i) EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(1'000 + i))).code(), "00");
  auto garbled = frame;
  garbled.back() ^= 1;  // its MAC
  EXPECT_EQ(code_of(rig.exchange(garbled)), "A0");
  const auto entries = rig.entries().size();
  EXPECT_EQ(code_of(rig.exchange(frame)), "94");
  EXPECT_EQ(rig.entries().size(), entries);
}

TEST(Refusal, OfWhatIsForgottenNeverMovesBack) {
  EXPECT_TRUE(core::stan_follows(5'001, 5'000));
  EXPECT_FALSE(core::stan_follows(5'000, 5'000));
  EXPECT_FALSE(core::stan_follows(5'000, 5'001));
  EXPECT_TRUE(core::stan_follows(3, 999'998));  // once around
  EXPECT_FALSE(core::stan_follows(999'998, 3));
  Rig rig({.transactions_max = 20});
  auto pos = rig.terminal();
  rig.sign_in(pos);
  std::vector<Bytes> sales;
  for (int i = 0; i < 4; ++i) {
    const auto sale = pos.sale(card_sale(2'000 + i));
    sales.emplace_back(sale.begin(), sale.end());
    EXPECT_EQ(rig.ask(pos, sales.back()).code(), "00");
  }
  const auto next = pos.last_stan() + 1;
  pos.set_next_stan(next -
                    3);  // an older number comes later: refused under it, and forgotten after the newer ones
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(9'999))).code(), "94");
  pos.set_next_stan(next);
  for (int i = 0; i < 25; ++i) EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(1'000 + i))).code(), "00");
  for (const auto& sale : sales) EXPECT_EQ(code_of(rig.exchange(sale)), "94");
}

// A void or a reversal of the oldest would push out what it undoes: it is as good as gone.
TEST(Refusal, OfAVoidOfTheOldestInAFullTable) {
  Rig rig({.transactions_max = 20});
  auto pos = rig.terminal();
  rig.sign_in(pos);
  const auto oldest = pos.last_stan() + 1;
  for (int i = 0; i < 20; ++i) ASSERT_EQ(rig.ask(pos, pos.sale(card_sale(1'000 + i))).code(), "00");
  EXPECT_EQ(rig.ask(pos, pos.void_sale(oldest)).code(), "25");
  EXPECT_EQ(rig.ask(pos, pos.void_sale(oldest + 5)).code(), "00");  // a younger one is voided
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(1'000))).code(), "00");
}

TEST(Refusal, OfAReversalOfTheOldestInAFullTable) {
  Rig rig({.transactions_max = 20});
  rig.add_terminal(2);
  auto one = rig.terminal(1);
  auto two = rig.terminal(2);
  rig.sign_in(one);
  rig.sign_in(two);
  ASSERT_EQ(rig.exchange(one.sale(card_sale(1'000))).size(), 1U);  // its answer gets lost
  one.no_answer();
  for (int i = 0; i < 19; ++i) ASSERT_EQ(rig.ask(two, two.sale(card_sale(1'000 + i))).code(), "00");
  EXPECT_EQ(rig.ask(one, one.reversal()).code(), "25");
  EXPECT_EQ(rig.ask(one, one.sale(card_sale(1'000))).code(), "00");
}

TEST(Refusal, RingForgetsTheOldestAndFindsTheRest) {
  core::Refusals refusals;
  const auto digest = [](std::uint32_t n) {
    crypto::ContentDigest made;
    store_be32(made.bytes.data() + 4, n);
    return made;
  };
  constexpr std::uint32_t kAll = 3 * core::Refusals::kMax / 2;
  for (std::uint32_t n = 0; n < kAll; ++n) refusals.add({digest(n), n, {}, {}});
  for (std::uint32_t n = 0; n < kAll; ++n) {
    const auto* found = refusals.find(digest(n));
    ASSERT_EQ(found != nullptr, n >= kAll - core::Refusals::kMax) << n;
    if (found != nullptr) {
      ASSERT_EQ(found->rrn, n);
    }
  }
  std::uint64_t next = kAll - core::Refusals::kMax;
  refusals.each([&](const core::Refused& refused) { EXPECT_EQ(refused.rrn, next++); });
  EXPECT_EQ(next, kAll);
}

// Text fields carry GBK, or whatever a peer sends. A record that could not be read again would stop the next
// start: anybody who reaches the port could end the switch.
constexpr std::string_view kGbk = "\xD6\xD0\xB9\xFA\xD2\xF8\xC1\xAA";

TEST(ForeignText, OfATerminalIsRecordedAndReadAgain) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  const auto replies = rig.exchange(replaced(pos.sale(card_sale(10'000)), "10000001", kGbk));
  ASSERT_EQ(replies.size(), 1U);
  rig.crash();
  const auto records = rig.records();
  ASSERT_TRUE(records.back().has_refusal());
  EXPECT_EQ(records.back().refusal().tid(), kGbk);
}

TEST(ForeignText, OfAHostIsRecordedAndReadAgain) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  rig.alter_answer = [](Bytes& answer) { answer = replaced(answer, "01020000   ", kGbk); };
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(10'000))).code(), "00");
  rig.alter_answer = nullptr;
  rig.crash();
  rig.sign_in(pos);
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(10'000))).code(), "00");
}

TEST(ForeignText, IsNoCodeForATerminal) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  rig.alter_answer = [](Bytes& answer) {
    answer = replaced(answer, "5110000001", "\xD6\xD0");
  };  // fields 39 and 41
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(10'051))).code(), "20");
}

}  // namespace
}  // namespace tollgate
