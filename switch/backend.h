// The process as the operations interface sees it (switch/admin/backend.h), over a cluster and its journal.
// It asks the worker that owns an object and hands out copies; a worker that does not answer in time shows as
// absent.
//
// Owner: the composition root. Thread: any but a worker's. Lives shorter than the cluster.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "switch/admin/backend.h"
#include "switch/net/cluster.h"

namespace tollgate {

class MetricsPage;

class SwitchBackend final : public admin::Backend {
 public:
  // journal: what `journal()` shows; broken: why nothing is appended any more, "" while all is well.
  struct Doors {
    net::Cluster& cluster;
    const storage::Journal& journal;
    const MetricsPage& metrics;
    std::function<std::string()> broken;
  };
  SwitchBackend(Doors doors, admin::Facts facts);

  // Called by the cluster when new reference data is everywhere, and once before the interface opens.
  void set_reference(const core::Reference& reference);

  [[nodiscard]] const admin::Facts& facts() const noexcept override { return facts_; }
  [[nodiscard]] Now now() const noexcept override { return SystemClock::now(); }
  [[nodiscard]] admin::Mode mode() const noexcept override;
  void submit(core::Command&& command, Done done) override;
  [[nodiscard]] std::shared_ptr<const admin::ReferenceData> reference() const override;
  [[nodiscard]] std::optional<core::TerminalView> terminal(ObjectId id) const override;
  [[nodiscard]] std::vector<core::TerminalView> find_terminals(std::string_view tid,
                                                               std::string_view merchant_code,
                                                               std::string_view serial) const override;
  [[nodiscard]] std::vector<core::TerminalView> terminals(PartitionId partition, ObjectId before,
                                                          std::size_t limit) const override;
  [[nodiscard]] std::optional<core::MerchantView> merchant(std::string_view merchant_code) const override;
  [[nodiscard]] std::vector<core::MerchantView> merchants(PartitionId partition, ObjectId before,
                                                          std::size_t limit) const override;
  [[nodiscard]] PartitionId partition_of(std::string_view merchant_code) const noexcept override;
  [[nodiscard]] std::vector<admin::HostStatus> hosts() const override;
  [[nodiscard]] std::vector<admin::BalanceRow> balances() const override;
  [[nodiscard]] std::vector<admin::LedgerHead> ledger_heads() const override;
  [[nodiscard]] const storage::Journal& journal() const noexcept override { return doors_.journal; }
  [[nodiscard]] bool alive() const override;
  [[nodiscard]] std::vector<admin::HealthCheck> readiness() const override;
  [[nodiscard]] admin::MachineStatus machine() const override;
  [[nodiscard]] std::string metrics() const override;

 private:
  [[nodiscard]] std::uint16_t worker_of(PartitionId partition) const noexcept;

  Doors doors_;
  admin::Facts facts_;
  mutable std::mutex mutex_;
  std::shared_ptr<const admin::ReferenceData> reference_;
};

}  // namespace tollgate
