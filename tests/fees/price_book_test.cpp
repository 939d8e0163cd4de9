#include "fees/price_book.h"

#include <gtest/gtest.h>

#include "tests/fees/example.h"

namespace tollgate::fees {
namespace {

using testing::must_load;

WallTime at(std::string_view text) {
  return *parse_rfc3339(text);
}

SchedulePtr version(std::string_view id, int number, std::string_view from,
                    std::string_view more = R"("currency":"CNY","time_zone":"Asia/Shanghai")") {
  return must_load(R"({"schedule_id":")" + std::string(id) + R"(","version":)" + std::to_string(number) +
                   R"(,"valid_from":")" + std::string(from) + R"(",)" + std::string(more) +
                   R"(,"components":[{"id":"mdr","account":"4100","rules":[{"id":"all"}]}]})");
}

Assignment assignment(std::string id, AssignmentLevel level, std::string subject, std::string schedule,
                      std::string_view from, std::string_view to = "") {
  Assignment a{std::move(id), level, std::move(subject), std::move(schedule), at(from), {}};
  if (!to.empty()) a.valid_to = at(to);
  return a;
}

std::string said(const Priced<void>& done) {
  return done ? "done" : std::string(reason_code(done.error().reason));
}

constexpr Recording kFirst{};  // nothing priced yet

TEST(PriceBook, TheMostSpecificAssignmentDecides) {
  PriceBook book;
  for (const auto* id : {"d", "a", "m", "t"})
    ASSERT_TRUE(book.publish(version(id, 1, "2026-01-01T00:00:00Z"), kFirst));
  ASSERT_TRUE(
      book.assign(assignment("1", AssignmentLevel::by_default, "", "d", "2026-01-01T00:00:00Z"), kFirst));
  ASSERT_TRUE(
      book.assign(assignment("2", AssignmentLevel::agent, "ag", "a", "2026-01-01T00:00:00Z"), kFirst));
  ASSERT_TRUE(
      book.assign(assignment("3", AssignmentLevel::merchant, "me", "m", "2026-01-01T00:00:00Z"), kFirst));
  ASSERT_TRUE(book.assign(
      assignment("4", AssignmentLevel::terminal, "te", "t", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"),
      kFirst));
  const auto priced_by = [&](std::string_view instant, Parties parties) {
    const auto* schedule = book.resolve(at(instant), parties);
    return schedule == nullptr ? "none" : schedule->text().schedule_id;
  };
  EXPECT_EQ(priced_by("2026-02-15T00:00:00Z", {"te", "me", "ag"}), "t");
  EXPECT_EQ(priced_by("2026-03-01T00:00:00Z", {"te", "me", "ag"}), "m");  // half-open
  EXPECT_EQ(priced_by("2026-01-31T23:59:59Z", {"te", "", "ag"}), "a");
  EXPECT_EQ(priced_by("2026-01-31T23:59:59Z", {"te", "other", "other"}), "d");
  EXPECT_EQ(priced_by("2025-12-31T23:59:59Z", {"te", "me", "ag"}), "none");
}

TEST(PriceBook, TheHighestVersionInForceWins) {
  PriceBook book;
  ASSERT_TRUE(book.publish(version("s", 1, "2026-01-01T00:00:00Z"), kFirst));
  ASSERT_TRUE(book.publish(version("s", 2, "2026-03-01T00:00:00Z"), kFirst));
  ASSERT_TRUE(book.publish(version("s", 3, "2026-02-01T00:00:00Z"), kFirst));
  ASSERT_TRUE(
      book.assign(assignment("1", AssignmentLevel::by_default, "", "s", "2026-01-01T00:00:00Z"), kFirst));
  EXPECT_EQ(book.resolve(at("2026-01-31T00:00:00Z"), {})->text().version, 1);
  EXPECT_EQ(book.resolve(at("2026-02-01T00:00:00Z"), {})->text().version, 3);
  EXPECT_EQ(book.resolve(at("2026-04-01T00:00:00Z"), {})->text().version, 3);
  EXPECT_EQ(book.find(book.find("s", 2)->digest()), book.find("s", 2));
  EXPECT_EQ(book.find("s", 4), nullptr);
}

TEST(PriceBook, RefusesGapsAndChangesOfCurrencyOrZone) {
  PriceBook book;
  EXPECT_EQ(said(book.publish(version("s", 2, "2026-01-01T00:00:00Z"), kFirst)), "BAD_VERSION");
  ASSERT_TRUE(book.publish(version("s", 1, "2026-01-01T00:00:00Z"), kFirst));
  EXPECT_EQ(said(book.publish(version("s", 1, "2026-01-01T00:00:00Z"), kFirst)), "BAD_VERSION");
  EXPECT_EQ(said(book.publish(
                version("s", 2, "2026-01-01T00:00:00Z", R"("currency":"USD","time_zone":"Asia/Shanghai")"),
                kFirst)),
            "BAD_VERSION");
  EXPECT_EQ(said(book.publish(
                version("s", 2, "2026-01-01T00:00:00Z", R"("currency":"CNY","time_zone":"UTC")"), kFirst)),
            "BAD_VERSION");
}

TEST(PriceBook, BackdatesOnlyBeforeTheFirstPricedEvent) {
  PriceBook book;
  const Recording later{at("2026-06-01T00:00:00Z"), true};
  ASSERT_TRUE(book.publish(version("s", 1, "2026-01-01T00:00:00Z"), {at("2026-06-01T00:00:00Z"), false}));
  EXPECT_EQ(said(book.publish(version("s", 2, "2026-05-31T23:59:59Z"), later)), "BACKDATED");
  EXPECT_TRUE(book.publish(version("s", 2, "2026-06-01T00:00:00Z"), later));
  EXPECT_EQ(
      said(book.assign(assignment("1", AssignmentLevel::by_default, "", "s", "2026-05-01T00:00:00Z"), later)),
      "BACKDATED");
  EXPECT_TRUE(
      book.assign(assignment("1", AssignmentLevel::by_default, "", "s", "2026-05-01T00:00:00Z"), kFirst));
}

TEST(PriceBook, RefusesOverlapsAndEndsOpenAssignments) {
  PriceBook book;
  ASSERT_TRUE(book.publish(version("s", 1, "2026-01-01T00:00:00Z"), kFirst));
  const auto open = assignment("1", AssignmentLevel::merchant, "m", "s", "2026-01-01T00:00:00Z");
  ASSERT_TRUE(book.assign(open, kFirst));
  EXPECT_EQ(
      said(book.assign(assignment("2", AssignmentLevel::merchant, "m", "s", "2027-01-01T00:00:00Z"), kFirst)),
      "ASSIGNMENT_OVERLAP");
  EXPECT_TRUE(
      book.assign(assignment("2", AssignmentLevel::merchant, "n", "s", "2027-01-01T00:00:00Z"), kFirst));
  EXPECT_TRUE(book.assign(assignment("3", AssignmentLevel::agent, "m", "s", "2027-01-01T00:00:00Z"), kFirst));
  EXPECT_EQ(said(book.assign(assignment("4", AssignmentLevel::agent, "m", "nobody", "2027-01-01T00:00:00Z"),
                             kFirst)),
            "UNKNOWN_ID");
  EXPECT_EQ(
      said(book.assign(assignment("4", AssignmentLevel::agent, "x", "s", "2025-01-01T00:00:00Z"), kFirst)),
      "UNKNOWN_ID");
  EXPECT_EQ(said(book.assign(assignment("4", AssignmentLevel::agent, "x", "s", "2027-01-01T00:00:00Z",
                                        "2027-01-01T00:00:00Z"),
                             kFirst)),
            "BAD_RANGE");

  EXPECT_TRUE(book.assign(open, kFirst)) << "the same again changes nothing";
  auto ended = open;
  ended.valid_to = at("2026-04-01T00:00:00Z");
  EXPECT_EQ(said(book.assign(ended, {at("2026-05-01T00:00:00Z"), true})), "BACKDATED");
  EXPECT_TRUE(book.assign(ended, {at("2026-03-01T00:00:00Z"), true}));
  EXPECT_TRUE(book.assign(assignment("5", AssignmentLevel::merchant, "m", "s", "2026-04-01T00:00:00Z"),
                          {at("2026-03-01T00:00:00Z"), true}));
  auto other = open;
  other.subject = "q";
  EXPECT_EQ(said(book.assign(other, kFirst)), "DUPLICATE_ID");
  EXPECT_EQ(book.assignments().size(), 4);
}

TEST(PriceBook, ACopyIsIndependent) {
  PriceBook book;
  ASSERT_TRUE(book.publish(version("s", 1, "2026-01-01T00:00:00Z"), kFirst));
  const PriceBook before = book;
  ASSERT_TRUE(book.publish(version("s", 2, "2026-01-01T00:00:00Z"), kFirst));
  EXPECT_EQ(before.find("s", 2), nullptr);
  EXPECT_EQ(before.find("s", 1), book.find("s", 1));
}

}  // namespace
}  // namespace tollgate::fees
