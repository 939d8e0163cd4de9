// Quotes: by merchant and by schedule, in words of two languages, and what is refused.
#include <gtest/gtest.h>

#include "fees/engine.h"
#include "fees/price_book.h"
#include "tests/admin/desk.h"

namespace tollgate::test {
namespace {

constexpr const char* kQuotes = "/v1/fee-quotes";

class FeeQuotes : public ::testing::Test {
 protected:
  FeeQuotes() {
    desk_.sign_in({"operator", "supervisor", "pricing"}, "wang");
    EXPECT_EQ(desk_.post("/v1/estate", example_estate()).text("counts.refused"), "0");
    desk_.sign_in({"viewer"}, "view");
  }
  [[nodiscard]] Answer ask(const std::string& body) {
    return desk_.send(desk_.request("POST", kQuotes, body));
  }
  // The pointer and code of the first thing that is wrong.
  [[nodiscard]] std::string refused(const std::string& body) {
    const auto answer = ask(body);
    EXPECT_EQ(answer.status, 422U) << answer.body;
    return answer.text("errors.0.pointer") + " " + answer.text("errors.0.code");
  }

  FreshBackend backend_{4};
  Desk desk_{backend_};
};

TEST_F(FeeQuotes, PriceASaleOfAMerchantWithItsDerivation) {
  const auto answer = ask(R"({"merchant":"mc:102290058120001","amount_minor":10000})");
  ASSERT_EQ(answer.status, 200U) << answer.body;
  EXPECT_EQ(answer.text("object"), "fee_quote");
  EXPECT_EQ(answer.text("schedule.schedule_id"), "std-card");
  EXPECT_EQ(answer.text("schedule.version"), "1");
  EXPECT_EQ(answer.text("schedule.hash").size(), 64U);
  EXPECT_EQ(answer.text("fee_minor"), "60");
  EXPECT_EQ(answer.text("rule"), "r1");
  EXPECT_EQ(answer.text("merchant_net_minor"), "9940");
  EXPECT_EQ(answer.text("components.0.component"), "mdr");
  EXPECT_EQ(answer.text("components.0.exact"), "60000000000000000000");
  EXPECT_NE(answer.text("explain.0").find("0.6 %"), std::string::npos) << answer.body;
}

TEST_F(FeeQuotes, SayTheSameInChinese) {
  auto request = desk_.request("POST", kQuotes, R"({"schedule_id":"std-card","amount_minor":10000})");
  request.headers.set("Accept-Language", "zh-CN");
  const auto answer = desk_.send(std::move(request));
  ASSERT_EQ(answer.status, 200U) << answer.body;
  EXPECT_EQ(answer.text("fee_minor"), "60");
  EXPECT_NE(answer.body.find("商户"), std::string::npos) << answer.body;
}

TEST_F(FeeQuotes, AgreeWithTheEngineOnEveryAmount) {
  const auto schedule = backend_.reference()->prices->find("std-card", 1);
  ASSERT_NE(schedule, nullptr);
  for (const std::int64_t amount : {0, 1, 83, 84, 9'999, 10'000, 123'456'789}) {
    fees::Event event;
    event.amount_minor = amount;
    fees::Assessment priced;
    fees::assess(*schedule, event, {}, priced);
    const auto answer =
        ask(R"({"schedule_id":"std-card","version":1,"amount_minor":)" + std::to_string(amount) + "}");
    EXPECT_EQ(answer.text("fee_minor"), std::to_string(priced.totals.fee_minor)) << amount;
    EXPECT_EQ(answer.text("merchant_net_minor"), std::to_string(priced.totals.merchant_net_minor)) << amount;
  }
}

TEST_F(FeeQuotes, TakeFactsTagsAndAnInstant) {
  const auto answer = ask(
      R"({"schedule_id":"std-card","amount_minor":100,"at":"2026-03-02T15:30:00Z","facts":{"funding":"DEBIT","mcc":5411,"tags":["DCC"]}})");
  ASSERT_EQ(answer.status, 200U) << answer.body;
  EXPECT_EQ(answer.text("business_date"), "2026-03-03");  // 23:30 in Shanghai is behind the cut-off
}

TEST_F(FeeQuotes, SayNullWhereNoRulePriced) {
  // A refund prices REFUND components, of which this schedule has none.
  const auto nothing = ask(R"({"schedule_id":"std-card","amount_minor":100,"event":"REFUND"})");
  ASSERT_EQ(nothing.status, 200U) << nothing.body;
  EXPECT_NE(nothing.body.find(R"("rule":null)"), std::string::npos) << nothing.body;
  EXPECT_EQ(nothing.text("fee_minor"), "0");
  const auto priced = ask(R"({"schedule_id":"std-card","amount_minor":100})");
  EXPECT_EQ(priced.body.find(R"("rule":null)"), std::string::npos) << priced.body;
}

TEST_F(FeeQuotes, WriteNothing) {
  const auto before = backend_.records();
  (void)ask(R"({"merchant":"mc:102290058120001","amount_minor":10000})");
  EXPECT_EQ(backend_.records(), before);
}

TEST_F(FeeQuotes, RefuseWithThePlaceAndTheReason) {
  EXPECT_EQ(refused(R"({"amount_minor":1})"), "/merchant required");
  EXPECT_EQ(refused(R"({"merchant":"mc:1","schedule_id":"s","amount_minor":1})"), "/merchant required");
  EXPECT_EQ(refused(R"({"schedule_id":"nobody","amount_minor":1})"), "/schedule_id NO_SCHEDULE");
  EXPECT_EQ(refused(R"({"schedule_id":"std-card","version":2,"amount_minor":1})"), "/version NO_SCHEDULE");
  EXPECT_EQ(refused(R"({"schedule_id":"std-card","amount_minor":1,"at":"2025-01-01T00:00:00Z"})"),
            "/schedule_id NO_SCHEDULE");
  EXPECT_EQ(refused(R"({"merchant":"mc:102290058120001","amount_minor":1,"at":"2026-02-01T00:00:00Z"})"),
            "/merchant NO_SCHEDULE");
  EXPECT_EQ(refused(R"({"schedule_id":"std-card","amount_minor":1,"tip_minor":2})"),
            "/amount_minor AMOUNT_RANGE");
  EXPECT_EQ(refused(R"({"schedule_id":"std-card","amount_minor":1,"facts":{"funding":"GOLD"}})"),
            "/facts/funding invalid_value");
  EXPECT_EQ(refused(R"({"schedule_id":"std-card","amount_minor":1,"facts":{"colour":"RED"}})"),
            "/facts/colour invalid_value");
  EXPECT_EQ(refused(R"({"schedule_id":"std-card","amount_minor":1,"volumes":{"mdr":-1}})"),
            "/volumes/mdr out_of_range");
  EXPECT_EQ(refused(R"({"schedule_id":"std-card","amount_minor":1,"volumes":{"x":1}})"),
            "/volumes/x not_found");
  EXPECT_EQ(refused(R"({"schedule_id":"std-card","amount_minor":1,"terminal":"10000001"})"),
            "/terminal invalid_value");
  const auto unknown = ask(R"({"schedule_id":"std-card","amount_minor":1,"note":"x"})");
  EXPECT_EQ(unknown.text("code"), "unknown_field");
  EXPECT_EQ(ask(R"({"merchant":"mc:none","amount_minor":1})").status, 404U);
}

}  // namespace
}  // namespace tollgate::test
