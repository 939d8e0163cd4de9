#include "fees/report.h"

#include <gtest/gtest.h>

#include <map>

#include "switch/base/chance.h"
#include "tests/fees/example.h"

namespace tollgate::fees {
namespace {

using testing::must_load;
using testing::schedule_with;

std::vector<Finding> of(const Report& report, FindingKind kind) {
  std::vector<Finding> out;
  for (const auto& f : report.findings)
    if (f.kind == kind) out.push_back(f);
  return out;
}

TEST(Report, NamesEveryWholeTicketBandWhereTheNetFalls) {
  const auto schedule = must_load(schedule_with(
      R"([{"id":"mdr","account":"4100","rules":[{"id":"small","match":{"amount":{"max":100000}},"rate":"0.0038"},{"id":"large","rate":"0.006"}]},
          {"id":"large_fee","account":"4100","rules":[{"id":"mid","match":{"amount":{"min":200000,"max":300000}},"fixed":1},
          {"id":"big","match":{"amount":{"min":300001}},"fixed":2}]}])"));
  const auto falls = of(report_on(*schedule), FindingKind::net_falls);
  ASSERT_EQ(falls.size(), 3);
  EXPECT_EQ(falls[0].from_minor, 100000);
  EXPECT_EQ(falls[0].to_minor, 100001);
  EXPECT_EQ(falls[0].before_minor, 99620);
  EXPECT_EQ(falls[0].after_minor, 99401);
  EXPECT_EQ(falls[1].to_minor, 200000);
  EXPECT_EQ(falls[2].to_minor, 300001);
  EXPECT_EQ(falls[0].text(*schedule),
            "any: from 1000.00 to 1000.01 the merchant's net goes from 996.20 to 994.01");
}

TEST(Report, FindsTheLargestFreeTicketOfEachSegment) {
  const auto schedule = must_load(schedule_with(
      R"([{"id":"mdr","account":"4100","rules":[{"id":"qr","match":{"channel":["QR_MERCHANT_PRESENTED","QR_CUSTOMER_PRESENTED"]},"rate":"0.0038"},
          {"id":"rest","rate":"0.006"}]}])"));
  std::map<std::int64_t, int> largest;
  for (const auto& f : of(report_on(*schedule), FindingKind::free_ticket)) ++largest[f.to_minor];
  EXPECT_EQ(largest, (std::map<std::int64_t, int>{{83, 1}, {131, 1}}));
}

TEST(Report, AMinimumOfOneLeavesNoFreeTicket) {
  const auto schedule = must_load(
      schedule_with(R"([{"id":"mdr","account":"4100","rules":[{"id":"all","rate":"0.006","min":1}]}])"));
  EXPECT_TRUE(report_on(*schedule).findings.empty());
}

TEST(Report, FindsUpToWhichTicketTheFeeIsAboveIt) {
  const auto schedule = must_load(schedule_with(
      R"([{"id":"mdr","account":"4100","rules":[{"id":"all","rate":"0.006"}]},{"id":"instant","account":"4120","rules":[{"id":"i","match":{"settlement":["INSTANT"]},"fixed":300}]}])"));
  const auto above = of(report_on(*schedule), FindingKind::fee_above_amount);
  ASSERT_EQ(above.size(), 1);
  EXPECT_EQ(above[0].segment, "settlement INSTANT");
  EXPECT_EQ(above[0].to_minor, 301);
}

TEST(Report, FindsWhereTheFeesDoNotCoverTheCosts) {
  // 0.5 % capped at 10.00 against 0.35 % capped at 13.00: from 10.00 / 0.0035 = 2857.15 on.
  const auto schedule = must_load(schedule_with(
      R"([{"id":"mdr","account":"4100","rules":[{"id":"all","rate":"0.005","max":1000}]},
          {"id":"issuer","payer":"HOUSE","account":"5100","contra":"1100","rules":[{"id":"all","rate":"0.0035","max":1300}]}])"));
  const auto lost = of(report_on(*schedule), FindingKind::negative_margin);
  ASSERT_EQ(lost.size(), 1);
  EXPECT_EQ(lost[0].from_minor, 285715);
  EXPECT_EQ(lost[0].to_minor, kAmountMax);
  EXPECT_EQ(lost[0].after_minor, -300);
}

TEST(Report, SaysWhenItCouldNotLookAtEveryCombination) {
  std::string rules;
  for (int i = 0; i < 200; ++i) {
    const auto n = std::to_string(i);
    rules += R"({"id":"r)" + n + R"(","match":{"brand":["B)" + n + R"("],"mcc":[{"min":)" + n + R"(,"max":)" +
             n + R"(}]},"rate":"0.004"},)";
  }
  const auto report = report_on(*must_load(schedule_with(R"([{"id":"mdr","account":"4100","rules":[)" +
                                                         rules + R"({"id":"z","rate":"0.006"}]}])")));
  EXPECT_FALSE(report.complete);
  EXPECT_EQ(report.segments, 201);
}

// Everything that the analysis finds at break points, found again by pricing every ticket up to a bound.
struct Brute {
  std::int64_t free = 0, above = -1;
  std::vector<std::int64_t> falls;
};

Brute brute(const CompiledSchedule& schedule, std::int64_t until) {
  Brute out;
  Event event = testing::sale_of(0);
  event.facts = {};
  Int128 last = 0;
  for (std::int64_t a = 0; a <= until; ++a) {
    event.amount_minor = a;
    const auto priced = testing::priced(schedule, event);
    if (a > 0 && priced.totals.fee_minor == 0) out.free = a;
    if (priced.totals.fee_minor > a) out.above = a;
    Int128 net = Int128{a} * kExactOne;
    for (const auto& line : priced.lines()) net -= line.exact;
    if (a > 0 && net < last) out.falls.push_back(a);
    last = net;
  }
  return out;
}

TEST(Report, AgreesWithPricingEveryTicket) {
  SeededChance chance(20261121);
  const auto pick = [&](std::uint64_t below) { return chance.below(below); };
  for (int round = 0; round < 60; ++round) {
    std::string rules;
    std::int64_t at = 0;
    const auto rate = [&] {
      return R"("rate":"0.0)" + std::to_string(pick(9)) + std::to_string(pick(9)) + "1\"";
    };
    for (std::uint64_t i = 0; i < pick(4); ++i) {
      at += 1 + static_cast<std::int64_t>(pick(400));
      rules += R"({"id":"r)" + std::to_string(i) + R"(","match":{"amount":{"max":)" + std::to_string(at) +
               "}}," + rate() + R"(,"fixed":)" + std::to_string(pick(3)) + R"(,"max":)" +
               std::to_string(4 + pick(9)) + "},";
    }
    const std::string tiers =
        R"("tiers":[{"up_to":)" + std::to_string(1 + pick(900)) + "," + rate() + "},{" + rate() + "}]";
    rules += R"({"id":"z",)" + tiers + R"(,"min":)" + std::to_string(pick(4)) + R"(,"max":)" +
             std::to_string(5 + pick(5)) + "}";
    const auto schedule =
        must_load(schedule_with(R"([{"id":"mdr","account":"4100","rules":[)" + rules + R"(]},
        {"id":"levy","base":"FEES","base_of":["mdr"],"account":"4100","rules":[{"id":"l",)" +
                                rate() + R"(,"min":)" + std::to_string(pick(3)) + "}]}]"));
    const auto expected = brute(*schedule, 3000);
    const auto report = report_on(*schedule);
    const auto free = of(report, FindingKind::free_ticket), above = of(report, FindingKind::fee_above_amount);
    EXPECT_EQ(free.empty() ? 0 : free[0].to_minor, expected.free) << schedule->canonical_json();
    EXPECT_EQ(above.empty() ? -1 : above[0].to_minor, expected.above) << schedule->canonical_json();
    std::vector<std::int64_t> falls;
    for (const auto& f : of(report, FindingKind::net_falls)) falls.push_back(f.to_minor);
    EXPECT_EQ(falls, expected.falls) << schedule->canonical_json();
  }
}

// "Monotone net unless overridden": a sale of one unit more that leaves the merchant less, found by asking
// the engine at random neighbouring amounts, most of them around `edges`. 0: none was found.
std::int64_t falling_amount(const CompiledSchedule& schedule, SeededChance& chance,
                            const std::vector<std::int64_t>& edges) {
  const auto net = [&](Event event, std::int64_t amount) {
    event.amount_minor = amount;
    const auto priced = testing::priced(schedule, event);
    Int128 left = Int128{amount} * kExactOne;
    for (const auto& line : priced.lines()) left -= line.exact;
    return left;
  };
  for (int i = 0; i < 400; ++i) {
    Event event = testing::sale_of(0);
    event.facts.funding = static_cast<Funding>(chance.below(4));
    event.facts.channel = static_cast<Channel>(chance.below(8));
    auto amount = static_cast<std::int64_t>(chance.below(20'000));
    if (!edges.empty() && chance.below(4) != 0)
      amount = edges[chance.below(edges.size())] + static_cast<std::int64_t>(chance.below(5)) - 2;
    amount = std::max<std::int64_t>(amount, 1);
    if (net(event, amount + 1) < net(event, amount)) return amount + 1;
  }
  return 0;
}

TEST(Report, WhereItFindsNoFallTheNetNeverFalls) {
  SeededChance chance(20261122);
  const auto pick = [&](std::uint64_t bound) { return chance.below(bound); };
  int clean = 0, falling = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<std::int64_t> edges;
    const auto price = [&] {
      return R"("rate":"0.00)" + std::to_string(1 + pick(9)) + R"(","fixed":)" + std::to_string(pick(2)) +
             (pick(3) == 0 ? R"(,"max":)" + std::to_string(40 + pick(60)) : std::string());
    };
    std::string rules;
    for (std::uint64_t i = 0; i < pick(3); ++i) {
      const auto edge = static_cast<std::int64_t>(1'000 * (i + 1) + pick(900));
      edges.push_back(edge);
      const auto* fact =
          pick(2) == 0 ? R"("funding":["DEBIT"],)" : R"("channel":["CONTACT","QR_CUSTOMER_PRESENTED"],)";
      rules += R"({"id":"r)" + std::to_string(i) + R"(","match":{)" + (pick(2) == 0 ? fact : "") +
               R"("amount":{"max":)" + std::to_string(edge) + "}}," + price() + "},";
    }
    const auto schedule = must_load(schedule_with(R"([{"id":"mdr","account":"4100","rules":[)" + rules +
                                                  R"({"id":"z",)" + price() + R"(}]},
            {"id":"levy","account":"4100","rules":[{"id":"l",)" +
                                                  price() + "}]}]"));
    const auto report = report_on(*schedule);
    ASSERT_TRUE(report.complete);
    if (!of(report, FindingKind::net_falls).empty()) {
      ++falling;
      continue;
    }
    ++clean;
    EXPECT_EQ(falling_amount(*schedule, chance, edges), 0) << schedule->canonical_json();
  }
  EXPECT_GT(clean, 80);
  EXPECT_GT(falling, 80);
}

TEST(Report, APlantedFallIsFoundByTheSamePropertyAndByTheReport) {  // the control
  SeededChance chance(7);
  const auto schedule = must_load(schedule_with(
      R"([{"id":"mdr","account":"4100","rules":[
          {"id":"debit","match":{"funding":["DEBIT"],"amount":{"max":5000}},"rate":"0.003"},
          {"id":"all","rate":"0.006"}]}])"));
  EXPECT_EQ(falling_amount(*schedule, chance, {5'000}), 5'001);
  const auto falls = of(report_on(*schedule), FindingKind::net_falls);
  ASSERT_EQ(falls.size(), 1U);
  EXPECT_EQ(falls[0].to_minor, 5'001);
}

TEST(Report, SaysItsFindingsInChineseAndByCode) {
  const auto schedule =
      must_load(schedule_with(R"([{"id":"mdr","account":"4100","rules":[{"id":"all","rate":"0.006"}]}])"));
  const auto found = of(report_on(*schedule), FindingKind::free_ticket);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].text(*schedule, Language::zh), "全部：不收手续费的最大金额为 0.83");
  for (const auto kind : {FindingKind::net_falls, FindingKind::fee_above_amount, FindingKind::free_ticket,
                          FindingKind::negative_margin})
    EXPECT_EQ(finding_kind(finding_code(kind)), kind);
  EXPECT_EQ(finding_kind("nothing"), std::nullopt);
}

}  // namespace
}  // namespace tollgate::fees
