// What the operations interface needs from the process around it: one door for orders, one for reads, one for
// the state of the machine. The shell (switch/net) implements it over workers, engines and the journal; tests
// implement it in memory.
//
// Threads: every function may be called from any thread but a worker's, and may block until the owning worker
// answered (a handler has a thread of its own for that). submit never blocks. Values come back as copies:
// nothing points into an engine.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fees/price_book.h"
#include "proto/records.h"
#include "storage/journal.h"
#include "switch/base/ids.h"
#include "switch/base/time.h"
#include "switch/core/commands.h"

namespace tollgate::admin {

// What does not change while the process lives.
struct Facts {
  std::string version, commit;
  std::string environment = "lab";  // lab, demo, production
  std::string acquirer_code = "01020000";
  std::string time_zone = "Asia/Shanghai";
  std::string config_sha256, store_path;
  std::vector<std::string> dialects;  // that a host or terminal may name
  std::uint16_t workers = 1, partitions = 4;
  WallTime started_at;
  [[nodiscard]] bool lab() const noexcept { return environment == "lab" || environment == "demo"; }
};

// Reference data as the house last made it durable: core::Reference without what is compiled for speed.
// Immutable; the shell makes one per version and shares it.
struct ReferenceData {
  std::uint64_t version = 0;
  std::vector<v1::Host> hosts;
  std::vector<v1::Route> routes;
  std::vector<v1::CardRange> cards;
  std::vector<v1::Device> devices;       // by rising serial number
  std::vector<v1::TokenCreated> tokens;  // not revoked
  std::shared_ptr<const fees::PriceBook> prices;  // null: nothing was ever published
};

struct HostStatus {         // of one host, summed over workers; round trips are the slowest worker's
  std::string name, state;  // signed_on, connecting, down
  std::uint32_t links = 0, links_up = 0, in_flight = 0, max_in_flight = 0;
  std::uint64_t sent = 0, answered = 0, approved = 0, timeouts = 0, late = 0;
  Duration last_echo_age{}, p50{}, p99{};
};

struct BalanceRow {
  PartitionId partition;
  std::string account;  // "2100/102290058120001"
  std::uint16_t currency = 0;
  std::string balance;  // decimal, debit positive
};

struct LedgerHead {  // where the entries of a partition end
  PartitionId partition;
  EntrySeq last;
  Digest chain{};
};

struct HealthCheck {
  std::string name;  // "storage", "hosts", "disk"
  bool ok = true;
  std::string detail;  // "2/2", "4% free"
};

enum class Mode : std::uint8_t { normal, draining, safe };

struct WorkerStatus {
  std::uint16_t worker = 0;
  std::vector<PartitionId> partitions;
  std::uint32_t connections = 0, in_flight = 0, queue_depth = 0;
};

struct MachineStatus {
  std::vector<WorkerStatus> workers;
  std::uint64_t storage_free_bytes = 0, storage_used_bytes = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;

  [[nodiscard]] virtual const Facts& facts() const noexcept = 0;
  [[nodiscard]] virtual Now now() const noexcept = 0;
  [[nodiscard]] virtual Mode mode() const noexcept = 0;

  // `done` is called exactly once, on any thread, when what it tells is durable and in force; with problem
  // "not_ready" when the owner takes no orders now. It must return soon.
  using Done = std::function<void(core::CommandResult&&)>;
  virtual void submit(core::Command&& command, Done done) = 0;

  // ---- reads of engines. Lists are newest first: falling id, strictly below `before` (0: from the newest),
  // at most `limit` ----
  [[nodiscard]] virtual std::shared_ptr<const ReferenceData> reference()
      const = 0;  // never null, never blocks
  [[nodiscard]] virtual std::optional<core::TerminalView> terminal(ObjectId id) const = 0;
  // Empty arguments match everything; at least one is given. A serial number or a bare TID is looked for in
  // every partition.
  [[nodiscard]] virtual std::vector<core::TerminalView> find_terminals(std::string_view tid,
                                                                       std::string_view merchant_code,
                                                                       std::string_view serial) const = 0;
  [[nodiscard]] virtual std::vector<core::TerminalView> terminals(PartitionId partition, ObjectId before,
                                                                  std::size_t limit) const = 0;
  [[nodiscard]] virtual std::optional<core::MerchantView> merchant(std::string_view merchant_code) const = 0;
  [[nodiscard]] virtual std::vector<core::MerchantView> merchants(PartitionId partition, ObjectId before,
                                                                  std::size_t limit) const = 0;
  [[nodiscard]] virtual PartitionId partition_of(std::string_view merchant_code) const noexcept = 0;
  [[nodiscard]] virtual std::vector<HostStatus> hosts() const = 0;
  [[nodiscard]] virtual std::vector<BalanceRow> balances() const = 0;
  [[nodiscard]] virtual std::vector<LedgerHead> ledger_heads()
      const = 0;  // of every merchant partition, ascending

  // ---- durable records ----
  [[nodiscard]] virtual const storage::Journal& journal() const noexcept = 0;
  // The first commit group of the partition that may hold records of this transaction, when an index knows
  // it; records that follow (its outcome, its reversal) lie at the given groups, ascending. nullopt: not
  // indexed; the journal is searched.
  [[nodiscard]] virtual std::optional<std::vector<GroupNo>> groups_of(TxnId /*txn*/) const {
    return std::nullopt;
  }

  // ---- the machine ----
  [[nodiscard]] virtual bool alive() const = 0;  // every event loop answered within 1 s
  [[nodiscard]] virtual std::vector<HealthCheck> readiness() const = 0;
  [[nodiscard]] virtual MachineStatus machine() const = 0;
  [[nodiscard]] virtual std::string metrics() const = 0;  // Prometheus text 0.0.4
};

}  // namespace tollgate::admin
