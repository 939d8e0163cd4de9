#include "fees/book.h"

#include <algorithm>

#include "fees/book_state.h"
#include "fees/program.h"
#include "switch/base/check.h"

namespace tollgate::fees {
namespace {

bool amount_ok(std::int64_t minor) noexcept {
  return minor >= 0 && minor <= kAmountMax;
}

// AMOUNT_RANGE before any other transaction is looked at.
bool amounts_ok(const TxnEvent& e) noexcept {
  if (!amount_ok(e.amount_minor) || !amount_ok(e.tip_minor) || !amount_ok(e.cashback_minor)) return false;
  if (e.tip_minor + e.cashback_minor > e.amount_minor) return false;
  if (e.replacement_minor && !amount_ok(*e.replacement_minor)) return false;
  const bool needs_amount = e.type == EventType::refund || e.type == EventType::chargeback;
  return !needs_amount || e.amount_minor > 0;
}

}  // namespace

EventFacts FactsPatch::over(EventFacts base) const {
  const auto has = [this](Fact fact) { return (given >> static_cast<unsigned>(fact) & 1U) != 0; };
  if (has(Fact::merchant)) base.merchant = value.merchant;
  if (has(Fact::terminal)) base.terminal = value.terminal;
  if (has(Fact::agent)) base.agent = value.agent;
  if (has(Fact::channel)) base.facts.channel = value.facts.channel;
  if (has(Fact::brand)) base.facts.brand = value.facts.brand;
  if (has(Fact::funding)) base.facts.funding = value.facts.funding;
  if (has(Fact::region)) base.facts.region = value.facts.region;
  if (has(Fact::settlement)) base.facts.settlement = value.facts.settlement;
  if (has(Fact::mcc)) base.facts.mcc = value.facts.mcc;
  if (has(Fact::currency)) base.facts.currency = value.facts.currency;
  if (has(Fact::tags)) base.facts.tags = value.facts.tags;
  return base;
}

Book::Book() : state_(std::make_unique<State>()) {}
Book::~Book() = default;
Book::Book(Book&&) noexcept = default;
Book& Book::operator=(Book&&) noexcept = default;

Priced<SchedulePtr> Book::publish(std::string_view json, WallTime at) {
  auto schedule = load_schedule(json);
  if (!schedule) return schedule;
  if (auto done = state_->prices.publish(*schedule, {at, state_->priced}); !done)
    return std::unexpected(std::move(done.error()));
  return schedule;
}

Priced<void> Book::assign(const Assignment& assignment, WallTime at) {
  return state_->prices.assign(assignment, {at, state_->priced});
}

const PriceBook& Book::prices() const noexcept {
  return state_->prices;
}

void Book::set_volume(const EventFacts& who, std::string_view component, Month month, std::int64_t volume) {
  state_->volumes[{who.merchant, std::string(component), month}] = volume;
}

Priced<TxnResult> Book::apply(const TxnEvent& event) {
  State& s = *state_;
  const Txn* ref = event.ref.empty() ? nullptr : s.find(event.ref);
  const EventFacts who = event.own.over(ref == nullptr ? event.defaults : ref->body.facts);
  Body body{event.type,
            event.ref,
            event.amount_minor,
            event.tip_minor,
            event.cashback_minor,
            event.replacement_minor,
            who};
  if (const Txn* known = s.find(event.id)) {
    if (known->body != body) return refuse(Reason::id_conflict, "another event has the id " + event.id);
    TxnResult again = known->result;
    again.flags |= txn_flag::kReplay;
    return again;
  }
  if (s.tombstones.contains(event.id))
    return refuse(Reason::reversed, event.id + " was reversed before it came");
  if (!amounts_ok(event)) return refuse(Reason::amount_range, "an amount is out of its bounds");

  using Step = Priced<Txn> (State::*)(const TxnEvent&, const EventFacts&);
  static constexpr std::array<Step, 11> kSteps = {
      &State::sale,          &State::completion, &State::preauth,   &State::refund,
      &State::chargeback,    &State::reversal,   &State::void_sale, &State::release,
      &State::representment, &State::attempt,    &State::attempt};
  auto txn = (s.*kSteps[static_cast<std::size_t>(event.type)])(event, who);
  if (!txn) return std::unexpected(std::move(txn.error()));
  txn->body = std::move(body);
  s.priced = true;
  return s.txns.emplace(event.id, std::move(*txn)).first->second.result;
}

// ---- what the steps share
// -------------------------------------------------------------------------------------

Priced<SchedulePtr> Book::State::in_force(const EventFacts& who, WallTime at) const {
  auto schedule = prices.resolve_shared(at, who.parties());
  if (schedule == nullptr) return refuse(Reason::no_schedule, "no schedule is in force at " + format_utc(at));
  return schedule;
}

Txn* Book::State::find(const std::string& id) {
  const auto it = txns.find(id);
  return it == txns.end() ? nullptr : &it->second;
}

Window& Book::State::window(const std::string& merchant, const CompiledSchedule& schedule) {
  return merchants[merchant].windows[schedule.text().currency.number];
}

bool Book::State::paid_out(const Txn& sale) {
  return sale.result.instant_payout_minor > 0 ||
         sale.window < window(sale.merchant, *sale.result.schedule).number;
}

std::vector<std::int64_t> Book::State::numbers(const CompiledSchedule& schedule, const std::string& merchant,
                                               BusinessDate date) const {
  const Month month = Month::of(date);
  std::vector<std::int64_t> out;
  for (const auto& component : schedule.text().components) {
    const bool running = component.volume == VolumeMode::running;
    const auto it = volumes.find({merchant, component.id, running ? month : month.before()});
    out.push_back(it == volumes.end() ? 0 : it->second);
  }
  return out;
}

// Volume is dated by the sale, whatever the date of the event that changes it.
void Book::State::add_volume(const Txn& sale, const Standing& standing, int direction) {
  const auto& components = sale.result.schedule->text().components;
  const Month month = Month::of(sale.stored.business_date);
  for (const auto& fee : standing.fees)
    volumes[{sale.merchant, components[fee.component].id, month}] += direction * fee.base_minor;
}

void Book::State::book(const Change& change, const TxnResult& result, Txn& txn) {
  auto& merchant = merchants[txn.merchant];
  for (const Line& line : result.lines) {
    if (line.payer != Payer::merchant) continue;
    merchant.fees.push_back({change.date, change.schedule->text().components[line.component].id,
                             change.who->terminal, line.amount_minor, line.taxable, change.schedule});
  }
  Window& w = window(txn.merchant, *change.schedule);
  std::int64_t net = 0;
  for (std::size_t i = 0; i < kLineKinds; ++i) {
    w.sums[i] += change.sums[i];
    net += change.sums[i];
  }
  TG_CHECK(net == result.totals.merchant_net_minor);  // invariant 12 of the reference
  w.instant_minor += change.instant_minor;
  txn.sums = change.sums;
  txn.window = w.number;
}

Assessment assessment_of(const TxnResult& result) {
  Assessment out;
  out.line_count = static_cast<std::uint16_t>(result.lines.size());
  out.split_count = static_cast<std::uint16_t>(result.splits.size());
  std::copy(result.lines.begin(), result.lines.end(), out.line_store.begin());
  std::copy(result.splits.begin(), result.splits.end(), out.split_store.begin());
  out.totals = result.totals;
  return out;
}

void take(const Assessment& assessment, TxnResult& result) {
  result.lines.assign(assessment.lines().begin(), assessment.lines().end());
  result.splits.assign(assessment.splits().begin(), assessment.splits().end());
  result.totals = assessment.totals;
}

}  // namespace tollgate::fees
