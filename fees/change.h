// What later events do to a sale: refund, void and reversal, partial reversal, chargeback (reference
// "fees", 3.3). A Standing is what a sale still stands for; each function works out one change as an
// Assessment with signed amounts and touches nothing; apply folds a change into the Standing. Giving back
// goes through T alone, so a full refund by any path returns the whole fee. Pure; no I/O, any thread. Whoever
// keeps a Standing owns it; it can be folded again from receipts (receipt.h).
#pragma once

#include <cstdint>
#include <vector>

#include "fees/engine.h"

namespace tollgate::fees {

struct Standing {
  struct Fee {
    std::uint16_t component = 0;
    std::uint16_t account = 0;
    std::int64_t base_minor = 0;  // what its volume counter holds of this sale
    std::int64_t amount_minor = 0;
    std::int64_t returned_minor = 0;
  };
  struct Shared {
    std::uint16_t split = 0;
    std::int64_t of_minor = 0, of_returned_minor = 0;
    std::int64_t house_minor = 0, house_returned_minor = 0;
    std::vector<std::int64_t> party_minor, party_returned_minor;
  };
  std::int64_t amount_minor = 0;
  std::int64_t refunded_minor = 0;
  std::int64_t disputed_minor = 0;  // open chargebacks
  std::vector<Fee> fees;            // priced lines, also of zero
  std::vector<Shared> splits;
  std::int64_t taxable_minor = 0, tax_minor = 0;
  std::int64_t taxable_returned_minor = 0, tax_returned_minor = 0;

  [[nodiscard]] std::int64_t left_minor() const noexcept {
    return amount_minor - refunded_minor - disputed_minor;
  }
};

// The state after a sale or completion.
[[nodiscard]] Standing standing_of(const Assessment& sale, std::int64_t amount_minor);

// The refund of event.amount_minor (> 0, at most what is left): RETURNED lines that are not zero, then the
// REFUND components of event, whose facts are those of the sale overlaid by its own. gross and merchant_net
// carry the amount.
void refund(const CompiledSchedule& schedule, const Standing& sale, const Event& event,
            const Volumes& volumes, Assessment& out);
// A refund without an original: nothing comes back, REFUND components are priced.
void refund_unlinked(const CompiledSchedule& schedule, const Event& event, const Volumes& volumes,
                     Assessment& out) noexcept;

// Void and reversal: all that stands, with the sign turned; lines that are not zero, flag MIRROR. Never
// recomputed.
void mirror(const CompiledSchedule& schedule, const Standing& sale, Assessment& out);

// Partial reversal: `stored` is the event of the sale with its own date, time, facts, tip, cashback and
// `volumes`, and the replacement as its amount. `fresh` is the sale as it stands from now on, `out` the
// difference, flag REPRICED.
void reprice(const CompiledSchedule& schedule, const Standing& sale, const Event& stored,
             const Volumes& volumes, Assessment& fresh, Assessment& out);

// What of a line of `whole_minor` is given back by the sale's refunds so far, by the component's policy.
[[nodiscard]] std::int64_t given_back(const CompiledSchedule& schedule, std::uint16_t component,
                                      std::int64_t whole_minor, const Standing& sale) noexcept;

// The amount back, the fees kept, CHARGEBACK components of event priced.
void chargeback(const CompiledSchedule& schedule, const Event& event, const Volumes& volumes,
                Assessment& out) noexcept;
// The amount of a lost chargeback returned once; fees stay.
void representment(std::int64_t amount_minor, Assessment& out) noexcept;
// Takes back any booked change, as its mirror.
void negate(const Assessment& change, Assessment& out) noexcept;

// Folds refund's RETURNED lines, splits and tax into the sale. direction −1 takes the refund back.
void apply_refund(const CompiledSchedule& schedule, const Assessment& change, std::int64_t amount_minor,
                  int direction, Standing& sale);
// After a partial reversal: the new sale replaces the old one.
void apply_reprice(const Assessment& fresh, std::int64_t amount_minor, Standing& sale);

}  // namespace tollgate::fees
