// What holds for every schedule and every amount, tried on random ones.
#include <gtest/gtest.h>

#include <algorithm>

#include "fees/change.h"
#include "fees/cover.h"
#include "fees/segments.h"
#include "tests/fees/example.h"
#include "tests/fees/generate.h"

namespace tollgate::fees {
namespace {

using testing::Generator;
using testing::load_generated;

constexpr int kSchedules = 400;
constexpr int kEvents = 20;

// Calls look(generator, schedule) for so many sound schedules.
template <class Look>
void each_schedule(std::uint64_t seed, Look look, bool overlap = true) {
  Generator g(seed);
  for (int done = 0; done < kSchedules;) {
    std::string refused;
    const auto schedule = load_generated(g.schedule({.overlap = overlap}), &refused);
    ASSERT_EQ(refused, "");
    if (schedule == nullptr) continue;
    look(g, *schedule);
    if (::testing::Test::HasFailure()) {
      FAIL() << schedule->canonical_json();
    }
    ++done;
  }
}

std::vector<std::int64_t> numbers_for(Generator& g, const CompiledSchedule& schedule) {
  std::vector<std::int64_t> numbers(schedule.text().components.size());
  for (auto& n : numbers) n = g.volume();
  return numbers;
}

TEST(Properties, LinesAndSplitsAddUpExactly) {
  each_schedule(1, [](Generator& g, const CompiledSchedule& schedule) {
    for (int i = 0; i < kEvents; ++i) {
      const auto event = g.event(PricedEvent::sale);
      const auto numbers = numbers_for(g, schedule);
      const auto a = testing::priced(schedule, event, {numbers});
      std::int64_t fee = 0;
      for (const auto& line : a.lines()) fee += line.payer == Payer::merchant ? line.amount_minor : 0;
      EXPECT_EQ(fee, a.totals.fee_minor);
      const bool on_top = schedule.text().tax && schedule.text().tax->mode == TaxMode::exclusive;
      EXPECT_EQ(event.amount_minor,
                a.totals.merchant_net_minor + a.totals.fee_minor + (on_top ? a.totals.tax_minor : 0));
      for (const auto& split : a.splits()) {
        const Split& text = schedule.text().splits[split.split];
        std::int64_t sum = split.house_minor, pool = 0;
        for (std::size_t p = 0; p < split.parties; ++p) {
          EXPECT_GE(split.party_minor[p], 0);
          sum += split.party_minor[p];
        }
        for (const auto& line : a.lines()) {
          const auto& id = schedule.text().components[line.component].id;
          pool += std::ranges::find(text.of, id) != text.of.end() ? line.amount_minor : 0;
          pool -= std::ranges::find(text.less, id) != text.less.end() ? line.amount_minor : 0;
        }
        EXPECT_EQ(sum, pool);
      }
    }
  });
}

TEST(Properties, RoundingMovesALineByLessThanOneUnit) {
  each_schedule(2, [](Generator& g, const CompiledSchedule& schedule) {
    for (int i = 0; i < kEvents; ++i) {
      const auto a = testing::priced(schedule, g.event(PricedEvent::sale));
      for (const auto& line : a.lines()) {
        const Int128 error = Int128{line.amount_minor - line.cap_delta_minor} * kExactOne - line.exact;
        EXPECT_LT(error < 0 ? -error : error, Int128{kExactOne});
        EXPECT_GE(line.amount_minor, 0);
      }
    }
  });
}

TEST(Properties, CompiledMatchingFindsTheFirstRuleOfAScan) {
  each_schedule(3, [](Generator& g, const CompiledSchedule& schedule) {
    for (int i = 0; i < kEvents; ++i) {
      const auto event = g.event(PricedEvent::sale);
      const auto volume = g.volume();
      for (std::uint16_t c = 0; c < schedule.text().components.size(); ++c) {
        const auto& rules = schedule.text().components[c].rules;
        const auto it = std::ranges::find_if(rules, [&](const Rule& r) {
          return takes_at_some_amount(r.match, event, schedule.text().currency, volume) &&
                 r.match.amount.min <= event.amount_minor && event.amount_minor <= r.match.amount.max;
        });
        const auto expected = it == rules.end() ? kNoRule : static_cast<std::uint16_t>(it - rules.begin());
        EXPECT_EQ(matching_rule(schedule, c, event, volume), expected);
      }
    }
  });
}

TEST(Properties, AFullRefundByAnyPathReturnsTheWholeFee) {
  each_schedule(4, [](Generator& g, const CompiledSchedule& schedule) {
    for (int i = 0; i < 5; ++i) {
      auto event = g.event(PricedEvent::sale);
      event.amount_minor = std::max<std::int64_t>(event.amount_minor, 1);
      event.tip_minor = event.cashback_minor = 0;
      const auto sale = testing::priced(schedule, event);
      Standing standing = standing_of(sale, event.amount_minor);
      const std::uint64_t steps = 1 + g.below(12);
      for (std::uint64_t s = 1; s <= steps && standing.left_minor() > 0; ++s) {
        Event part = event;
        part.kind = PricedEvent::refund;
        part.amount_minor =
            s == steps
                ? standing.left_minor()
                : 1 + static_cast<std::int64_t>(g.below(static_cast<std::uint64_t>(standing.left_minor())));
        Assessment change;
        refund(schedule, standing, part, {}, change);
        apply_refund(schedule, change, part.amount_minor, 1, standing);
      }
      bool kept = false;
      for (const auto& fee : standing.fees) {
        const bool keep = schedule.text().components[fee.component].refund == RefundPolicy::keep;
        EXPECT_EQ(fee.returned_minor, keep ? 0 : fee.amount_minor);
        kept = kept || (keep && fee.amount_minor > 0);
      }
      if (kept) continue;
      EXPECT_EQ(standing.tax_returned_minor, standing.tax_minor);
      for (const auto& split : standing.splits) {
        EXPECT_EQ(split.house_returned_minor, split.house_minor);
        EXPECT_EQ(split.party_returned_minor, split.party_minor);
      }
    }
  });
}

TEST(Properties, ASaleAndItsMirrorLeaveNothing) {
  each_schedule(5, [](Generator& g, const CompiledSchedule& schedule) {
    const auto event = g.event(PricedEvent::sale);
    const auto sale = testing::priced(schedule, event);
    Assessment back, again;
    mirror(schedule, standing_of(sale, event.amount_minor), back);
    negate(sale, again);
    EXPECT_EQ(back.line_count, again.line_count);
    EXPECT_EQ(back.totals.gross_minor, -sale.totals.gross_minor);
    EXPECT_EQ(back.totals.merchant_net_minor, -sale.totals.merchant_net_minor);
    EXPECT_EQ(back.totals.tax_minor, -sale.totals.tax_minor);
    for (std::size_t i = 0; i < back.line_count; ++i)
      EXPECT_EQ(back.lines()[i].amount_minor, again.lines()[i].amount_minor);
    for (std::size_t i = 0; i < back.split_count; ++i)
      EXPECT_EQ(back.splits()[i].house_minor, -sale.splits()[i].house_minor);
  });
}

TEST(Properties, APartialReversalBooksTheDifferenceToTheSmallerSale) {
  each_schedule(6, [](Generator& g, const CompiledSchedule& schedule) {
    auto event = g.event(PricedEvent::sale);
    if (event.amount_minor <= event.tip_minor + event.cashback_minor) return;  // nothing below it is allowed
    const auto sale = testing::priced(schedule, event);
    Event smaller = event;
    smaller.amount_minor =
        event.tip_minor + event.cashback_minor +
        static_cast<std::int64_t>(
            g.below(static_cast<std::uint64_t>(event.amount_minor - event.tip_minor - event.cashback_minor)));
    Assessment fresh, change;
    reprice(schedule, standing_of(sale, event.amount_minor), smaller, {}, fresh, change);
    EXPECT_EQ(sale.totals.merchant_net_minor + change.totals.merchant_net_minor,
              fresh.totals.merchant_net_minor);
    EXPECT_EQ(sale.totals.fee_minor + change.totals.fee_minor, fresh.totals.fee_minor);
    EXPECT_EQ(sale.totals.cost_minor + change.totals.cost_minor, fresh.totals.cost_minor);
    std::int64_t fees = 0;
    for (const auto& line : change.lines()) fees += line.payer == Payer::merchant ? line.amount_minor : 0;
    EXPECT_EQ(fees, change.totals.fee_minor);
  });
}

TEST(Properties, SwappingNeighboursThatNeverBothMatchChangesNothing) {
  Generator g(7);
  int swapped = 0;
  while (swapped < 200) {
    const auto text = g.schedule({.overlap = g.one_in(2)});
    const auto before = load_generated(text);
    if (before == nullptr) continue;
    const auto& components = before->text().components;
    const auto c = g.below(components.size());
    const auto sets = coverage_of(components[c].rules);
    if (sets.size() < 2) continue;
    const auto r = g.below(sets.size() - 1);
    if (!sets[r].excludes(sets[r + 1])) continue;
    auto other = text;
    auto& rules = other["components"].as_array()[c].as_object()["rules"].as_array();
    std::swap(rules[r], rules[r + 1]);
    const auto after = load_generated(other);
    ASSERT_NE(after, nullptr);
    ++swapped;
    for (int i = 0; i < 50; ++i) {
      const auto event = g.event(PricedEvent::sale);
      const auto numbers = numbers_for(g, *before);
      const auto a = testing::priced(*before, event, {numbers}),
                 b = testing::priced(*after, event, {numbers});
      ASSERT_EQ(a.line_count, b.line_count);
      for (std::size_t l = 0; l < a.line_count; ++l) {
        ASSERT_EQ(a.lines()[l].amount_minor, b.lines()[l].amount_minor);
        ASSERT_TRUE(a.lines()[l].exact == b.lines()[l].exact);
      }
    }
  }
}

TEST(Properties, RoundingModesDifferOnlyWhereTheySay) {
  Generator g(8);
  for (int i = 0; i < 20'000; ++i) {
    const Exact value = Exact{static_cast<std::int64_t>(g.below(1U << 30))} * (kExactOne / 2) +
                        (g.one_in(2) ? 0 : static_cast<std::int64_t>(g.below(1'000)));
    const auto floor = static_cast<std::int64_t>(value / kExactOne);
    const Exact rest = value % kExactOne;
    const auto at = [&](Rounding mode) { return round_exact(value, mode).units - floor; };
    EXPECT_EQ(at(Rounding::down), 0);
    EXPECT_EQ(at(Rounding::up), rest > 0 ? 1 : 0);
    EXPECT_EQ(at(Rounding::half_up), rest * 2 >= kExactOne ? 1 : 0);
    EXPECT_EQ(at(Rounding::half_down), rest * 2 > kExactOne ? 1 : 0);
    EXPECT_EQ((floor + at(Rounding::half_even)) % 2 == 0 || rest * 2 != kExactOne, true);
    EXPECT_EQ(round_exact(value, Rounding::down).tie, rest * 2 == kExactOne);
  }
}

TEST(Properties, LargestValuesStayInside128Bits) {
  EXPECT_EQ(give_back({kAmountMax, kAmountMax, kAmountMax, Rounding::up}), kAmountMax);
  EXPECT_EQ(give_back({kAmountMax, 333'333'333'333, kAmountMax, Rounding::half_up}), 333'333'333'333);
  EXPECT_EQ(give_back({5, 1, 0, Rounding::up}), 0);
  EXPECT_EQ(round_exact(Exact{2} * kAmountMax * kExactOne + kExactOne / 2, Rounding::half_up).units,
            2 * kAmountMax + 1);
}

}  // namespace
}  // namespace tollgate::fees
