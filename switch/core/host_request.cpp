#include "switch/core/host_request.h"

#include <fmt/format.h>

namespace tollgate::core {

std::string original_data(const Txn& original, std::string_view acquirer) {
  return fmt::format("{:04x}{:06}{:0>10}{:0>11}{:011}", rules_of(original.kind).host_mti, original.host_stan, original.transmitted.view(), acquirer, 0);
}

void build_request(const HostRequest& from, iso::MessageBuilder& out) {
  const auto& request = from.request;
  out.reset();
  out.set_mti({from.rules.host_mti});
  if (!from.pan.empty()) out.set_copy(2, from.pan);
  if (from.rules.host_processing.empty())
    out.copy(3, request);
  else
    out.set(3, from.rules.host_processing);
  out.copy(4, request);
  out.set(12, from.local.substr(0, 6));
  out.set(13, from.local.substr(6, 4));
  out.set(18, from.merchant_category);
  for (const int field : {14, 22, 23, 25, 26, 35, 36, 38, 41, 42, 49, 53, 55}) out.copy(field, request);
  out.set(32, from.acquirer);
  out.set_number(37, from.rrn, 12);
  if (from.pin != nullptr) out.set(52, ByteView(from.pin->reveal()));
  if (from.rules.qr) out.copy(59, request);  // the payer's code, as the terminal read it
  if (!from.original_data.empty()) out.set(90, from.original_data);
}

void build_reversal(const HostReversal& from, iso::MessageBuilder& out) {
  const auto& txn = from.txn;
  out.reset();
  out.set_mti({0x0400});
  if (!from.pan.empty()) out.set_copy(2, from.pan);
  out.set(3, rules_of(txn.kind).host_processing);
  if (txn.amount_minor > 0) out.set_number(4, static_cast<std::uint64_t>(txn.amount_minor), 12);
  out.set(12, txn.local.view().substr(0, 6));
  out.set(13, txn.local.view().substr(6, 4));
  out.set(32, from.acquirer);
  out.set_number(37, from.rrn, 12);
  out.set(39, from.reason);
  out.set_copy(41, from.tid);
  out.set_copy(42, from.merchant_code);
  out.set_number(49, txn.currency, 3);
  out.set_copy(90, original_data(txn, from.acquirer));
}

}  // namespace tollgate::core
