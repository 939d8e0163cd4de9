#include "switch/base/time.h"

#include <gtest/gtest.h>

#include <string>

namespace tollgate {
namespace {

WallTime at(const char* text) {
  const auto time = parse_rfc3339(text);
  EXPECT_TRUE(time) << text;
  return time.value_or(WallTime{});
}

TEST(Rfc3339, ReadsUtcOffsetAndFraction) {
  EXPECT_EQ(at("1970-01-01T00:00:00Z").us, 0);
  EXPECT_EQ(at("2026-11-21T18:02:11Z").us, 1795284131LL * 1'000'000);
  EXPECT_EQ(at("2026-11-22T02:02:11+08:00"), at("2026-11-21T18:02:11Z"));
  EXPECT_EQ(at("2026-11-21T12:32:11-05:30"), at("2026-11-21T18:02:11Z"));
  EXPECT_EQ(at("2026-11-21t18:02:11.5z").us, at("2026-11-21T18:02:11Z").us + 500'000);
  EXPECT_EQ(at("2026-11-21T18:02:11.1234567Z").us % 1'000'000, 123'456);  // below a microsecond is cut
  EXPECT_EQ(at("1969-12-31T23:59:59.999999Z").us, -1);
}

TEST(Rfc3339, RefusesWhatIsNotATime) {
  for (const char* text :
       {"", "2026-11-21", "2026-11-21T18:02:11", "2026-11-21 18:02:11Z", "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z", "2026-00-10T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T18:60:00Z",
        "2026-11-21T18:02:60Z", "2026-11-21T18:02:11.Z", "2026-11-21T18:02:11Zx", "2026-11-21T18:02:11+08",
        "2026-11-21T18:02:11+0800", "2026-11-21T18:02:11+24:00", "2026-11-21T18-02-11Z",
        "+026-11-21T18:02:11Z", "2026-11-2118:02:11Z", "2026-11-21T18:02:11."})
    EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
}

TEST(Rfc3339, ComesBackAsItWas) {
  for (const char* text :
       {"2026-11-21T18:02:11Z", "2026-11-21T18:02:11.123456Z", "2026-11-21T18:02:11.000001Z",
        "2024-02-29T23:59:59Z", "1969-12-31T23:59:59.999999Z", "1900-01-01T00:00:00Z"})
    EXPECT_EQ(format_utc(at(text)), text);
}

TEST(Date, ComesBackAsItWasAndRefusesTheRest) {
  for (const char* text :
       {"2026-11-21", "2024-02-29", "2000-02-29", "1970-01-01", "1969-12-31", "9999-12-31"}) {
    ASSERT_TRUE(parse_date(text)) << text;
    EXPECT_EQ(format_date(*parse_date(text)), text);
  }
  for (const char* text :
       {"2026-02-29", "1900-02-29", "2026-11-31", "2026-1-01", "20261121", "2026-11-21 ", "2026/11/21", ""})
    EXPECT_EQ(parse_date(text), std::nullopt) << text;
  EXPECT_EQ(parse_date("1970-01-02")->days, 1);
}

TEST(Calendar, AgreesWithItselfForFourHundredYears) {
  const auto first = parse_date("1900-01-01")->days, last = parse_date("2300-01-01")->days;
  for (std::int32_t day = first; day <= last; ++day) {
    const auto f = calendar({day});
    ASSERT_EQ(from_calendar(f), BusinessDate{day}) << f.year << '-' << f.month << '-' << f.day;
  }
}

TEST(TimeZone, RefusesANameThatTheDataBaseLacks) {
  const auto zone = TimeZone::load("Asia/Shanghia");
  ASSERT_FALSE(zone);
  EXPECT_EQ(zone.error().what, "time zone \"Asia/Shanghia\" is not in the IANA data base");
  EXPECT_FALSE(TimeZone::load(""));
}

TEST(TimeZone, TellsTheDayWhereTheMerchantIs) {
  const auto zone = *TimeZone::load("Asia/Shanghai");
  EXPECT_EQ(zone.format(at("2026-11-21T18:02:11Z")), "2026-11-22T02:02:11+08:00");
  const auto local = zone.local(at("2026-11-21T15:59:59Z"));
  EXPECT_EQ(format_date(local.date), "2026-11-21");
  EXPECT_EQ(local.second_of_day, 86399);
  EXPECT_EQ(format_date(zone.local(at("2026-11-21T16:00:00Z")).date), "2026-11-22");
}

// Both transitions of 2026 in New York, to the second: 8 March 07:00 UTC forward, 1 November 06:00 UTC back.
TEST(TimeZone, ChangesItsOffsetAtTheTransitionAndNotASecondBefore) {
  const auto zone = *TimeZone::load("America/New_York");
  EXPECT_EQ(zone.format(at("2026-03-08T06:59:59Z")), "2026-03-08T01:59:59-05:00");
  EXPECT_EQ(zone.format(at("2026-03-08T07:00:00Z")), "2026-03-08T03:00:00-04:00");
  EXPECT_EQ(zone.format(at("2026-11-01T05:59:59.999999Z")), "2026-11-01T01:59:59.999999-04:00");
  EXPECT_EQ(zone.format(at("2026-11-01T06:00:00Z")), "2026-11-01T01:00:00-05:00");
}

TEST(TimeZone, CacheIsRightWhenTimesJumpBothWays) {
  const auto zone = *TimeZone::load("America/New_York");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(zone.local(at("2026-01-15T12:00:00Z")).second_of_day, 7 * 3600);
    EXPECT_EQ(zone.local(at("2026-07-15T12:00:00Z")).second_of_day, 8 * 3600);
    EXPECT_EQ(zone.local(at("1950-01-15T12:00:00Z")).second_of_day, 7 * 3600);
  }
}

TEST(TimeZone, KnowsThatShanghaiOnceHadSummerTime) {
  EXPECT_EQ(TimeZone::load("Asia/Shanghai")->format(at("1988-07-01T00:00:00Z")), "1988-07-01T09:00:00+09:00");
}

TEST(TimeZone, UtcNeedsNoDataBase) {
  const auto zone = TimeZone::utc();
  EXPECT_EQ(zone.format(at("2026-11-21T18:02:11Z")), "2026-11-21T18:02:11+00:00");
  EXPECT_EQ(zone.local(WallTime{-1}).second_of_day, 86399);
}

TEST(Instant, AddsAndSubtractsDurations) {
  const Instant start{1'000};
  EXPECT_EQ((start + Duration(500)).ns, 1'500);
  EXPECT_EQ((start + Duration(500)) - start, Duration(500));
  EXPECT_LT(start - Duration(1), start);
}

TEST(SystemClock, DoesNotRunBackwards) {
  auto last = SystemClock::now();
  for (int i = 0; i < 1000; ++i) {
    const auto now = SystemClock::now();
    ASSERT_GE(now.instant, last.instant);
    last = now;
  }
  EXPECT_GT(last.wall, at("2026-01-01T00:00:00Z"));
}

}  // namespace
}  // namespace tollgate
