#include "fees/engine.h"

#include <gtest/gtest.h>

#include "tests/fees/example.h"

namespace tollgate::fees {
namespace {

using testing::kRetail;
using testing::must_load;
using testing::priced;
using testing::sale_of;
using testing::schedule_with;

TEST(Engine, PricesACreditSaleAndSharesItWithAgents) {
  const auto schedule = must_load(kRetail);
  const auto a = priced(*schedule, sale_of(10000));
  ASSERT_EQ(a.line_count, 1);
  EXPECT_EQ(a.lines()[0].amount_minor, 60);
  EXPECT_EQ(a.lines()[0].account, 4100);
  EXPECT_EQ(a.lines()[0].exact, Exact{60} * kExactOne);
  ASSERT_EQ(a.split_count, 1);
  EXPECT_EQ(a.splits()[0].party_minor[0], 7);
  EXPECT_EQ(a.splits()[0].party_minor[1], 6);
  EXPECT_EQ(a.splits()[0].house_minor, 47);
  EXPECT_EQ(a.totals.merchant_net_minor, 9940);
}

TEST(Engine, CapsADebitSaleAndKeepsTheSurchargeOutsideTheCap) {
  const auto schedule = must_load(kRetail);
  auto event = sale_of(600000);
  event.facts.funding = Funding::debit;
  event.facts.settlement = Settlement::instant;
  const auto a = priced(*schedule, event);
  ASSERT_EQ(a.line_count, 2);
  EXPECT_EQ(a.lines()[0].amount_minor, 2000);
  EXPECT_EQ(a.lines()[0].flags, flag::kMax);
  EXPECT_EQ(a.lines()[1].amount_minor, 300);
  EXPECT_EQ(a.totals.merchant_net_minor, 597700);
}

TEST(Engine, BooksAQrSaleToTheAccountOfItsRule) {
  const auto schedule = must_load(kRetail);
  auto event = sale_of(100001);
  event.facts.channel = Channel::qr_customer_presented;
  const auto a = priced(*schedule, event);
  EXPECT_EQ(a.lines()[0].amount_minor, 550);
  EXPECT_EQ(a.lines()[0].account, 4110);
  EXPECT_EQ(exact_text(a.lines()[0].exact), "550.0055");
}

TEST(Engine, AnAbsentFactFailsARuleThatAsksForIt) {
  const auto schedule = must_load(schedule_with(
      R"([{"id":"mdr","account":"4100","rules":[{"id":"mcc","match":{"mcc":[{"max":9999}]},"fixed":1},
          {"id":"brand","match":{"brand":["VISA"]},"fixed":2},{"id":"tag","match":{"tags":["A","B"]},"fixed":3},{"id":"rest","fixed":4}]}])"));
  Event event = sale_of(100);
  event.facts = {};
  EXPECT_EQ(priced(*schedule, event).totals.fee_minor, 4);
  ASSERT_TRUE(event.facts.tags.add(*Code::of("C")));
  EXPECT_EQ(priced(*schedule, event).totals.fee_minor, 4);
  ASSERT_TRUE(event.facts.tags.add(*Code::of("B")));
  EXPECT_EQ(priced(*schedule, event).totals.fee_minor, 3);
  event.facts.brand = *Code::of("VISA");
  EXPECT_EQ(priced(*schedule, event).totals.fee_minor, 2);
  event.facts.mcc = 0;
  EXPECT_EQ(priced(*schedule, event).totals.fee_minor, 1);
}

}  // namespace
}  // namespace tollgate::fees
