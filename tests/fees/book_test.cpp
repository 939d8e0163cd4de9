// Sequences of events that the reference's cases do not show: reversals of reversals, open chargebacks,
// holds, closing.
#include "fees/book.h"

#include <gtest/gtest.h>

#include "tests/fees/example.h"

namespace tollgate::fees {
namespace {

constexpr std::string_view kPlain = R"([{"id":"mdr","account":"4100","rules":[{"id":"all","rate":"0.006"}]},
  {"id":"instant","account":"4120","refund":"KEEP","rules":[{"id":"i","match":{"settlement":["INSTANT"]},"fixed":300}]}])";

class BookTest : public ::testing::Test {
 protected:
  void open(const std::string& schedule) {
    const auto from = *parse_rfc3339("2026-01-01T00:00:00Z");
    const auto published = book_.publish(schedule, from);
    ASSERT_TRUE(published) << published.error().what;
    Assignment a{"default", AssignmentLevel::by_default, "", (*published)->text().schedule_id, from, {}};
    ASSERT_TRUE(book_.assign(a, from));
  }
  void SetUp() override { open(testing::schedule_with(kPlain)); }

  Priced<TxnResult> apply(EventType type, std::string id, std::int64_t amount, std::string ref = "",
                          std::optional<std::int64_t> replacement = {}) {
    TxnEvent event;
    event.type = type;
    event.id = std::move(id);
    event.ref = std::move(ref);
    event.at = *parse_rfc3339(now_);
    event.amount_minor = amount;
    event.replacement_minor = replacement;
    event.defaults = who_;
    return book_.apply(event);
  }
  std::int64_t net(const Priced<TxnResult>& result) {
    EXPECT_TRUE(result) << result.error().what;
    return result ? result->totals.merchant_net_minor : INT64_MIN;
  }
  static std::string said(const Priced<TxnResult>& result) {
    return result ? "done" : std::string(reason_code(result.error().reason));
  }
  SettleResult settle() { return *book_.settle(who_, *parse_rfc3339(now_)); }

  Book book_;
  std::string now_ = "2026-03-02T04:00:00Z";
  EventFacts who_{"shop1", "term1", "agent1", {}};
};

TEST_F(BookTest, AReversedVoidLetsTheSaleStandAgain) {
  EXPECT_EQ(net(apply(EventType::sale, "s", 10000)), 9940);
  EXPECT_EQ(net(apply(EventType::void_sale, "x", 0, "s")), -9940);
  EXPECT_EQ(net(apply(EventType::reversal, "r", 0, "x")), 9940);
  EXPECT_EQ(said(apply(EventType::reversal, "r2", 0, "x")), "ALREADY_RESOLVED");
  EXPECT_EQ(net(apply(EventType::refund, "f", 10000, "s")), -9940);
  const auto settled = settle();
  EXPECT_EQ(settled.in.net_minor, 0);
}

TEST_F(BookTest, AReversedRefundCanBeMadeAgainAndStillReturnsTheWhole) {
  EXPECT_EQ(net(apply(EventType::sale, "s", 10000)), 9940);
  EXPECT_EQ(net(apply(EventType::refund, "f1", 200, "s")), -199);
  EXPECT_EQ(net(apply(EventType::refund, "f2", 200, "s")), -199);
  EXPECT_EQ(net(apply(EventType::reversal, "r", 0, "f1")), 199);
  EXPECT_EQ(said(apply(EventType::refund, "f3", 9801, "s")), "OVER_REFUND");
  EXPECT_EQ(net(apply(EventType::refund, "f4", 9800, "s")), -9741);
  EXPECT_EQ(settle().in.net_minor, 0);
}

TEST_F(BookTest, NothingIsGivenBackTwiceBesideAnOpenChargeback) {
  EXPECT_EQ(net(apply(EventType::sale, "s", 10000)), 9940);
  EXPECT_EQ(net(apply(EventType::chargeback, "b", 4000, "s")), -4000);
  EXPECT_EQ(said(apply(EventType::void_sale, "x", 0, "s")), "HAS_REFUNDS");
  EXPECT_EQ(said(apply(EventType::reversal, "r", 0, "s")), "HAS_REFUNDS");
  EXPECT_EQ(said(apply(EventType::refund, "f", 6001, "s")), "OVER_REFUND");
  (void)settle();
  const auto as_refund = apply(EventType::void_sale, "x", 0, "s");
  EXPECT_EQ(net(as_refund), -6000 + 36);
  EXPECT_EQ(as_refund->flags, txn_flag::kAsRefund);
  EXPECT_EQ(said(apply(EventType::chargeback, "b2", 1, "s")), "OVER_REFUND");
  EXPECT_EQ(net(apply(EventType::representment, "w", 0, "b")), 4000);
  EXPECT_EQ(net(apply(EventType::refund, "f", 4000, "s")), -4000 + 24);
}

TEST_F(BookTest, APaidOutInstantSaleIsReversedByItsMirror) {
  who_.facts.settlement = Settlement::instant;
  EXPECT_EQ(apply(EventType::sale, "s", 10000)->instant_payout_minor, 9640);
  const auto reversed = apply(EventType::reversal, "r", 0, "s");
  EXPECT_EQ(net(reversed), -9640);
  EXPECT_EQ(reversed->instant_payout_minor, 0);
  const auto settled = settle();
  EXPECT_EQ(settled.in.net_minor, 0);
  EXPECT_EQ(settled.out.carried_forward_minor, 9640);
}

TEST_F(BookTest, APartialReversalRefusesWhatIsNotLess) {
  EXPECT_EQ(net(apply(EventType::sale, "s", 10000)), 9940);
  EXPECT_EQ(said(apply(EventType::reversal, "r", 0, "s", 10000)), "AMOUNT_RANGE");
  EXPECT_EQ(net(apply(EventType::reversal, "r", 0, "s", 6000)), -3976);
  EXPECT_EQ(said(apply(EventType::reversal, "r2", 0, "s", 6000)), "AMOUNT_RANGE");
  EXPECT_EQ(net(apply(EventType::reversal, "r2", 0, "s", 0)), -5964);
}

TEST_F(BookTest, AReversedIncrementLeavesTheFirstHold) {
  EXPECT_EQ(apply(EventType::preauth, "p", 50000)->hold_minor, 50000);
  EXPECT_EQ(apply(EventType::preauth, "p2", 10000, "p")->totals.gross_minor, 60000);
  EXPECT_EQ(apply(EventType::reversal, "r", 0, "p2")->hold_minor, -10000);
  EXPECT_EQ(said(apply(EventType::reversal, "r2", 0, "p2")), "ALREADY_RESOLVED");
  const auto completed = apply(EventType::completion, "k", 43210, "p");
  EXPECT_EQ(completed->hold_minor, -50000);
  EXPECT_EQ(said(apply(EventType::release, "q", 0, "p")), "ALREADY_RESOLVED");
  EXPECT_EQ(said(apply(EventType::preauth, "p3", 1, "p")), "ALREADY_RESOLVED");
}

TEST_F(BookTest, AHoldDoesNotGrowBeyondTheBoundsOfAnAmount) {
  EXPECT_EQ(apply(EventType::preauth, "p", kAmountMax)->hold_minor, kAmountMax);
  EXPECT_EQ(said(apply(EventType::preauth, "p2", 1, "p")), "AMOUNT_RANGE");
}

TEST_F(BookTest, RefusalsComeInTheirOrder) {
  EXPECT_EQ(said(apply(EventType::refund, "f", 0, "nothing")), "AMOUNT_RANGE");
  EXPECT_EQ(said(apply(EventType::refund, "f", 1, "nothing")), "UNKNOWN_REF");
  EXPECT_EQ(said(apply(EventType::completion, "k", 1, "nothing")), "UNKNOWN_REF");
  EXPECT_EQ(said(apply(EventType::representment, "w", 0, "nothing")), "UNKNOWN_REF");
  EXPECT_EQ(apply(EventType::reversal, "r", 0, "late")->flags, txn_flag::kTombstone);
  EXPECT_EQ(said(apply(EventType::sale, "late", -1)), "REVERSED");
  now_ = "2025-12-31T00:00:00Z";
  EXPECT_EQ(said(apply(EventType::sale, "early", 1)), "NO_SCHEDULE");
}

TEST_F(BookTest, ARepeatWithOtherFactsIsAConflict) {
  EXPECT_EQ(said(apply(EventType::sale, "s", 100)), "done");
  now_ = "2026-03-02T05:00:00Z";
  EXPECT_EQ(apply(EventType::sale, "s", 100)->flags, txn_flag::kReplay);
  who_.facts.mcc = 1;
  EXPECT_EQ(said(apply(EventType::sale, "s", 100)), "ID_CONFLICT");
  EXPECT_EQ(said(apply(EventType::refund, "s", 100, "s")), "ID_CONFLICT");
}

TEST(Recurring, BoundariesAreClampedFromTheAnchor) {
  const auto date = [](std::string_view text) { return *parse_date(text); };
  EXPECT_EQ(add_months(date("2024-02-29"), 12), date("2025-02-28"));
  EXPECT_EQ(add_months(date("2024-02-29"), 48), date("2028-02-29"));
  EXPECT_EQ(add_months(date("2026-01-31"), 1), date("2026-02-28"));
  EXPECT_EQ(add_months(date("2026-01-31"), 2), date("2026-03-31"));
  RecurringFee fee;
  fee.anchor = Anchor::calendar;
  fee.cycle = Cycle::month;
  const auto first = period_of(fee, date("2026-03-15"), 0), second = period_of(fee, date("2026-03-15"), 1);
  EXPECT_EQ(first.used(), 17);
  EXPECT_EQ(first.days, 31);
  EXPECT_EQ(second.from, date("2026-04-01"));
  EXPECT_EQ(second.days, 30);
  EXPECT_EQ(due({3100, Proration::daily, Rounding::half_up}, first.used(), first.days), 1700);
}

TEST(Recurring, AYearIsEarnedInTwelvePartsThatAddUp) {
  RecurringFee fee;
  fee.cycle = Cycle::year;
  const auto start = *parse_date("2026-01-31");
  const auto period = period_of(fee, start, 0);
  std::int64_t last = 0, sum = 0;
  for (int m = 1; m <= 14; ++m) {
    const auto all = earned(1000, period, add_months(start, m), Rounding::half_up);
    sum += all - last;
    last = all;
  }
  EXPECT_EQ(sum, 1000);
  EXPECT_EQ(earned(1000, period, BusinessDate{start.days - 1}, Rounding::half_up), 0);
}

TEST_F(BookTest, ClosingATerminalOnTheFirstDayOfAPeriodChargesNothingForIt) {
  book_ = Book();
  open(testing::schedule_with(
      kPlain,
      R"("recurring":[{"id":"sim","amount":1200,"cycle":"MONTH","proration":"DAILY","account":"4130"}])"));
  const auto instant = [](std::string_view text) { return *parse_rfc3339(text); };
  ASSERT_TRUE(book_.activate(Per::terminal, who_, instant("2026-03-01T04:00:00Z")));
  EXPECT_EQ(said(apply(EventType::sale, "s", 100)), "done");
  EXPECT_EQ(book_.charge_recurring(who_, instant("2026-03-10T04:00:00Z"))->fee_minor, 1200);
  const auto closed = book_.close(Per::terminal, who_, instant("2026-04-01T04:00:00Z"));
  ASSERT_TRUE(closed);
  EXPECT_TRUE(closed->charges.empty());
  EXPECT_EQ(closed->earned.size(), 1);
  EXPECT_EQ(closed->earned[0].amount_minor, 1200);
  EXPECT_FALSE(book_.close(Per::terminal, who_, instant("2026-04-01T04:00:00Z")));
}

TEST_F(BookTest, TaxOnTopOfAChargeComesBackWithIt) {
  book_ = Book();
  open(testing::schedule_with(kPlain, R"("tax":{"mode":"EXCLUSIVE","rate":"0.06","level":"TRANSACTION"},
    "recurring":[{"id":"sim","amount":36500,"cycle":"YEAR","proration":"DAILY","account":"4130"}])"));
  const auto instant = [](std::string_view text) { return *parse_rfc3339(text); };
  ASSERT_TRUE(book_.activate(Per::terminal, who_, instant("2026-01-01T04:00:00Z")));
  const auto charged = book_.charge_recurring(who_, instant("2026-01-01T05:00:00Z"));
  EXPECT_EQ(charged->tax_minor, 2190);
  EXPECT_EQ(charged->merchant_net_minor, -38690);
  const auto closed =
      book_.close(Per::terminal, who_, instant("2026-01-11T04:00:00Z"));  // 10 of 365 days served
  EXPECT_EQ(closed->fee_minor, -35500);
  EXPECT_EQ(closed->tax_minor, -2130);
  EXPECT_EQ(closed->merchant_net_minor, 37630);
}

}  // namespace
}  // namespace tollgate::fees
