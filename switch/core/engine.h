// The engine: the whole brain of one worker, without a socket, a clock or a thread. It owns some partitions (and, on worker 0,
// the house), the protocol of their terminals' connections and of this worker's links to the hosts, and the deadlines. The
// shell feeds it events and calls flush() after each batch of them; whatever it decides leaves through Outside, and only
// after the journal said durable (P1).
//
// Life: construct; recover_house() on worker 0; recover() what else it owns; start(); events; stop by destroying it.
// Thread: one, its worker. Promises: P1-P5, P7 of DESIGN. Nothing here throws; a broken invariant stops the process (CHECK).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "storage/journal.h"
#include "switch/base/chance.h"
#include "switch/base/time.h"
#include "switch/core/commands.h"
#include "switch/core/counters.h"
#include "switch/core/outside.h"
#include "switch/core/reference.h"
#include "switch/iso/dialect.h"

namespace tollgate::core {

class Directory;

struct ListenerConfig {
  std::string name;
  std::shared_ptr<const iso::Dialect> dialect;
  bool mac_required = true;
};

struct EngineConfig {
  std::uint16_t worker = 0;
  std::uint16_t workers = 1;
  std::uint16_t partitions = 4;            // merchant partitions in the store: 1 … n
  std::string environment = "lab";         // lab, demo, production
  std::string acquirer_code = "01020000";  // field 32
  std::string time_zone = "Asia/Shanghai";
  std::int32_t cutoff_s = 23 * 3600;       // local second of day at which the next business date begins
  std::vector<ListenerConfig> listeners;
  std::uint32_t in_flight_max = 4096;      // per partition
  std::uint32_t transactions_max = 1'000'000;  // per partition, kept in memory
  std::uint32_t connection_in_flight_max = 256;  // of one connection in one partition; more are refused
  std::uint32_t connections_max = 10'000;
  std::uint32_t group_bytes_max = 4 << 20; // a partition's group is handed in at this size even while more could gather
  Duration idle_timeout = std::chrono::seconds(3600);
  Duration frame_timeout = std::chrono::seconds(3);
  Duration reversal_retry = std::chrono::seconds(5);
  std::shared_ptr<Directory> directory;    // one for all engines of a process; a lone engine may leave it empty
  std::uint32_t reversals_owed_max = 100'000;  // per partition; above: new requests are refused
  struct TestFlags {                       // negative controls; never set outside tests
    bool answer_before_commit = false;
    bool skip_replay_guard = false;
    bool keep_voided_volume = false;
  } test;
};

struct HostView {
  std::string name;
  std::uint32_t links = 0, links_up = 0, in_flight = 0, max_in_flight = 0;
  std::uint64_t sent = 0, answered = 0, approved = 0, timeouts = 0, late = 0;
  std::string state;  // signed_on, connecting, down
  Duration last_echo_age{};
  Duration p50{}, p99{};
};

class Engine {
 public:
  Engine(EngineConfig config, Outside& outside, Chance& chance, std::shared_ptr<crypto::KeyVault> vault);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Which worker owns a partition, and which partition a merchant lives in. The same on every engine of a process.
  [[nodiscard]] static std::uint16_t worker_of(PartitionId partition, std::uint16_t workers) noexcept;
  [[nodiscard]] static PartitionId partition_of(std::string_view merchant_code, std::uint16_t partitions) noexcept;
  [[nodiscard]] std::vector<PartitionId> owned() const;  // with the house on worker 0

  // Reads snapshot and tail, as the owner with these epochs. The house first, then its reference goes to every engine, then the
  // rest; a partition with an error is left out. Partitions share nothing while they are read: `beside`, where it is given, runs the
  // tasks 0 to count - 1 on any threads, and returns when all are done.
  [[nodiscard]] Result<void> recover_house(Epoch epoch, const storage::Journal& journal);
  struct Ownership {
    PartitionId partition;
    Epoch epoch;
  };
  using Beside = std::function<void(std::size_t count, const std::function<void(std::size_t)>& task)>;
  [[nodiscard]] std::vector<Error> recover(std::span<const Ownership> owned, const storage::Journal& journal, const Beside& beside = {});
  // For an engine by itself: becomes the owner of all that it holds and recovers it.
  [[nodiscard]] Result<void> recover_alone(storage::Journal& journal);
  [[nodiscard]] std::uint64_t replayed_records(PartitionId id) const;  // that recovery read behind the snapshot
  void start(Now now);  // opens links; intents without an outcome become owed reversals
  [[nodiscard]] std::shared_ptr<const Reference> reference() const;
  void on_reference(std::shared_ptr<const Reference> reference, Now now);

  // Terminal side. nullopt: connections_max reached, refuse it. on_terminal_bytes takes whole frames from the front of `bytes`
  // and says how many bytes it consumed; the shell keeps the rest and calls again with more behind it.
  [[nodiscard]] std::optional<ConnRef> on_terminal_open(std::uint16_t listener, Now now);
  [[nodiscard]] std::size_t on_terminal_bytes(const ConnRef& connection, ByteView bytes, Now now);
  void on_terminal_closed(const ConnRef& connection);
  void on_forwarded_frame(const ConnRef& from, std::uint16_t listener, ByteView frame, Now now);

  // Host side.
  void on_link_up(LinkId link, Now now);
  [[nodiscard]] std::size_t on_link_bytes(LinkId link, ByteView bytes, Now now);
  void on_link_down(LinkId link, Now now);

  // Journal side.
  void on_committed(storage::CommitWork&& work, storage::AppendResult result, Now now);

  // Operators.
  void command(Command command, std::uint64_t ticket, Now now);

  // Time: call on_time at or after next_deadline(). flush hands what gathered to the journal; call it after every batch.
  [[nodiscard]] Instant next_deadline() const;
  void on_time(Now now);
  void flush(Now now);

  // Below the free-space watermark: new financial work is refused (96), everything else goes on. From the shell's own look at
  // the disk; a group that the journal refused as full is handed in again.
  void set_storage_full(bool full);
  // No new financial work; what is in flight ends. idle() says when nothing is.
  void drain();
  [[nodiscard]] bool idle() const;

  // Views for the admin interface, as copies; call on the worker's thread.
  [[nodiscard]] std::optional<TerminalView> terminal(ObjectId id) const;
  [[nodiscard]] std::vector<TerminalView> find_terminals(std::string_view tid, std::string_view merchant_code, std::string_view serial) const;
  // Newest first: falling id, below `before` (0: from the newest), at most `limit`. No partition of this worker: none.
  [[nodiscard]] std::vector<TerminalView> terminals(PartitionId partition, ObjectId before, std::size_t limit) const;
  [[nodiscard]] std::map<TerminalState, std::uint64_t> count_terminals() const;
  [[nodiscard]] std::optional<MerchantView> merchant(std::string_view merchant_code) const;
  [[nodiscard]] std::vector<MerchantView> merchants(PartitionId partition, ObjectId before, std::size_t limit) const;
  [[nodiscard]] std::vector<HostView> hosts() const;
  [[nodiscard]] const Counters& counters() const noexcept;

  struct BalanceRow {
    PartitionId partition;
    std::string account;  // "2100/102290058120001"
    std::uint16_t currency = 0;
    std::string balance;  // decimal, debit positive
  };
  [[nodiscard]] std::vector<BalanceRow> balances() const;
  struct LedgerHead {
    PartitionId partition;
    EntrySeq last;
    Digest chain{};
  };
  [[nodiscard]] std::vector<LedgerHead> ledger_heads() const;
  // The state of a partition after its last applied group, for a snapshot; taken when nothing of it waits for the journal.
  [[nodiscard]] std::optional<storage::Snapshot> snapshot(PartitionId partition) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tollgate::core
