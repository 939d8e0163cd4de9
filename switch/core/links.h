// The links of one worker to the hosts: persistent, multiplexed, each with its own STAN. Sans I/O: bytes come
// in by on_bytes, leave through Outside. A link signs on, echoes, comes back after a loss with growing,
// jittered pauses; what it sent and waits for lies in a table by STAN, which is bounded (P7). Answers are
// matched by field 11 with 7 and 41. What was sent also hangs in a chain, oldest first, for its deadline.
//
// Who waits learns one of: answered, timed out, lost (the link went down first; `sent` says whether the bytes
// had left). What comes after that is told as late or duplicate, while the link still remembers it. Source:
// contract "Wire", iso87-ascii. Owner: the engine. Thread: its worker.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "switch/base/chance.h"
#include "switch/core/counters.h"
#include "switch/core/outside.h"
#include "switch/core/reference.h"
#include "switch/core/txn_table.h"
#include "switch/iso/codec.h"

namespace tollgate::core {

struct Waiter {                 // who waits for an answer
  std::uint16_t partition = 0;  // position among the engine's partitions
  bool reversal = false;
  std::uint32_t slot = 0;  // requests
  std::uint32_t generation = 0;
  TxnId txn;
};

// A place on a link that is taken for one request.
struct Place {
  LinkId link;
  std::uint32_t stan = 0;
  std::uint32_t use = 0;  // of this STAN: whoever comes for an older use finds nothing
};

// A place and the transmission time that go with a request, so that the intent can name them before anything
// is sent.
struct Passage {
  Place place;
  Text<10> transmitted;  // MMDDhhmmss, UTC
};

class LinkListener {
 public:
  virtual ~LinkListener() = default;
  // This one's answer is about to be handed over: what on_answer() will look at is fetched from memory
  // meanwhile. Each step can follow what the one before it has fetched.
  static constexpr int kExpectSteps = 3;
  virtual void expect(const Waiter& waiter, int step) = 0;
  virtual void on_answer(const Waiter& waiter, const iso::MessageView& message, Duration round_trip) = 0;
  virtual void on_timeout(const Waiter& waiter) = 0;
  virtual void on_lost(const Waiter& waiter, bool sent) = 0;
  virtual void on_late(const Waiter& waiter, const iso::MessageView& message, bool duplicate) = 0;
  virtual void on_host_ready(std::string_view host) = 0;  // a link of this host has just signed on
};

class Links {
 public:
  Links(Outside& outside, Chance& chance, Counters& counters, LinkListener& listener);

  // Opens what is new, closes what is gone; what stays keeps its links.
  void install(const Reference& reference, Now now);

  // A signed-on link of the host (its index in the reference that was installed last) with room, or nullopt.
  // Takes a place for `waiter`; what goes there must be sent, or the place released.
  [[nodiscard]] std::optional<Passage> reserve(std::uint16_t host, const Waiter& waiter, std::string_view tid,
                                               Now now);
  [[nodiscard]] HostCounters& counters(LinkId id) { return *link(id).counters; }
  // The frame that the message becomes on this link, in `out`; its fields 7 and 11 are set here. nullopt: the
  // host's dialect cannot carry it.
  [[nodiscard]] std::optional<ByteView> encode(const Passage& passage, iso::MessageBuilder& message,
                                               MutableBytes out) const;
  // Sends that frame. Nothing when the place was released meanwhile, or lost: then the waiter was told.
  void send(const Place& place, ByteView frame, Now now);
  // That place will be sent to soon: it is fetched meanwhile.
  void expect(const Place& place) const noexcept;
  // Nothing will be sent there. Nothing when something was: an answer may come.
  void release(const Place& place);

  void on_up(LinkId link, Now now);
  [[nodiscard]] std::size_t on_bytes(LinkId link, ByteView bytes, Now now);
  void on_down(LinkId link, Now now);
  void on_time(Now now);
  // When on_time() has something to do; a request's deadline is met at most 10 ms late, never early.
  [[nodiscard]] Instant next_deadline(Now now) const;

  struct HostStatus {
    std::uint32_t links = 0, up = 0, in_flight = 0, max_in_flight = 0;
    Instant last_echo;
  };
  [[nodiscard]] HostStatus status(std::string_view host) const;

 private:
  enum class Phase : std::uint8_t { down, connecting, signing_on, up };
  // What a STAN stands for, until its place is used again: while it waits, how its answer is matched; after
  // that, how a late one is recognised. One line of the processor.
  struct alignas(64) Request {
    enum class State : std::uint8_t { none, reserved, sent, answered, given_up };
    Waiter waiter;
    Instant sent_at;
    std::uint32_t stan = 0;
    std::uint32_t use = 0;
    std::uint32_t older = 0, newer = 0;  // STANs of what was sent before and after it and waits; 0: none
    std::uint32_t transmitted = 0;       // as a number
    std::array<char, 8> tid{};
    std::uint8_t tid_size = 0;
    State state = State::none;
    [[nodiscard]] bool waits() const noexcept { return state == State::reserved || state == State::sent; }
  };
  static_assert(sizeof(Request) == 64);
  struct Link {
    LinkId id;
    std::string host;
    HostCounters* counters = nullptr;
    std::shared_ptr<const iso::Dialect> dialect;
    std::vector<std::string> addresses;
    std::uint32_t max_in_flight = 0;
    Duration timeout{}, echo_interval{};
    Phase phase = Phase::down;
    std::uint32_t attempt = 0, next_address = 0, next_stan = 1;
    std::uint32_t use = 0;
    std::uint64_t life = 0;
    std::uint32_t management_stan = 0;  // of the sign-on or echo that waits
    Instant last_rx, last_echo;
    bool gone = false;
    // By the last bits of the STAN: a power of two, at least twice as many as may wait.
    std::vector<Request> requests;
    std::uint32_t waiting = 0;
    std::uint32_t oldest = 0, newest = 0;  // STANs; the ends of the chain of what was sent and waits
    [[nodiscard]] Request& at(std::uint32_t stan) noexcept { return requests[stan & (requests.size() - 1)]; }
    [[nodiscard]] const Request& at(std::uint32_t stan) const noexcept {
      return requests[stan & (requests.size() - 1)];
    }
    // The request that waits for an answer of this STAN; null when none does.
    [[nodiscard]] Request* sent(std::uint32_t stan) noexcept;
    // The request that this place was taken for, while nothing was sent; null afterwards.
    [[nodiscard]] Request* reserved(const Place& place) noexcept;
    // When the oldest of what was sent will have waited too long; nothing must wait for ever.
    [[nodiscard]] std::optional<Instant> deadline() const noexcept;
  };
  struct Timer {
    enum class Kind : std::uint8_t { management, echo, reconnect } kind = Kind::management;
    LinkId link;
    std::uint32_t stan = 0;  // of the management message
    std::uint64_t life = 0;  // of the link: what is of an older one is ignored
  };

  struct OfHost {
    std::vector<std::uint32_t> links;
    std::uint32_t turn = 0;
  };

  Link& link(LinkId id) { return *links_[id.value]; }
  void read_clock(WallTime wall);
  void arm(Instant at, const Timer& timer) { timers_.emplace(at, timer); }
  [[nodiscard]] std::uint32_t take_stan(Link& link);
  void connect(Link& link, Now now);
  void lose(Link& link, Now now);
  void send_management(Link& link, std::string_view code, Now now);
  void on_message(Link& link, const iso::MessageView& message, Now now);
  void on_management_reply(Link& link, const iso::MessageView& message, Now now);
  void on_reply(Link& link, const iso::MessageView& message, Now now);
  void fire(const Timer& timer, Now now);
  static void make_room(std::vector<Request>& requests, std::size_t wanted);
  static void begin(Link& link, Request& request, Instant now);
  static void end(Link& link, Request& request, Request::State how);
  void give_up(Link& link, Now now);

  Outside& outside_;
  Chance& chance_;
  Counters& counters_;
  LinkListener& listener_;
  std::vector<std::unique_ptr<Link>> links_;
  std::map<std::string, OfHost, std::less<>> by_host_;  // its values do not move
  std::vector<OfHost*> by_index_;                       // of the reference
  std::int64_t second_ = -1;                            // for which the two below hold
  Text<10> transmission_time_;                          // field 7, MMDDhhmmss in UTC
  std::uint32_t transmitted_ = 0;                       // the same as a number
  std::multimap<Instant, Timer> timers_;                // a few for each link
  std::array<std::uint8_t, 256> out_;                   // management messages
  struct Arrived {
    iso::MessageView message;
    bool readable = false;
    std::optional<Waiter> waiter;
  };
  std::array<Arrived, 8> arrived_;
};

}  // namespace tollgate::core
