#include "switch/cli/load_tools.h"

#include <signal.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <atomic>
#include <fstream>
#include <iostream>
#include <thread>

#include "switch/sim/load.h"
#include "switch/sim/option_text.h"
#include "switch/sim/terminal_list.h"

namespace tollgate::cli {
namespace {

using namespace sim;

struct Flags {
  std::string target = "127.0.0.1:8583", file, entry = "magstripe", json, host_listen,
              host_dialect = "iso87-ascii";
  std::string host_wait = "15s";
  std::string warm_up = "2s", run_for = "10s", timeout = "30s", drop_after = "1s", tick = "0s",
              host_batch = "0s";
  TerminalRange range;
  LoadOptions load;
  Duration host_patience{};
  bool no_mac = false;
};

std::atomic<LoadGenerator*> running = nullptr;
extern "C" void stop_running(int) {
  if (auto* generator = running.load()) generator->stop();
}

void declare(CLI::App& app, Flags& f) {
  app.add_option("--target", f.target, "Listener of the switch")->capture_default_str();
  app.add_option("--terminals-file", f.file,
                 "JSON list of tid, merchant_code, tmk; or an estate with lab keys");
  app.add_option("--first-tid", f.range.first_tid, "Without a file: first of the range")
      ->capture_default_str();
  app.add_option("--terminals", f.range.count, "Without a file: how many")->capture_default_str();
  app.add_option("--first-merchant", f.range.first_merchant, "Without a file: first merchant")
      ->capture_default_str();
  app.add_option("--merchants", f.range.merchants, "Without a file: how many they belong to")
      ->capture_default_str();
  app.add_option("--tmk", f.range.tmk, "Without a file: test master key of all")->capture_default_str();
  app.add_option("--rate", f.load.rate, "Open loop: requests a second; 0: closed loop")
      ->capture_default_str();
  app.add_option("--connections", f.load.connections, "TCP connections")->capture_default_str();
  app.add_option("--depth", f.load.depth, "Closed loop: in flight a connection, each a terminal")
      ->capture_default_str();
  app.add_option("--warm-up", f.warm_up, "Not measured")->capture_default_str();
  app.add_option("--for", f.run_for, "Measured")->capture_default_str();
  app.add_option("--requests", f.load.requests, "Ends after so many, if the time is not over before")
      ->capture_default_str();
  app.add_option("--timeout", f.timeout, "Before a reversal goes out")->capture_default_str();
  app.add_option("--drop-after", f.drop_after, "Open loop: waited so long for a free terminal")
      ->capture_default_str();
  app.add_option("--tick", f.tick, "Looks at the sockets once a tick (200us): cheaper, adds up to a tick")
      ->capture_default_str();
  app.add_option("--entry", f.entry, "magstripe, chip, contactless, qr")->capture_default_str();
  app.add_flag("--no-mac", f.no_mac, "Neither made nor checked: for a listener with mac = off");
  app.add_flag("--reconnect", f.load.reconnect,
               "Goes on when the switch restarts; sends again what was under way");
  app.add_option("--first-stan", f.load.first_stan, "Above those of the last run in this batch")
      ->capture_default_str();
  app.add_option("--seed", f.load.seed, "Of the amounts")->capture_default_str();
  app.add_option("--server-pid", f.load.server_pid, "Processor time of this process");
  app.add_option("--suspend-feed", f.load.suspend_feed, "FIFO with lines 'suspended TID', 'active TID'");
  app.add_option("--host-listen", f.host_listen, "Runs the upstream host here, in this process");
  app.add_option("--host-dialect", f.host_dialect, "Of that host")->capture_default_str();
  app.add_option("--host-wait", f.host_wait, "For the switch to sign on to that host; 0s: does not wait")
      ->capture_default_str();
  app.add_option("--host-batch", f.host_batch, "That host collects requests this long (100us)")
      ->capture_default_str();
  app.add_option("--json", f.json, "Writes the result there; - is standard output");
}

Result<Entry> entry_of(const std::string& name) {
  if (name == "magstripe") return Entry::magstripe;
  if (name == "chip") return Entry::chip;
  if (name == "contactless") return Entry::contactless;
  if (name == "qr") return Entry::qr;
  return fail(ErrorCode::invalid, "an entry is magstripe, chip, contactless or qr", name);
}

Result<void> understand(Flags& f) {
  for (auto [text, to] :
       {std::pair{&f.warm_up, &f.load.warm_up}, std::pair{&f.run_for, &f.load.duration},
        std::pair{&f.timeout, &f.load.timeout}, std::pair{&f.drop_after, &f.load.drop_after},
        std::pair{&f.tick, &f.load.tick}, std::pair{&f.host_wait, &f.host_patience}}) {
    auto duration = parse_duration(*text);
    if (!duration) return std::unexpected(duration.error());
    *to = *duration;
  }
  auto entry = entry_of(f.entry);
  if (!entry) return std::unexpected(entry.error());
  auto terminals = f.file.empty() ? generate_terminals(f.range) : load_terminals(f.file);
  if (!terminals) return std::unexpected(terminals.error());
  f.load.entry = *entry;
  f.load.terminals = std::move(*terminals);
  f.load.target = f.target;
  f.load.mac = !f.no_mac;
  return {};
}

Result<std::unique_ptr<HostServer>> host_of(const Flags& f) {
  if (f.host_listen.empty()) return nullptr;
  auto batch = parse_duration(f.host_batch);
  if (!batch) return std::unexpected(batch.error());
  HostServerOptions options;
  options.address = f.host_listen;
  options.batch = *batch;
  options.host.dialect = f.host_dialect;
  options.host.books_max =
      200'000;  // enough for every repeat within a minute; the log of a record run is not wanted
  return HostServer::make(std::move(options));
}

int fail_with(const Error& error) {
  std::cerr << "error: " << error.text() << "\n";
  return error.code == ErrorCode::invalid ? 2 : 1;
}

int run(Flags& f) {
  if (auto understood = understand(f); !understood) return fail_with(understood.error());
  auto host = host_of(f);
  if (!host) return fail_with(host.error());
  std::thread host_loop;
  if (*host != nullptr) {
    f.load.host = host->get();
    std::cerr << "host listens at " << (*host)->address() << "\n";
    host_loop = std::thread([&] { (*host)->run(); });
  }
  // Without an upstream every sale is declined with 91, which says nothing about the switch.
  const bool linked =
      *host == nullptr || f.host_patience.count() == 0 || (*host)->wait_for_sign_on(f.host_patience);
  auto generator =
      linked ? LoadGenerator::make(f.load)
             : fail(ErrorCode::unavailable, "the switch has not signed on to the host", f.host_listen);
  Result<LoadReport> report = std::unexpected(Error{});
  if (generator) {
    running = generator->get();
    ::signal(SIGINT, stop_running);
    ::signal(SIGTERM, stop_running);
    report = (*generator)->run();
    running = nullptr;
  }
  if (host_loop.joinable()) {
    (*host)->stop();
    host_loop.join();
  }
  if (!generator) return fail_with(generator.error());
  if (!report) return fail_with(report.error());
  std::cout << load_table(*report);
  if (f.json == "-") std::cout << load_json(*report) << "\n";
  if (!f.json.empty() && f.json != "-") std::ofstream(f.json) << load_json(*report) << "\n";
  const bool good =
      report->wrong == 0 && report->violations == 0 && report->stopped.empty() && report->answered != 0;
  return good ? 0 : 1;
}

}  // namespace

int run_load(int argc, const char* const* argv) {
  CLI::App app("Load generator for the switch");
  Flags flags;
  declare(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return run(flags);
}

}  // namespace tollgate::cli
