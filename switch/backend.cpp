#include "switch/backend.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "switch/metrics_page.h"

namespace tollgate {

using net::ClusterState;

SwitchBackend::SwitchBackend(Doors doors, admin::Facts facts)
    : doors_(std::move(doors)),
      facts_(std::move(facts)),
      reference_(std::make_shared<const admin::ReferenceData>()) {}

void SwitchBackend::set_reference(const core::Reference& reference) {
  auto data = std::make_shared<admin::ReferenceData>();
  data->version = reference.version();
  for (const auto& entry : reference.hosts()) data->hosts.push_back(entry.host);
  data->routes = reference.routes();
  data->cards = reference.cards();
  data->devices = reference.devices();
  data->tokens = reference.tokens();
  data->prices = reference.prices_ptr();
  const std::lock_guard lock(mutex_);
  if (data->version >= reference_->version) reference_ = std::move(data);
}

std::shared_ptr<const admin::ReferenceData> SwitchBackend::reference() const {
  const std::lock_guard lock(mutex_);
  return reference_;
}

admin::Mode SwitchBackend::mode() const noexcept {
  switch (doors_.cluster.state()) {
    case ClusterState::safe_mode:
      return admin::Mode::safe;
    case ClusterState::draining:
    case ClusterState::stopped:
    case ClusterState::failed:
      return admin::Mode::draining;
    default:
      return admin::Mode::normal;
  }
}

void SwitchBackend::submit(core::Command&& command, Done done) {
  doors_.cluster.submit(std::move(command), std::move(done));
}

std::uint16_t SwitchBackend::worker_of(PartitionId partition) const noexcept {
  return core::Engine::worker_of(partition, doors_.cluster.workers());
}

PartitionId SwitchBackend::partition_of(std::string_view merchant_code) const noexcept {
  return core::Engine::partition_of(merchant_code, doors_.cluster.partitions());
}

// ---- views
// -----------------------------------------------------------------------------------------------------------

std::optional<core::TerminalView> SwitchBackend::terminal(ObjectId id) const {
  if (id.partition().value > doors_.cluster.partitions()) return std::nullopt;
  auto view = doors_.cluster.ask(worker_of(id.partition()),
                                 [id](core::Engine& engine) { return engine.terminal(id); });
  return view ? std::move(*view) : std::nullopt;
}

std::vector<core::TerminalView> SwitchBackend::find_terminals(std::string_view tid,
                                                              std::string_view merchant_code,
                                                              std::string_view serial) const {
  std::vector<core::TerminalView> found;
  for (std::uint16_t w = 0; w < doors_.cluster.workers(); ++w) {
    if (!merchant_code.empty() && w != worker_of(partition_of(merchant_code))) continue;
    auto part = doors_.cluster.ask(
        w, [tid = std::string(tid), code = std::string(merchant_code),
            sn = std::string(serial)](core::Engine& engine) { return engine.find_terminals(tid, code, sn); });
    if (part) std::ranges::move(*part, std::back_inserter(found));
  }
  return found;
}

std::vector<core::TerminalView> SwitchBackend::terminals(PartitionId partition, ObjectId before,
                                                         std::size_t limit) const {
  auto views = doors_.cluster.ask(worker_of(partition), [=](core::Engine& engine) {
    return engine.terminals(partition, before, limit);
  });
  return views ? std::move(*views) : std::vector<core::TerminalView>{};
}

std::optional<core::MerchantView> SwitchBackend::merchant(std::string_view merchant_code) const {
  auto view = doors_.cluster.ask(
      worker_of(partition_of(merchant_code)),
      [code = std::string(merchant_code)](core::Engine& engine) { return engine.merchant(code); });
  return view ? std::move(*view) : std::nullopt;
}

std::vector<core::MerchantView> SwitchBackend::merchants(PartitionId partition, ObjectId before,
                                                         std::size_t limit) const {
  auto views = doors_.cluster.ask(worker_of(partition), [=](core::Engine& engine) {
    return engine.merchants(partition, before, limit);
  });
  return views ? std::move(*views) : std::vector<core::MerchantView>{};
}

std::vector<admin::HostStatus> SwitchBackend::hosts() const {
  std::map<std::string, admin::HostStatus> sum;
  for (std::uint16_t w = 0; w < doors_.cluster.workers(); ++w) {
    const auto part = doors_.cluster.ask(w, [](core::Engine& engine) { return engine.hosts(); });
    if (!part) continue;
    for (const auto& one : *part) {
      auto& host = sum[one.name];
      const bool better = host.name.empty() || one.state == "signed_on" || host.state == "down";
      host.name = one.name;
      if (better) host.state = one.state;
      host.links += one.links;
      host.links_up += one.links_up;
      host.in_flight += one.in_flight;
      host.max_in_flight += one.max_in_flight;
      host.sent += one.sent;
      host.answered += one.answered;
      host.approved += one.approved;
      host.timeouts += one.timeouts;
      host.late += one.late;
      host.last_echo_age = std::max(host.last_echo_age, one.last_echo_age);
      host.p50 = std::max(host.p50, one.p50);
      host.p99 = std::max(host.p99, one.p99);
    }
  }
  std::vector<admin::HostStatus> all;
  for (auto& [name, host] : sum) all.push_back(std::move(host));
  return all;
}

std::vector<admin::BalanceRow> SwitchBackend::balances() const {
  std::vector<admin::BalanceRow> rows;
  for (std::uint16_t w = 0; w < doors_.cluster.workers(); ++w) {
    const auto part = doors_.cluster.ask(w, [](core::Engine& engine) { return engine.balances(); });
    if (!part) continue;
    for (const auto& row : *part) rows.push_back({row.partition, row.account, row.currency, row.balance});
  }
  return rows;
}

std::vector<admin::LedgerHead> SwitchBackend::ledger_heads() const {
  std::vector<admin::LedgerHead> heads;
  for (std::uint16_t w = 0; w < doors_.cluster.workers(); ++w) {
    const auto part = doors_.cluster.ask(w, [](core::Engine& engine) { return engine.ledger_heads(); });
    if (!part) continue;
    for (const auto& head : *part) heads.push_back({head.partition, head.last, head.chain});
  }
  std::ranges::sort(heads, {}, &admin::LedgerHead::partition);
  return heads;
}

// ---- the machine
// -----------------------------------------------------------------------------------------------------

bool SwitchBackend::alive() const {
  const auto until = SystemClock::now().instant + std::chrono::seconds(1);
  for (std::uint16_t w = 0; w < doors_.cluster.workers(); ++w) {
    const auto left = std::max(until - SystemClock::now().instant, Duration::zero());
    if (!doors_.cluster.ask(
            w, [](core::Engine&) { return true; }, left))
      return false;
  }
  return true;
}

std::vector<admin::HealthCheck> SwitchBackend::readiness() const {
  std::vector<admin::HealthCheck> checks;
  const auto state = doors_.cluster.state();
  checks.push_back({"serving", state == ClusterState::serving, std::string(net::name(state))});
  const auto broken = doors_.broken ? doors_.broken() : std::string();
  checks.push_back({"storage", broken.empty(), broken});
  checks.push_back(
      {"disk", !doors_.journal.space_low(), doors_.journal.space_low() ? "below the watermark" : ""});
  const auto all = hosts();
  const auto up = std::ranges::count_if(all, [](const auto& host) { return host.links_up > 0; });
  // A switch without hosts is ready to be told of some; one whose hosts are all gone is not ready.
  checks.push_back({"hosts", all.empty() || up > 0, std::to_string(up) + "/" + std::to_string(all.size())});
  return checks;
}

admin::MachineStatus SwitchBackend::machine() const {
  admin::MachineStatus status;
  for (std::uint16_t w = 0; w < doors_.cluster.workers(); ++w) {
    const auto part = doors_.cluster.ask(w, [](core::Engine& engine) {
      admin::WorkerStatus worker;
      worker.partitions = engine.owned();
      worker.connections = engine.counters().connections;
      worker.in_flight = engine.counters().in_flight;
      return worker;
    });
    status.workers.push_back(part ? *part : admin::WorkerStatus{});
    status.workers.back().worker = w;
    status.workers.back().queue_depth = doors_.cluster.queue_depth(w);
  }
  struct statvfs space {};
  if (::statvfs(facts_.store_path.c_str(), &space) == 0)
    status.storage_free_bytes = std::uint64_t{space.f_bavail} * space.f_frsize;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator at(facts_.store_path, error), end; !error && at != end;
       at.increment(error)) {
    std::error_code gone;  // a file that RocksDB just deleted counts nothing
    const auto size = at->is_regular_file(gone) ? at->file_size(gone) : 0;
    if (!gone) status.storage_used_bytes += size;
  }
  return status;
}

std::string SwitchBackend::metrics() const {
  return doors_.metrics.render(doors_.cluster);
}

}  // namespace tollgate
