// A receipt as a job receives it: written by the product, read from its bytes by protobuf.
#pragma once

#include "fees/receipt.h"
#include "switch/base/check.h"
#include "tollgate/v1/fees.pb.h"

namespace tollgate::fees::testing {

inline v1::Receipt read_back(const WireWriter& bytes) {
  v1::Receipt receipt;
  TG_CHECK(receipt.ParseFromArray(bytes.bytes().data(), static_cast<int>(bytes.size())));
  return receipt;
}

inline v1::Receipt written(const ReceiptInput& input) {
  WireWriter out;
  write_receipt(input, out);
  return read_back(out);
}

inline v1::Receipt written(const CompiledSchedule& schedule, const Event& event, const Assessment& assessment,
                           const Parties& parties = {"term1", "shop1", "agent1"},
                           const Volumes& volumes = {}) {
  WireWriter out;
  write_receipt(schedule, event, volumes, parties, assessment, out);
  return read_back(out);
}

}  // namespace tollgate::fees::testing
