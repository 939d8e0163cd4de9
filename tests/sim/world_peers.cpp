#include <fmt/format.h>

#include <algorithm>

#include "switch/iso/framing.h"
#include "tests/sim/world.h"

// What surrounds the switch: terminals and hosts, and the networks between.
namespace tollgate::test {
namespace {

constexpr std::uint64_t key_of(const core::ConnRef& ref) {
  return std::uint64_t{ref.slot} << 32 | ref.generation;
}

bool can_be_reversed(iso::Kind kind) {
  using enum iso::Kind;
  return kind == sale || kind == instant_sale || kind == qr_sale || kind == void_sale || kind == qr_void;
}

}  // namespace

// ---- terminals
// -------------------------------------------------------------------------------------------------------

void World::next_act(std::size_t index) {
  after(calm_ ? between_us(50'000, 500'000) : between_us(50'000, 3'000'000),
        [this, index, turn = ++terminals_[index]->turn] {
          if (terminals_[index]->turn == turn) act(index);
        });
}

sim::SaleOrder World::sale() {
  sim::SaleOrder order;
  const auto kind = pick(0, 9);
  static constexpr std::uint64_t kMax[] = {900, 20'000, 600'000, 90'000'000};
  auto minor = pick(1, kMax[pick(0, 3)]);
  if (hits(60))
    minor = minor / 100 * 100 + std::array{51U, 91U, 92U, 94U}[pick(0, 3)];  // declined, never, late, twice
  order.amount = Amount::checked(static_cast<std::int64_t>(minor));
  if (kind < 3) {
    order.entry = sim::Entry::qr;
    order.code = sim::wallet_code(static_cast<sim::Wallet>(pick(0, 2)), pick(1, 1000));
    return order;
  }
  order.entry = kind < 5 ? sim::Entry::chip : sim::Entry::magstripe;
  order.card = sim::test_card(pick(1, 1000), hits(500) ? "622202" : "621700");
  order.instant = kind == 9;
  return order;
}

ByteView World::choose(Pos& pos) {
  auto& t = pos.sim;
  if (!t.signed_in() || pos.sign_in_first) {
    pos.sign_in_first = false;
    return t.sign_in(hits(500) ? crypto::SignInScheme::double_003 : crypto::SignInScheme::single_001);
  }
  if (t.owes_reversal()) return t.reversal();
  if (calm_) return {};
  const auto what = pick(0, 99);
  if (what < 4) return t.echo();
  if (what < 6) return t.sign_out();
  if (what < 9) return t.sign_in();
  if (what < 14) return t.balance(sim::test_card(pick(1, 1000)));
  if (what < 30)
    if (const auto* old = t.voidable()) return t.void_sale(old->stan);
  return t.sale(sale());
}

void World::act(std::size_t index) {
  auto& pos = *terminals_[index];
  if (pos.sim.busy()) return;
  const auto frame = choose(pos);
  if (frame.empty()) {
    if (!calm_) next_act(index);
    return;
  }
  count(fmt::format("asks {}", iso::name(pos.sim.in_flight())));
  speak(index, frame);
}

void World::speak(std::size_t index, ByteView frame) {
  auto& pos = *terminals_[index];
  pos.frame.assign(frame.begin(), frame.end());
  iso::MessageView view;
  (void)iso::decode(*iso::Dialect::builtin("cup"), frame.subspan(2), view);
  pos.mti = view.mti().bcd;
  pos.stan = view.number(11).value_or(0);
  pos.copies = 1;
  pos.patience = static_cast<int>(pick(0, 2));
  const auto turn = ++pos.turn;
  send_up(index, pos.frame);
  if (!calm_ && hits(weather_.repeat)) {  // somebody on the way sends it once more, soon or long after
    count("network repeats a request");
    ++pos.copies;
    after(hits(500) ? between_us(1'000, 2'000'000) : between_us(1'000'000, 40'000'000),
          [this, index, again = pos.frame] { send_up(index, again); });
  }
  const bool impatient = !calm_ && hits(weather_.impatient);
  after(impatient ? between_us(5'000, 4'000'000) : between_us(15'000'000, 40'000'000),
        [this, index, turn] { lose_patience(index, turn); });
}

void World::lose_patience(std::size_t index, std::uint64_t turn) {
  auto& pos = *terminals_[index];
  if (pos.turn != turn || !pos.sim.busy()) return;
  if (pos.patience-- > 0) {
    count("terminal repeats a request");
    ++pos.copies;
    send_up(index, pos.frame);
    return after(between_us(1'000'000, 20'000'000), [this, index, turn] { lose_patience(index, turn); });
  }
  count("terminal gives up");
  pos.sim.no_answer();
  next_act(index);
}

void World::send_up(std::size_t index, const Bytes& frame) {
  auto& pos = *terminals_[index];
  if (engine_ == nullptr) return count("nobody listens");
  if (pos.connection == 0) {
    const auto ref = engine_->on_terminal_open(0, now_);
    if (!ref) return count("connection refused");
    pos.connection = ++connection_number_;
    connections_[pos.connection] = {
        .ref = *ref, .pos = index, .received = {}, .up_at = now_.instant, .down_at = now_.instant};
  }
  auto& c = connections_.at(pos.connection);
  const bool stall = !calm_ && hits(weather_.stall);
  if (stall) count("terminal side stalls");
  c.up_at =
      std::max(c.up_at, now_.instant + (stall ? between_us(500'000, 20'000'000) : between_us(100, 20'000)));
  std::size_t from = 0;
  while (from < frame.size()) {
    auto size = frame.size() - from;
    if (size > 1 && !calm_ && hits(weather_.split)) {
      count("terminal side split");
      size = pick(1, size - 1);
    }
    const Bytes piece(frame.begin() + static_cast<std::ptrdiff_t>(from),
                      frame.begin() + static_cast<std::ptrdiff_t>(from + size));
    to_process_at(c.up_at, [this, number = pos.connection, piece] { arrive(number, piece); });
    from += size;
    if (from < frame.size()) c.up_at = c.up_at + between_us(1, 50'000);
  }
}

void World::arrive(std::uint64_t number, const Bytes& bytes) {
  const auto it = connections_.find(number);
  if (it == connections_.end()) return;  // reset meanwhile
  auto& c = it->second;
  c.received.insert(c.received.end(), bytes.begin(), bytes.end());
  std::size_t whole = 0;
  while (c.received.size() - whole >= 2) {
    const auto size = 2U + load_be16(c.received.data() + whole);
    if (c.received.size() - whole < size) break;
    const auto frame = ByteView(c.received).subspan(whole, size);
    note("request", frame, terminals_[c.pos]->tid);
    auditor_.request(frame);
    whole += size;
  }
  const auto ref = c.ref;
  const auto taken = engine_->on_terminal_bytes(ref, c.received, now_);
  if (taken != whole)
    auditor_.violated("framing", fmt::format("{} bytes of whole frames, {} taken", whole, taken));
  if (const auto still = connections_.find(number); still != connections_.end())
    still->second.received.erase(still->second.received.begin(),
                                 still->second.received.begin() + static_cast<std::ptrdiff_t>(taken));
}

void World::send_terminal(const core::ConnRef& ref, ByteView bytes) {
  auditor_.reply(bytes);
  const auto it =
      std::ranges::find_if(connections_, [&](const auto& c) { return key_of(c.second.ref) == key_of(ref); });
  if (it == connections_.end()) return count("answer without a connection");
  auto& [number, c] = *it;
  note("reply", bytes, terminals_[c.pos]->tid);
  const bool stall = !calm_ && hits(weather_.stall);
  c.down_at =
      std::max(c.down_at, now_.instant + (stall ? between_us(500'000, 30'000'000) : between_us(100, 20'000)));
  at(c.down_at, [this, connection = number, index = c.pos, frame = Bytes(bytes.begin(), bytes.end())] {
    const auto& pos = *terminals_[index];
    if (pos.connection == connection || pos.lingering == connection) return hear(index, frame);
    count("answer lost");
  });
}

void World::close_terminal(const core::ConnRef& ref, core::CloseReason) {
  to_process({}, [this, ref] {
    const auto it = std::ranges::find_if(connections_,
                                         [&](const auto& c) { return key_of(c.second.ref) == key_of(ref); });
    if (it != connections_.end()) hang_up(it->second.pos);
  });
}

void World::hang_up(std::size_t index) {
  auto& pos = *terminals_[index];
  const auto it = connections_.find(std::exchange(pos.connection, 0));
  if (it == connections_.end()) return;
  note("reset", {}, pos.tid);
  count("terminal side reset");
  const auto ref = it->second.ref;
  connections_.erase(it);
  if (engine_ != nullptr) engine_->on_terminal_closed(ref);
}

void World::hear(std::size_t index, const Bytes& frame) {
  auto& pos = *terminals_[index];
  iso::MessageView reply;
  if (!iso::decode(*iso::Dialect::builtin("cup"), ByteView(frame).subspan(2), reply).ok())
    return auditor_.violated("P2", "an answer that cannot be read");
  std::array<char, 8> room;
  const std::string code(reply.value(39, room));
  count(fmt::format("code {}", code));
  const bool mine =
      pos.sim.busy() && reply.mti().bcd == pos.mti + 0x10 && reply.number(11).value_or(0) == pos.stan;
  if (!mine) return count("late answer ignored");
  const bool of_terminal = code == "58" || code == "03" || code == "90" || code == "77" || code == "A0";
  if (code == "77" || code == "A0") pos.sign_in_first = true;
  if (of_terminal && pos.copies > 1 && can_be_reversed(pos.sim.in_flight())) {
    // A refusal of this copy says nothing about the one before it: the terminal reverses.
    count("refusal of a repeat");
    pos.sim.no_answer();
    return next_act(index);
  }
  const auto verdict = pos.sim.receive(ByteView(frame).subspan(2));
  note("heard", {}, code);
  if (verdict.fault == sim::ReplyFault::wrong_mac || verdict.fault == sim::ReplyFault::bad_keys) {
    count("keys out of step");
    pos.sign_in_first = true;
  } else if (verdict.fault != sim::ReplyFault::none) {
    return auditor_.violated("wire", fmt::format("terminal {} refuses its answer: {} in field {}", pos.tid,
                                                 sim::name(verdict.fault), verdict.field));
  }
  if (verdict.requirement == '3') pos.sign_in_first = true;
  next_act(index);
}

// ---- hosts
// -----------------------------------------------------------------------------------------------------------

void World::connect_link(core::LinkId id, std::string_view address) {
  auto& link = links_[id.value];
  link.host = static_cast<std::size_t>(std::ranges::find(hosts_, address, &Host::name) - hosts_.begin());
  link.open = false;
  ++link.life;
  link.wire.clear();
  link.received.clear();
  to_process(between_us(200, 30'000), [this, id, life = link.life] {
    auto& l = links_.at(id.value);
    if (l.life != life) return;
    if (!hosts_[l.host].up) return engine_->on_link_down(id, now_);
    l.open = true;
    l.up_at = now_.instant;
    engine_->on_link_up(id, now_);
  });
}

void World::send_link(core::LinkId id, ByteView bytes) {
  auto& link = links_.at(id.value);
  auto& host = hosts_[link.host];
  note("upstream", bytes, host.name);
  auditor_.host_request(host.name, bytes);
  if (!link.open) return;
  link.up_at = std::max(link.up_at, now_.instant + between_us(100, 30'000));
  at(link.up_at, [this, id, life = link.life, frame = Bytes(bytes.begin(), bytes.end())] {
    at_host(id.value, life, frame);
  });
}

// A link that broke meanwhile may have delivered before it did, or what it held arrives long after; its
// answer is lost in any case.
void World::at_host(std::uint32_t id, std::uint64_t life, const Bytes& frame) {
  auto& link = links_.at(id);
  auto& host = hosts_[link.host];
  const bool broken = link.life != life || !host.up;
  if (broken && hits(400)) return count("request lost on a broken link");
  if (broken && hits(500))
    return after(between_us(500'000, 20'000'000), [this, id, life, frame] { at_host(id, life, frame); });
  const auto cut = iso::next_frame(host.sim->dialect().framing(), frame);
  const auto step = host.sim->receive(cut.frame, now_.wall);
  const bool management = frame.size() > 5 && frame[3] == '8';
  note("host decides", step.reply, host.name);
  if (broken) return count("request delivered on a broken link");
  if (host.silent && !management) return count("host says nothing");
  for (int i = 0; i < step.copies; ++i)
    after(step.delay + host.slow + between_us(1'000, 300'000),
          [this, id, life, bytes = Bytes(step.reply.begin(), step.reply.end())] { answer(id, life, bytes); });
}

void World::answer(std::uint32_t id, std::uint64_t life, const Bytes& frame) {
  auto& link = links_.at(id);
  if (link.life != life || !link.open) return count("host answer lost");
  link.wire.insert(link.wire.end(), frame.begin(), frame.end());
  if (link.wire.size() == frame.size()) pump(id);  // otherwise the rest of an earlier one is still on its way
}

void World::pump(std::uint32_t id) {
  auto& link = links_.at(id);
  if (link.wire.empty() || engine_ == nullptr) return;
  auto size = link.wire.size();
  if (!calm_ && hits(weather_.split)) {
    count("host side split");
    size = pick(1, size);
  }
  note("from host", ByteView(link.wire).first(size));
  link.received.insert(link.received.end(), link.wire.begin(),
                       link.wire.begin() + static_cast<std::ptrdiff_t>(size));
  link.wire.erase(link.wire.begin(), link.wire.begin() + static_cast<std::ptrdiff_t>(size));
  const auto life = link.life;
  const auto given = link.received;
  const auto taken = engine_->on_link_bytes(core::LinkId{id}, given, now_);
  auto& now = links_.at(id);
  if (now.life != life) return;
  now.received.erase(now.received.begin(), now.received.begin() + static_cast<std::ptrdiff_t>(taken));
  if (!now.wire.empty())
    to_process(between_us(10, 20'000), [this, id, life] {
      if (links_.at(id).life == life) pump(id);
    });
}

void World::close_link(core::LinkId id) {
  auto& link = links_.at(id.value);
  link.open = false;
  ++link.life;
}

void World::drop_link(std::uint32_t id) {
  auto& link = links_.at(id);
  if (!link.open || engine_ == nullptr) return;
  note("link reset", {}, hosts_[link.host].name);
  count("host side reset");
  link.open = false;
  ++link.life;
  engine_->on_link_down(core::LinkId{id}, now_);
}

void World::host_down(std::size_t host, bool down) {
  if (hosts_[host].up != down) return;
  hosts_[host].up = !down;
  note(down ? "host down" : "host up", {}, hosts_[host].name);
  if (!down) return;
  count("host down");
  for (auto& [id, link] : links_)
    if (link.host == host) drop_link(id);
}

}  // namespace tollgate::test
