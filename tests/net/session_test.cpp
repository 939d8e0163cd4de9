// Terminal connections over real loopback sockets, with a small echoing brain in place of the engine.
#include "switch/net/session.h"

#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

#include <map>
#include <string>
#include <vector>

#include "switch/iso/framing.h"
#include "switch/net/acceptor.h"
#include "switch/net/loop.h"
#include "tests/net/peer.h"

namespace tollgate::net {
namespace {

using core::CloseReason;
using core::ConnRef;
using test::Peer;
using namespace std::chrono_literals;

// Cuts frames as the engine does and, if asked, sends each one back with its prefix.
class Echo : public Sessions::Events {
 public:
  Sessions* sessions = nullptr;
  std::uint32_t most = 1000;
  bool echoes = true;
  std::uint32_t next_slot = 0, generation = 1;
  std::vector<ConnRef> open;
  std::vector<ConnRef> closed;
  std::vector<std::string> frames;
  std::size_t reads = 0;

  std::optional<ConnRef> on_open(std::uint16_t) override {
    if (open.size() >= most) return std::nullopt;
    open.push_back({.worker = 0, .slot = next_slot++, .generation = generation});
    return open.back();
  }
  std::size_t on_bytes(const ConnRef& connection, ByteView bytes) override {
    ++reads;
    std::size_t at = 0;
    while (true) {
      const auto cut =
          iso::next_frame({.prefix = iso::Framing::Prefix::binary2, .maximum = 2048}, bytes.subspan(at));
      if (cut.kind == iso::Cut::Kind::refused) {
        sessions->close(connection, CloseReason::malformed);
        return at;
      }
      if (cut.kind == iso::Cut::Kind::incomplete) return at;
      frames.emplace_back(as_text(cut.frame));
      if (echoes) sessions->send(connection, bytes.subspan(at, cut.consumed));
      at += cut.consumed;
    }
  }
  void on_closed(const ConnRef& connection) override {
    std::erase(open, connection);
    closed.push_back(connection);
  }
};

std::string frame(std::string_view body) {
  std::string bytes{static_cast<char>(body.size() >> 8), static_cast<char>(body.size())};
  return bytes.append(body);
}

class SessionTest : public ::testing::Test {
 protected:
  void open(Sessions::Limits limits = {}) {
    sessions_ = std::make_unique<Sessions>(loop_, budget_, limits, echo_);
    echo_.sessions = sessions_.get();
    acceptor_ = std::make_unique<Acceptor>(loop_, budget_,
                                           [this](int fd, std::uint16_t l) { sessions_->adopt(fd, l); });
    const auto bound = acceptor_->listen(0, "127.0.0.1:0");
    ASSERT_TRUE(bound.has_value()) << bound.error().text();
    address_ = *bound;
    loop_.set_hooks({.end_of_batch =
                         [this] {
                           sessions_->settle();
                           sessions_->write();
                         },
                     .deadline = {},
                     .sweep = [this] { sessions_->sweep(); }});
    acceptor_->start();
  }
  // Runs the loop until the condition holds; false when it does not within the patience.
  bool until(const std::function<bool()>& holds, Duration patience = 5s) {
    const auto end = SystemClock::now().instant + patience;
    while (!holds()) {
      if (SystemClock::now().instant >= end) return false;
      loop_.run_batch(5ms);
    }
    return true;
  }
  [[nodiscard]] std::uint64_t closes(CloseReason reason) const {
    return sessions_->stats().closes[static_cast<std::size_t>(reason)];
  }

  Loop loop_;
  SocketBudget budget_;
  Echo echo_;
  std::unique_ptr<Sessions> sessions_;
  std::unique_ptr<Acceptor> acceptor_;
  std::string address_;
};

TEST_F(SessionTest, AnswersManyFramesOfOneReadWithOneWrite) {
  open();
  const auto peer = Peer::connect(address_);
  std::string sent;
  for (int i = 0; i < 10; ++i) sent += frame("message " + std::to_string(i));
  ASSERT_TRUE(peer.send(sent));
  ASSERT_TRUE(until([&] { return echo_.frames.size() == 10; }));
  std::string received;
  ASSERT_TRUE(until([&] {
    received += peer.receive();
    return received.size() == sent.size();
  }));
  EXPECT_EQ(received, sent);
  EXPECT_EQ(sessions_->stats().writes, 1U);
  EXPECT_EQ(sessions_->stats().reads, 1U);
}

TEST_F(SessionTest, KeepsAPartialFrameUntilItsRestComes) {
  open();
  const auto peer = Peer::connect(address_);
  const auto whole = frame("one") + frame("two and some more");
  for (const char byte : whole) {
    ASSERT_TRUE(peer.send({&byte, 1}));
    loop_.run_batch(20ms);
  }
  ASSERT_TRUE(until([&] { return echo_.frames.size() == 2; }));
  EXPECT_EQ(echo_.frames[1], "two and some more");
}

TEST_F(SessionTest, GrowsItsBufferForAFrameLargerThanItsFirst) {
  open({.buffer = {.initial = 64, .wide = 128, .most = 4096}});
  const auto peer = Peer::connect(address_);
  const std::string big(2000, 'x');
  ASSERT_TRUE(peer.send(frame("small") + frame(big) + frame("after")));
  ASSERT_TRUE(until([&] { return echo_.frames.size() == 3; }));
  EXPECT_EQ(echo_.frames[1], big);
}

TEST_F(SessionTest, ClosesASlowFrameAfterItsTimeoutEvenWhenItTrickles) {
  open({.frame_timeout = 400ms});
  const auto slow = Peer::connect(address_);
  const auto good = Peer::connect(address_);
  ASSERT_TRUE(slow.send(frame(std::string(2000, 's')).substr(0, 5)));
  const auto began = SystemClock::now().instant;
  // A byte now and then does not renew the time-out; an honest neighbour is left alone.
  ASSERT_TRUE(until(
      [&] {
        (void)slow.send("x");
        (void)good.send(frame("hello"));
        loop_.run_batch(20ms);
        return slow.is_closed_by_peer() || echo_.frames.size() > 1000;
      },
      3s))
      << "the trickler was never closed";
  EXPECT_GE(SystemClock::now().instant - began, 400ms);
  EXPECT_EQ(closes(CloseReason::frame_timeout), 1U);
  EXPECT_EQ(echo_.open.size(), 1U);
  EXPECT_FALSE(good.is_closed_by_peer());
}

TEST_F(SessionTest, LeavesAQuietConnectionWithoutPartialFrameOpenUntilIdle) {
  open({.idle_timeout = 1200ms, .frame_timeout = 300ms});
  const auto peer = Peer::connect(address_);
  ASSERT_TRUE(peer.send(frame("hello")));
  ASSERT_TRUE(until([&] { return echo_.frames.size() == 1; }));
  const auto began = SystemClock::now().instant;
  ASSERT_TRUE(until([&] { return closes(CloseReason::idle) == 1; }, 4s));
  EXPECT_GE(SystemClock::now().instant - began, 1100ms);
  EXPECT_EQ(closes(CloseReason::frame_timeout), 0U);
}

TEST_F(SessionTest, ClosesZeroLengthAndOversizeFramesAndCountsThem) {
  open();
  const auto zero = Peer::connect(address_);
  const auto oversize = Peer::connect(address_);
  ASSERT_TRUE(zero.send(std::string(2, '\0')));
  ASSERT_TRUE(oversize.send("\xFF\xFF"));
  ASSERT_TRUE(until([&] { return zero.is_closed_by_peer() && oversize.is_closed_by_peer(); }));
  EXPECT_EQ(closes(CloseReason::malformed), 2U);
  EXPECT_EQ(echo_.closed.size(), 2U);
  EXPECT_TRUE(echo_.frames.empty());
}

TEST_F(SessionTest, AnswersWhatCameBeforeAMalformedFrameAndThenCloses) {
  open();
  const auto peer = Peer::connect(address_);
  ASSERT_TRUE(peer.send(frame("good") + std::string(2, '\0')));
  std::string received;
  ASSERT_TRUE(until([&] {
    received += peer.receive();
    return closes(CloseReason::malformed) == 1;
  }));
  received += peer.receive();
  EXPECT_EQ(received, frame("good"));
}

TEST_F(SessionTest, FreesTheSlotOfAPeerThatClosedHalf) {
  open();
  const auto peer = Peer::connect(address_);
  ASSERT_TRUE(until([&] { return echo_.open.size() == 1; }));
  ::shutdown(peer.fd(), SHUT_WR);
  ASSERT_TRUE(until([&] { return echo_.open.empty(); }));
  EXPECT_EQ(closes(CloseReason::peer), 1U);
  EXPECT_EQ(budget_.open.load(), 0U);
}

TEST_F(SessionTest, RefusesConnectionsBeyondTheBoundAndTakesNewOnesAfterwards) {
  echo_.most = 3;
  open();
  std::vector<Peer> peers;
  for (int i = 0; i < 20; ++i) peers.push_back(Peer::connect(address_));
  ASSERT_TRUE(until([&] { return sessions_->stats().refused == 17; }));
  EXPECT_EQ(echo_.open.size(), 3U);
  EXPECT_EQ(budget_.open.load(), 3U);
  int closed = 0;
  for (const auto& peer : peers) closed += peer.is_closed_by_peer() ? 1 : 0;
  EXPECT_EQ(closed, 17);
  peers.clear();
  ASSERT_TRUE(until([&] { return echo_.open.empty(); }));
  const auto late = Peer::connect(address_);
  ASSERT_TRUE(late.send(frame("late")));
  ASSERT_TRUE(until([&] { return echo_.frames.size() == 1; }));
}

TEST_F(SessionTest, PausesAcceptingAtTheBudgetOfSocketsAndResumes) {
  budget_.most = 2;
  open();
  std::vector<Peer> peers;
  for (int i = 0; i < 5; ++i) peers.push_back(Peer::connect(address_));  // the kernel's queue takes them
  ASSERT_TRUE(until([&] { return echo_.open.size() == 2 && acceptor_->pauses() > 0; }));
  for (int i = 0; i < 10; ++i) loop_.run_batch(10ms);
  EXPECT_EQ(echo_.open.size(), 2U);
  EXPECT_EQ(sessions_->stats().refused, 0U);
  peers.erase(peers.begin(), peers.begin() + 2);
  ASSERT_TRUE(until([&] { return sessions_->stats().opened == 4; }));
  peers.erase(peers.begin(), peers.begin() + 2);
  ASSERT_TRUE(until([&] { return sessions_->stats().opened == 5; }));
}

TEST_F(SessionTest, PausesWhenTheProcessHasNoDescriptorsLeftAndRecovers) {
  open();
  std::vector<Peer> peers;
  for (int i = 0; i < 4; ++i) peers.push_back(Peer::connect(address_));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = ::dup(0);  // the lowest free number: with the limit there, every further accept is EMFILE
  ::close(next);
  const rlimit none{.rlim_cur = static_cast<rlim_t>(next), .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const bool paused = until([&] { return acceptor_->pauses() > 0; });
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(paused);
  EXPECT_TRUE(until([&] { return echo_.open.size() == 4; }));
}

TEST_F(SessionTest, ClosesAConnectionThatDoesNotReadItsAnswersAtTheBound) {
  open({.unsent_max = 64 << 10});
  const auto lazy = Peer::connect(address_, 4096);
  ASSERT_TRUE(until([&] { return echo_.open.size() == 1; }));
  const auto ref = echo_.open[0];
  const std::string answer(2000, 'a');
  std::size_t total = 0;
  ASSERT_TRUE(until([&] {
    for (int i = 0; i < 64; ++i) {
      sessions_->send(ref, as_bytes(frame(answer)));
      total += answer.size();
    }
    return closes(CloseReason::full) == 1 || total > (64U << 20);
  }));
  EXPECT_EQ(closes(CloseReason::full), 1U);
  EXPECT_TRUE(until([&] { return echo_.closed.size() == 1; }));
}

TEST_F(SessionTest, WritesTheRestWhenASlowReaderMakesRoom) {
  open({.unsent_max = 64 << 20});
  const auto slow = Peer::connect(address_, 64 << 10);
  ASSERT_TRUE(until([&] { return echo_.open.size() == 1; }));
  const std::string answer(60'000, 'z');
  std::size_t sent = 0;
  for (int i = 0; i < 100; ++i) {
    sessions_->send(echo_.open[0], as_bytes(frame(answer)));
    sent += answer.size() + 2;
  }
  std::size_t received = 0;
  ASSERT_TRUE(until(
      [&] {
        received += slow.receive().size();
        return received == sent;
      },
      20s))
      << received << " of " << sent;
  EXPECT_FALSE(slow.is_closed_by_peer());
}

TEST_F(SessionTest, IgnoresAStaleReference) {
  open();
  const auto first = Peer::connect(address_);
  ASSERT_TRUE(until([&] { return echo_.open.size() == 1; }));
  const auto stale = echo_.open[0];
  sessions_->close(stale, CloseReason::shutdown);
  ASSERT_TRUE(until([&] { return echo_.closed.size() == 1; }));
  echo_.next_slot = stale.slot;  // the slot is used again, by its next generation
  echo_.generation = 2;
  const auto second = Peer::connect(address_);
  ASSERT_TRUE(until([&] { return echo_.open.size() == 1; }));
  sessions_->send(stale, as_bytes("for somebody else"));
  sessions_->close(stale, CloseReason::malformed);
  sessions_->send({.worker = 0, .slot = 999, .generation = 1}, as_bytes("nobody"));
  for (int i = 0; i < 5; ++i) loop_.run_batch(5ms);
  EXPECT_EQ(second.receive(), "");
  EXPECT_FALSE(second.is_closed_by_peer());
  EXPECT_EQ(closes(CloseReason::malformed), 0U);
}

TEST_F(SessionTest, GivesAcceptedSocketsNoDelayAndKeepAlive) {
  open();
  const auto peer = Peer::connect(address_);
  ASSERT_TRUE(until([&] { return echo_.open.size() == 1; }));
  int seen = 0;  // of the accepted end: found among this process's descriptors by its peer address
  sockaddr_in mine{};
  socklen_t size = sizeof mine;
  ASSERT_EQ(::getsockname(peer.fd(), reinterpret_cast<sockaddr*>(&mine), &size), 0);
  for (int fd = 0; fd < 256; ++fd) {
    sockaddr_in other{};
    socklen_t other_size = sizeof other;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&other), &other_size) != 0 ||
        other.sin_port != mine.sin_port)
      continue;
    ++seen;
    int value = 0;
    socklen_t value_size = sizeof value;
    ASSERT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &value_size), 0);
    EXPECT_NE(value, 0);
    ASSERT_EQ(::getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, &value_size), 0);
    EXPECT_NE(value, 0);
    ASSERT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &value, &value_size), 0);
    EXPECT_EQ(value, 30'000);
  }
  EXPECT_EQ(seen, 1);
}

TEST_F(SessionTest, TellsOnceOfEachClosedConnectionUnderChurn) {
  open();
  for (int round = 0; round < 50; ++round) {
    std::vector<Peer> peers;
    for (int i = 0; i < 8; ++i) {
      peers.push_back(Peer::connect(address_));
      (void)peers.back().send(frame("x") + frame("y").substr(0, static_cast<std::size_t>(i % 3)));
    }
    loop_.run_batch(5ms);
  }
  ASSERT_TRUE(until([&] { return sessions_->stats().opened == 400 && echo_.open.empty(); }));
  EXPECT_EQ(echo_.closed.size(), 400U);
  EXPECT_EQ(budget_.open.load(), 0U);
}

TEST(Acceptor, NamesAnAddressThatIsTaken) {
  Loop loop;
  SocketBudget budget;
  Acceptor first(loop, budget, [](int, std::uint16_t) {});
  const auto bound = first.listen(0, "127.0.0.1:0");
  ASSERT_TRUE(bound.has_value());
  Acceptor second(loop, budget, [](int, std::uint16_t) {});
  const auto refused = second.listen(0, *bound);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::io);
  EXPECT_NE(refused.error().text().find(*bound), std::string::npos);
  EXPECT_FALSE(second.listen(0, "no port").has_value());
}

}  // namespace
}  // namespace tollgate::net
