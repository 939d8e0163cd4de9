#include "switch/metrics_page.h"

#include <sys/statvfs.h>
#include <sys/timex.h>

#include <array>
#include <map>
#include <mutex>
#include <vector>

#include "switch/base/metrics.h"
#include "switch/base/metrics_catalog.h"
#include "switch/ledger/business_day.h"
#include "switch/version.h"

namespace tollgate {

namespace catalog = metrics::catalog;
using metrics::Shard;

namespace {

// What costs a walk over every terminal and account: asked once a minute, however often somebody scrapes.
struct Survey {
  static constexpr Duration kEvery = std::chrono::minutes(1);
  Instant at{};
  std::map<std::string, std::int64_t, std::less<>> terminals;  // by state
  std::int64_t imbalance = 0;  // partitions and currencies whose balances do not sum to zero
};

Survey survey_of(const net::Cluster& cluster) {
  Survey survey;
  survey.at = SystemClock::now().instant;
  for (std::uint16_t w = 0; w < cluster.workers(); ++w) {
    const auto part = cluster.ask(w, [](core::Engine& engine) {
      Survey mine;
      for (const auto& [state, n] : engine.count_terminals())
        mine.terminals[std::string(core::name(state))] = static_cast<std::int64_t>(n);
      std::map<std::pair<std::uint16_t, std::uint16_t>, Int128> sums;
      for (const auto& row : engine.balances()) {
        const auto balance = balance_of(row.balance);
        sums[{row.partition.value, row.currency}] += balance ? balance->value : 1;
      }
      for (const auto& [of, sum] : sums) mine.imbalance += sum != 0 ? 1 : 0;
      return mine;
    });
    if (!part) continue;
    for (const auto& [state, n] : part->terminals) survey.terminals[state] += n;
    survey.imbalance += part->imbalance;
  }
  return survey;
}

}  // namespace

struct MetricsPage::State {
  State(const config::Config& config, std::string path)
      : store_path(std::move(path)),
        time_zone(config.business.time_zone),
        cutoff_s(
            static_cast<std::int32_t>(std::chrono::seconds(config.business.cutoff.since_midnight).count())),
        appends(standing.new_shard()),
        http(standing.new_shard()),
        group_records(appends.histogram(catalog::kCommitGroupRecords)),
        sync(appends.histogram(catalog::kWalFsync)) {
    for (const auto& listener : config.listeners) listeners.push_back(listener.name);
    metrics::add_process_metrics(standing);
    auto& once = standing.new_shard();
    once.gauge(catalog::kBuildInfo, {version(), commit(), config::name(config.environment)}).set(1);
    standing.add_reader(catalog::kStorageFree, {}, [this] { return free_bytes(); });
    standing.add_reader(catalog::kClockOffset, {}, [] { return clock_offset_ns(); });
    standing.add_reader(catalog::kCutOver, {}, [this] { return next_cut_over_ns(); });
  }

  [[nodiscard]] Survey recent_survey(const net::Cluster& cluster) {
    const std::lock_guard lock(survey_mutex);
    if (survey.at.ns == 0 || SystemClock::now().instant - survey.at >= Survey::kEvery)
      survey = survey_of(cluster);
    return survey;
  }
  [[nodiscard]] std::int64_t free_bytes() const {
    struct statvfs space {};
    if (::statvfs(store_path.c_str(), &space) != 0) return 0;
    return static_cast<std::int64_t>(space.f_bavail * space.f_frsize);
  }
  static std::int64_t clock_offset_ns() {
    timex now{};
    if (::adjtimex(&now) < 0) return 0;
    return (now.status & STA_NANO) != 0 ? now.offset : now.offset * 1000;
  }
  [[nodiscard]] std::int64_t next_cut_over_ns() const {
    const auto zone = TimeZone::load(time_zone);
    if (!zone) return 0;
    const auto now = SystemClock::now().wall;
    constexpr std::int64_t kDay = 86'400;
    const auto left = (cutoff_s - zone->local(now).second_of_day + kDay) % kDay;
    return (now.us / 1'000'000 + (left == 0 ? kDay : left)) * 1'000'000'000;
  }

  const std::string store_path, time_zone;
  const std::int32_t cutoff_s;
  std::vector<std::string> listeners;
  metrics::Registry standing;
  Shard& appends;
  Shard& http;
  metrics::Histogram group_records, sync;
  std::mutex http_mutex;
  std::mutex survey_mutex;
  Survey survey;
};

namespace {

// Everything that one worker is asked for, as copies.
struct Sample {
  core::Counters counters;
  std::vector<core::HostView> hosts;
  std::vector<core::Engine::LedgerHead> heads;
};

void add_hosts(Shard& shard, const Sample& sample) {
  for (const auto& [host, counts] : sample.counters.hosts) {
    shard.counter(catalog::kTransactions, {"all", host, "approved"}).add(counts.approved);
    shard.counter(catalog::kTransactions, {"all", host, "declined"}).add(counts.declined);
    shard.counter(catalog::kTransactions, {"all", host, "timeout"}).add(counts.timeouts);
    shard.counter(catalog::kTimeouts, {host}).add(counts.timeouts);
    for (const auto& [code, n] : counts.response_codes.by_code())
      shard.counter(catalog::kResponseCodes, {host, code}).add(n);
    shard.histogram(catalog::kHostRoundTrip, {host}).add(counts.round_trip);
  }
  for (const auto& host : sample.hosts) {
    shard.gauge(catalog::kHostUp, {host.name}).add(host.links_up > 0 ? 1 : 0);
    shard.gauge(catalog::kHostInFlight, {host.name}).add(host.in_flight);
  }
}

void add_sample(Shard& shard, const Sample& sample) {
  const auto& c = sample.counters;
  shard.counter(catalog::kTransactions, {"all", "", "refused"}).add(c.refused);
  shard.counter(catalog::kTransactions, {"all", "", "repeated"}).add(c.repeated);
  for (const auto& [code, n] : c.refusals.by_code()) shard.counter(catalog::kResponseCodes, {"", code}).add(n);
  shard.histogram(catalog::kTransactionDuration).add(c.duration);
  for (const auto& [cause, n] : c.reversal_causes) shard.counter(catalog::kReversals, {cause}).add(n);
  shard.gauge(catalog::kReversalsOwed).add(c.reversals_owed);
  shard.counter(catalog::kLateResponses).add(c.late_replies);
  shard.counter(catalog::kMacFailures).add(c.mac_failures);
  for (const auto& [reason, n] : c.decode_reasons) shard.counter(catalog::kDecodeErrors, {reason}).add(n);
  shard.counter(catalog::kFeeEvaluations, {"ok"}).add(c.fee_evaluations);
  shard.counter(catalog::kLedgerEntries).add(c.entries);
  for (const auto& head : sample.heads) {
    shard.gauge(catalog::kLedgerLastSeq, {std::to_string(head.partition.value)})
        .set(static_cast<std::int64_t>(head.last.value));
  }
  add_hosts(shard, sample);
}

}  // namespace

MetricsPage::MetricsPage(const config::Config& config, std::string store_path)
    : state_(std::make_unique<State>(config, std::move(store_path))) {}
MetricsPage::~MetricsPage() = default;

void MetricsPage::observe_append(std::uint64_t records, Duration took) noexcept {
  state_->group_records.observe(records);
  state_->sync.observe(took);
}

void MetricsPage::observe_http(std::string_view route, unsigned status, Duration took) {
  const std::lock_guard lock(state_->http_mutex);
  state_->http.counter(catalog::kHttpRequests, {route, std::to_string(status)}).add();
  state_->http.histogram(catalog::kHttpDuration, {route}).observe(took);
}

std::string MetricsPage::render(const net::Cluster& cluster) const {
  // The workers' numbers are totals already: a page of their own, made anew at each scrape, needs no
  // differences.
  metrics::Registry fresh;
  auto& shard = fresh.new_shard();
  shard.gauge(catalog::kSafeMode).set(cluster.state() == net::ClusterState::safe_mode ? 1 : 0);
  for (std::uint16_t w = 0; w < cluster.workers(); ++w) {
    const auto label = std::to_string(w);
    shard.gauge(catalog::kWorkerQueueDepth, {label}).set(std::int64_t{cluster.queue_depth(w)});
    shard.gauge(catalog::kWorkerBusyRatio, {label}).set(cluster.busy_millionths(w));
    const auto sample = cluster.ask(
        w,
        [](core::Engine& engine) {
          return std::make_shared<const Sample>(
              Sample{engine.counters(), engine.hosts(), engine.ledger_heads()});
        },
        std::chrono::seconds(1));
    if (sample) add_sample(shard, **sample);
    if (const auto counts = cluster.counts(w)) {
      for (std::size_t i = 0; i < counts->sessions.open.size() && i < state_->listeners.size(); ++i) {
        shard.gauge(catalog::kTerminalConnections, {state_->listeners[i]})
            .add(std::int64_t{counts->sessions.open[i]});
      }
      for (std::size_t i = 0; i < counts->sessions.closes.size(); ++i)
        shard.counter(catalog::kConnectionsClosed, {core::name(static_cast<core::CloseReason>(i))})
            .add(counts->sessions.closes[i]);
      shard.counter(catalog::kConnectionsClosed, {"refused"}).add(counts->sessions.refused);
    }
  }
  const auto survey = state_->recent_survey(cluster);
  for (const auto& [state, n] : survey.terminals) shard.gauge(catalog::kTerminals, {state}).set(n);
  shard.gauge(catalog::kLedgerImbalance).set(survey.imbalance);
  return fresh.scrape() + state_->standing.scrape();
}

}  // namespace tollgate
