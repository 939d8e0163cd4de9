// Recurring fees of terminals and merchants: activation, charges, closing, recognition.
#include <algorithm>

#include "fees/book_state.h"
#include "fees/program.h"

namespace tollgate::fees {
namespace {

bool on_top(const CompiledSchedule& schedule) {
  return schedule.text().tax && schedule.text().tax->mode == TaxMode::exclusive;
}

// A merchant is not at a terminal: the schedule of a subject MERCHANT is resolved without one.
EventFacts subject_facts(Per level, EventFacts who) {
  if (level == Per::merchant) who.terminal.clear();
  return who;
}

std::int64_t fees_between(const Merchant& merchant, const RecurringFee& fee, const Subject& subject,
                          const Period& period) {
  std::int64_t sum = 0;
  for (const auto& entry : merchant.fees) {
    if (entry.date < period.from || entry.date >= period.to) continue;
    if (subject.level == Per::terminal && entry.terminal != subject.id) continue;
    if (std::ranges::find(fee.less_fees, entry.component) != fee.less_fees.end()) sum += entry.amount_minor;
  }
  return sum;
}

std::int64_t sales_between(const Merchant& merchant, const Subject& subject, BusinessDate from,
                           BusinessDate to) {
  std::int64_t sum = 0;
  for (const auto& entry : merchant.sales)
    if (entry.date >= from && entry.date < to &&
        (subject.level == Per::merchant || entry.terminal == subject.id))
      sum += entry.amount_minor;
  return sum;
}

}  // namespace

Priced<BusinessDate> Book::activate(Per level, const EventFacts& who, WallTime at) {
  State& s = *state_;
  const std::string& id = level == Per::terminal ? who.terminal : who.merchant;
  for (const auto& subject : s.subjects)
    if (!subject.closed && subject.level == level && subject.id == id)
      return refuse(Reason::already_resolved, id + " is active already");
  auto schedule = s.in_force(who, at);
  if (!schedule) return std::unexpected(std::move(schedule.error()));
  const auto date = (*schedule)->moment(at).business_date;
  s.subjects.push_back({level, subject_facts(level, who), id, date, false, {}});
  return date;
}

Priced<BusinessDate> Book::deposit(std::int64_t amount_minor, const EventFacts& who, WallTime at) {
  if (amount_minor < 0 || amount_minor > kAmountMax)
    return refuse(Reason::amount_range, "the deposit is out of its bounds");
  auto schedule = state_->in_force(who, at);
  if (!schedule) return std::unexpected(std::move(schedule.error()));
  state_->deposits[who.terminal] += amount_minor;
  return (*schedule)->moment(at).business_date;
}

// Puts one amount (negative: given back) into the result, the window and the fees of its date.
void Book::State::book_charge(const Charged& charged, std::int64_t amount_minor, std::int64_t tax_minor,
                              BusinessDate today, RecurringResult& out) {
  const Subject& subject = subjects[charged.subject];
  auto& merchant = merchants[subject.who.merchant];
  out.fee_minor += amount_minor;
  out.tax_minor += tax_minor;
  merchant.fees.push_back({today, charged.fee.id, subject.level == Per::terminal ? subject.id : std::string(),
                           amount_minor, !charged.fee.tax_exempt, charged.schedule});
  if (charged.fee.collect == Collect::invoice) return;  // the payable is not touched
  const std::int64_t added = on_top(*charged.schedule) ? tax_minor : 0;
  out.merchant_net_minor -= amount_minor + added;
  Window& w = window(subject.who.merchant, *charged.schedule);
  w.sums[static_cast<std::size_t>(LineKind::recurring)] -= amount_minor;
  w.sums[static_cast<std::size_t>(LineKind::tax)] -= added;
}

void Book::State::charge_one(std::size_t index, const SchedulePtr& schedule, const RecurringFee& fee,
                             std::int32_t k, const Period& period, BusinessDate today, RecurringResult& out) {
  const Subject& subject = subjects[index];
  const auto& merchant = merchants[subject.who.merchant];
  std::int64_t amount =
      due({fee.amount_minor, fee.proration, schedule->text().rounding}, period.used(), period.days);
  if (!fee.less_fees.empty())
    amount = std::max<std::int64_t>(
        0, amount - std::max<std::int64_t>(0, fees_between(merchant, fee, subject, period)));
  bool waived = false;
  if (fee.waive_from && !(fee.timing == Timing::advance && k == 0)) {
    const Period counted = fee.timing == Timing::advance ? period_of(fee, subject.activated, k - 1) : period;
    waived = sales_between(merchant, subject, counted.from, counted.to) >= *fee.waive_from;
  }
  if (waived) amount = 0;
  Charged charged{index, fee, schedule, period, amount, 0, 0, 0};
  const Program& program = schedule->program();
  if (program.taxed && !fee.tax_exempt) charged.tax_minor = transaction_tax(program, amount);
  out.charges.push_back(
      {fee.id, subject.id, period.from, period.to, period.used(), period.days, amount, waived, false});
  book_charge(charged, amount, charged.tax_minor, today, out);
  charges.push_back(std::move(charged));
  priced = true;
}

// All periods of all fees that fall due on `today`. At closing a period that it cuts is due for the days that
// were served.
void Book::State::charge_periods(std::size_t index, const SchedulePtr& schedule, BusinessDate today,
                                 bool closing, RecurringResult& out) {
  for (const auto& fee : schedule->text().recurring) {
    if (fee.per != subjects[index].level) continue;
    for (std::int32_t k = 0;; ++k) {
      Period period = period_of(fee, subjects[index].activated, k);
      const bool advance = fee.timing == Timing::advance;
      if (closing ? period.from >= today : (advance ? period.from > today : period.to > today)) break;
      const auto until = subjects[index].charged_until.find(fee.id);
      if (until != subjects[index].charged_until.end() && period.from < until->second) continue;
      const BusinessDate end = period.to;
      if (closing && period.to > today) period.to = today;
      charge_one(index, schedule, fee, k, period, today, out);
      subjects[index].charged_until[fee.id] = end;
    }
  }
}

// ADVANCE with DAILY gives back what was charged for days that are not served.
void Book::State::return_cut(std::size_t index, BusinessDate today, RecurringResult& out) {
  for (auto& charged : charges) {
    if (charged.subject != index || charged.fee.timing != Timing::advance ||
        charged.fee.proration != Proration::daily)
      continue;
    if (charged.period.to <= today || charged.amount_minor == 0) continue;
    const std::int32_t used = std::max(0, today.days - charged.period.from.days);
    const std::int64_t kept =
        due({charged.fee.amount_minor, Proration::daily, charged.schedule->text().rounding}, used,
            charged.period.days);
    charged.returned_minor = std::max<std::int64_t>(0, charged.amount_minor - kept);
    const std::int64_t tax = give_back(
        {charged.tax_minor, charged.returned_minor, charged.amount_minor, charged.schedule->text().rounding});
    const Subject& subject = subjects[index];
    out.charges.push_back({charged.fee.id, subject.id, charged.period.from, today, used, charged.period.days,
                           -charged.returned_minor, false, true});
    book_charge(charged, -charged.returned_minor, -tax, today, out);
  }
}

Priced<RecurringResult> Book::charge_recurring(const EventFacts& who, WallTime at) {
  State& s = *state_;
  auto own = s.in_force(who, at);
  if (!own) return std::unexpected(std::move(own.error()));
  RecurringResult out;
  out.business_date = (*own)->moment(at).business_date;
  for (std::size_t i = 0; i < s.subjects.size(); ++i) {
    const Subject& subject = s.subjects[i];
    if (subject.closed || subject.who.merchant != who.merchant) continue;
    const auto schedule = s.prices.resolve_shared(at, subject.who.parties());
    if (schedule != nullptr) s.charge_periods(i, schedule, schedule->moment(at).business_date, false, out);
  }
  return out;
}

Priced<RecurringResult> Book::close(Per level, const EventFacts& who, WallTime at) {
  State& s = *state_;
  const std::string& id = level == Per::terminal ? who.terminal : who.merchant;
  std::size_t index = s.subjects.size();
  for (std::size_t i = 0; i < s.subjects.size(); ++i)
    if (s.subjects[i].level == level && s.subjects[i].id == id) index = i;
  if (index == s.subjects.size()) return refuse(Reason::unknown_ref, id + " was never activated");
  if (s.subjects[index].closed) return refuse(Reason::already_resolved, id + " is closed already");
  auto schedule = s.in_force(s.subjects[index].who, at);
  if (!schedule) return std::unexpected(std::move(schedule.error()));

  RecurringResult out;
  out.business_date = (*schedule)->moment(at).business_date;
  s.charge_periods(index, *schedule, out.business_date, true, out);
  s.return_cut(index, out.business_date, out);
  s.subjects[index].closed = true;
  const std::string merchant = s.subjects[index].who.merchant;
  if (const auto held = s.deposits.find(id); level == Per::terminal && held != s.deposits.end()) {
    out.deposit_minor = held->second;
    out.merchant_net_minor += held->second;
    s.window(merchant, **schedule).sums[static_cast<std::size_t>(LineKind::deposit)] += held->second;
    s.deposits.erase(held);
  }
  for (auto& charged : s.charges) {  // what was not given back is earned
    if (charged.subject != index || charged.fee.timing != Timing::advance) continue;
    const std::int64_t rest = charged.amount_minor - charged.returned_minor - charged.earned_minor;
    charged.earned_minor += rest;
    if (rest != 0) out.earned.push_back({charged.fee.id, id, charged.period.from, rest});
  }
  return out;
}

Priced<RecognisedResult> Book::recognise(const EventFacts& who, WallTime at) {
  State& s = *state_;
  auto own = s.in_force(who, at);
  if (!own) return std::unexpected(std::move(own.error()));
  RecognisedResult out{(*own)->moment(at).business_date, {}};
  for (auto& charged : s.charges) {
    const Subject& subject = s.subjects[charged.subject];
    if (subject.closed || subject.who.merchant != who.merchant || charged.fee.timing != Timing::advance)
      continue;
    const auto today = charged.schedule->moment(at).business_date;
    const auto all = earned(charged.amount_minor, charged.period, today, charged.schedule->text().rounding);
    const auto now = all - charged.earned_minor;
    if (now <= 0) continue;
    charged.earned_minor = all;
    out.earned.push_back({charged.fee.id, subject.id, charged.period.from, now});
  }
  return out;
}

}  // namespace tollgate::fees
