// Volume numbers in the running switch: what earlier sales of the month did to the price of this one, and
// that a void, a reversal, a new month, a restart and a new version of the schedule count as the reference
// says.
#include "switch/core/volumes.h"

#include <gtest/gtest.h>

#include "fees/receipt.h"
#include "tests/core/rig.h"

namespace tollgate {
namespace {

using test::Rig;

// 1 % of the first 1000.00 of a month, 0.5 % of the rest; a second component is priced by last month's
// volume.
constexpr const char* kTiers = R"({
  "schedule_id": "retail", "version": 1, "valid_from": "2026-01-01T00:00:00Z", "currency": "CNY", "time_zone": "Asia/Shanghai",
  "components": [
    {"id": "mdr", "account": "4100", "volume": "RUNNING", "rules": [
      {"id": "all", "tiers": [{"up_to": 100000, "rate": "0.01"}, {"rate": "0.005"}]}]},
    {"id": "service", "account": "4150", "rules": [
      {"id": "small", "match": {"volume": {"max": 99999}}, "fixed": 7},
      {"id": "large", "fixed": 3}]},
    {"id": "uncounted", "account": "4160", "refund": "KEEP", "rules": [
      {"id": "instant", "match": {"settlement": ["INSTANT"]}, "fixed": 300}, {"id": "free"}]}]})";

constexpr std::int64_t kDay = 24LL * 3600 * 1'000'000'000;

class Volumes : public ::testing::Test {
 protected:
  Volumes() : pos_(rig_.terminal()) { rig_.sign_in(pos_); }

  // The receipt of an approved sale.
  v1::Receipt sell(std::int64_t minor, bool instant = false) {
    const auto before = rig_.receipts().size();
    sim::SaleOrder order{.card = sim::example_card(), .amount = Amount::checked(minor)};
    order.instant = instant;
    EXPECT_EQ(rig_.ask(pos_, pos_.sale(order)).code(), "00");
    const auto all = rig_.receipts();
    EXPECT_EQ(all.size(), before + 1);
    return all.back();
  }
  static std::int64_t number(const v1::Receipt& receipt, std::uint32_t component) {
    for (const auto& v : receipt.volumes())
      if (v.component() == component) return v.number();
    return 0;
  }
  void go_to(const char* date) {  // noon there
    const auto today = parse_date("1970-01-01")->days +
                       static_cast<std::int32_t>((rig_.now().wall.us / 1'000'000 + 8 * 3600) / 86'400);
    rig_.leap(Duration((parse_date(date)->days - today) * kDay));
    rig_.sign_in(pos_);
  }

  Rig rig_{Rig::Options{.schedule = kTiers}};
  sim::SimTerminal pos_;
};

TEST_F(Volumes, CrossATierBetweenAndInsideSales) {
  const auto first = sell(60'000);
  EXPECT_EQ(number(first, 0), 0);
  EXPECT_EQ(first.lines(0).amount_minor(), 600);
  const auto second = sell(60'000);  // 400.00 at 1 %, 200.00 at 0.5 %
  EXPECT_EQ(number(second, 0), 60'000);
  EXPECT_EQ(second.lines(0).amount_minor(), 500);
  const auto third = sell(10'000);
  EXPECT_EQ(number(third, 0), 120'000);
  EXPECT_EQ(third.lines(0).amount_minor(), 50);
  EXPECT_EQ(rig_.balance("4100"), "-1150");
}

TEST_F(Volumes, CountWhatIsDecidedAndNotYetDurable) {
  auto other = [&] {
    rig_.add_terminal(2);
    return rig_.terminal(2);
  }();
  rig_.sign_in(other);
  // Both are at the host; then the journal stops, and the two outcomes are decided one after the other.
  const sim::SaleOrder order{.card = sim::example_card(), .amount = Amount::checked(80'000)};
  rig_.hold_answers = true;
  EXPECT_TRUE(rig_.exchange(pos_.sale(order)).empty());
  EXPECT_TRUE(rig_.exchange(other.sale(order)).empty());
  rig_.hold_commits(true);
  rig_.hold_answers = false;
  rig_.run();
  EXPECT_EQ(rig_.engine().counters().approved, 2U);
  EXPECT_TRUE(rig_.receipts().empty());
  rig_.hold_commits(false);
  rig_.run();
  const auto all = rig_.receipts();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(number(all[0], 0), 0);
  EXPECT_EQ(number(all[1], 0), 80'000);
  EXPECT_EQ(all[1].lines(0).amount_minor(), 500);  // 200.00 at 1 %, 600.00 at 0.5 %
}

TEST_F(Volumes, LeaveOutDeclinesAndWhatTimedOut) {
  (void)sell(10'000);
  sim::SaleOrder declined{.card = sim::example_card(), .amount = Amount::checked(50'051)};
  EXPECT_EQ(rig_.ask(pos_, pos_.sale(declined)).code(), "51");
  EXPECT_EQ(number(sell(10'000), 0), 10'000);
}

TEST_F(Volumes, AVoidTakesItsSaleBack) {
  (void)sell(60'000);
  EXPECT_EQ(rig_.ask(pos_, pos_.void_sale(pos_.last_stan())).code(), "00");
  EXPECT_EQ(number(sell(20'000), 0), 0);
  EXPECT_EQ(number(sell(20'000), 0), 20'000);
}

TEST_F(Volumes, AReversalTakesItsSaleBack) {
  const sim::SaleOrder order{.card = sim::example_card(), .amount = Amount::checked(60'000)};
  (void)rig_.exchange(pos_.sale(order));  // approved and booked; the answer is lost
  pos_.no_answer();
  EXPECT_EQ(rig_.ask(pos_, pos_.reversal()).code(), "00");
  EXPECT_EQ(number(sell(20'000), 0), 0);
}

TEST_F(Volumes, AReversedVoidPutsItsSaleBack) {
  (void)sell(60'000);
  (void)rig_.exchange(pos_.void_sale(pos_.last_stan()));  // the answer is lost
  pos_.no_answer();
  EXPECT_EQ(rig_.ask(pos_, pos_.reversal()).code(), "00");
  EXPECT_EQ(number(sell(20'000), 0), 60'000);
}

TEST_F(Volumes, AVoidAfterThePayoutIsARefundAndTakesNothingBack) {
  (void)sell(60'000, true);
  EXPECT_EQ(rig_.ask(pos_, pos_.void_sale(pos_.last_stan())).code(), "00");
  EXPECT_EQ(number(sell(20'000), 0), 60'000);
}

TEST_F(Volumes, BeginAnewWithTheMonthOfTheBusinessDate) {
  go_to("2026-11-30");
  const auto november = sell(120'000);
  EXPECT_EQ(november.lines(1).amount_minor(), 7);
  rig_.leap(Duration(12LL * 3600 * 1'000'000'000));  // midnight in Shanghai, still November in UTC
  rig_.sign_in(pos_);
  const auto december = sell(20'000);
  EXPECT_EQ(number(december, 0), 0);
  EXPECT_EQ(number(december, 1), 120'000);  // PREVIOUS: last month's
  EXPECT_EQ(december.lines(1).amount_minor(), 3);
}

TEST_F(Volumes, TheMonthOfTheSaleLosesWhatALaterVoidUndoes) {
  go_to("2026-11-30");
  (void)sell(120'000);
  const auto stan = pos_.last_stan();
  go_to("2026-12-01");
  EXPECT_EQ(rig_.ask(pos_, pos_.void_sale(stan)).code(), "00");
  const auto december = sell(20'000);
  EXPECT_EQ(number(december, 0), 0);
  EXPECT_EQ(number(december, 1), 0);
  EXPECT_EQ(december.lines(1).amount_minor(), 7);
}

TEST_F(Volumes, AMirrorOfAMonthThatIsGoneChangesNothing) {
  go_to("2026-11-30");
  (void)sell(120'000);
  const auto stan = pos_.last_stan();
  go_to("2027-01-15");
  (void)sell(30'000);
  EXPECT_EQ(rig_.ask(pos_, pos_.void_sale(stan)).code(), "00");
  const auto january = sell(20'000);
  EXPECT_EQ(number(january, 0), 30'000);
  EXPECT_EQ(number(january, 1), 0);
}

TEST_F(Volumes, AreTheSameAfterAReplayAndFromASnapshot) {
  go_to("2026-11-30");
  (void)sell(70'000);
  go_to("2026-12-01");
  (void)sell(60'000);
  const auto voidable = pos_.last_stan();
  rig_.crash();  // every record again
  EXPECT_EQ(number(sell(10'000), 0), 60'000);
  rig_.take_snapshots();
  rig_.crash();  // nothing but the snapshot
  const auto third = sell(10'000);
  EXPECT_EQ(number(third, 0), 70'000);
  EXPECT_EQ(number(third, 1), 70'000);
  EXPECT_EQ(rig_.ask(pos_, pos_.void_sale(voidable)).code(), "00");  // what it counted is in the snapshot too
  EXPECT_EQ(number(sell(10'000), 0), 20'000);
}

TEST_F(Volumes, AreKeptByIdOverVersionsOfTheSchedule) {
  (void)sell(60'000);
  std::string next(kTiers);
  next.replace(next.find("\"version\": 1"), 12, "\"version\": 2");
  next.replace(next.find("2026-01-01T00:00:00Z"), 20, format_utc(WallTime{rig_.now().wall.us + 60'000'000}));
  const std::string service = R"({"id": "service")";  // the places of the components change
  const auto from = next.find(service), to = next.find(R"({"id": "uncounted")");
  const auto moved = next.substr(from, to - from);
  next.erase(from, to - from);
  next.insert(next.find(R"({"id": "mdr")"), moved);
  const auto published =
      rig_.command(core::HouseCommand(core::PublishSchedule{next, "next.json", "tiers by volume"}));
  ASSERT_TRUE(published.ok()) << published.detail;
  rig_.leap(std::chrono::minutes(2));
  const auto receipt = sell(60'000);
  ASSERT_EQ(receipt.version(), 2U);
  EXPECT_EQ(number(receipt, 1), 60'000);  // "mdr" is the second component now
  EXPECT_EQ(receipt.lines(1).amount_minor(), 500);
}

TEST_F(Volumes, EveryReceiptRecomputesWithTheNumbersItHolds) {
  for (const auto minor : {60'000, 70'000, 10'000}) (void)sell(minor);
  const auto schedule = fees::load_schedule(kTiers);
  ASSERT_TRUE(schedule.has_value());
  for (auto receipt : rig_.receipts()) {
    EXPECT_EQ(fees::recompute(receipt, **schedule).value_or("same"), "same");
    if (receipt.volumes_size() == 0) continue;
    receipt.clear_volumes();  // the control: another number is another price
    EXPECT_TRUE(fees::recompute(receipt, **schedule).has_value());
  }
}

}  // namespace
}  // namespace tollgate
