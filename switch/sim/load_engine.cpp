#include "switch/sim/load_engine.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <thread>

#include "switch/base/check.h"
#include "switch/sim/load_meter.h"

namespace tollgate::sim {
namespace {

constexpr std::int64_t kCheckEvery_ns = 100'000'000;
constexpr std::int64_t kReconnectEvery_ns = 100'000'000;

std::int64_t now_ns() noexcept {
  return SystemClock::now().instant.ns;
}

std::uint64_t tid_number(ByteView tid) noexcept {
  return tid.size() == 8 ? load_be64(tid.data()) : 0;
}

}  // namespace

LoadGenerator::Engine::Engine(LoadOptions options, std::vector<LoadSlot> slots, Poller poller)
    : options_(std::move(options)),
      dialect_(iso::Dialect::builtin("cup")),
      slots_(std::move(slots)),
      poller_(std::move(poller)),
      chance_(options_.seed) {
  const auto lines = std::clamp<std::size_t>(options_.connections, 1, slots_.size());
  lines_.resize(lines);
  by_tid_.reserve(slots_.size());
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    slots_[i].line = static_cast<std::uint32_t>(i % lines);
    lines_[slots_[i].line].slots.push_back(i);
    by_tid_.emplace(tid_number(as_bytes(slots_[i].terminal().config().tid)), i);
  }
  free_.resize(slots_.size());
  report_.terminals = slots_.size();
  report_.open_loop = options_.rate != 0;
  if (options_.rate != 0) step_ns_ = 1'000'000'000 / options_.rate;
}

std::optional<std::uint32_t> LoadGenerator::Engine::slot_of(ByteView tid) const noexcept {
  const auto at = by_tid_.find(tid_number(tid));
  return at == by_tid_.end() ? std::nullopt : std::optional(at->second);
}

// 1.00 to 500.50, never ending in the digits by which simulated hosts decline, lose, delay or double an
// answer.
Amount LoadGenerator::Engine::next_amount() noexcept {
  const auto dice = chance_.next();
  return Amount::checked(static_cast<std::int64_t>((dice >> 32) % 500 + 1) * 100 +
                         static_cast<std::int64_t>(dice % 51));
}

SaleOrder LoadGenerator::Engine::order_of(std::uint32_t slot) const {
  SaleOrder order;
  order.entry = options_.entry;
  order.amount = Amount::checked(100);
  if (options_.entry == Entry::qr) {
    order.code = wallet_code(static_cast<Wallet>(slot % 3), slot);
  } else {
    order.card = test_card(slot);
  }
  return order;
}

bool LoadGenerator::Engine::connect(std::uint32_t index) {
  auto& line = lines_[index];
  auto fd = connect_to(options_.target, std::chrono::seconds(2));
  if (!fd || !poller_.add(fd->get(), index)) return false;
  line.stream = Stream(std::move(*fd), dialect_->framing());
  line.wants_write = line.lost = false;
  return true;
}

Result<void> LoadGenerator::Engine::connect_all() {
  for (std::uint32_t i = 0; i < lines_.size(); ++i) {
    if (!connect(i)) return fail(ErrorCode::unavailable, "cannot connect", options_.target);
  }
  if (options_.suspend_feed.empty()) return {};
  feed_ = Fd(::open(options_.suspend_feed.c_str(),
                    O_RDWR | O_NONBLOCK | O_CLOEXEC));  // RDWR: writers may come and go
  if (!feed_) return fail(ErrorCode::io, ::strerror(errno), options_.suspend_feed);
  return poller_.add(feed_.get(), kFeedToken);
}

void LoadGenerator::Engine::reconnect_lost(std::int64_t now) {
  for (std::uint32_t i = 0; i < lines_.size(); ++i) {
    auto& line = lines_[i];
    if (line.stream.is_open()) continue;
    if (!options_.reconnect) {
      report_.stopped = "a connection was lost";
      stopping_ = true;
      return;
    }
    if (now < line.retry_ns) continue;
    line.retry_ns = now + kReconnectEvery_ns;
    if (connect(i)) resend(line);
  }
}

// What was under way goes out again, byte by byte.
void LoadGenerator::Engine::resend(Line& line) {
  for (const auto index : line.slots) {
    auto& slot = slots_[index];
    if (slot.state == LoadSlot::State::free || slot.state == LoadSlot::State::out) continue;
    const auto frame = slot.state == LoadSlot::State::waiting ? slot.frame() : slot.terminal().retransmit();
    if (line.stream.send(frame))
      ++report_.retransmitted;  // one answer is owed, to this connection: a second one is wrong
  }
}

void LoadGenerator::Engine::start_sign_in(std::uint32_t index, std::int64_t now) {
  auto& slot = slots_[index];
  const auto frame = slot.terminal().sign_in();
  slot.state = LoadSlot::State::signing;
  slot.sent_ns = now;
  ++signing_;
  (void)lines_[slot.line].stream.send(
      frame);  // too much unsent: it times out, and is counted as not signed in
}

void LoadGenerator::Engine::on_sign_in(LoadSlot& slot, ByteView frame) {
  const auto verdict = slot.terminal().receive(frame);
  if (!verdict.answered) return wrong(name(verdict.fault));
  --signing_;
  slot.state = LoadSlot::State::out;
  if (!verdict.approved) {
    ++report_.refused_sign_ins[verdict.fault == ReplyFault::none ? std::string(verdict.code())
                                                                 : std::string(name(verdict.fault))];
    return;
  }
  const auto index = static_cast<std::uint32_t>(&slot - slots_.data());
  slot.make_pattern(order_of(index), options_.first_stan);
  slot.state = LoadSlot::State::free;
  free_[(free_first_ + free_count_++) % free_.size()] = index;
  ++report_.signed_in;
}

Result<void> LoadGenerator::Engine::sign_in_all() {
  constexpr std::size_t kAtOnce =
      256;  // a sign-in makes keys and a durable record: a queue of them says nothing
  const auto last = now_ns() + options_.timeout.count() + 5'000'000'000;
  while ((next_to_sign_ < slots_.size() || signing_ != 0) && now_ns() < last && !stopping_) {
    while (next_to_sign_ < slots_.size() && signing_ < kAtOnce) {
      start_sign_in(static_cast<std::uint32_t>(next_to_sign_++), now_ns());
    }
    flush_all();
    look(std::chrono::milliseconds(10));
    reconnect_lost(now_ns());
  }
  if (free_count_ == 0)
    return fail(ErrorCode::unavailable, "no terminal could be signed in", options_.target);
  return {};
}

LoadGenerator::Engine::Meters LoadGenerator::Engine::read_meters() const {
  Meters meters;
  meters.generator = thread_processor_time();
  if (options_.host != nullptr) meters.host = options_.host->processor_time();
  if (options_.server_pid != 0)
    meters.server = process_processor_time(options_.server_pid).value_or(Duration{});
  return meters;
}

Result<LoadReport> LoadGenerator::Engine::run() {
  if (auto done = connect_all(); !done) return std::unexpected(done.error());
  if (auto done = sign_in_all(); !done) return std::unexpected(done.error());
  const auto begin = now_ns();
  next_intended_ = next_tick_ = begin;
  window_begin_ = begin + options_.warm_up.count();
  window_end_ = send_until_ = window_begin_ + options_.duration.count();
  pass(window_begin_);
  const auto before = read_meters();
  const auto measured_from = now_ns();
  pass(window_end_);
  const auto after = read_meters();
  report_.seconds = static_cast<double>(now_ns() - measured_from) / 1e9;
  report_.generator_time = after.generator - before.generator;
  report_.host_time = after.host - before.host;
  report_.server_time = after.server - before.server;
  const auto drained =
      now_ns() + 2 * options_.timeout.count() + 1'000'000'000;  // the last answers, the last reversals
  while (!idle(now_ns()) && !stopping_ && now_ns() < drained)
    pass(std::min(drained, now_ns() + kCheckEvery_ns));
  for (const auto& slot : slots_) report_.unanswered += slot.state == LoadSlot::State::waiting ? 1 : 0;
  for (std::size_t i = 0; i < codes_.size(); ++i) {
    if (codes_[i] == 0) continue;
    const std::array code{static_cast<char>(i >> 8), static_cast<char>(i & 0xFF)};
    const bool plain = std::ranges::all_of(code, [](unsigned char c) { return std::isalnum(c) != 0; });
    report_.codes[plain ? std::string(code.data(), 2) : fmt::format("0x{:04x}", i)] += codes_[i];
  }
  for (const auto& slot : slots_) report_.next_stan = std::max(report_.next_stan, slot.stan() + 1);
  return report_;
}

void LoadGenerator::Engine::pass(std::int64_t deadline) {
  for (auto now = now_ns(); now < deadline && !stopping_.load(std::memory_order_relaxed); now = now_ns()) {
    if (now >= next_check_) {
      next_check_ = now + kCheckEvery_ns;
      give_up(now);
      reconnect_lost(now);
    }
    send_due(now);
    flush_all();
    if (idle(now)) return;
    if (options_.tick.count() > 0) {
      next_tick_ = std::max(next_tick_ + options_.tick.count(), now);
      std::this_thread::sleep_for(Duration(next_tick_ - now));
      look(Duration::zero());
      continue;
    }
    auto patience = std::min(deadline, next_check_) - now;
    if (options_.rate != 0 && free_count_ != 0 && next_intended_ < send_until_)
      patience = std::min(patience, next_intended_ - now);
    look(Duration(std::max<std::int64_t>(patience, 0)));
  }
}

// What was intended before the end but found no terminal is still owed then: leaving it out would flatter the
// latency.
bool LoadGenerator::Engine::all_sent(std::int64_t now) const noexcept {
  if (options_.requests != 0 && sent_ >= options_.requests) return true;
  return now >= send_until_ && (options_.rate == 0 || next_intended_ >= send_until_);
}

bool LoadGenerator::Engine::idle(std::int64_t now) const noexcept {
  return waiting_ == 0 && all_sent(now);
}

void LoadGenerator::Engine::send_due(std::int64_t now) {
  if (options_.rate == 0) {
    const auto wanted = options_.connections * options_.depth;
    for (auto tries = free_count_; waiting_ < wanted && tries != 0 && free_count_ != 0 && !all_sent(now);
         --tries) {
      const auto index = free_[free_first_];
      free_first_ = (free_first_ + 1) % free_.size();
      --free_count_;
      if (!send(index, now, now)) release(index);
    }
    return;
  }
  for (; next_intended_ <= now && !all_sent(now); next_intended_ += step_ns_) {
    if (next_intended_ >= send_until_) return;
    if (free_count_ == 0) {
      if (now - next_intended_ <= options_.drop_after.count())
        return;  // waits for a terminal; its latency runs
      ++report_.dropped;
      continue;
    }
    const auto index = free_[free_first_];
    free_first_ = (free_first_ + 1) % free_.size();
    --free_count_;
    if (!send(index, next_intended_, now)) {
      release(index);
      if (now - next_intended_ <= options_.drop_after.count()) return;
      ++report_.dropped;
    }
  }
}

bool LoadGenerator::Engine::send(std::uint32_t index, std::int64_t intended, std::int64_t now) {
  auto& slot = slots_[index];
  auto& line = lines_[slot.line];
  if (!line.stream.is_open()) return false;
  const auto frame = slot.next(next_amount(), options_.mac);
  if (frame.empty()) {
    slot.state = LoadSlot::State::out;
    return true;  // out of STANs: it leaves the game, the next one sends
  }
  slot.state = LoadSlot::State::waiting;
  slot.intended_ns = intended;
  slot.sent_ns = now;
  ++waiting_;
  ++sent_;
  if (in_window(now)) ++report_.sent;
  if (!line.stream.send(frame)) line.stream.close();  // 8 MiB unsent: that peer is not reading
  return true;
}

void LoadGenerator::Engine::release(std::uint32_t index) {
  slots_[index].state = LoadSlot::State::free;
  free_[(free_first_ + free_count_++) % free_.size()] = index;
}

void LoadGenerator::Engine::flush_all() {
  for (std::uint32_t i = 0; i < lines_.size(); ++i) {
    auto& line = lines_[i];
    if (!line.stream.is_open() || (line.stream.unsent() == 0 && !line.wants_write)) continue;
    if (!line.stream.flush()) continue;
    const bool wants = line.stream.unsent() != 0;
    if (wants != std::exchange(line.wants_write, wants)) poller_.want_write(line.stream.fd(), i, wants);
  }
}

}  // namespace tollgate::sim
