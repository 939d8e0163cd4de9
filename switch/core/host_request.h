// Messages to hosts from what a terminal sent and what was recorded. Source: contract "Wire", iso87-ascii; ISO 8583:1987.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "switch/core/kinds.h"
#include "switch/core/txn_table.h"
#include "switch/crypto/pin.h"
#include "switch/iso/message.h"

namespace tollgate::core {

struct HostRequest {
  const iso::MessageView& request;   // the terminal's
  const KindRules& rules;
  std::uint64_t rrn = 0;
  std::string_view local;            // hhmmssMMDD
  std::string_view pan;              // empty for wallets
  std::string_view acquirer;
  std::string_view merchant_category;
  const crypto::PinBlock* pin = nullptr;  // under the host's zone key
  std::string_view original_data;    // field 90 of a void; empty otherwise
};
void build_request(const HostRequest& from, iso::MessageBuilder& out);

struct HostReversal {
  const Txn& txn;
  std::string_view pan;
  std::string_view acquirer;
  std::string_view tid, merchant_code;
  std::string_view reason;           // field 39 of a 0400
  std::uint64_t rrn = 0;
};
void build_reversal(const HostReversal& from, iso::MessageBuilder& out);

// Field 90: original MTI, STAN, transmission time, acquirer and forwarder, 42 digits.
[[nodiscard]] std::string original_data(const Txn& original, std::string_view acquirer);

}  // namespace tollgate::core
