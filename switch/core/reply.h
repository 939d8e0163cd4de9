// Answers to terminals. An answer is a function of the request and of what was recorded, so that a repeat after a crash gets
// the same bytes (P2): nothing here reads a clock or a counter.
//
// Extras are the fields of an approval that come from the host or the switch and are kept with the transaction: field number,
// length (2 bytes), value, repeated; in canonical form. Card numbers are never among them: field 2 is taken from the request.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "switch/base/bytes.h"
#include "switch/base/short_list.h"
#include "switch/crypto/mac.h"
#include "switch/iso/codec.h"

namespace tollgate::core {

struct Extra {
  int field = 0;
  std::string_view value;  // empty: left out
};
void set_extras(ShortList<char>& extras, std::span<const Extra> fields);
// The value of a field among the extras; empty when it is not there.
[[nodiscard]] std::string_view extra(std::string_view extras, int field) noexcept;

struct Reply {
  const iso::KindRow* row = nullptr;  // nullptr: the message was not understood; a bare refusal
  std::string_view code;              // field 39
  std::uint64_t rrn = 0;
  std::string_view local;             // hhmmssMMDD: fields 12 and 13
  std::string_view auth_code;
  std::string_view extras;
  std::string_view acquirer;          // field 32
  std::string_view pan;               // field 2, where it may be told; empty: not told
  std::optional<std::uint64_t> amount_minor;  // field 4, where it differs from the request's
  std::optional<std::uint32_t> batch;         // field 60.2 of a sign-in reply
  ByteView keys;                      // field 62 of a sign-in reply
  char requirement = '0';             // header digit 6
  const crypto::MacKey* mac = nullptr;  // for an approval that carries one
};

[[nodiscard]] bool approves(std::string_view code) noexcept;  // codes whose reply carries a MAC (cup dialect, section 5)

// The whole frame, length prefix included, into out. Stops the process when it does not fit: a reply of ours always does.
[[nodiscard]] ByteView encode_reply(const iso::Dialect& dialect, const iso::MessageView& request, const Reply& reply, MutableBytes out);

// The card number of a request: field 2, else the digits of track 2 or 3 before the separator; empty when there is none.
// Written into `out` (19 bytes at least).
[[nodiscard]] std::string_view pan_of(const iso::MessageView& request, std::span<char> out) noexcept;

}  // namespace tollgate::core
