// What the simulation found once, as conversations of a few lines: each fails without its repair.
#include <gtest/gtest.h>

#include "tests/core/rig.h"

namespace tollgate {
namespace {

using test::Rig;

sim::SaleOrder card_sale(std::int64_t minor) {
  return {.card = sim::example_card(), .amount = Amount::checked(minor)};
}

TEST(Regression, ASaleThatWasRefusedIsRefusedAgainAfterActivation) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  EXPECT_TRUE(rig.suspend(1).ok());
  const auto sale = pos.sale(card_sale(10'000));
  const Bytes frame(sale.begin(), sale.end());
  const auto first = rig.exchange(frame);  // 58: the terminal goes by it
  EXPECT_TRUE(rig.activate(1).ok());
  EXPECT_EQ(rig.exchange(frame), first);  // a copy that the network kept
  EXPECT_TRUE(rig.entries().empty());
}

TEST(Regression, ALateCopyOfASaleThatWasRefusedAndReversedIsNotApproved) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  EXPECT_TRUE(rig.suspend(1).ok());
  const auto sale = pos.sale(card_sale(10'000));
  const Bytes frame(sale.begin(), sale.end());
  (void)rig.exchange(frame);  // the refusal is lost on the way
  pos.no_answer();
  EXPECT_EQ(rig.ask(pos, pos.reversal()).code(), "00");
  EXPECT_TRUE(rig.activate(1).ok());
  EXPECT_EQ(rig.exchange(frame).size(), 1U);
  EXPECT_TRUE(rig.entries().empty());
}

TEST(Regression, TwoLinksOfAHostDoNotGiveTwoRequestsOneName) {
  Rig rig({.links = 2});
  auto pos = rig.terminal();
  rig.sign_in(pos);
  for (const int minor : {1'000, 2'000, 3'000, 4'000})
    EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(minor))).code(), "00");  // one second
  EXPECT_EQ(rig.host("cup").books().totals().requests, 4U);
  EXPECT_EQ(rig.host("cup").books().totals().repeats, 0U);
}

TEST(Regression, ARestartWithinOneSecondDoesNotRepeatTheNameOfARequest) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(1'000))).code(), "00");
  rig.advance(std::chrono::milliseconds(10));
  rig.crash();
  EXPECT_EQ(rig.ask(pos, pos.sale(card_sale(2'000))).code(), "00");
  EXPECT_EQ(rig.host("cup").books().totals().repeats, 0U);
}

TEST(Regression, CardNumbersOfOpenIntentsSurviveASecondRestartOfTheSameDay) {
  Rig rig;
  rig.add_terminal(2);
  auto one = rig.terminal(1);
  auto two = rig.terminal(2);
  rig.sign_in(one);
  rig.sign_in(two);
  rig.host_silent = true;
  (void)rig.exchange(one.sale(card_sale(1'000)));  // sealed under the first process's key of the day
  rig.crash();
  rig.advance(std::chrono::seconds(1));
  (void)rig.exchange(two.sale(card_sale(2'000)));  // sealed by the second one, with the first still owed
  rig.crash();                                     // stops the test when the store does not open
  rig.host_silent = false;
  rig.advance(std::chrono::seconds(30));
  EXPECT_EQ(rig.engine().counters().reversals_owed, 0U);
  EXPECT_EQ(rig.host("cup").books().totals().reversed, 2U);
}

TEST(Regression, AReversalThatFoundNoPlaceOnALinkIsTriedAgain) {
  Rig rig({.host_in_flight_max = 1});
  rig.add_terminal(2);
  auto one = rig.terminal(1);
  auto two = rig.terminal(2);
  rig.sign_in(one);
  rig.sign_in(two);
  rig.host_silent = true;
  (void)rig.exchange(one.sale(card_sale(1'000)));
  rig.advance(std::chrono::seconds(31));  // its reversal went out at 15 s and found no answer until 30 s
  (void)rig.exchange(two.sale(card_sale(2'000)));  // takes the only place until 46 s
  rig.advance(std::chrono::seconds(10));           // the reversal's turn at 40 s finds none
  rig.host_silent = false;
  rig.advance(std::chrono::seconds(120));
  EXPECT_EQ(rig.engine().counters().reversals_owed, 0U);
  EXPECT_EQ(rig.host("cup").books().totals().reversed, 2U);
}

}  // namespace
}  // namespace tollgate
