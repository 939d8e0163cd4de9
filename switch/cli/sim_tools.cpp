#include "switch/cli/sim_tools.h"

#include <fmt/format.h>
#include <signal.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <atomic>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <thread>

#include "switch/cli/exit.h"
#include "switch/sim/fleet.h"
#include "switch/sim/host_server.h"
#include "switch/sim/terminal_list.h"

namespace tollgate::cli {
namespace {

std::atomic<bool> stop_asked = false;

extern "C" void ask_to_stop(int) {
  stop_asked.store(true, std::memory_order_relaxed);
}

// SIGINT and SIGTERM mean "stop" while it lives.
class StopSignals {
 public:
  StopSignals() {
    stop_asked = false;
    struct sigaction action {};
    action.sa_handler = ask_to_stop;
    ::sigaction(SIGINT, &action, &int_);
    ::sigaction(SIGTERM, &action, &term_);
  }
  ~StopSignals() {
    ::sigaction(SIGINT, &int_, nullptr);
    ::sigaction(SIGTERM, &term_, nullptr);
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

 private:
  struct sigaction int_ {
  }, term_{};
};

// The loop of a simulator on a thread of its own, until it ends by itself or stop() is asked for.
template <class Simulator>
class Running {
 public:
  explicit Running(Simulator& simulator)
      : simulator_(simulator), thread_([this] {
          simulator_.run();
          const std::lock_guard lock(mutex_);
          ended_ = true;
          changed_.notify_all();
        }) {}
  ~Running() {
    simulator_.stop();
    thread_.join();
  }
  // False when the loop ended or a signal came before the time was over.
  bool wait(Duration time) {
    const auto until = std::chrono::steady_clock::now() + time;
    std::unique_lock lock(mutex_);
    while (!ended_ && !stop_asked && std::chrono::steady_clock::now() < until) {
      changed_.wait_for(lock, std::chrono::milliseconds(50));
    }
    return !ended_ && !stop_asked;
  }

 private:
  Simulator& simulator_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
  std::thread thread_;
};

int refuse(std::ostream& out, const Error& error, int code = 2) {
  out << "error: " << error.text() << "\n";
  return code;
}

Result<std::vector<sim::TerminalConfig>> terminals_of(const SimTerminalsOptions& options) {
  if (!options.file.empty()) return sim::load_terminals(options.file);
  return sim::generate_terminals({.first_tid = options.first_tid,
                                  .count = options.count,
                                  .first_merchant = options.first_merchant,
                                  .merchants = options.merchants,
                                  .tmk = options.tmk});
}

Result<sim::FleetOptions> fleet_options(const SimTerminalsOptions& options) {
  if (options.profile != "cup")
    return fail(ErrorCode::not_found, "there is no such profile", options.profile);
  sim::FleetOptions fleet;
  auto terminals = terminals_of(options);
  if (!terminals) return std::unexpected(terminals.error());
  fleet.terminals = std::move(*terminals);
  auto run_for = sim::parse_duration(options.run_for.empty() ? "0s" : options.run_for);
  if (!run_for) return std::unexpected(run_for.error());
  auto timeout = sim::parse_duration(options.timeout);
  if (!timeout) return std::unexpected(timeout.error());
  if (!options.mix.empty()) {
    auto mix = sim::parse_mix(options.mix);
    if (!mix) return std::unexpected(mix.error());
    fleet.mix = *mix;
  }
  fleet.target = options.target;
  fleet.connections = options.connections;
  fleet.tps = options.tps;
  fleet.run_for = *run_for;
  fleet.starts = options.starts;
  fleet.timeout = *timeout;
  fleet.first_stan = options.first_stan;
  fleet.log_path = options.log;
  fleet.seed = options.seed;
  return fleet;
}

void print_line(std::ostream& out, const sim::FleetReport& now, const sim::FleetReport& before) {
  const auto answered = now.approved + now.declined;
  out << fmt::format(
             "{} of {} signed in   started {}/s   approved {} of {}   unanswered {}   reversed {}   p99 {} "
             "us\n",
             now.signed_in, now.terminals, now.started - before.started, now.approved, answered,
             now.unanswered, now.reversed, now.latency.percentile(990'000) / 1000)
      << std::flush;
}

void print_totals(std::ostream& out, const sim::FleetReport& report) {
  std::string codes;
  for (const auto& [code, count] : report.codes)
    codes += fmt::format(R"({}"{}":{})", codes.empty() ? "" : ",", code, count);
  out << fmt::format(
      R"({{"terminals":{},"signed_in":{},"started":{},"approved":{},"declined":{},"unanswered":{},)"
      R"("reversed":{},"repeated":{},"wrong_mac":{},"faults":{},"skipped":{},"exhausted":{},)"
      R"("p50_us":{},"p99_us":{},"codes":{{{}}}}})"
      "\n",
      report.terminals, report.signed_in, report.started, report.approved, report.declined, report.unanswered,
      report.reversed, report.repeated, report.wrong_mac, report.faults, report.skipped, report.exhausted,
      report.latency.percentile(500'000) / 1000, report.latency.percentile(990'000) / 1000, codes);
}

Result<sim::HostServerOptions> server_options(const SimHostOptions& options) {
  auto latency = sim::parse_duration(options.latency);
  if (!latency) return std::unexpected(latency.error());
  auto timeout = sim::parse_duration(options.timeout);
  if (!timeout) return std::unexpected(timeout.error());
  auto decline = sim::parse_share(options.decline);
  if (!decline) return std::unexpected(decline.error());
  sim::HostServerOptions server;
  server.address = options.listen;
  server.log_path = options.log;
  server.host.dialect = options.dialect;
  server.host.latency = *latency;
  server.host.timeout = *timeout;
  server.host.decline_ppm = *decline;
  server.host.seed = options.seed;
  return server;
}

}  // namespace

int run_sim_terminals(const SimTerminalsOptions& options, std::ostream& out) {
  auto configured = fleet_options(options);
  if (!configured) return refuse(out, configured.error());
  auto fleet = sim::Fleet::make(std::move(*configured));
  if (!fleet) return refuse(out, fleet.error());
  {
    const StopSignals signals;
    Running running(**fleet);
    for (auto before = (*fleet)->report(); running.wait(std::chrono::seconds(1));) {
      auto now = (*fleet)->report();
      print_line(out, now, before);
      before = std::move(now);
    }
  }
  const auto report = (*fleet)->report();
  print_totals(out, report);
  const bool good =
      report.signed_in != 0 && report.faults == 0 && report.wrong_mac == 0 && !report.log_failed;
  return good ? 0 : 1;
}

int run_sim_host(const SimHostOptions& options, std::ostream& out) {
  auto configured = server_options(options);
  if (!configured) return refuse(out, configured.error());
  auto run_for = sim::parse_duration(options.run_for.empty() ? "1000000h" : options.run_for);
  if (!run_for) return refuse(out, run_for.error());
  sim::HostScript script;
  if (!options.script.empty()) {
    auto loaded = sim::HostScript::load(options.script);
    if (!loaded) return refuse(out, loaded.error());
    script = std::move(*loaded);
  }
  auto server = sim::HostServer::make(std::move(*configured), std::move(script));
  if (!server) return refuse(out, server.error(), server.error().code == ErrorCode::io ? 1 : 2);
  out << "listening " << (*server)->address() << " " << options.dialect << "\n" << std::flush;
  {
    const StopSignals signals;
    Running running(**server);
    (void)running.wait(*run_for);
  }
  const auto t = (*server)->totals();
  out << fmt::format(
      R"({{"requests":{},"approved":{},"declined":{},"repeats":{},"reversals":{},"reversed":{},)"
      R"("unknown_reversals":{},"late_originals":{},"unanswered":{},"late":{},"twice":{},"network":{},)"
      R"("unreadable":{},"forgotten":{}}})"
      "\n",
      t.requests, t.approved, t.declined, t.repeats, t.reversals, t.reversed, t.unknown_reversals,
      t.late_originals, t.unanswered, t.late, t.twice, t.network, t.unreadable, t.forgotten);
  return 0;
}

void add_sim_commands(CLI::App& app) {
  auto* sim = app.add_subcommand("sim", "Terminals and hosts that speak the real protocol (lab only)");
  sim->require_subcommand(1);

  auto terminals = std::make_shared<SimTerminalsOptions>();
  auto* t = sim->add_subcommand("terminals", "Terminals that sign in and trade");
  t->add_option("--target", terminals->target, "Listener of the switch")->capture_default_str();
  t->add_option("--profile", terminals->profile, "Dialect of the terminals")->capture_default_str();
  t->add_option("--terminals-file", terminals->file,
                "JSON list of tid, merchant_code, tmk; or an estate with lab keys");
  t->add_option("--first-tid", terminals->first_tid, "Without a file: first of the range")
      ->capture_default_str();
  t->add_option("--terminals", terminals->count, "Without a file: how many")->capture_default_str();
  t->add_option("--first-merchant", terminals->first_merchant, "Without a file: first merchant")
      ->capture_default_str();
  t->add_option("--merchants", terminals->merchants, "Without a file: how many they belong to")
      ->capture_default_str();
  t->add_option("--tmk", terminals->tmk, "Without a file: test master key of all")->capture_default_str();
  t->add_option("--tps", terminals->tps, "Transactions started a second")->capture_default_str();
  t->add_option("--for", terminals->run_for, "How long (20s, 5m); else until Ctrl-C");
  t->add_option("--count", terminals->starts, "Ends after so many transactions; 0: no such end")
      ->capture_default_str();
  t->add_option(
      "--mix", terminals->mix,
      "sale=50,chip=15,...: sale chip contactless qr instant balance void reversal retransmit echo");
  t->add_option("--timeout", terminals->timeout, "A terminal's wait before it reverses")
      ->capture_default_str();
  t->add_option("--connections", terminals->connections, "TCP connections that they share")
      ->capture_default_str();
  t->add_option("--log", terminals->log, "Appends every outcome, one JSON object a line");
  t->add_option("--first-stan", terminals->first_stan, "0: by the time of day")->capture_default_str();
  t->add_option("--seed", terminals->seed, "Of amounts, cards and choices")->capture_default_str();
  t->callback([terminals] { exit_with(run_sim_terminals(*terminals, std::cout)); });

  auto host = std::make_shared<SimHostOptions>();
  auto* h = sim->add_subcommand("host", "An upstream host that decides by amount or script");
  h->add_option("--listen", host->listen, "Address; port 0 takes a free one")->capture_default_str();
  h->add_option("--dialect,--profile", host->dialect, "iso87-ascii, iso87-bcd")->capture_default_str();
  h->add_option("--script", host->script, "TOML file of rules");
  h->add_option("--decline", host->decline, "Share of approvals to decline (5%)")->capture_default_str();
  h->add_option("--latency", host->latency, "Before every answer (20ms)")->capture_default_str();
  h->add_option("--timeout", host->timeout, "The switch's; late answers take twice as long")
      ->capture_default_str();
  h->add_option("--log", host->log, "Appends every decision, one JSON object a line");
  h->add_option("--for", host->run_for, "How long; else until Ctrl-C");
  h->add_option("--seed", host->seed, "Of --decline")->capture_default_str();
  h->callback([host] { exit_with(run_sim_host(*host, std::cout)); });
}

}  // namespace tollgate::cli
