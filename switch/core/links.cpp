#include "switch/core/links.h"

#include <algorithm>
#include <bit>

#include "switch/base/check.h"
#include "switch/base/prefetch.h"
#include "switch/iso/framing.h"

namespace tollgate::core {
namespace {

constexpr std::size_t kRequests = 16384;  // late answers are recognised this many requests back
constexpr std::uint32_t kStanMax = 999'999;
constexpr std::uint32_t kStansBetweenLinks = 200'000;  // of one host
constexpr std::int64_t kStanStep_us = 10;              // the first STAN of a life moves by one this often
constexpr Duration kManagementTimeout = std::chrono::seconds(10);
constexpr Duration kFirstPause = std::chrono::milliseconds(100);
constexpr std::int64_t kTick_ns = 10'000'000;  // deadlines of requests are looked at this often
constexpr int kPauseDoublings = 7;  // 100 ms … 12.8 s, each plus up to the same again

// A host knows a request by 7, 11 and 41: its second, STAN and terminal. Two links of a host, or two lives of
// this process within one second, that both began at 1 would give it one name for two requests, and it would
// answer the second with the answer of the first.
std::uint32_t first_stan(std::size_t link_of_host, WallTime wall) {
  const auto moved = static_cast<std::uint64_t>(wall.us / kStanStep_us) + link_of_host * kStansBetweenLinks;
  return static_cast<std::uint32_t>(1 + moved % kStanMax);
}

}  // namespace

Links::Request* Links::Link::sent(std::uint32_t stan) noexcept {
  auto& request = at(stan);
  return request.stan == stan && request.state == Request::State::sent ? &request : nullptr;
}

Links::Request* Links::Link::reserved(const Place& place) noexcept {
  auto& request = at(place.stan);
  const bool same = request.stan == place.stan && request.use == place.use;
  return same && request.state == Request::State::reserved ? &request : nullptr;
}

std::optional<Instant> Links::Link::deadline() const noexcept {
  return oldest == 0 ? std::nullopt : std::optional(at(oldest).sent_at + timeout);
}

// What lay apart in fewer places lies apart in more.
void Links::make_room(std::vector<Request>& requests, std::size_t wanted) {
  const auto size = std::bit_ceil(wanted);
  if (requests.size() >= size) return;
  std::vector<Request> larger(size);
  for (const auto& request : requests)
    if (request.state != Request::State::none) larger[request.stan & (size - 1)] = request;
  requests = std::move(larger);
}

// It was sent: the newest of the chain.
void Links::begin(Link& l, Request& request, Instant now) {
  TG_CHECK(request.state == Request::State::reserved);
  request.state = Request::State::sent;
  request.sent_at = now;
  request.older = l.newest;
  request.newer = 0;
  (l.newest == 0 ? l.oldest : l.at(l.newest).newer) = request.stan;
  l.newest = request.stan;
}

void Links::end(Link& l, Request& request, Request::State how) {
  TG_CHECK(request.waits() && l.waiting > 0);
  if (request.state == Request::State::sent) {
    (request.older == 0 ? l.oldest : l.at(request.older).newer) = request.newer;
    (request.newer == 0 ? l.newest : l.at(request.newer).older) = request.older;
  }
  request.state = how;
  --l.waiting;
}

Links::Links(Outside& outside, Chance& chance, Counters& counters, LinkListener& listener)
    : outside_(outside), chance_(chance), counters_(counters), listener_(listener) {}

// Computed once a second.
void Links::read_clock(WallTime wall) {
  const auto second = wall.us / 1'000'000;
  if (second == second_) return;
  second_ = second;
  const auto date = calendar(BusinessDate{static_cast<std::int32_t>(second / 86400)});
  const auto of_day = second % 86400;
  const std::array<std::int64_t, 5> parts = {date.month, date.day, of_day / 3600, of_day / 60 % 60,
                                             of_day % 60};
  transmitted_ = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    transmission_time_.chars[2 * i] = static_cast<char>('0' + parts[i] / 10);
    transmission_time_.chars[2 * i + 1] = static_cast<char>('0' + parts[i] % 10);
    transmitted_ = transmitted_ * 100 + static_cast<std::uint32_t>(parts[i]);
  }
  transmission_time_.size = 10;
}

void Links::install(const Reference& reference, Now now) {
  by_index_.clear();
  for (const auto& entry : reference.hosts()) {
    by_index_.push_back(&by_host_[entry.host.name()]);
    auto& of_host = by_index_.back()->links;
    const auto wanted = std::max<std::uint32_t>(entry.host.links(), 1);
    while (of_host.size() < wanted) {
      auto fresh = std::make_unique<Link>();
      fresh->id = LinkId{static_cast<std::uint32_t>(links_.size())};
      fresh->host = entry.host.name();
      fresh->counters = &counters_.hosts[fresh->host];  // a map's values do not move
      fresh->next_stan = first_stan(of_host.size(), now.wall);
      of_host.push_back(fresh->id.value);
      links_.push_back(std::move(fresh));
    }
    for (std::size_t i = 0; i < of_host.size(); ++i) {
      auto& l = *links_[of_host[i]];
      l.dialect = entry.dialect;
      l.addresses.assign(entry.host.addresses().begin(), entry.host.addresses().end());
      l.max_in_flight = entry.host.max_in_flight();
      l.timeout = std::chrono::milliseconds(entry.host.timeout_ms());
      l.echo_interval = std::chrono::seconds(entry.host.echo_interval_s());
      const bool was_gone = std::exchange(l.gone, i >= wanted);
      if (!l.gone || l.requests.empty())
        make_room(l.requests, std::max<std::size_t>(kRequests, 2 * std::size_t{l.max_in_flight}));
      if (l.gone && !was_gone && l.phase != Phase::down) {
        outside_.close_link(l.id);
        lose(l, now);
      } else if (!l.gone && l.phase == Phase::down && (was_gone || l.life == 0)) {
        connect(l, now);
      }
    }
  }
}

std::uint32_t Links::take_stan(Link& l) {
  // A STAN in whose place a request still waits is not used; half of the places are always free of such.
  do {
    const auto stan = l.next_stan;
    l.next_stan = stan == kStanMax ? 1 : stan + 1;
    if (stan != l.management_stan && !l.at(stan).waits()) return stan;
  } while (true);
}

std::optional<Passage> Links::reserve(std::uint16_t host, const Waiter& waiter, std::string_view tid,
                                      Now now) {
  TG_CHECK(host < by_index_.size());
  read_clock(now.wall);
  auto& [candidates, turn] = *by_index_[host];
  for (std::size_t tried = 0; tried < candidates.size(); ++tried) {
    auto& l = *links_[candidates[turn++ % candidates.size()]];
    if (l.phase != Phase::up || l.waiting >= l.max_in_flight) continue;
    const auto stan = take_stan(l);
    auto& request = l.at(stan);
    request.stan = stan;
    request.use = ++l.use;
    request.waiter = waiter;
    request.transmitted = transmitted_;
    request.tid_size = static_cast<std::uint8_t>(tid.copy(request.tid.data(), request.tid.size()));
    request.state = Request::State::reserved;
    ++l.waiting;
    prefetch_for_writing(&l.at(l.next_stan + 1), sizeof(Request));  // one after the next: in time for it
    return Passage{{l.id, stan, request.use}, transmission_time_};
  }
  return std::nullopt;
}

std::optional<ByteView> Links::encode(const Passage& passage, iso::MessageBuilder& message,
                                      MutableBytes out) const {
  message.set(7, passage.transmitted.view());
  message.set_number(11, passage.place.stan, 6);
  const auto frame = iso::encode(*links_[passage.place.link.value]->dialect, message, out);
  message.reset();  // its card data need not wait for the next one
  return frame ? std::optional(*frame) : std::nullopt;
}

void Links::send(const Place& place, ByteView frame, Now now) {
  auto& l = link(place.link);
  auto* const request = l.reserved(place);
  if (request == nullptr) return;
  begin(l, *request, now.instant);
  outside_.send_link(l.id, frame);
  ++(request->waiter.reversal ? l.counters->reversals_sent : l.counters->sent);
}

void Links::expect(const Place& place) const noexcept {
  prefetch_for_writing(&links_[place.link.value]->at(place.stan), sizeof(Request));
}

void Links::release(const Place& place) {
  auto& l = link(place.link);
  if (auto* const request = l.reserved(place)) end(l, *request, Request::State::none);
}

void Links::connect(Link& l, Now now) {
  if (l.addresses.empty()) return;
  l.phase = Phase::connecting;
  ++l.life;
  outside_.connect_link(l.id, l.addresses[l.next_address++ % l.addresses.size()]);
  (void)now;
}

void Links::on_up(LinkId id, Now now) {
  auto& l = link(id);
  if (l.phase != Phase::connecting) return;
  l.phase = Phase::signing_on;
  l.last_rx = now.instant;
  send_management(l, "001", now);
}

void Links::on_down(LinkId id, Now now) {
  lose(link(id), now);
}

void Links::lose(Link& l, Now now) {
  if (l.phase == Phase::up) ++l.counters->reconnects;
  l.phase = Phase::down;
  ++l.life;
  l.management_stan = 0;
  std::vector<std::pair<Waiter, bool>> lost;  // in the order of their STANs
  for (std::size_t i = 0; i < l.requests.size() && l.waiting > 0; ++i) {
    auto& request = l.at(l.next_stan + static_cast<std::uint32_t>(i));
    if (!request.waits()) continue;
    const bool sent = request.state == Request::State::sent;
    lost.emplace_back(request.waiter, sent);
    end(l, request, sent ? Request::State::given_up : Request::State::none);
  }
  TG_CHECK(l.waiting == 0);
  for (const auto& [waiter, sent] : lost) listener_.on_lost(waiter, sent);
  if (l.gone) return;
  const auto pause = kFirstPause * (1 << std::min<std::uint32_t>(l.attempt++, kPauseDoublings));
  const auto jitter =
      Duration(static_cast<std::int64_t>(chance_.below(static_cast<std::uint64_t>(pause.count()))));
  arm(now.instant + pause + jitter, {Timer::Kind::reconnect, l.id, 0, l.life});
}

void Links::send_management(Link& l, std::string_view code, Now now) {
  const auto stan = take_stan(l);
  l.management_stan = stan;
  read_clock(now.wall);
  iso::MessageBuilder message;
  message.set_mti({0x0800});
  message.set(7, transmission_time_.view());
  message.set_number(11, stan, 6);
  message.set(70, code);
  const auto frame = iso::encode(*l.dialect, message, out_);
  TG_CHECK(frame.has_value());
  outside_.send_link(l.id, *frame);
  arm(now.instant + kManagementTimeout, {Timer::Kind::management, l.id, stan, l.life});
}

// Answers come many at a time. A few are read ahead, so that what each of them needs (a request that waits
// among hundreds, its transaction) is on its way from memory while those before it are dealt with.
std::size_t Links::on_bytes(LinkId id, ByteView bytes, Now now) {
  auto& l = link(id);
  const auto open = [&l] { return l.phase == Phase::up || l.phase == Phase::signing_on; };
  std::size_t consumed = 0;
  while (open()) {
    std::size_t count = 0;
    iso::Cut cut;
    while (count < arrived_.size()) {
      cut = iso::next_frame(l.dialect->framing(), bytes.subspan(consumed));
      if (cut.kind != iso::Cut::Kind::frame) break;
      consumed += cut.consumed;
      auto& [message, readable, waiter] = arrived_[count++];
      readable = iso::decode(*l.dialect, cut.frame, message).ok();
      waiter.reset();
      if (!readable) continue;
      const auto* request = l.sent(static_cast<std::uint32_t>(message.number(11).value_or(0)));
      if (request == nullptr) continue;
      waiter = request->waiter;
      listener_.expect(*waiter, 0);
    }
    const auto arrived = std::span(arrived_).first(count);
    for (int step = 1; step < LinkListener::kExpectSteps; ++step)
      for (const auto& each : arrived)
        if (each.waiter) listener_.expect(*each.waiter, step);
    if (count > 0) l.last_rx = now.instant;
    for (const auto& each : arrived) {
      if (!open()) break;
      if (each.readable) {
        on_message(l, each.message, now);
      } else {
        ++l.counters->refused_frames;  // the request behind it, if any, runs into its deadline
      }
    }
    if (!open()) break;
    if (cut.kind == iso::Cut::Kind::incomplete) return consumed;
    if (cut.kind == iso::Cut::Kind::refused) {
      ++l.counters->refused_frames;
      outside_.close_link(l.id);
      lose(l, now);
    }
  }
  return bytes.size();
}

void Links::on_message(Link& l, const iso::MessageView& message, Now now) {
  if (message.mti().bcd == 0x0810) {
    on_management_reply(l, message, now);
  } else if (message.mti().bcd == 0x0800) {  // the host asks for an echo: answer it
    iso::MessageBuilder reply;
    reply.set_mti({0x0810});
    for (const int field : {7, 11, 70}) reply.copy(field, message);
    reply.set(39, std::string_view("00"));
    if (const auto out = iso::encode(*l.dialect, reply, out_)) outside_.send_link(l.id, *out);
  } else {
    on_reply(l, message, now);
  }
}

void Links::on_management_reply(Link& l, const iso::MessageView& message, Now now) {
  if (l.management_stan == 0 || message.number(11) != l.management_stan) return;
  l.management_stan = 0;
  if (!message.equals(39, "00")) {
    outside_.close_link(l.id);
    lose(l, now);
    return;
  }
  l.last_echo = now.instant;
  if (l.echo_interval > Duration::zero())
    arm(now.instant + l.echo_interval, {Timer::Kind::echo, l.id, 0, l.life});
  if (l.phase == Phase::signing_on) {
    l.phase = Phase::up;
    l.attempt = 0;
    listener_.on_host_ready(l.host);
  }
}

void Links::on_reply(Link& l, const iso::MessageView& message, Now now) {
  auto& host = *l.counters;
  const auto stan = static_cast<std::uint32_t>(message.number(11).value_or(0));
  auto* const request = l.sent(stan);
  if (request == nullptr) {
    const auto& past = l.at(stan);
    const bool ended = past.state == Request::State::answered || past.state == Request::State::given_up;
    if (ended && past.stan == stan && message.number(7) == past.transmitted) {
      const bool answered = past.state == Request::State::answered;
      ++(answered ? host.duplicates : host.late);
      listener_.on_late(Waiter(past.waiter), message, answered);
    } else {
      ++host.orphans;
    }
    return;
  }
  const bool same_time = !message.has(7) || message.number(7) == request->transmitted;
  const bool same_terminal = !message.has(41) || message.equals(41, {request->tid.data(), request->tid_size});
  if (!same_time || !same_terminal) {
    ++host.orphans;
    return;
  }
  const auto round_trip = now.instant - request->sent_at;
  ++(request->waiter.reversal ? host.reversals_acknowledged : host.answered);
  host.round_trip.record(round_trip.count());
  end(l, *request, Request::State::answered);
  listener_.on_answer(Waiter(request->waiter), message, round_trip);
}

Instant Links::next_deadline(Now now) const {
  auto next = timers_.empty() ? now.instant + std::chrono::hours(1) : timers_.begin()->first;
  for (const auto& l : links_)
    if (const auto deadline = l->deadline())
      next = std::min(next, Instant{(deadline->ns + kTick_ns - 1) / kTick_ns * kTick_ns});
  return next;
}

void Links::on_time(Now now) {
  while (!timers_.empty() && timers_.begin()->first <= now.instant)
    fire(timers_.extract(timers_.begin()).mapped(), now);
  for (std::size_t i = 0; i < links_.size(); ++i) give_up(*links_[i], now);
}

// What has waited too long.
void Links::give_up(Link& l, Now now) {
  while (true) {
    const auto deadline = l.deadline();
    if (!deadline || *deadline > now.instant) return;
    auto& request = l.at(l.oldest);
    end(l, request, Request::State::given_up);
    ++l.counters->timeouts;
    listener_.on_timeout(Waiter(request.waiter));
  }
}

void Links::fire(const Timer& timer, Now now) {
  auto& l = link(timer.link);
  switch (timer.kind) {
    case Timer::Kind::management:
      if (l.life == timer.life && l.management_stan == timer.stan) {
        outside_.close_link(l.id);
        lose(l, now);
      }
      return;
    case Timer::Kind::echo:
      if (l.life == timer.life && l.phase == Phase::up && l.management_stan == 0)
        send_management(l, "301", now);
      return;
    case Timer::Kind::reconnect:
      if (l.life == timer.life && l.phase == Phase::down && !l.gone) connect(l, now);
      return;
  }
}

Links::HostStatus Links::status(std::string_view host) const {
  HostStatus status;
  const auto it = by_host_.find(host);
  if (it == by_host_.end()) return status;
  for (const auto i : it->second.links) {
    const auto& l = *links_[i];
    if (l.gone) continue;
    ++status.links;
    status.up += l.phase == Phase::up;
    status.in_flight += l.waiting;
    status.max_in_flight += l.max_in_flight;
    status.last_echo = std::max(status.last_echo, l.last_echo);
  }
  return status;
}

}  // namespace tollgate::core
