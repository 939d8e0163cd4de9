// Links to hosts over real loopback sockets: up, down, again, and what happens to a host that does not read.
#include "switch/net/link.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "switch/net/loop.h"
#include "tests/net/peer.h"

namespace tollgate::net {
namespace {

using core::LinkId;
using test::ListeningPeer;
using test::Peer;
using namespace std::chrono_literals;

class Record : public Links::Events {
 public:
  std::vector<std::string> events;
  std::string bytes;
  void on_up(LinkId link) override { events.push_back("up " + std::to_string(link.value)); }
  std::size_t on_bytes(LinkId, ByteView view) override {
    bytes.append(as_text(view));
    if (on_read) on_read();
    return view.size();
  }
  std::function<void()> on_read;
  void on_down(LinkId link) override { events.push_back("down " + std::to_string(link.value)); }
};

class LinkTest : public ::testing::Test {
 protected:
  LinkTest() { make({}); }
  void make(Links::Limits limits) {
    links_ = std::make_unique<Links>(loop_, limits, record_);
    loop_.set_hooks({.end_of_batch =
                         [this] {
                           links_->settle();
                           links_->write();
                         },
                     .deadline = {},
                     .sweep = [this] { links_->sweep(); }});
  }
  bool until(const std::function<bool()>& holds, Duration patience = 5s) {
    const auto end = SystemClock::now().instant + patience;
    while (!holds()) {
      if (SystemClock::now().instant >= end) return false;
      loop_.run_batch(5ms);
    }
    return true;
  }
  [[nodiscard]] bool saw(std::vector<std::string> events) {
    return until([&] { return record_.events == events; });
  }

  Loop loop_;
  Record record_;
  std::unique_ptr<Links> links_;
};

TEST_F(LinkTest, ComesUpAndCarriesBytesBothWaysInBatches) {
  const ListeningPeer host;
  links_->connect({3}, host.address());
  ASSERT_TRUE(saw({"up 3"}));
  const auto peer = host.accept(1s);
  for (int i = 0; i < 100; ++i) links_->send({3}, as_bytes("request "));
  std::string received;
  ASSERT_TRUE(until([&] {
    received += peer.receive();
    return received.size() == 800;
  }));
  EXPECT_EQ(links_->stats().writes, 1U);
  ASSERT_TRUE(peer.send("answer"));
  ASSERT_TRUE(until([&] { return record_.bytes == "answer"; }));
}

TEST_F(LinkTest, ResolvesANameAndRefusesNonsense) {
  const ListeningPeer host;
  const auto address = host.address();
  links_->connect({0}, "localhost" + address.substr(address.rfind(':')));
  links_->connect({1}, "nonsense");
  ASSERT_TRUE(until([&] { return record_.events.size() == 2; }));
  std::ranges::sort(record_.events);
  EXPECT_EQ(record_.events, (std::vector<std::string>{"down 1", "up 0"}));
}

TEST_F(LinkTest, TellsOnceWhenNobodyListens) {
  ListeningPeer host;
  const auto address = host.address();
  host.close();
  links_->connect({0}, address);
  ASSERT_TRUE(saw({"down 0"}));
  for (int i = 0; i < 10; ++i) loop_.run_batch(2ms);
  EXPECT_EQ(record_.events.size(), 1U);
  links_->send({0}, as_bytes("into nothing"));  // ignored
}

TEST_F(LinkTest, ReconnectsAfterTheHostWentAway) {
  ListeningPeer host;
  const auto address = host.address();
  links_->connect({0}, address);
  ASSERT_TRUE(saw({"up 0"}));
  auto peer = host.accept(1s);
  peer.close();
  ASSERT_TRUE(saw({"up 0", "down 0"}));
  links_->connect({0}, address);
  ASSERT_TRUE(saw({"up 0", "down 0", "up 0"}));
  peer = host.accept(1s);
  ASSERT_TRUE(peer.send("again"));
  ASSERT_TRUE(until([&] { return record_.bytes == "again"; }));
}

// A host that refuses the sign-on, or sends a length that is none, is closed while its bytes are looked at.
TEST_F(LinkTest, MayBeClosedByWhoReadsItsBytes) {
  const ListeningPeer host;
  const auto address = host.address();
  for (int again = 0; again < 3; ++again) {
    record_ = {};
    links_->connect({0}, address);
    ASSERT_TRUE(saw({"up 0"}));
    const auto peer = host.accept(1s);
    record_.on_read = [&] { links_->close({0}); };
    ASSERT_TRUE(peer.send("no"));
    ASSERT_TRUE(until([&] { return record_.bytes == "no"; }));
    for (int i = 0; i < 5; ++i) loop_.run_batch(1ms);
    EXPECT_EQ(record_.events.size(), 1U);  // who closed it need not be told
    links_->send({0}, as_bytes("into nothing"));
  }
}

TEST_F(LinkTest, SaysNothingMoreOfALinkThatWasClosed) {
  const ListeningPeer host;
  links_->connect({0}, host.address());
  ASSERT_TRUE(saw({"up 0"}));
  const auto peer = host.accept(1s);
  links_->close({0});
  ASSERT_TRUE(until([&] { return peer.is_closed_by_peer(); }));
  links_->connect({1}, host.address());
  links_->close({1});  // before it was up
  for (int i = 0; i < 20; ++i) loop_.run_batch(2ms);
  EXPECT_EQ(record_.events, std::vector<std::string>{"up 0"});
}

TEST_F(LinkTest, ReplacesAConnectionThatIsAskedForAgain) {
  const ListeningPeer host;
  links_->connect({0}, host.address());
  ASSERT_TRUE(saw({"up 0"}));
  const auto first = host.accept(1s);
  links_->connect({0}, host.address());
  ASSERT_TRUE(saw({"up 0", "up 0"}));
  const auto second = host.accept(1s);
  ASSERT_TRUE(first.send("old"));
  ASSERT_TRUE(second.send("new"));
  ASSERT_TRUE(until([&] { return !record_.bytes.empty(); }));
  EXPECT_EQ(record_.bytes, "new");
  EXPECT_TRUE(first.is_closed_by_peer());
}

TEST_F(LinkTest, GivesUpAnAttemptThatIsNeverAnswered) {
  make({.connect_timeout = 300ms});
  links_->connect({0},
                  "192.0.2.1:9");  // TEST-NET-1: routed nowhere, or refused at once where there is no route
  const auto began = SystemClock::now().instant;
  ASSERT_TRUE(until([&] { return record_.events == std::vector<std::string>{"down 0"}; }, 3s));
  EXPECT_LT(SystemClock::now().instant - began, 2s);
}

TEST_F(LinkTest, DropsAHostThatDoesNotReadAtTheBound) {
  make({.unsent_max = 1 << 20});
  const ListeningPeer host;
  links_->connect({0}, host.address());
  ASSERT_TRUE(saw({"up 0"}));
  const auto peer = host.accept(1s);
  const std::string request(4000, 'r');
  std::size_t total = 0;
  ASSERT_TRUE(until(
      [&] {
        for (int i = 0; i < 64 && record_.events.size() == 1; ++i, total += request.size())
          links_->send({0}, as_bytes(request));
        return record_.events.size() == 2 || total > (256U << 20);
      },
      20s));
  EXPECT_EQ(record_.events.back(), "down 0");
}

}  // namespace
}  // namespace tollgate::net
