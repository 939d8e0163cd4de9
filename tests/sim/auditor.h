// The independent auditor of the simulation: it sees what crosses the switch's borders (requests and replies
// of terminals, requests to hosts, commands that were answered) and what is durable in the journal, and says
// after every event whether the promises P1 to P6 of the design held. It shares no code with switch/core,
// fees or ledger: replies are read with the codec alone, records are folded here once more, fees are
// recomputed with plain integers, chains with OpenSSL's SHA-256.
//
// Owner: the simulated world. Thread: one. The first violation is kept; the world stops there.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "proto/records.h"
#include "storage/journal.h"
#include "switch/iso/codec.h"
#include "switch/sim/host_books.h"
#include "switch/sim/promise.h"

namespace tollgate::test {

class Auditor {
 public:
  explicit Auditor(std::uint16_t partitions);

  [[nodiscard]] const std::string& violation() const noexcept { return violation_; }
  void violated(std::string_view promise, const std::string& what);

  // What is new in the journal. Call after every append, also after one whose result is unknown.
  void durable(const storage::Journal& journal);
  // The process met an unknown result: nothing may leave it or be appended by it (P6). Then the next process
  // begins.
  void stopped();
  void started(const storage::Journal& journal);

  // Borders. Frames with their length prefix.
  void request(ByteView frame);
  void reply(ByteView frame);
  void host_request(const std::string& host, ByteView frame);

  // P4. A suspend counts from its answer on, until an activation is asked for.
  void terminal_suspended(const std::string& tid) { suspended_.try_emplace(tid, ++event_); }
  void merchant_suspended(const std::string& code) { suspended_.try_emplace(code, ++event_); }
  void activation_asked(const std::string& owner) { suspended_.erase(owner); }

  // P5: what the engine says of its books, at a moment at which everything that it applied is durable.
  struct Books {
    std::uint64_t last = 0;
    std::array<std::uint8_t, 32> chain{};
    std::map<std::string, std::string> balances;  // "2100/…" -> decimal, debit positive
  };
  void compare(std::uint16_t partition, const Books& engine);

  // P3, at the end: every promise of a terminal, every entry of a host.
  void settle_terminal(const std::string& tid, const sim::Promise& promise);
  void settle_host(const std::string& host, const sim::HostBooks& books);
  void settle_owed();

  struct Seen {  // what happened, for the coverage check
    std::uint64_t replies = 0, approvals = 0, repeats_compared = 0, host_requests = 0, host_reversals = 0,
                  entries = 0;
    std::uint64_t volumes_checked = 0, volumes_not_zero = 0;
    std::uint64_t fees_checked = 0, voids = 0, reversed_entries = 0, reversals_settled = 0,
                  refusals_in_suspension = 0;
    std::uint64_t tombstones = 0, late_replies = 0, causes[8] = {}, promises = 0, host_entries = 0;
  };
  [[nodiscard]] const Seen& seen() const noexcept { return seen_; }

 private:
  using Net = std::map<std::string, std::int64_t>;  // account -> minor units, debit positive
  struct Txn {
    std::string tid, merchant, host, transmitted, code;
    std::uint32_t stan = 0, mti = 0, host_stan = 0;
    std::uint64_t rrn = 0, original = 0;
    std::int64_t amount_minor = 0;
    bool intent = false, outcome = false, approved = false, owed = false, settled = false, voided = false;
    int month = 0;                  // of a sale in the volume numbers
    std::int64_t counted = 0;       // what it added to them
    bool took_volume_back = false;  // a void that did
    Net booked, undone;
  };
  struct Request {  // of a terminal, by TID, MTI and STAN
    std::string frame, answer;
    std::size_t variants = 1;
    std::uint64_t arrived = 0;
    bool instant = false, qr = false, a_void = false, financial = false;
    std::int64_t amount_minor = 0;
    std::string pan, wallet;
  };
  struct Partition {
    std::uint64_t groups = 0, entries = 0;
    std::array<std::uint8_t, 32> chain{};
    std::map<std::uint64_t, Txn> txns;
    std::map<std::uint64_t, std::uint64_t> by_rrn;  // RRN -> transaction; 0: it has none
    std::map<std::uint64_t, std::string> codes;     // RRN -> what may be answered under it
    std::map<std::uint64_t, std::pair<std::string, std::string>> terminals;  // id -> TID, merchant
    std::map<std::string, std::uint64_t> intents;                            // TID + STAN -> transaction
    std::set<std::uint64_t> owed;
    Net balances;
    std::map<std::pair<std::string, int>, std::int64_t> volumes;  // merchant, month -> minor units sold
  };

  void fold(Partition& p, std::uint16_t id, const v1::Record& record);
  void fold_intent(Partition& p, const v1::Intent& intent);
  void fold_outcome(Partition& p, std::uint16_t id, const v1::Outcome& outcome);
  void fold_owed(Partition& p, std::uint16_t id, const v1::ReversalOwed& owed);
  void take_rrn(Partition& p, std::uint64_t rrn, std::uint64_t txn, const std::string& code);
  void post(Partition& p, std::uint16_t id, const std::string& bytes, std::uint64_t txn, Net& net);
  void check_prices(const Txn& txn, const v1::Outcome& outcome);
  void count_sale(Partition& p, Txn& txn, const v1::Receipt& receipt);
  void count_again(Partition& p, const Txn& sale, int direction);
  [[nodiscard]] Net prices_of(const Request& request, const std::string& merchant, std::uint64_t txn) const;
  [[nodiscard]] static Net refund_of(const Txn& sale);
  void check_repeat(Request& request, const iso::MessageView& reply, std::string_view code, ByteView frame);
  [[nodiscard]] Partition* of_rrn(std::uint64_t rrn);
  [[nodiscard]] const Txn* find(const std::string& tid, std::uint32_t stan) const;

  std::shared_ptr<const iso::Dialect> cup_, host_dialect_;
  std::vector<Partition> partitions_;
  std::map<std::string, Request> requests_;
  std::map<std::string, std::uint64_t> suspended_;  // TID or merchant code -> event
  std::map<std::string, std::uint64_t> host_keys_;  // host + 7 + 11 + 41 -> RRN
  std::vector<std::uint64_t> heads_at_stop_;
  bool stopped_ = false;
  std::uint64_t event_ = 0;
  Seen seen_;
  std::string violation_;
};

}  // namespace tollgate::test
