#include "switch/app.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "storage/memory_journal.h"
#include "switch/admin/api.h"
#include "switch/admin/http_server.h"
#include "switch/backend.h"
#include "switch/base/chance.h"
#include "switch/base/hash.h"
#include "switch/base/log.h"
#include "switch/metrics_page.h"
#include "switch/net/cluster.h"
#include "switch/open_store.h"
#include "switch/ports_file.h"
#include "switch/process.h"
#include "switch/timed_journal.h"
#include "switch/version.h"

namespace tollgate {
namespace {

// Negative controls of the test harnesses: a switch that is wrong on purpose, so that a harness can show that
// it would notice. Lab only, by the environment alone, and it says so.
core::EngineConfig::TestFlags test_flags(config::Environment environment) {
  core::EngineConfig::TestFlags flags;
  const char* wanted = std::getenv("TOLLGATE_TEST_FLAGS");
  if (wanted == nullptr || environment != config::Environment::lab) return flags;
  const std::string_view names(wanted);
  flags.answer_before_commit = names.find("answer_before_commit") != std::string_view::npos;
  flags.skip_replay_guard = names.find("skip_replay_guard") != std::string_view::npos;
  log::warn("app", "test flags are set: this switch breaks its promises", {{"flags", names}});
  return flags;
}

constexpr std::string_view kComponent = "serve";
// Longer than any host's time-out, so that what is in flight ends by itself; systemd's TimeoutStopSec is 90
// s.
constexpr auto kDrainPatience = std::chrono::seconds(30);

int refuse(const Error& error) {
  log::error(kComponent, "cannot serve", {{"why", error.text()}});
  return 1;
}

Result<net::ClusterConfig> cluster_config(const config::Config& config) {
  net::ClusterConfig cluster;
  auto& engine = cluster.engine;
  engine.workers =
      std::min(config::worker_count(config, std::thread::hardware_concurrency()), config.store.partitions);
  engine.partitions = config.store.partitions;
  engine.environment = config::name(config.environment);
  engine.acquirer_code = config.acquirer.code;
  engine.time_zone = config.business.time_zone;
  engine.cutoff_s =
      static_cast<std::int32_t>(std::chrono::seconds(config.business.cutoff.since_midnight).count());
  for (const auto& listener : config.listeners) {
    auto dialect = iso::Dialect::builtin(listener.dialect);
    if (!dialect)
      return fail(ErrorCode::invalid, "no such dialect: " + listener.dialect, "listener " + listener.name);
    engine.listeners.push_back(
        {listener.name, std::move(dialect), listener.mac == config::MacRule::required});
    cluster.addresses.push_back(listener.address);
  }
  engine.in_flight_max = config.core.in_flight_max;
  engine.transactions_max = config.core.transactions_max;
  engine.reversals_owed_max = config.core.reversals_owed_max;
  engine.connection_in_flight_max = config.session.in_flight_max;
  engine.connections_max = config.session.max_connections;
  engine.group_bytes_max = config.commit.max_group_bytes;
  engine.test = test_flags(config.environment);
  engine.idle_timeout = config.session.idle_timeout;
  engine.frame_timeout = config.session.frame_timeout;
  cluster.session_idle = config.session.idle_timeout;
  cluster.frame_timeout = config.session.frame_timeout;
  cluster.sockets_max = sockets_for_terminals();
  return cluster;
}

admin::Facts facts_of(const config::Loaded& loaded, const net::ClusterConfig& cluster) {
  const auto text = config::show(loaded);
  const auto digest = Sha256::of(as_bytes(text));
  admin::Facts facts;
  facts.version = version();
  facts.commit = commit();
  facts.environment = config::name(loaded.config.environment);
  facts.acquirer_code = loaded.config.acquirer.code;
  facts.time_zone = loaded.config.business.time_zone;
  facts.config_sha256 = to_hex(digest);
  facts.store_path = std::filesystem::absolute(loaded.config.store.path).string();
  for (const auto name : iso::Dialect::builtin_names()) facts.dialects.emplace_back(name);
  facts.workers = cluster.engine.workers;
  facts.partitions = cluster.engine.partitions;
  facts.started_at = SystemClock::now().wall;
  return facts;
}

// Nothing is written and no terminal is served; the interface shows what can be read (durability, section 3).
void enter_safe_mode(net::Cluster& cluster, const storage::StartVerdict& verdict) {
  log::error(kComponent, "safe mode: no traffic, reads and exports only",
             {{"why", verdict.reason}, {"acceptable", verdict.acceptable}});
  for (const auto& gap : verdict.missing) {
    log::error(kComponent, "acknowledged records are missing",
               {{"partition", gap.partition},
                {"first_group", gap.first},
                {"last_group", gap.last},
                {"why", gap.why}});
  }
  for (const auto& error : cluster.recover_for_reading())
    log::error(kComponent, "cannot be read", {{"why", error.text()}});
}

Result<void> give_bootstrap_token(const ServeOptions& options, SwitchBackend& backend, Chance& chance) {
  if (options.bootstrap_token_file.empty()) return {};
  if (options.loaded.config.environment == config::Environment::production) {
    return fail(ErrorCode::forbidden, "--bootstrap-token-file is for lab and demo");
  }
  const auto token = admin::create_bootstrap_token(backend, chance);
  if (!token) {
    if (token.error().code != ErrorCode::conflict) return std::unexpected(token.error());
    log::info(kComponent, "no bootstrap token: the store has tokens");
    return {};
  }
  if (const auto why = write_whole(options.bootstrap_token_file, *token + "\n", Reader::owner); !why.empty())
    return fail(ErrorCode::io, why);
  return {};
}

// Waits for the end and makes it: 0 when everything that was taken in was answered or is settled by the next
// start.
int serve_until_told(Signals& signals, net::Cluster& cluster) {
  while (true) {
    const auto event = signals.wait();
    if (event == Signals::Event::reload) {
      log::info(kComponent, "nothing to reload: the configuration is read at start");
      continue;
    }
    if (event == Signals::Event::wake) break;  // the cluster failed
    log::info(kComponent, "draining");
    const bool idle = cluster.drain(kDrainPatience);
    if (cluster.state() == net::ClusterState::failed) break;
    log::info(kComponent, "stopped", {{"idle", idle}});
    return 0;
  }
  // P6: the last write may be there or not. No destructor may touch the store; the next start looks.
  log::error(kComponent, "ended: the result of a write is unknown");
  ::_exit(1);
}

}  // namespace

int serve(const ServeOptions& options) {
  const auto& config = options.loaded.config;
  harden_process(options.dumpable ? Dumpable::yes : Dumpable::no);
  log::configure({.level = config.log.level, .format = config.log.format, .to = {}});
  Signals signals;

  auto store = open_store(config);
  if (!store) return refuse(store.error());
  auto vault = open_vault(config, store->formatted);
  if (!vault) return refuse(vault.error());
  auto cluster_options = cluster_config(config);
  if (!cluster_options) return refuse(cluster_options.error());
  auto facts = facts_of(options.loaded, *cluster_options);

  auto& started = store->started;
  const bool safe = started.verdict.action == storage::StartAction::safe_mode;
  storage::MemoryJournal nothing(config.store.partitions);  // what an unreadable store shows
  MetricsPage metrics(config, facts.store_path);
  TimedJournal journal(
      started.journal ? static_cast<storage::Journal&>(*started.journal) : nothing,
      [&metrics](std::uint64_t records, Duration took) { metrics.observe_append(records, took); });
  SwitchBackend* backend_of_hooks = nullptr;
  net::Cluster cluster(std::move(*cluster_options), {journal, started.mark.get(), *vault},
                       {.failed = [&signals](const std::string&) { signals.wake(); },
                        .durable = {},
                        .reference =
                            [&backend_of_hooks](std::shared_ptr<const core::Reference> reference) {
                              backend_of_hooks->set_reference(*reference);
                            }});
  SwitchBackend backend({cluster, journal, metrics,
                         [&started] { return started.journal ? started.journal->broken() : std::string(); }},
                        std::move(facts));
  backend_of_hooks = &backend;
  // Whatever ends this function: the workers stop before what their hooks point at is gone.
  const struct Stop {
    net::Cluster& cluster;
    ~Stop() { cluster.abandon(); }
  } stop{cluster};
  if (safe) {
    enter_safe_mode(cluster, started.verdict);
  } else if (auto recovered = cluster.recover(); !recovered) {
    return refuse(recovered.error());
  }
  backend.set_reference(*cluster.reference());

  std::vector<std::string> bound;
  if (!safe) {
    auto listening = cluster.listen();
    if (!listening) return refuse(listening.error());
    bound = std::move(*listening);
    cluster.start();
  }
  SystemChance chance;
  admin::Api api(backend, chance,
                 {.observe = [&metrics](std::string_view route, unsigned status, Duration took) {
                   metrics.observe_http(route, status, took);
                 }});
  auto http = http::Server::start({.address = config.http.address}, api);
  if (!http) return refuse(http.error());
  admin::MetricsService metrics_service(backend);
  auto metrics_http =
      http::Server::start({.address = config.metrics.address, .handler_threads = 1}, metrics_service);
  if (!metrics_http) return refuse(metrics_http.error());
  if (!safe) {
    if (auto given = give_bootstrap_token(options, backend, chance); !given) return refuse(given.error());
  }
  const Ports ports{(*http)->address(), (*metrics_http)->address(), config.listeners, bound};
  if (const auto why = write_ports_file(options.ports_file, ports); !why.empty())
    return refuse({ErrorCode::io, "", why});
  log_start(ports, backend.facts());
  return serve_until_told(signals, cluster);
}

}  // namespace tollgate
