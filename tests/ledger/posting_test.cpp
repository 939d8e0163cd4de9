// The flows of the fees reference, section 6, from a schedule's text to legs.
#include <gtest/gtest.h>

#include "fees/engine.h"
#include "fees/schedule.h"
#include "proto/records.h"
#include "switch/ledger/posting.h"

namespace tollgate::ledger {
namespace {

struct Priced {
  fees::SchedulePtr schedule;
  fees::Assessment assessment;
};

Priced price(std::string_view components, std::string_view rest, std::int64_t amount, fees::Facts facts = {}) {
  const auto text = std::string(R"({"schedule_id":"s","version":1,"valid_from":"2026-01-01T00:00:00Z","currency":"CNY","time_zone":"Asia/Shanghai","components":[)") +
                    std::string(components) + "]" + std::string(rest) + "}";
  auto schedule = fees::load_schedule(text);
  EXPECT_TRUE(schedule.has_value()) << schedule.error().what << " at " << schedule.error().where;
  Priced priced{*schedule, {}};
  fees::Event event;
  event.amount_minor = amount;
  event.facts = facts;
  fees::assess(**schedule, event, {}, priced.assessment);
  return priced;
}

// Of the entry as protobuf reads it.
std::string legs(EntryBuilder& builder) {
  builder.build();
  v1::LedgerEntry entry;
  EXPECT_TRUE(entry.ParseFromString(std::string(as_text(builder.built().back().bytes))));
  std::string text;
  for (const auto& leg : entry.legs())
    text += (leg.credit() ? "Cr " : "Dr ") + account_name(leg.account(), leg.sub()) + " " + std::to_string(leg.amount_minor()) + "; ";
  return text;
}

constexpr std::string_view kMdr = R"({"id":"mdr","account":"4100","rules":[{"id":"all","rate":"0.006"}]})";
const SaleParties kShop{kSchemeClearing, "unionpay", "shop1"};

TEST(Posting, BooksACardSaleOfOneHundredYuan) {  // BF-01
  const auto p = price(kMdr, "", 10'000);
  EntryBuilder out;
  sale_legs(kShop, p.assessment, *p.schedule, out);
  EXPECT_EQ(legs(out), "Dr 1100/unionpay 10000; Cr 2100/shop1 9940; Cr 4100 60; ");
}

TEST(Posting, LeavesOutAFeeOfZero) {
  const auto p = price(kMdr, "", 83);  // the largest ticket that pays nothing at 0.6 %
  EntryBuilder out;
  sale_legs(kShop, p.assessment, *p.schedule, out);
  EXPECT_EQ(legs(out), "Dr 1100/unionpay 83; Cr 2100/shop1 83; ");
}

TEST(Posting, TakesIncludedTaxOutOfIncomeAndTaxOnTopOutOfThePayable) {  // BF-15
  const auto included = price(kMdr, R"(,"tax":{"mode":"INCLUSIVE","rate":"0.06","level":"TRANSACTION"})", 10'000);
  EntryBuilder out;
  sale_legs(kShop, included.assessment, *included.schedule, out);
  EXPECT_EQ(legs(out), "Dr 1100/unionpay 10000; Cr 2100/shop1 9940; Cr 4100 57; Cr 2400 3; ");
  const auto on_top = price(kMdr, R"(,"tax":{"mode":"EXCLUSIVE","rate":"0.06","level":"TRANSACTION"})", 10'000);
  out.reset();
  sale_legs(kShop, on_top.assessment, *on_top.schedule, out);
  EXPECT_EQ(legs(out), "Dr 1100/unionpay 10000; Cr 2100/shop1 9936; Cr 4100 60; Cr 2400 4; ");
}

TEST(Posting, BooksWhatTheHousePaysAndWhatAgentsGet) {  // BF-01: issuer 0.35, network 0.03, agents 0.07 + 0.06
  const auto p = price(std::string(kMdr) +
                           R"(,{"id":"issuer","payer":"HOUSE","account":"5100","contra":"1100","rules":[{"id":"a","rate":"0.0035","max":1300}]})"
                           R"(,{"id":"network","payer":"HOUSE","account":"5110","contra":"2210","rules":[{"id":"a","rate":"0.000325","max":325}]})",
                       R"(,"splits":[{"id":"agents","of":["mdr"],"parties":[{"party":"agent_1","share":"0.125"},{"party":"agent_2","share":"0.1"}]}])", 10'000);
  EntryBuilder out;
  cost_legs(kShop, p.assessment, out);
  EXPECT_EQ(legs(out), "Dr 5100 35; Cr 1100/unionpay 35; Dr 5110 3; Cr 2210/unionpay 3; ");
  out.reset();
  split_legs(p.assessment, *p.schedule, out);
  EXPECT_EQ(legs(out), "Dr 5200 13; Cr 2300/agent_1 7; Cr 2300/agent_2 6; ");
}

TEST(Posting, BooksADebtWhenTheFeeIsLargerThanTheSale) {  // FC-34: 2.00 at 0.6 % + 3.00
  const auto p = price(std::string(kMdr) + R"(,{"id":"instant","account":"4120","rules":[{"id":"i","fixed":300}]})", "", 200);
  EntryBuilder out;
  sale_legs(kShop, p.assessment, *p.schedule, out);
  EXPECT_EQ(legs(out), "Dr 1100/unionpay 200; Dr 2100/shop1 101; Cr 4100 1; Cr 4120 300; ");
  out.reset();
  instant_payout_legs(kShop, "p1", p.assessment.totals.merchant_net_minor, out);
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace tollgate::ledger
