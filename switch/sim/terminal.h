// A simulated CUP terminal, without input or output: it builds request frames, checks replies by the rules
// that real terminals follow (cup-dialect 10), and keeps a journal of what it was promised, which tests
// compare with the books of the switch. Keys, batch and clock come from its sign-in; the STAN is its own.
//
// One request is in flight at a time, as on the counter. A request that cannot be made now (another in
// flight, not signed in, a reversal owed, STANs of the batch used up) is an empty view. Owner: whoever drives
// it. Thread: one. It speaks with published test keys in clear and is for lab, demo and tests only.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "switch/crypto/keys.h"
#include "switch/iso/codec.h"
#include "switch/sim/promise.h"

namespace tollgate::sim {

struct TerminalConfig {
  std::string tid;                  // 8 characters
  std::string merchant_code;        // 15 characters
  std::string tmk;                  // 32 hex characters
  std::string serial;               // 62 of the sign-in; empty: no field 62
  std::string licence = "3060";     // before the serial
  std::string operator_id = "01 ";  // 63 of sign-in, sale and void; empty: no field 63
  std::string tpdu = "6000030000";
  std::string pin_max = "06";     // field 26
  std::string capability;         // 60.4 to 60.6 of a magstripe sale ("500"); empty: field 60 ends after 60.3
  std::string year = "26";        // the sign-in reply has no year; chip data wants one
  std::size_t journal_max = 256;  // promises remembered; the oldest is forgotten first
};

class SimTerminal {
 public:
  // Refuses names of another length and a TMK that is not 16 bytes of hex.
  [[nodiscard]] static Result<SimTerminal> make(TerminalConfig config);

  // Each returns a whole frame, length prefix included, valid until the next request.
  [[nodiscard]] ByteView sign_in(crypto::SignInScheme scheme = crypto::SignInScheme::double_003);
  [[nodiscard]] ByteView sign_out();
  [[nodiscard]] ByteView echo();
  [[nodiscard]] ByteView sale(const SaleOrder& order);
  [[nodiscard]] ByteView balance(const Card& card);
  // Of the approved sale with this STAN in the journal.
  [[nodiscard]] ByteView void_sale(std::uint32_t stan);
  // Field 39=09: asks for the outcome of the QR sale with this STAN.
  [[nodiscard]] ByteView qr_query(std::uint32_t stan);
  // What is owed after no_answer() (98), a wrong MAC (A0) or by choice (06, 96).
  [[nodiscard]] ByteView reversal();
  // The last request once more, byte by byte.
  [[nodiscard]] ByteView retransmit();

  // One frame without its prefix. Faults but wrong_mac and bad_keys leave the request in flight: a terminal
  // waits on.
  [[nodiscard]] Verdict receive(ByteView frame);
  // The wait is over. Kinds that can be reversed owe a reversal now; an unanswered reversal is owed still.
  void no_answer(std::string_view reason = "98");
  // What was built is not sent: its STAN is free again. For load generators, which take it as a pattern.
  void withdraw();

  [[nodiscard]] const TerminalConfig& config() const noexcept { return config_; }
  [[nodiscard]] TerminalConfig& config() noexcept { return config_; }
  [[nodiscard]] bool signed_in() const noexcept { return keys_.has_value(); }
  [[nodiscard]] bool busy() const noexcept { return in_flight_ != iso::Kind::unknown; }
  [[nodiscard]] bool owes_reversal() const noexcept { return owed_.has_value(); }
  [[nodiscard]] iso::Kind in_flight() const noexcept { return in_flight_; }
  // Of the last request, answered or not.
  [[nodiscard]] iso::Kind last_kind() const noexcept { return last_kind_; }
  // What the last request is about: its own promise, or the original that it reverses; nullptr for
  // management.
  [[nodiscard]] const Promise* last_promise() const noexcept;
  [[nodiscard]] std::uint32_t batch() const noexcept { return batch_; }
  [[nodiscard]] std::uint32_t last_stan() const noexcept { return next_stan_ - 1; }
  void set_next_stan(std::uint32_t stan) noexcept { next_stan_ = stan; }
  [[nodiscard]] const crypto::WorkingKeys* keys() const noexcept { return keys_ ? &*keys_ : nullptr; }
  [[nodiscard]] const std::deque<Promise>& journal() const noexcept { return journal_; }
  // The newest approved sale that was neither voided nor reversed; nullptr when there is none.
  [[nodiscard]] const Promise* voidable() const noexcept;

 private:
  struct Owed {
    Promise original;
    std::string reason;
  };

  SimTerminal(TerminalConfig config, crypto::Tmk tmk);
  [[nodiscard]] bool may_start(bool online) const noexcept;
  void begin(iso::MessageBuilder& message, iso::Mti mti, bool chip = false) const;
  ByteView finish(const iso::MessageBuilder& message, iso::Kind kind, bool mac);
  ByteView management(iso::Mti mti, iso::Kind kind, std::string_view management_code);
  // What every financial request has: 3 4 11 22 25 41 42 49 60; the promise goes into the journal.
  void put_common(iso::MessageBuilder& message, const Promise& promise) const;
  void put_card(iso::MessageBuilder& message, const Promise& promise, bool whole) const;
  [[nodiscard]] bool put_pin(iso::MessageBuilder& message, const Card& card) const;
  void remember(Promise promise);
  [[nodiscard]] Promise* find(std::uint32_t batch, std::uint32_t stan, bool a_void) noexcept;
  [[nodiscard]] Verdict check(const iso::MessageView& reply, Verdict verdict) const;
  [[nodiscard]] bool mac_holds(const iso::MessageView& reply) const noexcept;
  void settle(const iso::MessageView& reply, const Verdict& verdict);
  void settle_reversal(const Verdict& verdict);
  [[nodiscard]] bool accept_keys(const iso::MessageView& reply);

  TerminalConfig config_;
  crypto::Tmk tmk_;
  std::shared_ptr<const iso::Dialect> dialect_;
  Bytes tpdu_;
  std::optional<crypto::WorkingKeys> keys_;
  crypto::SignInScheme scheme_ = crypto::SignInScheme::double_003;
  std::uint32_t batch_ = 1, next_stan_ = 1;
  std::string date_;  // MMDD of the switch
  std::array<std::uint8_t, 1024> frame_{};
  std::size_t frame_size_ = 0;
  Bytes last_reply_;  // of frame_, once it was answered
  iso::Kind in_flight_ = iso::Kind::unknown, last_kind_ = iso::Kind::unknown;
  bool mac_expected_ = false;
  std::optional<Owed> owed_;
  std::optional<Promise> undoing_;  // the original of the last reversal
  std::deque<Promise> journal_;
};

}  // namespace tollgate::sim
