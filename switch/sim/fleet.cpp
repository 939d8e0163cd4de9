#include "switch/sim/fleet.h"

#include <fmt/format.h>

#include <algorithm>

#include "switch/base/check.h"

namespace tollgate::sim {
namespace {

constexpr Duration kReconnect = std::chrono::milliseconds(200);
constexpr Duration kTick = std::chrono::milliseconds(20);
constexpr std::uint32_t kReversalsInARow = 3;  // what terminals usually do (cup-dialect 11)
constexpr std::int64_t kBehind_ns = 1'000'000'000;

}  // namespace

Fleet::Fleet(FleetOptions options, OutcomeLog log, Poller poller)
    : options_(std::move(options)),
      log_(std::move(log)),
      poller_(std::move(poller)),
      chance_(options_.seed) {}

Result<std::unique_ptr<Fleet>> Fleet::make(FleetOptions options) {
  if (options.terminals.empty()) return fail(ErrorCode::invalid, "a fleet has at least one terminal");
  OutcomeLog log;
  if (!options.log_path.empty()) {
    auto opened = OutcomeLog::open(options.log_path);
    if (!opened) return std::unexpected(opened.error());
    log = std::move(*opened);
  }
  auto poller = Poller::make();
  if (!poller) return std::unexpected(poller.error());
  auto fleet = std::unique_ptr<Fleet>(new Fleet(std::move(options), std::move(log), std::move(*poller)));
  const auto& all = fleet->options_.terminals;
  const auto lines = std::clamp<std::size_t>(fleet->options_.connections, 1, all.size());
  fleet->lines_.resize(lines);
  fleet->members_.reserve(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto terminal = SimTerminal::make(all[i]);
    if (!terminal) return std::unexpected(terminal.error());
    if (!fleet->by_tid_.emplace(all[i].tid, static_cast<std::uint32_t>(i)).second) {
      return fail(ErrorCode::invalid, "the terminal is listed twice", all[i].tid);
    }
    fleet->members_.push_back(
        {.terminal = std::move(*terminal), .line = static_cast<std::uint32_t>(i % lines)});
  }
  fleet->report_.terminals = all.size();
  return fleet;
}

std::uint32_t Fleet::first_stan(Now now) const noexcept {
  if (options_.first_stan != 0) return options_.first_stan;
  return static_cast<std::uint32_t>(now.wall.us / 1'000'000 % 86'400 * 11 + 1);
}

bool Fleet::finished(Instant now) const noexcept {
  if (stopping_.load(std::memory_order_relaxed)) return true;
  if (!all_started(now)) return false;
  if (now > end_ + 2 * options_.timeout + options_.rest && options_.run_for.count() != 0) return true;
  return under_way_ == 0 &&
         std::ranges::none_of(members_, [](const Member& member) { return member.terminal.owes_reversal(); });
}

bool Fleet::all_started(Instant now) const noexcept {
  if (options_.starts != 0 && report_.started >= options_.starts) return true;
  return options_.run_for.count() != 0 && now >= end_;
}

void Fleet::run() {
  const auto begin = SystemClock::now();
  end_ = begin.instant + options_.run_for;
  next_start_ = begin.instant;
  for (auto& member : members_) member.terminal.set_next_stan(first_stan(begin));
  for (std::uint32_t i = 0; i < members_.size(); ++i) rests_.push_back({begin.instant, i, 0});
  for (auto now = begin; !finished(now.instant); now = SystemClock::now()) {
    {
      const std::lock_guard lock(report_mutex_);
      connect_lines(now.instant);
      give_up_due(now);
      start_due(now.instant);
      for (std::uint32_t i = 0; i < lines_.size(); ++i) {
        auto& line = lines_[i];
        if (!line.stream.is_open() || !line.stream.flush()) continue;
        const bool wants = line.stream.unsent() != 0;
        if (wants != std::exchange(line.wants_write, wants)) poller_.want_write(line.stream.fd(), i, wants);
      }
    }
    const auto patience = std::clamp<Duration>(next_start_ - now.instant, Duration::zero(), kTick);
    const auto events = poller_.wait(ready_.empty() ? kTick : patience);
    const auto woken = SystemClock::now();
    const std::lock_guard lock(report_mutex_);
    for (const auto& event : events) {
      if (event.token >= lines_.size()) continue;
      lines_[event.token].stream.read_frames([&](ByteView frame) { receive(frame, woken); });
    }
  }
}

void Fleet::stop() noexcept {
  stopping_.store(true, std::memory_order_relaxed);
  poller_.wake();
}

FleetReport Fleet::report() const {
  const std::lock_guard lock(report_mutex_);
  auto report = report_;
  for (const auto& member : members_) report.signed_in += member.terminal.signed_in() ? 1 : 0;
  for (const auto& line : lines_) report.connected += line.stream.is_open() ? 1 : 0;
  return report;
}

void Fleet::connect_lines(Instant now) {
  for (std::uint32_t i = 0; i < lines_.size(); ++i) {
    auto& line = lines_[i];
    if (line.stream.is_open() || now < line.retry) continue;
    line.retry = now + kReconnect;
    auto fd = connect_to(options_.target, std::chrono::milliseconds(500));
    if (!fd || !poller_.add(fd->get(), i)) continue;
    line.stream = Stream(std::move(*fd), iso::Dialect::builtin("cup")->framing());
    line.wants_write = false;
    line_up(i, now);
  }
}

// What was under way on the broken connection goes out again, byte by byte: the switch must answer it as if
// it were the first time, whether or not it had answered.
void Fleet::line_up(std::uint32_t line, Instant now) {
  for (std::uint32_t i = 0; i < members_.size(); ++i) {
    auto& member = members_[i];
    if (member.line != line || !member.terminal.busy()) continue;
    member.repeated = true;
    ++report_.repeated;
    --under_way_;  // send() counts it again
    send(i, member.terminal.retransmit(), now);
  }
}

void Fleet::send(std::uint32_t index, ByteView frame, Instant now) {
  auto& member = members_[index];
  ++under_way_;
  ++member.turn;
  member.sent = now;
  deadlines_.push_back({now + options_.timeout, index, member.turn});
  auto& line = lines_[member.line];
  if (line.stream.is_open() && !line.stream.send(frame))
    line.stream.close();  // 8 MiB unsent: that peer is not reading
}

void Fleet::sign_in(std::uint32_t index, Instant now) {
  auto& member = members_[index];
  member.act = Act::echo;
  const auto frame = member.terminal.sign_in(options_.scheme);
  if (frame.empty()) {
    ++report_.exhausted;
    return;
  }
  send(index, frame, now);
}

void Fleet::start_due(Instant now) {
  while (!rests_.empty() && rests_.front().at <= now) {
    const auto due = rests_.front();
    rests_.pop_front();
    auto& member = members_[due.member];
    if (member.terminal.busy()) continue;
    member.reversals = 0;
    if (!member.terminal.signed_in()) {
      sign_in(due.member, now);
    } else if (member.terminal.owes_reversal()) {
      ++member.reversals;
      send(due.member, member.terminal.reversal(), now);
    } else {
      ready_.push_back(due.member);
    }
  }
  if (options_.tps == 0) return;
  const auto step = Duration(1'000'000'000 / options_.tps);
  if ((now - next_start_).count() > kBehind_ns) next_start_ = now;  // a stall is not made up for by a burst
  for (; next_start_ <= now && !all_started(now); next_start_ = next_start_ + step) {
    if (ready_.empty()) {
      ++report_.skipped;
      continue;
    }
    const auto at = chance_.below(ready_.size());
    const auto index = std::exchange(ready_[at], ready_.back());
    ready_.pop_back();
    start(index, now);
  }
}

void Fleet::start(std::uint32_t index, Instant now) {
  auto& member = members_[index];
  member.act = options_.mix.pick(chance_.below(options_.mix.total()));
  member.lose_answer = member.act == Act::reversal;
  member.repeating = member.repeated = false;
  member.reversals = 0;
  const auto frame = build(member);
  if (frame.empty()) {
    ++report_.exhausted;  // not ready again: STANs of the batch are used up
    return;
  }
  ++report_.started;
  send(index, frame, now);
}

ByteView Fleet::build(Member& member) {
  switch (member.act) {
    case Act::echo:
      return member.terminal.echo();
    case Act::balance:
      return member.terminal.balance(test_card(chance_.below(1'000'000)));
    case Act::chip:
      return member.terminal.sale(order_for(Entry::chip));
    case Act::contactless:
      return member.terminal.sale(order_for(Entry::contactless));
    case Act::qr:
      return member.terminal.sale(order_for(Entry::qr));
    case Act::void_sale:
      if (const auto* sale = member.terminal.voidable()) return member.terminal.void_sale(sale->stan);
      break;
    default:
      break;
  }
  auto order = order_for(Entry::magstripe);
  order.instant = member.act == Act::instant;
  return member.terminal.sale(order);
}

SaleOrder Fleet::order_for(Entry entry) {
  SaleOrder order;
  order.entry = entry;
  order.amount = amount();
  if (entry == Entry::qr) {
    order.code = wallet_code(static_cast<Wallet>(chance_.below(3)), chance_.below(1'000'000'000));
  } else {
    order.card = test_card(chance_.below(1'000'000));
    if (entry == Entry::contactless) order.card.pin.clear();  // small amounts without a PIN
  }
  return order;
}

// 1.00 to 500.99; the last two digits mean something to simulated hosts, so that they are chosen on purpose.
Amount Fleet::amount() {
  const auto yuan = 1 + static_cast<std::int64_t>(chance_.below(500));
  const auto dice = chance_.below(1'000'000);
  constexpr std::array<std::int64_t, 3> kTrouble{91, 92, 94};
  std::int64_t fen = static_cast<std::int64_t>(chance_.below(50));
  if (dice < options_.trouble_ppm) {
    fen = kTrouble[chance_.below(kTrouble.size())];
  } else if (dice < std::uint64_t{options_.trouble_ppm} + options_.decline_ppm) {
    fen = 51;
  }
  return Amount::checked(yuan * 100 + fen);
}

void Fleet::receive(ByteView frame, Now now) {
  iso::MessageView reply;
  std::array<char, 16> room;
  if (!iso::decode(*iso::Dialect::builtin("cup"), frame, reply).ok()) {
    ++report_.faults;
    return;
  }
  const auto at = by_tid_.find(reply.value(41, room));
  if (at == by_tid_.end()) {
    ++report_.faults;
    return;
  }
  auto& member = members_[at->second];
  if (member.lose_answer && member.terminal.busy()) {
    member.lose_answer = false;
    note(member, "unanswered", {}, now);
    ++report_.unanswered;
    member.terminal.no_answer("98");
    --under_way_;
    proceed(at->second, now);
    return;
  }
  after(at->second, member.terminal.receive(frame), now);
}

void Fleet::after(std::uint32_t index, const Verdict& verdict, Now now) {
  auto& member = members_[index];
  if (!verdict.answered && member.extra_answers != 0) {
    --member.extra_answers;
    ++report_.late;
    return;
  }
  if (verdict.fault != ReplyFault::none) {
    ++(verdict.fault == ReplyFault::wrong_mac ? report_.wrong_mac : report_.faults);
    note(member, name(verdict.fault), verdict, now);
  }
  if (!verdict.answered) return;
  --under_way_;
  report_.latency.record((now.instant - member.sent).count());
  ++report_.codes[std::string(verdict.code())];
  if (member.repeating) {
    member.repeating = false;
    if (verdict.fault == ReplyFault::none) note(member, "same", verdict, now);
  } else if (verdict.fault == ReplyFault::none) {
    const bool undone = member.terminal.last_kind() == iso::Kind::reversal;
    const bool ended = undone && !member.terminal.owes_reversal();
    note(member,
         undone             ? (ended ? "reversed" : "not_reversed")
         : verdict.approved ? "approved"
                            : "declined",
         verdict, now);
    ++(ended ? report_.reversed : verdict.approved ? report_.approved : report_.declined);
    if (member.act == Act::retransmit && verdict.approved && !undone) {
      member.repeating = true;
      ++report_.repeated;
      send(index, member.terminal.retransmit(), now.instant);
      return;
    }
  }
  if (verdict.code() == "77" || verdict.requirement == '3') {
    sign_in(index, now.instant);
    return;
  }
  proceed(index, now);
}

// Nothing is under way: a reversal first, then whatever comes.
void Fleet::proceed(std::uint32_t index, Now now) {
  auto& member = members_[index];
  if (!member.terminal.signed_in() ||
      (member.terminal.owes_reversal() && member.reversals >= kReversalsInARow)) {
    rests_.push_back({now.instant + options_.rest, index, 0});
  } else if (member.terminal.owes_reversal()) {
    ++member.reversals;
    send(index, member.terminal.reversal(), now.instant);
  } else {
    ready_.push_back(index);
  }
}

void Fleet::give_up_due(Now now) {
  while (!deadlines_.empty() && deadlines_.front().at <= now.instant) {
    const auto due = deadlines_.front();
    deadlines_.pop_front();
    auto& member = members_[due.member];
    if (member.turn != due.turn || !member.terminal.busy()) continue;
    ++report_.unanswered;
    note(member, "unanswered", {}, now);
    member.repeating = member.lose_answer = false;
    ++member.extra_answers;
    member.terminal.no_answer("98");
    --under_way_;
    proceed(due.member, now);
  }
}

void Fleet::note(const Member& member, std::string_view outcome, const Verdict& verdict, Now now) {
  if (!log_.is_open()) return;
  const auto kind = member.terminal.last_kind();
  Outcome line;
  line.tid = member.terminal.config().tid;
  line.merchant = member.terminal.config().merchant_code;
  line.kind = iso::name(kind);
  line.outcome = outcome;
  line.code = verdict.code();
  line.batch = member.terminal.batch();
  line.latency = now.instant - member.sent;
  if (const auto* promise = member.terminal.last_promise()) {
    line.batch = promise->batch;
    line.stan = promise->stan;
    line.amount = promise->amount;
    if (verdict.answered) {
      line.rrn = promise->rrn;
      line.auth = promise->auth_code;
    }
  }
  if (!log_.write(line, now.wall)) report_.log_failed = true;
}

}  // namespace tollgate::sim
