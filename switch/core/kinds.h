// The transaction table: what the switch does with each kind of message. A dialect says which wire pattern is which kind; this
// table says what a kind means. A kind that a release does not serve is a row that says so (answered 40), so that adding one
// is adding data. Stored numbers are for ever: the journal holds them.
#pragma once

#include <cstdint>
#include <string_view>

#include "switch/iso/dialect.h"

namespace tollgate::core {

enum class Effect : std::uint8_t {
  none,      // nothing is booked: balance, management
  sale,      // priced and posted when approved
  undo,      // mirrors its original when approved: void
};

struct KindRules {
  iso::Kind kind = iso::Kind::unknown;
  std::uint16_t stored = 0;      // the number in the journal
  bool served = false;
  bool upstream = false;         // asks a host
  bool amount = false;           // field 4 above zero
  bool original = false;         // field 61 names one of this terminal's transactions
  bool instant = false;          // settlement INSTANT
  bool qr = false;               // routed by the code in 59 A3, no card
  Effect effect = Effect::none;
  std::uint16_t host_mti = 0;    // towards iso87 hosts
  std::string_view host_processing;  // field 3 there; empty: as received
  std::string_view label;        // ledger entry type
};

[[nodiscard]] const KindRules& rules_of(iso::Kind kind) noexcept;
[[nodiscard]] const KindRules& rules_of_stored(std::uint32_t stored) noexcept;

}  // namespace tollgate::core
