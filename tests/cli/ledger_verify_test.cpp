// What the verifier says of volume numbers: right over voids, reversals, months and restarts of a real
// engine; and one changed number is named.
#include "switch/cli/ledger_verify.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "storage/record_stream.h"
#include "switch/cli/fees_replay.h"
#include "tests/core/rig.h"

namespace tollgate::cli {
namespace {

using test::Rig;

constexpr const char* kTiers = R"({
  "schedule_id": "retail", "version": 1, "valid_from": "2026-01-01T00:00:00Z", "currency": "CNY", "time_zone": "Asia/Shanghai",
  "components": [
    {"id": "mdr", "account": "4100", "volume": "RUNNING", "rules": [
      {"id": "all", "tiers": [{"up_to": 100000, "rate": "0.01"}, {"rate": "0.005"}]}]},
    {"id": "service", "account": "4150", "rules": [
      {"id": "small", "match": {"volume": {"max": 99999}}, "fixed": 7},
      {"id": "large", "fixed": 3}]},
    {"id": "instant", "account": "4120", "refund": "KEEP", "rules": [
      {"id": "instant", "match": {"settlement": ["INSTANT"]}, "fixed": 300}]}]})";

const VerifyCheck& volumes_of(const VerifyReport& report) {
  for (const auto& check : report.checks)
    if (check.name.starts_with("I15")) return check;
  static const VerifyCheck kNone{"none", 0, "there is no such check"};
  return kNone;
}

// Two months of sales, voids and reversals, with restarts between them.
void trade(Rig& rig, sim::SimTerminal& pos) {
  const auto sale = [](std::int64_t minor, bool instant = false) {
    sim::SaleOrder order{.card = sim::example_card(), .amount = Amount::checked(minor)};
    order.instant = instant;
    return order;
  };
  for (int month = 0; month < 2; ++month) {
    rig.sign_in(pos);
    for (const auto minor : {60'000, 70'000, 10'000})
      EXPECT_EQ(rig.ask(pos, pos.sale(sale(minor))).code(), "00");
    EXPECT_EQ(rig.ask(pos, pos.void_sale(pos.last_stan())).code(), "00");
    EXPECT_EQ(rig.ask(pos, pos.sale(sale(20'000, true))).code(), "00");
    EXPECT_EQ(rig.ask(pos, pos.void_sale(pos.last_stan())).code(), "00");  // as a refund
    (void)rig.exchange(pos.sale(sale(30'000)));
    pos.no_answer();
    EXPECT_EQ(rig.ask(pos, pos.reversal()).code(), "00");
    EXPECT_EQ(rig.ask(pos, pos.sale(sale(40'000))).code(), "00");
    (void)rig.exchange(pos.void_sale(pos.last_stan()));
    pos.no_answer();
    EXPECT_EQ(rig.ask(pos, pos.reversal()).code(), "00");  // the void is taken back
    rig.crash();
    EXPECT_EQ(rig.ask(pos, pos.sale(sale(50'000))).code(), "00");
    rig.take_snapshots();
    rig.crash();
    EXPECT_EQ(rig.ask(pos, pos.sale(sale(15'000))).code(), "00");
    rig.leap(Duration(30LL * 24 * 3600 * 1'000'000'000));
  }
}

// The journal once more, with one outcome changed on the way.
std::unique_ptr<storage::MemoryJournal> copy_of(const storage::MemoryJournal& from,
                                                const std::function<void(v1::Outcome&)>& change) {
  auto made = std::make_unique<storage::MemoryJournal>(from.partitions());
  auto& to = *made;
  for (std::uint16_t p = 0; p <= from.partitions(); ++p) {
    const auto epoch = *to.own({p});
    const auto read = from.read({p}, GroupNo{1}, [&](const storage::Group& group) {
      storage::RecordReader records;
      Bytes payload;
      std::uint32_t count = 0;
      const auto parsed = records.read(group, [&](const v1::Record& record, const storage::Position&) {
        auto copy = record;
        if (copy.has_outcome()) change(*copy.mutable_outcome());
        storage::append_record(payload, copy);
        ++count;
        return true;
      });
      EXPECT_TRUE(parsed.has_value());
      const storage::GroupAppend work{{p}, epoch, group.group, count, payload, {}};
      std::string why;
      EXPECT_EQ(to.append({&work, 1}, why), storage::AppendResult::durable) << why;
      return true;
    });
    EXPECT_TRUE(read.has_value());
  }
  return made;
}

class LedgerVerify : public ::testing::Test {
 protected:
  LedgerVerify() {
    auto pos = rig_.terminal();
    trade(rig_, pos);
  }
  Rig rig_{Rig::Options{.schedule = kTiers}};
};

TEST_F(LedgerVerify, FindsTheVolumeNumbersOfTwoMonthsRight) {
  const auto report = verify_ledger(rig_.journal());
  EXPECT_EQ(volumes_of(report).looked_at, 18U);
  for (const auto& check : report.checks) EXPECT_EQ(check.broken, "") << check.name;
}

TEST_F(LedgerVerify, NamesTheReceiptWhoseVolumeNumberIsAnother) {  // the negative control
  for (const int left : {1, 2}) {
    int change = left;
    const auto journal = copy_of(rig_.journal(), [&](v1::Outcome& outcome) {
      if (!outcome.has_receipt() || outcome.receipt().volumes_size() == 0 || change-- != 0) return;
      auto& number = *outcome.mutable_receipt()->mutable_volumes(0);
      number.set_number(number.number() + 1);
    });
    const auto broken = volumes_of(verify_ledger(*journal)).broken;
    EXPECT_NE(broken.find("the volume of mdr is"), std::string::npos) << broken;
  }
}

TEST_F(LedgerVerify, NamesTheFirstReceiptAfterASaleThatLostItsBase) {
  bool done = false;
  const auto journal = copy_of(rig_.journal(), [&](v1::Outcome& outcome) {
    if (done || !outcome.has_receipt()) return;
    done = true;
    outcome.mutable_receipt()->mutable_lines(0)->set_base_minor(1);
  });
  EXPECT_NE(volumes_of(verify_ledger(*journal)).broken.find("by sequence"), std::string::npos);
}

TEST_F(LedgerVerify, AReplayOfTheFeesFindsNoDifference) {
  ReplayOptions options;
  options.from = *parse_date("2026-01-01");
  options.to = *parse_date("2027-12-31");
  const auto replayed = replay_fees(rig_.journal(), options);
  ASSERT_TRUE(replayed.has_value());
  EXPECT_EQ(replayed->totals.rated, 18U);
  EXPECT_EQ(replayed->totals.differ, 0U);
}

}  // namespace
}  // namespace tollgate::cli
