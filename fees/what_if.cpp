#include "fees/what_if.h"

#include <algorithm>

#include "fees/change.h"
#include "tollgate/v1/fees.pb.h"

namespace tollgate::fees {
namespace {

// Volumes by component of the candidate, matched by id: an id is the key of its counter.
std::vector<std::int64_t> renumbered(const std::vector<std::int64_t>& numbers, const CompiledSchedule& own,
                                     const CompiledSchedule& candidate) {
  if (numbers.empty()) return {};
  const auto& to = candidate.text().components;
  std::vector<std::int64_t> out(to.size(), 0);
  for (std::size_t i = 0; i < std::min(numbers.size(), own.text().components.size()); ++i) {
    const auto it = std::ranges::find(to, own.text().components[i].id, &Component::id);
    if (it != to.end()) out[static_cast<std::size_t>(it - to.begin())] = numbers[i];
  }
  return out;
}

struct Inputs {
  Event event;
  std::vector<std::int64_t> numbers;
};
std::optional<Inputs> inputs_of(const v1::Receipt& receipt, const CompiledSchedule& own,
                                const CompiledSchedule& candidate) {
  const auto event = event_of(receipt);
  const auto numbers = volumes_of(receipt);
  if (!event || !numbers) return std::nullopt;
  return Inputs{*event, renumbered(*numbers, own, candidate)};
}

// The sale under the candidate, with `refunded` of it given back already. Giving back in one step or in many
// is the same.
std::optional<Standing> standing_before(const v1::ReceiptStanding& stood, const CompiledSchedule& candidate,
                                        const PastSale& sale) {
  Event event = sale.event;
  event.kind = PricedEvent::sale;
  event.amount_minor = stood.amount_minor();
  if (event.amount_minor < event.tip_minor + event.cashback_minor || event.amount_minor < 0 ||
      event.amount_minor > kAmountMax || stood.refunded_minor() < 0 ||
      stood.refunded_minor() > event.amount_minor)
    return std::nullopt;
  Assessment priced;
  assess(candidate, event, {sale.numbers}, priced);
  Standing standing = standing_of(priced, event.amount_minor);
  if (stood.refunded_minor() > 0) {
    event.kind = PricedEvent::refund;
    event.amount_minor = stood.refunded_minor();
    event.tip_minor = event.cashback_minor = 0;
    Assessment back;
    refund(candidate, standing, event, {sale.numbers}, back);
    apply_refund(candidate, back, event.amount_minor, 1, standing);
  }
  return standing;
}

std::optional<Assessment> change_of_sale(const v1::Receipt& receipt, const Inputs& own_inputs,
                                         const CompiledSchedule& candidate, const PastSale& sale) {
  const auto standing = standing_before(receipt.standing(), candidate, sale);
  if (!standing) return std::nullopt;
  Assessment out;
  if (receipt.kind() == v1::RECEIPT_REFUND) {
    if (own_inputs.event.amount_minor == 0 || own_inputs.event.amount_minor > standing->left_minor())
      return std::nullopt;
    refund(candidate, *standing, own_inputs.event, {own_inputs.numbers}, out);
  } else if (receipt.kind() == v1::RECEIPT_MIRROR) {
    mirror(candidate, *standing, out);
  } else {
    Event replaced = sale.event;
    replaced.kind = PricedEvent::sale;
    replaced.amount_minor = own_inputs.event.amount_minor;
    if (replaced.amount_minor < replaced.tip_minor + replaced.cashback_minor) return std::nullopt;
    Assessment fresh;
    reprice(candidate, *standing, replaced, {sale.numbers}, fresh, out);
  }
  return out;
}

}  // namespace

std::optional<PastSale> past_sale(const v1::Receipt& receipt, const CompiledSchedule& own,
                                  const CompiledSchedule& candidate) {
  if (receipt.kind() != v1::RECEIPT_SALE) return std::nullopt;
  auto inputs = inputs_of(receipt, own, candidate);
  if (!inputs) return std::nullopt;
  return PastSale{inputs->event, std::move(inputs->numbers)};
}

std::optional<Assessment> what_if(const v1::Receipt& receipt, const CompiledSchedule& own,
                                  const CompiledSchedule& candidate, const PastSale* sale) {
  const auto inputs = inputs_of(receipt, own, candidate);
  if (!inputs) return std::nullopt;
  const Volumes volumes{inputs->numbers};
  Assessment out;
  switch (receipt.kind()) {
    case v1::RECEIPT_SALE:
    case v1::RECEIPT_VERIFY:
    case v1::RECEIPT_DECLINE:
      assess(candidate, inputs->event, volumes, out);
      return out;
    case v1::RECEIPT_UNLINKED_REFUND:
      refund_unlinked(candidate, inputs->event, volumes, out);
      return out;
    case v1::RECEIPT_CHARGEBACK:
      chargeback(candidate, inputs->event, volumes, out);
      return out;
    case v1::RECEIPT_REPRESENTMENT:
      representment(inputs->event.amount_minor, out);
      return out;
    case v1::RECEIPT_REFUND:
    case v1::RECEIPT_MIRROR:
    case v1::RECEIPT_REPRICED: {
      if (sale != nullptr) return change_of_sale(receipt, *inputs, candidate, *sale);
      PastSale stand_in{inputs->event, inputs->numbers};
      if (receipt.kind() != v1::RECEIPT_REPRICED)
        stand_in.event.tip_minor = stand_in.event.cashback_minor = 0;
      return change_of_sale(receipt, *inputs, candidate, stand_in);
    }
    default:
      return std::nullopt;
  }
}

}  // namespace tollgate::fees
