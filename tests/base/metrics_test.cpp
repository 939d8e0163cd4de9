#include "switch/base/metrics.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "switch/base/metrics_catalog.h"
#include "tests/base/exposition.h"

namespace tollgate::metrics {
namespace {

using namespace std::chrono_literals;
using testing_support::Exposition;
using testing_support::read_exposition;

Exposition scraped(const Registry& registry) {
  auto result = read_exposition(registry.scrape());
  EXPECT_TRUE(result) << (result ? "" : result.error()) << "\n" << registry.scrape();
  return result.value_or(Exposition{});
}

constexpr std::string_view kLabels[] = {"host", "rc"};
constexpr Family kAnswers{"tollgate_answers_total", "Answers.", Type::counter, kLabels};
constexpr Family kDepth{"tollgate_depth", "Depth.", Type::gauge};
constexpr Family kRatio{"tollgate_ratio", "Ratio.", Type::gauge, {}, Unit::millionths};
constexpr Family kStall{"tollgate_stall_seconds_total", "Stall.", Type::counter, {}, Unit::nanoseconds};
constexpr std::uint64_t kBounds[] = {1'000'000, 10'000'000, 1'000'000'000};
constexpr Family kTime{"tollgate_time_seconds", "Time.", Type::histogram, {}, Unit::nanoseconds, kBounds};

TEST(Metrics, AddsUpTheShardsOfAllWorkers) {
  Registry registry;
  auto& one = registry.new_shard();
  auto& two = registry.new_shard();
  auto a = one.counter(kAnswers, {"cup", "00"});
  auto b = two.counter(kAnswers, {"cup", "00"});
  auto other = two.counter(kAnswers, {"cup", "51"});
  a.add();
  b.add(41);
  other.add(2);
  auto again = one.counter(kAnswers, {"cup", "00"});  // the same cell
  again.add();
  const auto page = scraped(registry);
  EXPECT_EQ(page.value("tollgate_answers_total{host=\"cup\",rc=\"00\"}"), 43);
  EXPECT_EQ(page.value("tollgate_answers_total{host=\"cup\",rc=\"51\"}"), 2);
}

TEST(Metrics, ShowsAMetricAtZeroBeforeItsFirstEvent) {
  Registry registry;
  (void)registry.new_shard().counter(kAnswers, {"cup", "00"});
  EXPECT_EQ(registry.scrape(),
            "# HELP tollgate_answers_total Answers.\n# TYPE tollgate_answers_total counter\n"
            "tollgate_answers_total{host=\"cup\",rc=\"00\"} 0\n");
}

TEST(Metrics, ScalesTimesAndRatios) {
  Registry registry;
  auto& shard = registry.new_shard();
  shard.counter(kStall).add(1500ms);
  shard.gauge(kRatio).set(250'000);
  const auto page = scraped(registry);
  EXPECT_EQ(page.value("tollgate_stall_seconds_total"), 1.5);
  EXPECT_EQ(page.value("tollgate_ratio"), 0.25);
}

TEST(Gauge, GoesBelowZeroAndIsTheSumOfItsParts) {
  Registry registry;
  auto here = registry.new_shard().gauge(kDepth);
  auto there = registry.new_shard().gauge(kDepth);
  here.set(-7);
  there.add(3);
  EXPECT_EQ(scraped(registry).value("tollgate_depth"), -4);
  there.add(-3);
  here.set(-1);
  EXPECT_EQ(scraped(registry).value("tollgate_depth"), -1);
}

TEST(Histogram, CountsAValueOnABoundIntoItsBucket) {
  Registry registry;
  auto h = registry.new_shard().histogram(kTime);
  for (const auto d : {0ns, 1'000'000ns, 1'000'001ns, 10'000'000ns, 2'000'000'000ns, -5ns})
    h.observe(Duration(d));
  const auto page = scraped(registry);
  EXPECT_EQ(page.value("tollgate_time_seconds_bucket{le=\"0.001\"}"), 3);
  EXPECT_EQ(page.value("tollgate_time_seconds_bucket{le=\"0.01\"}"), 5);
  EXPECT_EQ(page.value("tollgate_time_seconds_bucket{le=\"1\"}"), 5);
  EXPECT_EQ(page.value("tollgate_time_seconds_bucket{le=\"+Inf\"}"), 6);
  EXPECT_EQ(page.value("tollgate_time_seconds_count"), 6);
  EXPECT_DOUBLE_EQ(page.value("tollgate_time_seconds_sum"), 2.012000001);
}

TEST(Metrics, DefaultHandlesCountIntoNothing) {
  Counter counter;
  Gauge gauge;
  Histogram histogram;
  counter.add();
  gauge.set(1);
  histogram.observe(Duration(1));
  EXPECT_EQ(Registry().scrape(), "");
}

TEST(Exposition, EscapesLabelsAndHelp) {
  constexpr Family kHelp{"tollgate_help", "Back\\slash and \"quotes\"\nand a line.", Type::gauge, kLabels};
  Registry registry;
  registry.new_shard().gauge(kHelp, {"a\"b\\c", "x\ny\x1b"}).set(1);
  const auto text = registry.scrape();
  EXPECT_EQ(text,
            "# HELP tollgate_help Back\\\\slash and \"quotes\"\\nand a line.\n# TYPE tollgate_help gauge\n"
            "tollgate_help{host=\"a\\\"b\\\\c\",rc=\"x_y_\"} 1\n");
  EXPECT_TRUE(read_exposition(text));
}

TEST(Metrics, PutsLabelSetsBeyondTheBoundTogether) {
  Registry registry;
  auto& shard = registry.new_shard();
  for (std::size_t i = 0; i < kSeriesMax + 50; ++i) shard.counter(kAnswers, {"cup", std::to_string(i)}).add();
  const auto page = scraped(registry);
  EXPECT_EQ(page.size(), kSeriesMax + 1);
  EXPECT_EQ(page.value("tollgate_answers_total{host=\"other\",rc=\"other\"}"), 50);
  shard.counter(kAnswers, {"cup", "0"}).add();  // a known one still counts by itself
  EXPECT_EQ(scraped(registry).value("tollgate_answers_total{host=\"cup\",rc=\"0\"}"), 2);
}

TEST(Metrics, ReadersAreAskedAtEachScrape) {
  Registry registry;
  std::int64_t free = 10;
  registry.add_reader(kDepth, {}, [&] { return free; });
  EXPECT_EQ(scraped(registry).value("tollgate_depth"), 10);
  free = -3;
  EXPECT_EQ(scraped(registry).value("tollgate_depth"), -3);
}

TEST(MetricsDeathTest, RefusesFamiliesThatBreakTheRules) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  static constexpr std::string_view kTid[] = {"tid"};
  static constexpr std::uint64_t kFalling[] = {2, 1};
  const Family wrong[] = {
      {"answers_total", "No prefix.", Type::counter},
      {"tollgate_Answers_total", "Upper case.", Type::counter},
      {"tollgate_answers", "A counter without _total.", Type::counter},
      {"tollgate_answers_total", "A gauge with it.", Type::gauge},
      {"tollgate_terminals_seen", "A label that names a terminal.", Type::gauge, kTid},
      {"tollgate_time", "Seconds without _seconds.", Type::gauge, {}, Unit::nanoseconds},
      {"tollgate_size", "", Type::gauge},
      {"tollgate_time_seconds", "No buckets.", Type::histogram, {}, Unit::nanoseconds},
      {"tollgate_time_seconds", "Falling buckets.", Type::histogram, {}, Unit::nanoseconds, kFalling},
  };
  for (const auto& family : wrong) {
    Registry registry;
    EXPECT_DEATH(registry.add_reader(family, {}, [] { return 0; }), "fatal") << family.help;
  }
}

TEST(MetricsDeathTest, RefusesOneNameWithTwoMeaningsAndAWrongNumberOfLabels) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  constexpr Family kOther{"tollgate_depth", "Another depth.", Type::gauge};
  Registry registry;
  auto& shard = registry.new_shard();
  (void)shard.gauge(kDepth);
  EXPECT_DEATH((void)shard.gauge(kOther), "same_meaning");
  EXPECT_DEATH((void)shard.counter(kAnswers, {"cup"}), "labels.size");
}

TEST(Catalog, EveryFamilyIsAcceptedAndExposed) {
  Registry registry;
  auto& shard = registry.new_shard();
  for (const auto* family : catalog::kAll) {
    const std::string_view none[] = {"", "", ""};
    const auto n = family->labels.size();
    ASSERT_LE(n, 3u);
    const auto handle = [&](auto... label) {
      if (family->type == Type::counter) shard.counter(*family, {label...}).add();
      if (family->type == Type::gauge) shard.gauge(*family, {label...}).set(1);
      if (family->type == Type::histogram) shard.histogram(*family, {label...}).observe(std::uint64_t{1});
    };
    if (n == 0) handle();
    if (n == 1) handle(none[0]);
    if (n == 2) handle(none[0], none[1]);
    if (n == 3) handle(none[0], none[1], none[2]);
  }
  add_process_metrics(registry);
  const auto page = scraped(registry);
  EXPECT_EQ(page.families(), catalog::kAll.size() + 6);
  EXPECT_GT(page.value("process_resident_memory_bytes"), 1e5);
  EXPECT_GT(page.value("process_open_fds"), 2);
  EXPECT_GE(page.value("process_cpu_seconds_total"), 0);
  const auto started = page.value("process_start_time_seconds");
  const auto now = static_cast<double>(SystemClock::now().wall.us) / 1e6;
  EXPECT_GT(started, now - 3600);
  EXPECT_LT(started, now + 2);
}

// Each worker writes its own cells while another thread scrapes: under TSan this must be silent, and nothing
// may be lost.
TEST(Metrics, IsScrapedWhileWorkersCount) {
  Registry registry;
  constexpr int kWorkers = 3, kEach = 20'000;
  std::atomic<bool> done{false};
  std::vector<std::thread> workers;
  for (int w = 0; w < kWorkers; ++w)
    workers.emplace_back([&registry] {
      auto& shard = registry.new_shard();
      auto counter = shard.counter(kAnswers, {"cup", "00"});
      auto histogram = shard.histogram(kTime);
      for (int i = 0; i < kEach; ++i) {
        counter.add();
        histogram.observe(Duration(i));
        if (i % 1000 == 0) shard.counter(kAnswers, {"cup", std::to_string(i)}).add();
      }
    });
  std::thread scraper([&] {
    double last = 0;
    while (!done) {
      const auto page = scraped(registry);
      const auto value =
          page.has("tollgate_time_seconds_count") ? page.value("tollgate_time_seconds_count") : 0;
      EXPECT_GE(value, last);  // a counter never falls
      last = value;
    }
  });
  for (auto& worker : workers) worker.join();
  done = true;
  scraper.join();
  const auto page = scraped(registry);
  EXPECT_EQ(page.value("tollgate_answers_total{host=\"cup\",rc=\"00\"}"), kWorkers * kEach);
  EXPECT_EQ(page.value("tollgate_time_seconds_count"), kWorkers * kEach);
}

}  // namespace
}  // namespace tollgate::metrics
