// Receipts: what was priced, from what, and that it can be proven again (reference "fees", 3.2; promise P9).
// A receipt is the message of fees.proto; with the schedule whose hash it names it recomputes without the
// store. It is written as the bytes that protobuf would write of that message, behind what the writer already
// holds, and allocates nothing once the writer has grown. Reading trusts nothing: a receipt may come from an
// export that somebody edited.
#pragma once

#include <optional>
#include <string>

#include "fees/change.h"
#include "fees/engine.h"
#include "proto/wire.h"

namespace tollgate::v1 {
class Receipt;
}

namespace tollgate::fees {

// What kind of thing a receipt proves; numbers are those of fees.proto.
enum class ReceiptKind : std::uint8_t {
  sale = 1,
  verify,
  decline,
  refund,
  unlinked_refund,
  chargeback,
  representment,
  mirror,
  repriced
};

// Everything that one receipt is written from. `standing` is the sale before the event: refund, mirror,
// repriced.
struct ReceiptInput {
  ReceiptKind kind = ReceiptKind::sale;
  const CompiledSchedule* schedule = nullptr;
  const Event* event = nullptr;
  Volumes volumes;
  Parties parties;
  const Standing* standing = nullptr;
  const Assessment* assessment = nullptr;
};

void write_receipt(const ReceiptInput& input, WireWriter& out);

// A sale, a verification, a decline: the usual case.
void write_receipt(const CompiledSchedule& schedule, const Event& event, const Volumes& volumes,
                   const Parties& parties, const Assessment& assessment, WireWriter& out);

// The facts, date and amounts that a receipt holds; nullopt when they are not what write_receipt writes.
[[nodiscard]] std::optional<Event> event_of(const v1::Receipt& receipt);
// Its volume numbers by component.
[[nodiscard]] std::optional<std::vector<std::int64_t>> volumes_of(const v1::Receipt& receipt);
// What the sale stands for after its own receipt (sale or repriced); folded further with apply_refund.
[[nodiscard]] std::optional<Standing> standing_of(const v1::Receipt& receipt,
                                                  const CompiledSchedule& schedule);
// The lines, splits and totals of the receipt as an Assessment.
[[nodiscard]] std::optional<Assessment> assessment_of(const v1::Receipt& receipt,
                                                      const CompiledSchedule& schedule);

// What the receipt's inputs cost under that schedule, in the receipt's own way (a refund from the standing
// that it holds); nullopt when they are not what a receipt can hold.
[[nodiscard]] std::optional<Assessment> priced_again(const v1::Receipt& receipt,
                                                     const CompiledSchedule& schedule);
// Prices again and compares every integer. Empty: the same. Otherwise the first difference in words:
// "lines/0/amount: 61 in the receipt, 60 recomputed".
[[nodiscard]] std::optional<std::string> recompute(const v1::Receipt& receipt,
                                                   const CompiledSchedule& schedule);

}  // namespace tollgate::fees
