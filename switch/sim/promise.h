// What a simulated terminal is asked to do, what it was promised, and what it thinks of a reply. Plain
// values; the terminal that makes them is in terminal.h.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "switch/base/money.h"
#include "switch/iso/dialect.h"
#include "switch/sim/card.h"

namespace tollgate::sim {

enum class Entry : std::uint8_t { magstripe, chip, contactless, qr };

struct SaleOrder {
  Entry entry = Entry::magstripe;
  Card card;         // not for qr
  std::string code;  // qr only: the payer's code
  Amount amount;
  bool instant = false;          // 280000 instead of 000000
  std::optional<ChipData> chip;  // nullopt: made from TID and STAN
};

enum class PromiseState : std::uint8_t {
  in_flight,
  approved,
  declined,    // any other answer
  unanswered,  // a reversal is owed
  reversed,    // 0410 with 00, 12 or 25
  voided,
};
[[nodiscard]] std::string_view name(PromiseState state) noexcept;

// A financial request and what became of it.
struct Promise {
  iso::Kind kind = iso::Kind::unknown;
  PromiseState state = PromiseState::in_flight;
  Entry entry = Entry::magstripe;
  std::uint32_t batch = 0, stan = 0;
  Amount amount;
  std::string processing_code, entry_mode, field_60;
  Card card;
  ChipData chip;
  std::string rc, rrn, auth_code, date;  // 39, 37, 38, 13 of the reply
  std::uint32_t voids = 0;               // STAN of what this void voids
};

enum class ReplyFault : std::uint8_t {
  none,
  unreadable,  // does not decode, or has no 39
  unexpected,  // nothing is in flight
  wrong_mti,
  wrong_echo,    // 3, 11 or 41 differ; 42 with 39=00; 4 where it is sent
  wrong_mac,     // also: missing with 39=00. The request is over, a reversal with A0 is owed
  bad_keys,      // sign-in: field 62 does not decipher to its check values
  not_the_same,  // a retransmission got other bytes than its first sending
};
[[nodiscard]] std::string_view name(ReplyFault fault) noexcept;

struct Verdict {
  ReplyFault fault = ReplyFault::none;
  std::uint8_t field = 0;    // of a wrong echo
  bool answered = false;     // the request is over
  bool approved = false;     // 00, 10, 11, A2, A4, A5, A6
  std::array<char, 2> rc{};  // field 39, when the reply has one
  char requirement = '0';    // header digit 6: '3' sign in again
  [[nodiscard]] std::string_view code() const noexcept { return {rc.data(), rc[0] == 0 ? 0U : 2U}; }
};

}  // namespace tollgate::sim
