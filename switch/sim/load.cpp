#include "switch/sim/load.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "switch/sim/load_engine.h"
#include "switch/sim/load_meter.h"

// What comes back, and the outside of the generator.
namespace tollgate::sim {

void LoadGenerator::Engine::wrong(std::string_view what) {
  ++report_.wrong;
  ++report_.wrong_in[std::string(what)];
}

void LoadGenerator::Engine::look(Duration patience) {
  for (const auto& event : poller_.wait(patience)) {
    if (event.token == kFeedToken) {
      read_feed();
    } else if (event.token < lines_.size()) {
      const auto now = SystemClock::now().instant.ns;
      lines_[event.token].stream.read_frames([&](ByteView frame) { receive(frame, now); });
    }
  }
}

void LoadGenerator::Engine::receive(ByteView frame, std::int64_t now) {
  iso::MessageView reply;
  if (!iso::decode(*dialect_, frame, reply).ok()) return wrong("unreadable");
  const auto index = slot_of(reply.raw(41));
  if (!index) return wrong("field 41");
  auto& slot = slots_[*index];
  switch (slot.state) {
    case LoadSlot::State::signing:
      return on_sign_in(slot, frame);
    case LoadSlot::State::waiting:
      return on_answer(*index, reply, now);
    case LoadSlot::State::reversing:
      return on_reversal(*index, frame);
    case LoadSlot::State::free:
    case LoadSlot::State::out:
      break;
  }
  if (slot.extra_answers == 0) return wrong("unexpected");
  --slot.extra_answers;
  ++report_.late;
}

void LoadGenerator::Engine::on_answer(std::uint32_t index, const iso::MessageView& reply, std::int64_t now) {
  auto& slot = slots_[index];
  std::array<char, 2> code{};
  if (const auto what = slot.check(reply, options_.mac, code); !what.empty()) {
    wrong(what);
    if (what == "mac") undo(index, "A0", now);
    return;  // a terminal ignores anything else that does not fit, and waits on
  }
  const bool approved = code == std::array{'0', '0'};
  if (approved && slot.suspended_ns != 0 && slot.sent_ns > slot.suspended_ns) ++report_.violations;
  ++codes_[static_cast<std::size_t>(static_cast<std::uint8_t>(code[0])) << 8 |
           static_cast<std::uint8_t>(code[1])];
  if (in_window(now)) {
    ++report_.answered;
    ++(approved ? report_.approved : report_.refused);
  }
  if (in_window(slot.intended_ns)) report_.latency.record(now - slot.intended_ns);
  --waiting_;
  release(index);
}

void LoadGenerator::Engine::on_reversal(std::uint32_t index, ByteView frame) {
  auto& terminal = slots_[index].terminal();
  const auto verdict = terminal.receive(frame);
  if (!verdict.answered) {  // the late answer to the request itself, if it still may come
    if (slots_[index].extra_answers == 0) return wrong(name(verdict.fault));
    --slots_[index].extra_answers;
    ++report_.late;
    return;
  }
  if (!terminal.owes_reversal()) ++report_.reversed;
  if (verdict.fault != ReplyFault::none) wrong(name(verdict.fault));
  --waiting_;
  release(index);
}

void LoadGenerator::Engine::give_up(std::int64_t now) {
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    auto& slot = slots_[i];
    const bool late = now - slot.sent_ns > options_.timeout.count();
    if (!late || (slot.state != LoadSlot::State::waiting && slot.state != LoadSlot::State::reversing))
      continue;
    if (slot.state == LoadSlot::State::waiting) {
      ++report_.unanswered;
      ++slot.extra_answers;
      undo(i, "98", now);
    } else {
      slot.sent_ns = now;
      ++report_.retransmitted;
      ++slot.extra_answers;
      (void)lines_[slot.line].stream.send(slot.terminal().retransmit());
    }
  }
}

void LoadGenerator::Engine::undo(std::uint32_t index, std::string_view reason, std::int64_t now) {
  auto& slot = slots_[index];
  slot.state = LoadSlot::State::reversing;
  slot.sent_ns = now;
  (void)lines_[slot.line].stream.send(
      slot.reverse(order_of(index), reason));  // not taken: give_up sends it again
}

void LoadGenerator::Engine::read_feed() {
  std::array<char, 4096> room;
  const auto got = ::read(feed_.get(), room.data(), room.size());
  if (got <= 0) return;
  const auto now = SystemClock::now().instant.ns;
  feed_rest_.append(room.data(), static_cast<std::size_t>(got));
  for (auto end = feed_rest_.find('\n'); end != std::string::npos; end = feed_rest_.find('\n')) {
    on_feed_line(std::string_view(feed_rest_).substr(0, end), now);
    feed_rest_.erase(0, end + 1);
  }
  if (feed_rest_.size() > 4096) feed_rest_.clear();  // not our protocol
}

void LoadGenerator::Engine::on_feed_line(std::string_view line, std::int64_t now) {
  const auto space = line.find(' ');
  const auto index =
      space == std::string_view::npos ? std::nullopt : slot_of(as_bytes(line.substr(space + 1)));
  const auto verb = line.substr(0, space);
  if (!index || (verb != "suspended" && verb != "active")) return wrong("suspend feed");
  slots_[*index].suspended_ns = verb == "suspended" ? now : 0;
}

LoadGenerator::LoadGenerator(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
LoadGenerator::~LoadGenerator() = default;

Result<std::unique_ptr<LoadGenerator>> LoadGenerator::make(LoadOptions options) {
  if (options.terminals.empty()) return fail(ErrorCode::invalid, "a load has at least one terminal");
  if (options.duration.count() <= 0)
    return fail(ErrorCode::invalid, "a measurement lasts longer than nothing");
  if (options.rate > 1'000'000) return fail(ErrorCode::invalid, "a rate is at most 1,000,000 a second");
  if (options.rate == 0 && options.depth * options.connections == 0) {
    return fail(ErrorCode::invalid, "a closed loop has at least one connection and one request in flight");
  }
  if (options.server_pid != 0 && !process_processor_time(options.server_pid)) {
    return fail(ErrorCode::not_found, "there is no such process", std::to_string(options.server_pid));
  }
  auto poller = Poller::make();
  if (!poller) return std::unexpected(poller.error());
  // A slot in flight is a terminal of its own; more terminals than slots take turns.
  std::vector<LoadSlot> slots;
  slots.reserve(options.terminals.size());
  for (const auto& config : options.terminals) {
    auto terminal = SimTerminal::make(config);
    if (!terminal) return std::unexpected(terminal.error());
    terminal->config().journal_max = 1;
    slots.emplace_back(std::move(*terminal));
  }
  auto engine = std::make_unique<Engine>(std::move(options), std::move(slots), std::move(*poller));
  return std::unique_ptr<LoadGenerator>(new LoadGenerator(std::move(engine)));
}

Result<LoadReport> LoadGenerator::run() {
  return engine_->run();
}
void LoadGenerator::stop() noexcept {
  engine_->stop();
}

}  // namespace tollgate::sim
