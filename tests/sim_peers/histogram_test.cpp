#include "switch/base/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "switch/base/chance.h"

namespace tollgate {
namespace {

TEST(Histogram, IsExactBelow128) {
  Histogram h;
  for (int i = 0; i < 128; ++i) h.record(i);
  EXPECT_EQ(h.percentile(500'000), 63U);
  EXPECT_EQ(h.max(), 127U);
  EXPECT_EQ(h.min(), 0U);
}

TEST(Histogram, StaysWithinTheStatedErrorOverTwelveDecades) {
  SeededChance chance(7);
  Histogram h;
  std::vector<std::uint64_t> all;
  for (int i = 0; i < 200'000; ++i) {
    const auto value = chance.next() >> (chance.next() % 44 + 20);  // spread over the octaves up to 2^44
    all.push_back(value);
    h.record(static_cast<std::int64_t>(value));
  }
  std::sort(all.begin(), all.end());
  for (const std::uint32_t p : {10'000U, 250'000U, 500'000U, 900'000U, 990'000U, 999'000U, 999'900U}) {
    const auto exact = all[(all.size() * p + 999'999) / 1'000'000 - 1];
    const auto told = h.percentile(p);
    const auto off = told > exact ? told - exact : exact - told;
    EXPECT_LE(off * 1000, exact * 13) << "per million " << p;  // 1.3 %
  }
  EXPECT_EQ(h.percentile(1'000'000), all.back());
}

TEST(Histogram, ReachesTheLargestDuration) {
  Histogram h;
  h.record(INT64_MAX);
  h.record(1);
  EXPECT_EQ(h.max(), static_cast<std::uint64_t>(INT64_MAX));
  EXPECT_EQ(h.percentile(1'000'000), static_cast<std::uint64_t>(INT64_MAX));
  EXPECT_EQ(h.percentile(1), 1U);
}

TEST(Histogram, CountsANegativeDurationAsZero) {
  Histogram h;
  h.record(-5);
  EXPECT_EQ(h.count(), 1U);
  EXPECT_EQ(h.max(), 0U);
}

TEST(Histogram, MergeEqualsRecordingIntoOne) {
  Histogram a, b, both;
  for (int i = 1; i < 5'000; ++i) {
    (i % 3 == 0 ? a : b).record(i * 1'001);
    both.record(i * 1'001);
  }
  a.merge(b);
  EXPECT_EQ(a.count(), both.count());
  EXPECT_EQ(a.sum(), both.sum());
  EXPECT_EQ(a.max(), both.max());
  EXPECT_EQ(a.min(), both.min());
  EXPECT_EQ(a.percentile(990'000), both.percentile(990'000));
  EXPECT_EQ(a.count_up_to(2'000'000), both.count_up_to(2'000'000));
}

TEST(Histogram, EmptyAnswersZeroEverywhere) {
  const Histogram h;
  EXPECT_EQ(h.percentile(500'000), 0U);
  EXPECT_EQ(h.mean(), 0U);
  EXPECT_EQ(h.min(), 0U);
}

}  // namespace
}  // namespace tollgate
