#include "switch/cli/demo.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <thread>

#include "switch/admin/http_client.h"
#include "switch/cli/demo_estate.h"
#include "switch/cli/exit.h"
#include "switch/cli/switch_process.h"
#include "switch/sim/fleet.h"
#include "switch/sim/host_server.h"
#include "switch/sim/option_text.h"

namespace tollgate::cli {
namespace {

constexpr Duration kStartPatience = std::chrono::seconds(30);
constexpr Duration kDrainPatience = std::chrono::seconds(60);

// A thread around something with run() and stop().
template <class Runs>
class Running {
 public:
  explicit Running(std::unique_ptr<Runs> what) : what_(std::move(what)), thread_([this] { what_->run(); }) {}
  ~Running() { stop(); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  void stop() {
    what_->stop();
    if (thread_.joinable()) thread_.join();
  }
  Runs* operator->() noexcept { return what_.get(); }

 private:
  std::unique_ptr<Runs> what_;
  std::thread thread_;
};

// The directory, and its removal.
class Place {
 public:
  explicit Place(const std::string& keep) : kept_(!keep.empty()) {
    if (kept_) {
      std::error_code error;
      std::filesystem::create_directories(keep, error);
      path_ = error ? "" : std::filesystem::absolute(keep).string();
      return;
    }
    auto pattern = (std::filesystem::temp_directory_path() / "tollgate-demo-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data()) != nullptr ? pattern : "";
  }
  ~Place() {
    std::error_code ignored;
    if (!kept_ && !path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  void keep() noexcept { kept_ = true; }
  [[nodiscard]] bool kept() const noexcept { return kept_; }

 private:
  bool kept_ = false;
  std::string path_;
};

// Keys of the terminal one by one, and SIGINT and SIGTERM as the key q.
class Keys {
 public:
  explicit Keys(bool listens) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    signals_ = ::signalfd(-1, &set, SFD_CLOEXEC);
    if (!listens || ::isatty(STDIN_FILENO) == 0 || ::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    auto raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    listens_ = ::tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
  }
  ~Keys() {
    if (listens_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
    ::close(signals_);
  }
  Keys(const Keys&) = delete;
  Keys& operator=(const Keys&) = delete;
  [[nodiscard]] bool listens() const noexcept { return listens_; }
  // The next key within this time, or 0.
  [[nodiscard]] char next(Duration patience) const {
    std::array<pollfd, 2> both{pollfd{.fd = signals_, .events = POLLIN, .revents = 0},
                               pollfd{.fd = listens_ ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0}};
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(patience).count();
    if (::poll(both.data(), both.size(), static_cast<int>(ms)) <= 0) return 0;
    if (both[0].revents != 0) return 'q';
    char key = 0;
    return ::read(STDIN_FILENO, &key, 1) == 1 ? key : 'q';
  }

 private:
  int signals_ = -1;
  bool listens_ = false;
  termios before_{};
};

class Demo {
 public:
  Demo(const DemoOptions& options, Duration run_for, std::ostream& out)
      : options_(options), run_for_(run_for), out_(out), keys_(!options.headless), place_(options.keep) {}

  int run() {
    if (place_.path().empty()) return failed("cannot make a directory", options_.keep);
    if (auto ready = start_hosts(); !ready)
      return failed("cannot start the simulated hosts", ready.error().text());
    write_config();
    process_ = std::make_unique<SwitchProcess>(SwitchProcess::Options{
        .config = place_.path() + "/tollgate.toml", .directory = place_.path(), .sets = {}});
    auto ports = process_->start(kStartPatience);
    if (!ports) return failed("the switch did not start", ports.error().text());
    ports_ = *ports;
    if (auto applied = apply_estate(); !applied)
      return failed("the sample estate was refused", applied.error().text());
    if (auto trading = start_fleet(); !trading)
      return failed("the terminals cannot trade", trading.error().text());
    introduce();
    live();
    return finish();
  }

 private:
  int failed(std::string_view what, std::string_view why) {
    out_ << "tollgate demo: " << what << ": " << why << '\n';
    if (process_) show_log();
    return 1;
  }
  void show_log() {
    std::ifstream file(process_->log_file());
    std::string line;
    std::vector<std::string> last;
    while (std::getline(file, line)) {
      last.push_back(line);
      if (last.size() > 10) last.erase(last.begin());
    }
    for (const auto& text : last) out_ << "  " << text << '\n';
  }

  Result<void> start_hosts() {
    for (auto* host : {&cards_, &wallets_}) {
      auto made = sim::HostServer::make(
          {.address = "127.0.0.1:0",
           .host = {.timeout = std::chrono::seconds(5), .latency = std::chrono::milliseconds(1)},
           .log_path = {},
           .batch = {}});
      if (!made) return std::unexpected(made.error());
      *host = std::make_unique<Running<sim::HostServer>>(std::move(*made));
    }
    return {};
  }

  void write_config() const {
    std::ofstream(place_.path() + "/tollgate.toml") << fmt::format(
        "environment = \"demo\"\n[store]\npath = \"{0}/data\"\nwatermark_mb = 256\nwatermark_percent = 0\n"
        "[vault]\nkek_file = \"{0}/kek\"\n[log]\nformat = \"json\"\n[approvals]\nrequired = false\n"
        "[http]\naddress = \"{1}\"\n[metrics]\naddress = \"{2}\"\n"
        "[[listener]]\nname = \"pos\"\naddress = \"{3}\"\ndialect = \"cup\"\nmac = \"required\"\n",
        place_.path(), free_address(8080), free_address(9109), free_address(8583));
  }

  [[nodiscard]] Result<http::ClientResponse> post(const std::string& target, std::string body,
                                                  bool versioned) {
    auto client = http::Client::to("http://" + ports_.http);
    if (!client) return std::unexpected(client.error());
    std::ifstream file(process_->token_file());
    std::string token;
    std::getline(file, token);
    http::ClientRequest request{.method = "POST", .target = target, .headers = {}, .body = std::move(body)};
    request.headers.set("Authorization", "Bearer " + token);
    request.headers.set("Content-Type", "application/json");
    request.headers.set("Idempotency-Key", fmt::format("demo-{}-{}", ::getpid(), ++requests_));
    if (versioned) request.headers.set("If-Match", "*");
    return client->send(request);
  }

  Result<void> apply_estate() {
    const auto estate = demo_estate(options_.terminals, {(*cards_)->address(), (*wallets_)->address()});
    const auto answer = post("/v1/estate", estate, false);
    if (!answer) return std::unexpected(answer.error());
    if (answer->status != 200)
      return fail(ErrorCode::invalid,
                  fmt::format("HTTP {}: {}", answer->status, answer->body.substr(0, 2000)));
    return {};
  }

  Result<void> start_fleet() {
    sim::FleetOptions fleet;
    fleet.target = ports_.pos;
    fleet.terminals = demo_terminals(options_.terminals);
    fleet.tps = options_.tps;
    fleet.timeout = std::chrono::seconds(15);
    fleet.rest = std::chrono::seconds(1);
    fleet.seed = options_.seed;
    auto made = sim::Fleet::make(std::move(fleet));
    if (!made) return std::unexpected(made.error());
    fleet_ = std::make_unique<Running<sim::Fleet>>(std::move(*made));
    return {};
  }

  void introduce() {
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error).string();
    const auto target = fmt::format("--url http://{} --token-file {}", ports_.http, process_->token_file());
    out_ << fmt::format(
        "switch      pid {}, environment demo, in {}{}\n"
        "sample      {}\n"
        "terminals   {} over TCP {}, {} tps: purchase, QR, void, reversal, repeat\n"
        "hosts       cup {}, wallets {}\n"
        "interface   http://{}  metrics http://{}/metrics  token in {}\n"
        "suspend     {} terminals suspend {} --reason device_fault {}\n",
        process_->pid(), place_.path(), place_.kept() ? "" : " (removed at the end)",
        demo_summary(options_.terminals), options_.terminals, ports_.pos, options_.tps, (*cards_)->address(),
        (*wallets_)->address(), ports_.http, ports_.metrics, process_->token_file(), self, chosen_terminal(),
        target);
    if (keys_.listens())
      out_ << "keys        q quit, s suspend that terminal, a activate it again, k kill -9 and recover\n";
    out_.flush();
  }
  // The one that the keys and the introduction name.
  [[nodiscard]] std::string chosen_terminal() const {
    return fmt::format("tid:{}", 10'000'000 + std::min<std::uint32_t>(options_.terminals, 7));
  }

  // One line a second until the time is over, a key says so, or the switch is gone.
  void live() {
    const auto began = SystemClock::now().instant;
    auto tick = began;
    auto next_crash = began + std::chrono::seconds(3);
    while (run_for_ == Duration::zero() || SystemClock::now().instant - began < run_for_) {
      tick = tick + std::chrono::seconds(1);
      for (auto now = SystemClock::now().instant; now < tick; now = SystemClock::now().instant) {
        const char key = keys_.next(tick - now);
        if (key == 'q') return;
        if (key == 's' || key == 'a') order(key == 's' ? "suspend" : "activate");
        if (key == 'k') crash();
      }
      show();
      if (crashes_ < options_.crashes && SystemClock::now().instant >= next_crash) {
        crash();
        next_crash = SystemClock::now().instant + std::chrono::seconds(2);
      }
      if (process_->has_ended()) {
        problems_.emplace_back("the switch ended by itself");
        return;
      }
    }
  }

  void show() {
    const auto report = (*fleet_)->report();
    const auto decided = report.approved + report.declined;
    const auto decided_before = last_.approved + last_.declined;
    const auto now = decided - decided_before;
    const auto approved = report.approved - last_.approved;
    const auto waiting = report.started - std::min(report.started, decided + report.unanswered);
    out_ << fmt::format(
        "{}live        tps {:>4}  approved {:>5.1f} %  p50 {:.1f} ms  p99 {:.1f} ms  in flight {}  total "
        "{}{}",
        live_start(), now, now == 0 ? 0.0 : 100.0 * static_cast<double>(approved) / static_cast<double>(now),
        ms(report, 500'000), ms(report, 990'000), waiting, report.approved, keys_.listens() ? "  " : "\n");
    out_.flush();
    last_ = report;
  }
  [[nodiscard]] std::string_view live_start() const noexcept { return keys_.listens() ? "\r" : ""; }
  static double ms(const sim::FleetReport& report, std::uint32_t per_million) {
    return static_cast<double>(report.latency.percentile(per_million)) / 1e6;
  }

  void order(std::string_view verb) {
    const auto answer = post(fmt::format("/v1/terminals/{}/{}", chosen_terminal(), verb),
                             verb == "suspend" ? R"({"reason":"device_fault","note":"from the demo"})"
                                               : R"({"note":"from the demo"})",
                             true);
    out_ << fmt::format("\n{} {}: {}\n", verb, chosen_terminal(),
                        answer ? fmt::format("HTTP {}", answer->status) : answer.error().text());
  }

  void crash() {
    ++crashes_;
    process_->kill();
    const auto began = SystemClock::now().instant;
    const auto ports = process_->start(kStartPatience);
    const auto took =
        std::chrono::duration_cast<std::chrono::milliseconds>(SystemClock::now().instant - began).count();
    out_ << (keys_.listens() ? "\n" : "") << "kill -9     "
         << (ports ? fmt::format("serves again after {} ms\n", took) : ports.error().text() + "\n");
    if (!ports) problems_.emplace_back("the switch did not start after kill -9");
  }

  int finish() {
    if (keys_.listens()) out_ << '\n';
    fleet_->stop();
    const auto report = (*fleet_)->report();
    const auto code = process_->terminate(kDrainPatience);
    if (!code) {
      problems_.emplace_back("the switch did not drain in time");
      process_->kill();
    } else if (*code != 0) {
      problems_.push_back(fmt::format("the switch ended with {}", *code));
    }
    out_ << fmt::format(
        "totals      approved {}, declined {}, reversed {}, repeated {}, crashes {}; p50 {:.1f} ms, p99 "
        "{:.1f} ms\n",
        report.approved, report.declined, report.reversed, report.repeated, crashes_, ms(report, 500'000),
        ms(report, 990'000));
    if (options_.must_hold) judge(report);
    for (const auto& problem : problems_) out_ << "FAILED      " << problem << '\n';
    if (!problems_.empty()) {
      show_log();
      place_.keep();
      out_ << "kept        " << place_.path() << '\n';
    } else if (options_.must_hold) {
      out_ << "held        approvals flowed, every reply fitted, the switch drained, the books verify\n";
    }
    return problems_.empty() ? 0 : 1;
  }

  void judge(const sim::FleetReport& report) {
    // The mix declines 2 % on purpose; sign-ins count as approvals, so they do not count here.
    const auto sales = report.approved - std::min<std::uint64_t>(report.approved, report.signed_in);
    if (report.signed_in < report.terminals)
      problems_.push_back(fmt::format("{} of {} terminals signed in", report.signed_in, report.terminals));
    if (sales == 0) problems_.emplace_back("nothing was approved");
    if (sales < 4 * report.declined)
      problems_.push_back(fmt::format("{} approved, {} declined", sales, report.declined));
    if (report.wrong_mac != 0)
      problems_.push_back(fmt::format("{} replies with a wrong MAC", report.wrong_mac));
    if (report.faults != 0)
      problems_.push_back(fmt::format("{} replies that do not fit their request", report.faults));
    const auto verify_log = place_.path() + "/verify.log";
    if (const int verified = run_self({"ledger", "verify", "--data", place_.path() + "/data"}, verify_log);
        verified != 0) {
      problems_.push_back(fmt::format("ledger verify ended with {}", verified));
    }
    std::ifstream file(verify_log);
    for (std::string line; std::getline(file, line);) out_ << "verify      " << line << '\n';
  }

  const DemoOptions options_;
  const Duration run_for_;
  std::ostream& out_;
  const Keys keys_;  // first: the threads below inherit which signals are blocked
  Place place_;
  std::unique_ptr<Running<sim::HostServer>> cards_, wallets_;
  std::unique_ptr<SwitchProcess> process_;
  SwitchPorts ports_;
  std::unique_ptr<Running<sim::Fleet>> fleet_;
  sim::FleetReport last_;
  std::vector<std::string> problems_;
  std::uint32_t crashes_ = 0;
  std::uint64_t requests_ = 0;
};

}  // namespace

int run_demo(const DemoOptions& options, std::ostream& out) {
  Duration run_for{};
  if (!options.run_for.empty()) {
    const auto parsed = sim::parse_duration(options.run_for);
    if (!parsed) {
      out << "--for: " << parsed.error().text() << '\n';
      return 2;
    }
    run_for = *parsed;
  }
  if (options.terminals == 0 || options.terminals > kDemoTerminalsMax) {
    out << fmt::format("--terminals: 1 to {}\n", kDemoTerminalsMax);
    return 2;
  }
  return Demo(options, run_for, out).run();
}

namespace {

void add_common(CLI::App& command, DemoOptions& options) {
  command.add_option("--tps", options.tps, "Transactions started a second")->capture_default_str();
  command.add_option("--terminals", options.terminals, "Simulated terminals")->capture_default_str();
  command.add_option("--keep", options.keep, "Directory for store, log and token, which stays");
  command.add_flag("--headless", options.headless, "No keys, a line a second");
  command.add_option("--for", options.run_for, "How long: 20s, 5m; without it until a key or a signal");
  command.add_option("--seed", options.seed, "Of what the terminals do")->capture_default_str();
}

}  // namespace

void add_demo_commands(CLI::App& app) {
  const auto options = std::make_shared<DemoOptions>();
  auto* demo = app.add_subcommand("demo", "Switch, sample estate, simulated hosts and terminals");
  add_common(*demo, *options);
  demo->add_flag("--assert", options->must_hold,
                 "Exit non-zero unless approvals flowed and the ledger verifies");
  auto* chaos =
      demo->add_subcommand("chaos", "The same with kill -9 while it trades, and an audit at the end");
  const auto harsh = std::make_shared<DemoOptions>();
  harsh->headless = harsh->must_hold = true;
  harsh->crashes = 3;
  harsh->run_for = "15s";
  add_common(*chaos, *harsh);
  chaos->add_option("--crashes", harsh->crashes, "How often the switch is killed")->capture_default_str();
  chaos->callback([harsh] { exit_with(run_demo(*harsh, std::cout)); });
  demo->callback([demo, options] {
    if (demo->get_subcommands().empty()) exit_with(run_demo(*options, std::cout));
  });
}

}  // namespace tollgate::cli
