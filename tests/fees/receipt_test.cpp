#include "fees/receipt.h"

#include <gtest/gtest.h>

#include "tests/fees/example.h"
#include "tests/fees/generate.h"
#include "tests/fees/written.h"

namespace tollgate::fees {
namespace {

using testing::Generator;
using testing::kRetail;
using testing::must_load;
using testing::priced;
using testing::sale_of;
using testing::written;

TEST(Receipt, RecomputesWithoutTheStore) {
  const auto schedule = must_load(kRetail);
  auto event = sale_of(600'001);
  event.facts.settlement = Settlement::instant;
  ASSERT_TRUE(event.facts.tags.add(*Code::of("RANGE_A")));
  const auto receipt = written(*schedule, event, priced(*schedule, event));
  EXPECT_EQ(receipt.facts().merchant(), "shop1");
  EXPECT_EQ(recompute(receipt, *schedule), std::nullopt);
  const auto again = event_of(receipt);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->facts, event.facts);
  EXPECT_EQ(again->business_date, event.business_date);
}

TEST(Receipt, RecomputesForEveryGeneratedScheduleAndEvent) {
  Generator g(20);
  for (int done = 0; done < 200;) {
    const auto schedule = testing::load_generated(g.schedule({.overlap = true}));
    if (schedule == nullptr) continue;
    ++done;
    const auto event = g.event(static_cast<PricedEvent>(g.below(3)));
    std::vector<std::int64_t> numbers(schedule->text().components.size());
    for (auto& n : numbers) n = g.volume();
    const auto receipt = written(*schedule, event, priced(*schedule, event, {numbers}), {}, {numbers});
    ASSERT_EQ(recompute(receipt, *schedule), std::nullopt)
        << schedule->canonical_json() << receipt.DebugString();
  }
}

TEST(Receipt, NamesTheFirstIntegerThatWasChanged) {
  const auto schedule = must_load(kRetail);
  const auto event = sale_of(10000);
  const auto good = written(*schedule, event, priced(*schedule, event));
  const auto tampered = [&](auto change) {
    v1::Receipt receipt = good;
    change(receipt);
    return recompute(receipt, *schedule).value_or("nothing");
  };
  EXPECT_EQ(tampered([](v1::Receipt& r) { r.mutable_lines(0)->set_amount_minor(61); }),
            "lines/0/amount: 61 in the receipt, 60 recomputed");
  EXPECT_EQ(tampered([](v1::Receipt& r) { r.mutable_splits(0)->set_party_minor(1, 7); }),
            "splits/0/parties/1: 7 in the receipt, 6 recomputed");
  EXPECT_EQ(tampered([](v1::Receipt& r) { r.mutable_totals()->set_merchant_net_minor(0); }),
            "totals/merchant_net: 0 in the receipt, 9940 recomputed");
  EXPECT_EQ(tampered([](v1::Receipt& r) { r.set_amount_minor(20000); }).substr(0, 8), "lines/0/");
  EXPECT_EQ(tampered([](v1::Receipt& r) { r.set_schedule_hash("x"); }), "schedule_hash: another schedule");
  EXPECT_EQ(tampered([](v1::Receipt& r) { r.clear_lines(); }), "lines: 0 in the receipt, 1 recomputed");
}

TEST(Receipt, RefusesInputsThatNoReceiptHolds) {
  const auto schedule = must_load(kRetail);
  const auto event = sale_of(10000);
  const auto good = written(*schedule, event, priced(*schedule, event));
  const auto refused = [&](auto change) {
    v1::Receipt receipt = good;
    change(receipt);
    return recompute(receipt, *schedule).has_value();
  };
  EXPECT_TRUE(refused([](v1::Receipt& r) { r.set_amount_minor(-1); }));
  EXPECT_TRUE(refused([](v1::Receipt& r) { r.set_tip_minor(10001); }));
  EXPECT_TRUE(refused([](v1::Receipt& r) { r.set_local_minute(1440); }));
  EXPECT_TRUE(refused([](v1::Receipt& r) { r.mutable_facts()->set_channel(8); }));
  EXPECT_TRUE(refused([](v1::Receipt& r) { r.mutable_facts()->set_brand("lower"); }));
  EXPECT_TRUE(refused([](v1::Receipt& r) { r.mutable_facts()->set_mcc(20000); }));
  EXPECT_TRUE(refused([](v1::Receipt& r) { r.add_volumes()->set_component(64); }));
  EXPECT_TRUE(refused([](v1::Receipt& r) { r.set_kind(v1::RECEIPT_REFUND); }));
  EXPECT_TRUE(refused([](v1::Receipt& r) { r.set_kind(v1::RECEIPT_NONE); }));
}

TEST(Receipt, ARefundAMirrorAndAPartialReversalRecomputeFromTheirStanding) {
  const auto schedule = must_load(kRetail);
  const auto event = sale_of(10000);
  const auto sale = written(*schedule, event, priced(*schedule, event));
  auto standing = standing_of(sale, *schedule);
  ASSERT_TRUE(standing);
  EXPECT_EQ(standing->splits[0].party_minor, (std::vector<std::int64_t>{7, 6}));

  Event part = event;
  part.kind = PricedEvent::refund;
  part.amount_minor = 5000;
  Assessment change;
  refund(*schedule, *standing, part, {}, change);
  auto receipt = written({ReceiptKind::refund, schedule.get(), &part, {}, {}, &*standing, &change});
  EXPECT_EQ(recompute(receipt, *schedule), std::nullopt);
  const auto read = assessment_of(receipt, *schedule);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->lines()[0].amount_minor, -30);
  EXPECT_EQ(read->lines()[0].account, 4100);
  receipt.mutable_standing()->set_refunded_minor(2500);
  EXPECT_NE(recompute(receipt, *schedule), std::nullopt);

  Assessment back;
  mirror(*schedule, *standing, back);
  const auto mirrored = written({ReceiptKind::mirror, schedule.get(), &event, {}, {}, &*standing, &back});
  EXPECT_EQ(recompute(mirrored, *schedule), std::nullopt);

  Event smaller = event;
  smaller.amount_minor = 6000;
  Assessment fresh, difference;
  reprice(*schedule, *standing, smaller, {}, fresh, difference);
  const auto repriced =
      written({ReceiptKind::repriced, schedule.get(), &smaller, {}, {}, &*standing, &difference});
  EXPECT_EQ(recompute(repriced, *schedule), std::nullopt);
  const auto after = standing_of(repriced, *schedule);
  ASSERT_TRUE(after);
  EXPECT_EQ(after->amount_minor, 6000);
  EXPECT_EQ(after->fees[0].amount_minor, 36);
}

}  // namespace
}  // namespace tollgate::fees
