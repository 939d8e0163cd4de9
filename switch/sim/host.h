// A simulated upstream host, without input or output: a request frame in, the reply and how to send it out.
// It decides by its script or the last two digits of the amount (host_script.h), answers a repeat as it
// answered before, acknowledges reversals and network management, and keeps books (host_books.h) that tests
// hold against the switch.
//
// Its dialect is data: iso87-ascii, iso87-bcd or any other that has fields 7, 11, 37, 39, 41 and 90 in their
// ISO places. Owner: HostServer, or a test. Thread: one. No allocation per message while the log is off.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "switch/base/chance.h"
#include "switch/base/result.h"
#include "switch/base/time.h"
#include "switch/iso/codec.h"
#include "switch/sim/host_books.h"
#include "switch/sim/host_script.h"

namespace tollgate::sim {

struct HostOptions {
  std::string dialect = "iso87-ascii";
  Duration timeout = std::chrono::seconds(15);  // the switch's: "late" is twice as long
  Duration latency{};                           // before every answer
  std::uint32_t decline_ppm = 0;                // of what would be approved: declined with 05 instead
  std::uint64_t seed = 1;                       // of those
  std::size_t books_max = 1'000'000;
  std::string issuer = "01020000";  // both halves of field 44
  bool log = false;                 // collect lines for take_log()
};

struct HostStep {
  ByteView reply;  // with its length prefix; valid until the next receive(). Empty: nothing is sent
  int copies = 0;  // 0 to 2
  Duration delay{};
  bool disconnect = false;
};

class SimHost {
 public:
  // Refuses a dialect that does not exist.
  [[nodiscard]] static Result<SimHost> make(HostOptions options, HostScript script);

  // One frame without its prefix.
  [[nodiscard]] HostStep receive(ByteView frame, WallTime now);

  [[nodiscard]] const HostOptions& options() const noexcept { return options_; }
  [[nodiscard]] const iso::Dialect& dialect() const noexcept { return *dialect_; }
  [[nodiscard]] const HostBooks& books() const noexcept { return books_; }
  // Lines since the last call, one JSON object each (README, "The host's log").
  [[nodiscard]] std::string take_log() { return std::exchange(log_, {}); }

 private:
  SimHost(HostOptions options, HostScript script, std::shared_ptr<const iso::Dialect> dialect);
  [[nodiscard]] HostStep on_money(const iso::MessageView& request, WallTime now);
  [[nodiscard]] HostStep on_reversal(const iso::MessageView& request, WallTime now);
  [[nodiscard]] HostStep on_network(const iso::MessageView& request);
  [[nodiscard]] HostEntry book(const iso::MessageView& request, const HostKey& key, HostAnswer& answer);
  [[nodiscard]] HostStep answer_with(const iso::MessageView& request, const HostEntry& entry,
                                     HostAnswer answer, WallTime now);
  [[nodiscard]] HostStep send(const iso::MessageBuilder& reply, const HostAnswer& answer);
  [[nodiscard]] std::string_view settlement_date(WallTime now);
  void log_entry(std::string_view event, const HostEntry& entry, HostAct act, WallTime now);

  HostOptions options_;
  HostScript script_;
  std::shared_ptr<const iso::Dialect> dialect_;
  HostBooks books_;
  SeededChance chance_;
  std::string institutions_, log_;
  std::uint32_t next_auth_ = 1;
  std::int64_t day_ = -1;  // of settlement_date_
  std::array<char, 4> settlement_date_{};
  std::array<std::uint8_t, 2048> frame_{};
};

}  // namespace tollgate::sim
