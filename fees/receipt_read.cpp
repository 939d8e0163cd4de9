// The way back: a receipt as events, assessments and standings, and the proof by pricing again.
#include <fmt/format.h>

#include <algorithm>

#include "fees/program.h"
#include "fees/receipt.h"
#include "switch/base/bytes.h"
#include "tollgate/v1/fees.pb.h"

namespace tollgate::fees {
namespace {

bool amount_ok(std::int64_t minor) noexcept {
  return minor >= 0 && minor <= kAmountMax;
}
// What the engine's static bound allows for a line or a sum of lines.
constexpr std::int64_t kSumMax = std::int64_t{1} << 60;
bool sum_ok(std::int64_t minor) noexcept {
  return minor >= 0 && minor <= kSumMax;
}
bool house_ok(std::int64_t minor) noexcept {
  return minor >= -kSumMax && minor <= kSumMax;
}
// Each in its bounds, and their sum too.
template <class List>
bool sums_ok(const List& list) noexcept {
  Int128 sum = 0;
  for (const auto minor : list) sum += minor;
  return std::ranges::all_of(list, sum_ok) && sum <= kSumMax;
}

template <class Enum>
bool fact(std::uint32_t number, Enum last, Enum& out) noexcept {
  if (number > static_cast<std::uint32_t>(last)) return false;
  out = static_cast<Enum>(number);
  return true;
}

bool read_facts(const v1::ReceiptFacts& from, Facts& out) {
  if (!fact(from.channel(), Channel::qr_customer_presented, out.channel) ||
      !fact(from.funding(), Funding::prepaid, out.funding) ||
      !fact(from.region(), Region::inter, out.region) ||
      !fact(from.settlement(), Settlement::instant, out.settlement) || from.currency() > 999 ||
      from.mcc() > 10'000)
    return false;
  out.currency.number = static_cast<std::uint16_t>(from.currency());
  out.mcc = static_cast<std::int32_t>(from.mcc()) - 1;
  if (!from.brand().empty()) {
    const auto brand = Code::of(from.brand());
    if (!brand) return false;
    out.brand = *brand;
  }
  return std::ranges::all_of(from.tags(), [&out](const std::string& text) {
    const auto tag = Code::of(text);
    return tag && out.tags.add(*tag);
  });
}

PricedEvent priced_as(v1::ReceiptKind kind) noexcept {
  switch (kind) {
    case v1::RECEIPT_VERIFY:
      return PricedEvent::verify;
    case v1::RECEIPT_DECLINE:
      return PricedEvent::decline;
    case v1::RECEIPT_REFUND:
    case v1::RECEIPT_UNLINKED_REFUND:
      return PricedEvent::refund;
    case v1::RECEIPT_CHARGEBACK:
      return PricedEvent::chargeback;
    default:
      return PricedEvent::sale;
  }
}

std::optional<Standing> read_standing(const v1::ReceiptStanding& from, const CompiledSchedule& schedule) {
  const FeeSchedule& text = schedule.text();
  Standing s;
  s.amount_minor = from.amount_minor();
  s.refunded_minor = from.refunded_minor();
  if (!amount_ok(s.amount_minor) || !amount_ok(s.refunded_minor) || s.refunded_minor > s.amount_minor)
    return std::nullopt;
  int last = -1;
  Int128 sum = 0;
  for (const auto& f : from.fees()) {
    if (f.component() >= text.components.size() || static_cast<int>(f.component()) <= last ||
        !sum_ok(f.amount_minor()) || !sum_ok(f.returned_minor()) || !sum_ok(f.base_minor()) ||
        f.account() > 9999)
      return std::nullopt;
    sum += f.amount_minor();
    if (f.returned_minor() > f.amount_minor() || sum > kSumMax ||
        !text.components[f.component()].prices(PricedEvent::sale))
      return std::nullopt;
    last = static_cast<int>(f.component());
    s.fees.push_back({static_cast<std::uint16_t>(f.component()), static_cast<std::uint16_t>(f.account()),
                      f.base_minor(), f.amount_minor(), f.returned_minor()});
  }
  last = -1;
  for (const auto& p : from.splits()) {
    if (p.split() >= text.splits.size() || static_cast<int>(p.split()) <= last) return std::nullopt;
    const auto parties = static_cast<int>(text.splits[p.split()].parties.size());
    if (p.party_minor_size() != parties || p.party_returned_minor_size() != parties ||
        !sum_ok(p.of_minor()) || !sum_ok(p.of_returned_minor()) || p.of_returned_minor() > p.of_minor() ||
        !sums_ok(p.party_minor()) || !sums_ok(p.party_returned_minor()) || !house_ok(p.house_minor()) ||
        !house_ok(p.house_returned_minor()))
      return std::nullopt;
    last = static_cast<int>(p.split());
    Standing::Shared shared{static_cast<std::uint16_t>(p.split()),
                            p.of_minor(),
                            p.of_returned_minor(),
                            p.house_minor(),
                            p.house_returned_minor(),
                            {},
                            {}};
    shared.party_minor.assign(p.party_minor().begin(), p.party_minor().end());
    shared.party_returned_minor.assign(p.party_returned_minor().begin(), p.party_returned_minor().end());
    s.splits.push_back(std::move(shared));
  }
  s.taxable_minor = from.taxable_minor();
  s.tax_minor = from.tax_minor();
  s.taxable_returned_minor = from.taxable_returned_minor();
  s.tax_returned_minor = from.tax_returned_minor();
  if (!sum_ok(s.taxable_minor) || !sum_ok(s.tax_minor) || !sum_ok(s.taxable_returned_minor) ||
      !sum_ok(s.tax_returned_minor) || s.taxable_returned_minor > s.taxable_minor)
    return std::nullopt;
  return s;
}

// Compares field after field and remembers the first that differs. Its name is put together only then: a
// replay compares millions.
class Comparison {
 public:
  void same(std::string_view field, Int128 written, Int128 again) {
    if (written != again) [[unlikely]]
      differs(std::string(field), written, again);
  }
  void same(std::string_view list, int at, std::string_view field, Int128 written, Int128 again) {
    if (written != again) [[unlikely]]
      differs(fmt::format("{}/{}/{}", list, at, field), written, again);
  }
  [[nodiscard]] std::optional<std::string> result() { return std::move(first_); }

 private:
  void differs(const std::string& where, Int128 written, Int128 again) {
    if (!first_)
      first_ = fmt::format("{}: {} in the receipt, {} recomputed", where, to_decimal(Balance{written}),
                           to_decimal(Balance{again}));
  }
  std::optional<std::string> first_;
};

void compare_line(const v1::ReceiptLine& w, int i, const Line& a, Comparison& c) {
  c.same("lines", i, "component", w.component(), a.component);
  c.same("lines", i, "rule", w.rule(), a.rule == kNoRule ? 0 : a.rule + 1);
  c.same("lines", i, "exact_high", w.exact_high(), static_cast<std::uint64_t>(a.exact >> 64));
  c.same("lines", i, "exact_low", w.exact_low(), static_cast<std::uint64_t>(a.exact));
  c.same("lines", i, "base", w.base_minor(), a.base_minor);
  c.same("lines", i, "cap_delta", w.cap_delta_minor(), a.cap_delta_minor);
  c.same("lines", i, "amount", w.amount_minor(), a.amount_minor);
  c.same("lines", i, "flags", w.flags(), a.flags);
}

void compare_split(const v1::ReceiptSplit& w, int i, const SplitLine& a, Comparison& c) {
  c.same("splits", i, "split", w.split(), a.split);
  c.same("splits", i, "parties", w.party_minor_size(), a.parties);
  for (int p = 0; p < std::min<int>(w.party_minor_size(), a.parties); ++p)
    if (w.party_minor(p) != a.party_minor[static_cast<std::size_t>(p)])
      c.same("splits", i, fmt::format("parties/{}", p), w.party_minor(p),
             a.party_minor[static_cast<std::size_t>(p)]);
  c.same("splits", i, "house", w.house_minor(), a.house_minor);
  c.same("splits", i, "of", w.of_minor(), a.of_minor);
}

std::optional<std::string> compare(const v1::Receipt& receipt, const Assessment& again) {
  Comparison c;
  c.same("lines", receipt.lines_size(), again.line_count);
  for (int i = 0; i < std::min<int>(receipt.lines_size(), again.line_count); ++i)
    compare_line(receipt.lines(i), i, again.line_store[static_cast<std::size_t>(i)], c);
  c.same("splits", receipt.splits_size(), again.split_count);
  for (int i = 0; i < std::min<int>(receipt.splits_size(), again.split_count); ++i)
    compare_split(receipt.splits(i), i, again.split_store[static_cast<std::size_t>(i)], c);
  const auto& w = receipt.totals();
  const Totals& a = again.totals;
  c.same("totals/gross", w.gross_minor(), a.gross_minor);
  c.same("totals/fee", w.fee_minor(), a.fee_minor);
  c.same("totals/cardholder_fee", w.cardholder_fee_minor(), a.cardholder_fee_minor);
  c.same("totals/cost", w.cost_minor(), a.cost_minor);
  c.same("totals/taxable", w.taxable_minor(), a.taxable_minor);
  c.same("totals/tax", w.tax_minor(), a.tax_minor);
  c.same("totals/merchant_net", w.merchant_net_minor(), a.merchant_net_minor);
  return c.result();
}

// The event again, by kind; false when the receipt asks for what cannot be.
bool price_again(const v1::Receipt& receipt, const CompiledSchedule& schedule, const Event& event,
                 const Volumes& volumes, Assessment& out) {
  std::optional<Standing> sale;
  if (receipt.has_standing()) sale = read_standing(receipt.standing(), schedule);
  switch (receipt.kind()) {
    case v1::RECEIPT_SALE:
    case v1::RECEIPT_VERIFY:
    case v1::RECEIPT_DECLINE:
      assess(schedule, event, volumes, out);
      return true;
    case v1::RECEIPT_REFUND:
      if (!sale || event.amount_minor == 0 || event.amount_minor > sale->left_minor()) return false;
      refund(schedule, *sale, event, volumes, out);
      return true;
    case v1::RECEIPT_UNLINKED_REFUND:
      refund_unlinked(schedule, event, volumes, out);
      return true;
    case v1::RECEIPT_CHARGEBACK:
      chargeback(schedule, event, volumes, out);
      return true;
    case v1::RECEIPT_REPRESENTMENT:
      representment(event.amount_minor, out);
      return true;
    case v1::RECEIPT_MIRROR:
      if (!sale) return false;
      mirror(schedule, *sale, out);
      return true;
    case v1::RECEIPT_REPRICED: {
      if (!sale) return false;
      Assessment fresh;
      reprice(schedule, *sale, event, volumes, fresh, out);
      return true;
    }
    default:
      return false;
  }
}

}  // namespace

std::optional<Event> event_of(const v1::Receipt& receipt) {
  Event event;
  event.kind = priced_as(receipt.kind());
  event.amount_minor = receipt.amount_minor();
  event.tip_minor = receipt.tip_minor();
  event.cashback_minor = receipt.cashback_minor();
  event.business_date = {receipt.business_date()};
  event.local_minute = static_cast<std::int32_t>(receipt.local_minute());
  if (!amount_ok(event.amount_minor) || !amount_ok(event.tip_minor) || !amount_ok(event.cashback_minor) ||
      event.tip_minor + event.cashback_minor > event.amount_minor || receipt.local_minute() > 1439 ||
      !read_facts(receipt.facts(), event.facts))
    return std::nullopt;
  return event;
}

std::optional<std::vector<std::int64_t>> volumes_of(const v1::Receipt& receipt) {
  std::vector<std::int64_t> numbers;
  for (const auto& v : receipt.volumes()) {
    if (v.component() >= kComponentsMax || v.number() < 0 || v.number() > kVolumeMax) return std::nullopt;
    if (numbers.size() <= v.component()) numbers.resize(v.component() + 1, 0);
    numbers[v.component()] = v.number();
  }
  return numbers;
}

std::optional<Assessment> assessment_of(const v1::Receipt& receipt, const CompiledSchedule& schedule) {
  const FeeSchedule& text = schedule.text();
  if (receipt.lines_size() > static_cast<int>(kComponentsMax) ||
      receipt.splits_size() > static_cast<int>(kGroupsMax))
    return std::nullopt;
  Assessment out;
  for (const auto& l : receipt.lines()) {
    if (l.component() >= text.components.size()) return std::nullopt;
    const Component& component = text.components[l.component()];
    if (l.rule() > component.rules.size()) return std::nullopt;
    Line& line = out.line_store[out.line_count++];
    line = {};
    line.component = static_cast<std::uint16_t>(l.component());
    line.rule = l.rule() == 0 ? kNoRule : static_cast<std::uint16_t>(l.rule() - 1);
    line.flags = static_cast<std::uint16_t>(l.flags());
    line.payer = component.payer;
    line.taxable = component.payer == Payer::merchant && !component.tax_exempt;
    line.account = component.payer == Payer::none ? 0 : component.account;
    if (l.rule() != 0 && component.payer != Payer::none && component.rules[l.rule() - 1].account != 0)
      line.account = component.rules[l.rule() - 1].account;
    if (l.rule() == 0)  // given back: to the account that the sale's rule chose
      for (const auto& fee : receipt.standing().fees())
        if (fee.component() == l.component()) line.account = static_cast<std::uint16_t>(fee.account());
    line.contra = component.contra;
    line.exact = Exact{static_cast<std::int64_t>(l.exact_high())} << 64 | Exact{l.exact_low()};
    line.base_minor = l.base_minor();
    line.cap_delta_minor = l.cap_delta_minor();
    line.amount_minor = l.amount_minor();
  }
  for (const auto& s : receipt.splits()) {
    if (s.split() >= text.splits.size() ||
        s.party_minor_size() != static_cast<int>(text.splits[s.split()].parties.size()))
      return std::nullopt;
    SplitLine& line = out.split_store[out.split_count++];
    line.split = static_cast<std::uint16_t>(s.split());
    line.parties = static_cast<std::uint16_t>(s.party_minor_size());
    line.of_minor = s.of_minor();
    line.house_minor = s.house_minor();
    std::copy(s.party_minor().begin(), s.party_minor().end(), line.party_minor.begin());
  }
  const auto& t = receipt.totals();
  out.totals = {t.gross_minor(),   t.fee_minor(), t.cardholder_fee_minor(), t.cost_minor(),
                t.taxable_minor(), t.tax_minor(), t.merchant_net_minor()};
  return out;
}

std::optional<Standing> standing_of(const v1::Receipt& receipt, const CompiledSchedule& schedule) {
  if (receipt.kind() == v1::RECEIPT_SALE) {
    const auto sale = assessment_of(receipt, schedule);
    if (!sale) return std::nullopt;
    return standing_of(*sale, receipt.amount_minor());
  }
  if (receipt.kind() != v1::RECEIPT_REPRICED) return std::nullopt;
  const auto event = event_of(receipt);
  const auto numbers = volumes_of(receipt);
  if (!event || !numbers) return std::nullopt;
  Assessment fresh;
  assess(schedule, *event, {*numbers}, fresh);
  return standing_of(fresh, event->amount_minor);
}

std::optional<Assessment> priced_again(const v1::Receipt& receipt, const CompiledSchedule& schedule) {
  const auto event = event_of(receipt);
  const auto numbers = volumes_of(receipt);
  Assessment again;
  if (!event || !numbers || !price_again(receipt, schedule, *event, {*numbers}, again)) return std::nullopt;
  return again;
}

std::optional<std::string> recompute(const v1::Receipt& receipt, const CompiledSchedule& schedule) {
  if (as_text(schedule.digest()) != std::string_view(receipt.schedule_hash()))
    return "schedule_hash: another schedule";
  const auto event = event_of(receipt);
  const auto numbers = volumes_of(receipt);
  if (!event || !numbers) return "inputs: not what a receipt can hold";
  Assessment again;
  if (!price_again(receipt, schedule, *event, {*numbers}, again))
    return "standing: missing, or not what a receipt can hold";
  return compare(receipt, again);
}

}  // namespace tollgate::fees
