#include "fees/schedule.h"

#include <gtest/gtest.h>

#include "tests/fees/example.h"

namespace tollgate::fees {
namespace {

using testing::kRetail;
using testing::must_load;
using testing::schedule_with;

constexpr std::string_view kPlain =
    R"([{"id":"mdr","account":"4100","rules":[{"id":"all","rate":"0.006"}]}])";

// What load_schedule says of a text: "CODE /pointer".
std::string said(std::string_view json) {
  const auto loaded = load_schedule(json);
  if (loaded) return "loaded";
  return std::string(reason_code(loaded.error().reason)) + " " + loaded.error().where;
}

TEST(Schedule, HashesTheCanonicalFormAndNotTheText) {
  const auto a =
      must_load(R"({"version":1,"schedule_id":"card","valid_from":"2026-01-01T00:00:00Z","currency":"CNY",
    "time_zone":"Asia/Shanghai","cutoff":"24:00","caps":[],"components":[{"rules":[{"rate":"0.0060","id":"all","fixed":0,
    "match":{"channel":[]},"tiers":[],"discount":"0.0"}],"id":"mdr","on":["SALE"],"account":"4100","payer":"MERCHANT"}]})");
  EXPECT_EQ(
      a->canonical_json(),
      R"({"components":[{"account":"4100","id":"mdr","rules":[{"id":"all","rate":"0.006"}]}],"currency":"CNY",)"
      R"("schedule_id":"card","time_zone":"Asia/Shanghai","valid_from":"2026-01-01T00:00:00Z","version":1})");
  EXPECT_EQ(a->content_hash(), "f475a2da41433b8f8fb5137685e12c2a133f1640e563fa7c43feef987031a6fa");
}

TEST(Schedule, KeepsAWrittenValueWhoseDefaultIsNone) {
  const auto json = schedule_with(
      R"([{"id":"mdr","account":"4100","rounding":"HALF_UP","rules":[{"id":"all","min":0,"max":0}]}])");
  EXPECT_NE(must_load(json)->canonical_json().find(
                R"("rounding":"HALF_UP","rules":[{"id":"all","max":0,"min":0}])"),
            std::string::npos);
}

TEST(Schedule, ACanonicalTextLoadsToItself) {
  const auto first = must_load(kRetail);
  const auto again = must_load(first->canonical_json());
  EXPECT_EQ(again->canonical_json(), first->canonical_json());
  EXPECT_EQ(again->content_hash(), first->content_hash());
}

struct Bad {
  const char* name;
  std::string json;
  const char* expected;
};

std::string rule(std::string_view members) {
  return schedule_with(R"([{"id":"mdr","account":"4100","rules":[{"id":"a",)" + std::string(members) +
                       R"(},{"id":"z"}]}])");
}
std::string more(std::string_view members) {
  return schedule_with(kPlain, members);
}

void expect_refused(const std::vector<Bad>& all) {
  for (const auto& bad : all) EXPECT_EQ(said(bad.json), bad.expected) << bad.name;
}

TEST(Schedule, RefusesABadShapeWithItsPlace) {
  expect_refused({
      {"not JSON", "{", "SCHEMA "},
      {"two values", "{} {}", "SCHEMA "},
      {"an array", "[]", "SCHEMA "},
      {"nothing in it", "{}", "SCHEMA /schedule_id"},
      {"a member twice", R"({"schedule_id":"a","schedule_id":"b"})", "SCHEMA "},
      {"unknown field", rule(R"("colour":"red")"), "SCHEMA /components/0/rules/0"},
      {"tenth decimal", rule(R"("rate":"0.0000000001")"), "SCHEMA /components/0/rules/0/rate"},
      {"rate above one", rule(R"("rate":"1.000000001")"), "SCHEMA /components/0/rules/0/rate"},
      {"rate as a number", rule(R"("rate":0.006)"), "SCHEMA /components/0/rules/0/rate"},
      {"money with a fraction", rule(R"("fixed":1.5)"), "SCHEMA /components/0/rules/0/fixed"},
      {"money in quotes", rule(R"("fixed":"1")"), "SCHEMA /components/0/rules/0/fixed"},
      {"money of thirteen digits", rule(R"("max":1000000000000)"), "SCHEMA /components/0/rules/0/max"},
      {"negative money", rule(R"("fixed":-1)"), "SCHEMA /components/0/rules/0/fixed"},
      {"a word twice", rule(R"("match":{"channel":["ECOM","ECOM"]})"),
       "SCHEMA /components/0/rules/0/match/channel/1"},
      {"mcc of five digits", rule(R"("match":{"mcc":[{"max":10000}]})"),
       "SCHEMA /components/0/rules/0/match/mcc/0/max"},
      {"half an hour range", rule(R"("match":{"hours":[{"min":"10:00"}]})"),
       "SCHEMA /components/0/rules/0/match/hours/0/max"},
      {"no such day", rule(R"("match":{"dates":[{"min":"2026-02-30"}]})"),
       "SCHEMA /components/0/rules/0/match/dates/0/min"},
      {"a lower-case code", rule(R"("match":{"brand":["visa"]})"),
       "SCHEMA /components/0/rules/0/match/brand/0"},
      {"tax without level", more(R"("tax":{"mode":"INCLUSIVE","rate":"0.06"})"), "SCHEMA /tax/level"},
      {"reserve of no days", more(R"("reserve":{"rate":"0.1","days":0})"), "SCHEMA /reserve/days"},
      {"cut-off in the morning", more(R"("cutoff":"11:59")"), "SCHEMA /cutoff"},
  });
}

TEST(Schedule, RefusesWhatDoesNotFitTogetherWithTheFirstDefect) {
  expect_refused({
      {"two components of one id",
       schedule_with(
           R"([{"id":"a","account":"4100","rules":[{"id":"x"}]},{"id":"a","account":"4100","rules":[{"id":"x"}]}])"),
       "DUPLICATE_ID /components/1"},
      {"component and recurring of one id",
       more(R"("recurring":[{"id":"mdr","amount":1,"cycle":"YEAR","account":"4130"}])"),
       "DUPLICATE_ID /recurring/0"},
      {"cap over nobody", more(R"("caps":[{"id":"g","members":["no"],"max":1}])"),
       "UNKNOWN_ID /caps/0/members/0"},
      {"from a later party",
       more(
           R"("splits":[{"id":"s","of":["mdr"],"parties":[{"party":"a","share":"0.1","from":"b"},{"party":"b","share":"0.1"}]}])"),
       "UNKNOWN_ID /splits/0/parties/0/from"},
      {"min above max", rule(R"("min":2,"max":1)"), "BAD_RANGE /components/0/rules/0"},
      {"tiers that fall", rule(R"("tiers":[{"up_to":5},{"up_to":5},{}])"),
       "BAD_RANGE /components/0/rules/0/tiers/1"},
      {"cap without bound", more(R"("caps":[{"id":"g","members":["mdr"]}])"), "BAD_RANGE /caps/0"},
      {"shares above one",
       more(
           R"("splits":[{"id":"s","of":["mdr"],"parties":[{"party":"a","share":"1"},{"party":"b","share":"0.1"}]}])"),
       "BAD_SHARE /splits/0/parties"},
      {"shares above one out of a party",
       more(
           R"("splits":[{"id":"s","of":["mdr"],"parties":[{"party":"a","share":"1"},{"party":"b","share":"0.6","from":"a"},{"party":"c","share":"0.6","from":"a"}]}])"),
       "BAD_SHARE /splits/0/parties"},
      {"shared twice",
       more(
           R"("splits":[{"id":"s","of":["mdr"],"parties":[{"party":"a","share":"1"}]},{"id":"t","of":["mdr"],"parties":[{"party":"a","share":"1"}]}])"),
       "BAD_SHARE /splits/1/of"},
      {"house without contra",
       schedule_with(
           R"([{"id":"c","payer":"HOUSE","account":"5100","rules":[{"id":"x"}]},{"id":"mdr","account":"4100","rules":[{"id":"x"}]}])"),
       "BAD_COMBINATION /components/0/contra"},
      {"no account", schedule_with(R"([{"id":"mdr","rules":[{"id":"x"}]}])"),
       "BAD_COMBINATION /components/0/account"},
      {"retroactive in a split",
       schedule_with(R"([{"id":"mdr","volume":"RETROACTIVE","account":"4100","rules":[{"id":"x"}]}])",
                     R"("splits":[{"id":"s","of":["mdr"],"parties":[{"party":"a","share":"1"}]}])"),
       "BAD_COMBINATION /components/0/volume"},
      {"a minimum in advance",
       more(R"("recurring":[{"id":"m","amount":1,"cycle":"YEAR","account":"4130","less_fees":["mdr"]}])"),
       "BAD_COMBINATION /recurring/0/less_fees"},
      {"a rule behind everything",
       schedule_with(R"([{"id":"mdr","account":"4100","rules":[{"id":"x"},{"id":"y"}]}])"),
       "DEAD_RULE /components/0/rules/1"},
      {"hours inside hours over midnight",
       schedule_with(
           R"([{"id":"mdr","account":"4100","rules":[{"id":"x","match":{"hours":[{"min":"22:00","max":"05:59"}]}},{"id":"y","match":{"hours":[{"min":"23:00","max":"01:00"}]}},{"id":"z"}]}])"),
       "DEAD_RULE /components/0/rules/1"},
      {"neighbouring ranges together",
       schedule_with(
           R"([{"id":"mdr","account":"4100","rules":[{"id":"x","match":{"mcc":[{"min":10,"max":19},{"min":20,"max":29}]}},{"id":"y","match":{"mcc":[{"min":15,"max":25}]}},{"id":"z"}]}])"),
       "DEAD_RULE /components/0/rules/1"},
      {"only debit covered",
       schedule_with(R"([{"id":"mdr","account":"4100","rules":[{"id":"x","match":{"funding":["DEBIT"]}}]}])"),
       "UNCOVERED /components"},
  });
}

TEST(Schedule, TakesWhatOnlyLooksLikeADefect) {
  const std::vector<std::string> sound = {
      rule(R"("match":{"funding":["DEBIT"]},"rate":"0","tiers":[{"rate":"0.1"}])"),
      // An absent fact fails a list of everything, so the second rule still has something to take.
      schedule_with(
          R"([{"id":"mdr","account":"4100","rules":[{"id":"x","match":{"funding":["DEBIT","CREDIT","PREPAID"]}},{"id":"y"}]}])"),
      // The earlier rule names a dimension that the later one lacks.
      schedule_with(
          R"([{"id":"mdr","account":"4100","rules":[{"id":"x","match":{"region":["INTER"],"funding":["DEBIT"]}},{"id":"y","match":{"funding":["DEBIT"]}},{"id":"z"}]}])"),
      // Shared on one side, deducted on another: the agent's part on the amount, and the residual of the
      // house's partner.
      schedule_with(
          R"([{"id":"mdr","account":"4100","rules":[{"id":"x","rate":"0.006"}]},{"id":"cut","payer":"NONE","rules":[{"id":"x","rate":"0.001"}]}])",
          R"("splits":[{"id":"s","of":["cut"],"parties":[{"party":"a","share":"1"}]},{"id":"t","of":["mdr"],"less":["cut"],"parties":[{"party":"b","share":"0.5"}]}])"),
  };
  for (const auto& json : sound) EXPECT_EQ(said(json), "loaded") << json;
}

TEST(Schedule, RefusesFeesOnFeesThatCouldLeaveSixtyBits) {
  std::string components = R"([{"id":"c0","account":"4100","rules":[{"id":"x","rate":"1"}]})",
              base = R"("c0")";
  for (int i = 1; i < 40; ++i) {
    components += R"(,{"id":"c)" + std::to_string(i) + R"(","base":"FEES","base_of":[)" + base +
                  R"(],"account":"4100","rules":[{"id":"x","rate":"1"}]})";
    base += R"(,"c)" + std::to_string(i) + R"(")";
  }
  EXPECT_TRUE(said(schedule_with(components + "]")).starts_with("SCHEMA /components/"))
      << said(schedule_with(components + "]"));
}

TEST(Schedule, BusinessDateTurnsAtTheCutoffOfItsZone) {
  const auto schedule = must_load(kRetail);  // Asia/Shanghai, 23:00
  const auto at = [&](std::string_view instant) { return schedule->moment(*parse_rfc3339(instant)); };
  EXPECT_EQ(format_date(at("2026-02-28T14:59:59Z").business_date), "2026-02-28");
  EXPECT_EQ(format_date(at("2026-02-28T15:00:00Z").business_date), "2026-03-01");
  EXPECT_EQ(at("2026-02-28T15:00:00Z").local_minute, 23 * 60);
  EXPECT_EQ(format_date(at("2026-02-28T16:00:00Z").business_date), "2026-03-01");
  EXPECT_EQ(at("2026-02-28T16:00:00Z").local_minute, 0);
}

TEST(Schedule, ClockFollowsSummerTimeToTheSecond) {
  const auto clock = BusinessClock::load("Europe/Berlin", 1440);
  ASSERT_TRUE(clock);
  EXPECT_EQ(clock->at(*parse_rfc3339("2026-03-29T00:59:59Z")).local_minute, 119);
  EXPECT_EQ(clock->at(*parse_rfc3339("2026-03-29T01:00:00Z")).local_minute, 180);
  EXPECT_EQ(clock->at(*parse_rfc3339("2026-10-25T00:59:59Z")).local_minute, 179);
  EXPECT_EQ(clock->at(*parse_rfc3339("2026-10-25T01:00:00Z")).local_minute, 120);
  EXPECT_EQ(format_date(clock->at(*parse_rfc3339("1985-06-30T22:30:00Z")).business_date), "1985-07-01");
  EXPECT_FALSE(BusinessClock::load("Mars/Olympus", 1440));
}

TEST(Assignment, WritesWhatItReads) {
  const std::string text =
      R"({"id":"fa_1","level":"MERCHANT","schedule_id":"std-card","subject":"102290058120001","valid_from":"2026-11-01T00:00:00Z"})";
  const auto read = parse_assignment(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(assignment_json(*read), text);
  EXPECT_FALSE(parse_assignment(
      R"({"id":"a","level":"DEFAULT","subject":"x","schedule_id":"s","valid_from":"2026-11-01T00:00:00Z"})"));
  EXPECT_FALSE(parse_assignment(
      R"({"id":"a","level":"AGENT","schedule_id":"s","valid_from":"2026-11-01T00:00:00Z"})"));
}

}  // namespace
}  // namespace tollgate::fees
