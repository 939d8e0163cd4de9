#include "switch/core/links.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "switch/base/chance.h"
#include "switch/base/check.h"
#include "switch/core/reference.h"
#include "switch/iso/framing.h"

namespace tollgate::core {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

constexpr std::uint32_t kPlaces = 16384;  // of a link that may have few requests under way

// The first STAN of a life follows the clock: one every 10 us.
constexpr std::int64_t kWall = 1'790'000'000'000'000;

// One host behind one link, and who waits for its answers.
class Line final : public Outside, public LinkListener {
 public:
  explicit Line(std::uint32_t max_in_flight, std::int64_t wall_us = kWall)
      : now{.instant = {1}, .wall = {wall_us}} {
    limit(max_in_flight);
    links.on_up(link, now);
    answer(sent.back(), "0810");  // signed on
  }

  // Of the sign-on; the first request has the next one.
  [[nodiscard]] static std::int64_t first_stan(std::int64_t wall_us) { return 1 + wall_us / 10 % 999'999; }

  void limit(std::uint32_t max_in_flight) {
    Reference::Parts parts;
    auto& entry = parts.hosts.emplace_back();
    entry.host.set_name("host");
    entry.host.add_addresses("127.0.0.1:1");
    entry.host.set_links(1);
    entry.host.set_max_in_flight(max_in_flight);
    entry.host.set_timeout_ms(15'000);
    entry.dialect = iso::Dialect::builtin("iso87-ascii");
    links.install(Reference(std::move(parts)), now);
  }
  std::optional<Passage> reserve(std::uint64_t txn) {
    return links.reserve(0, {.txn = TxnId(txn)}, "10000001", now);
  }
  Passage send(std::uint64_t txn) {
    const auto passage = reserve(txn);
    TG_CHECK(passage.has_value());
    send(*passage);
    return *passage;
  }
  void send(const Passage& passage) {
    iso::MessageBuilder message;
    message.set_mti({0x0200});
    message.set(3, std::string_view("000000"));
    message.set(4, std::string_view("000000001000"));
    message.set(41, std::string_view("10000001"));
    std::array<std::uint8_t, 512> out;
    const auto frame = links.encode(passage, message, out);
    TG_CHECK(frame.has_value());
    links.send(passage.place, *frame, now);
  }
  // The host's answer to a frame of ours comes in.
  void answer(const Bytes& frame, std::string_view mti = "0210") {
    const auto dialect = iso::Dialect::builtin("iso87-ascii");
    const auto cut = iso::next_frame(dialect->framing(), frame);
    iso::MessageView request;
    TG_CHECK(iso::decode(*dialect, cut.frame, request).ok());
    iso::MessageBuilder reply;
    reply.set_mti({mti == "0810" ? std::uint16_t{0x0810} : std::uint16_t{0x0210}});
    for (const int field : {7, 11, 41}) reply.copy(field, request);
    reply.set(39, std::string_view("00"));
    std::array<std::uint8_t, 512> out;
    const auto bytes = iso::encode(*dialect, reply, out);
    TG_CHECK(bytes.has_value());
    EXPECT_EQ(links.on_bytes(link, *bytes, now), bytes->size());
  }
  // Others pass meanwhile; their STANs.
  void pass(
      std::uint32_t count, const std::function<void(std::uint32_t)>& see = [](std::uint32_t) {}) {
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto passage = reserve(1'000'000 + i);
      TG_CHECK(passage.has_value());
      see(passage->place.stan);
      links.release(passage->place);
    }
  }
  void wait(Duration duration) {
    now.instant = now.instant + duration;
    now.wall.us += std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
    links.on_time(now);
  }

  Now now;
  SeededChance chance{1};
  Counters counters;
  Links links{*this, chance, counters, *this};
  LinkId link;
  std::vector<Bytes> sent;
  std::vector<std::uint64_t> answered, timed_out, late, duplicate;
  std::uint32_t connects = 0;
  std::vector<std::pair<std::uint64_t, bool>> lost;  // who, and whether it had been sent

 private:
  void connect_link(LinkId id, std::string_view) override {
    link = id;
    ++connects;
  }
  void send_link(LinkId, ByteView bytes) override { sent.emplace_back(bytes.begin(), bytes.end()); }
  void close_link(LinkId) override {}
  void send_terminal(const ConnRef&, ByteView) override {}
  void close_terminal(const ConnRef&, CloseReason) override {}
  bool forward_frame(std::uint16_t, const ConnRef&, std::uint16_t, ByteView) override { return false; }
  void submit(storage::CommitWork&&) override {}
  void command_done(std::uint64_t, CommandResult&&) override {}
  void publish_reference(std::shared_ptr<const Reference>, std::function<void()>) override {}
  void expect(const Waiter&, int) override {}
  void on_answer(const Waiter& waiter, const iso::MessageView&, Duration) override {
    answered.push_back(waiter.txn.raw());
  }
  void on_timeout(const Waiter& waiter) override { timed_out.push_back(waiter.txn.raw()); }
  void on_lost(const Waiter& waiter, bool was_sent) override {
    lost.emplace_back(waiter.txn.raw(), was_sent);
  }
  void on_late(const Waiter& waiter, const iso::MessageView&, bool again) override {
    (again ? duplicate : late).push_back(waiter.txn.raw());
  }
  void on_host_ready(std::string_view) override {}
};

TEST(Links, TakeNoMoreThanTheHostTakes) {
  Line line(2);
  line.send(1);
  const auto second = line.reserve(2);
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(line.reserve(3), std::nullopt);
  line.links.release(second->place);
  EXPECT_TRUE(line.reserve(4).has_value());
  EXPECT_EQ(line.links.status("host").in_flight, 2U);
}

// A request may wait while STANs go round: nobody takes its place, and its answer finds it.
TEST(Links, LeaveAPlaceToWhoWaitsInIt) {
  Line line(4);
  const auto first = line.send(1);
  const auto frame = line.sent.back();
  line.pass(1'200'000, [&](std::uint32_t stan) {
    ASSERT_NE(stan, first.place.stan);
    ASSERT_NE(stan % kPlaces, first.place.stan % kPlaces);
  });
  EXPECT_EQ(line.links.status("host").in_flight, 1U);
  line.answer(frame);
  EXPECT_THAT(line.answered, ElementsAre(1));
  EXPECT_EQ(line.links.status("host").in_flight, 0U);
}

TEST(Links, KnowAnAnswerThatComesTwiceOrLate) {
  Line line(4);
  line.send(1);
  const auto answered_frame = line.sent.back();
  line.send(2);
  const auto late_frame = line.sent.back();
  line.answer(answered_frame);
  line.wait(std::chrono::seconds(16));
  EXPECT_THAT(line.timed_out, ElementsAre(2));
  line.pass(kPlaces - 10);
  line.answer(answered_frame);
  line.answer(late_frame);
  EXPECT_THAT(line.duplicate, ElementsAre(1));
  EXPECT_THAT(line.late, ElementsAre(2));
  line.pass(20);  // their places are used again
  line.answer(answered_frame);
  line.answer(late_frame);
  EXPECT_THAT(line.duplicate, ElementsAre(1));
  EXPECT_THAT(line.late, ElementsAre(2));
  EXPECT_EQ(line.counters.hosts.at("host").orphans, 2U);
  EXPECT_THAT(line.answered, ElementsAre(1));
}

// Who waits, since when, and in which order is kept by hand here, and compared after every step.
TEST(Links, GiveUpWhatHasWaitedTooLongAndNothingElse) {
  constexpr Duration kTimeout = std::chrono::seconds(15);
  Line line(64);
  line.wait(std::chrono::seconds(10));  // no other timer is left: that of the sign-on was the last
  SeededChance chance{5};
  struct Waiting {
    std::uint64_t txn;
    Bytes frame;
    Instant sent_at;
  };
  std::vector<Waiting> waiting;  // oldest first
  std::vector<std::uint64_t> answered, timed_out;
  std::uint64_t txn = 0;
  for (int step = 0; step < 20'000; ++step) {
    const auto what = chance.below(10);
    if (what < 5 && waiting.size() < 60) {
      if (chance.below(4) == 0) line.links.release(line.reserve(0)->place);
      line.send(++txn);
      waiting.push_back({txn, line.sent.back(), line.now.instant});
    } else if (what < 9 && !waiting.empty()) {
      const auto at = waiting.begin() + static_cast<std::ptrdiff_t>(chance.below(waiting.size()));
      line.answer(at->frame);
      answered.push_back(at->txn);
      waiting.erase(at);
    } else {
      line.wait(std::chrono::milliseconds(chance.below(chance.below(20) == 0 ? 30'000 : 1'500)));
      while (!waiting.empty() && waiting.front().sent_at + kTimeout <= line.now.instant) {
        timed_out.push_back(waiting.front().txn);
        waiting.erase(waiting.begin());
      }
    }
    ASSERT_EQ(line.answered, answered) << step;
    ASSERT_EQ(line.timed_out, timed_out) << step;
    ASSERT_EQ(line.links.status("host").in_flight, waiting.size()) << step;
    const auto next = line.links.next_deadline(line.now);
    if (waiting.empty()) {
      ASSERT_GT(next, line.now.instant + std::chrono::minutes(1)) << step;
    } else {
      const auto late = next - (waiting.front().sent_at + kTimeout);
      ASSERT_GE(late, Duration::zero()) << step;
      ASSERT_LT(late, std::chrono::milliseconds(10)) << step;
    }
  }
  EXPECT_GT(timed_out.size(), 500U);
  EXPECT_GT(answered.size(), 5'000U);
}

// A start that takes long looks at the clock late: a link whose first attempt failed meanwhile is tried again
// at once.
TEST(Links, TryAgainAtTheFirstLook) {
  Line line(4);
  const auto before = line.connects;
  line.links.on_down(line.link, line.now);
  EXPECT_EQ(line.connects, before);
  line.wait(std::chrono::seconds(1));  // the first pause is 100 to 200 ms
  EXPECT_EQ(line.connects, before + 1);
  line.wait(std::chrono::seconds(60));
  EXPECT_EQ(line.connects, before + 1);  // it is still at it
}

// A request that was decided and taken back must not leave in the name of whoever has its STAN now.
TEST(Links, SendNothingForAnOlderUseOfAStan) {
  Line line(4);
  const auto old = line.reserve(1);
  ASSERT_TRUE(old.has_value());
  line.links.release(old->place);
  for (std::uint32_t next = 0; next != old->place.stan - 1;)
    line.pass(1, [&](std::uint32_t stan) { next = stan; });
  const auto fresh = line.reserve(2);
  ASSERT_EQ(fresh->place.stan, old->place.stan);
  const auto sent = line.sent.size();
  line.send(*old);
  EXPECT_EQ(line.sent.size(), sent);
  line.links.release(old->place);
  EXPECT_EQ(line.links.status("host").in_flight, 1U);
  line.send(*fresh);
  EXPECT_EQ(line.sent.size(), sent + 1);
  line.send(*fresh);  // once is enough
  EXPECT_EQ(line.sent.size(), sent + 1);
}

// A deadline belongs to the request that it was set for, not to the next one of its STAN.
TEST(Links, DoNotTimeOutWhoeverHasTheStanNow) {
  Line line(4);
  const auto first = line.send(1);
  line.answer(line.sent.back());
  line.wait(std::chrono::seconds(10));
  std::uint32_t next = 0;
  for (std::uint32_t n = 0; next != first.place.stan - 1; ++n)
    line.pass(1, [&](std::uint32_t stan) { next = stan; });
  EXPECT_EQ(line.send(2).place.stan, first.place.stan);
  line.wait(std::chrono::seconds(6));  // the first one's 15 seconds are over
  EXPECT_TRUE(line.timed_out.empty());
  line.wait(std::chrono::seconds(10));
  EXPECT_THAT(line.timed_out, ElementsAre(2));
}

TEST(Links, KeepWhoWaitsWhenTheyMayTakeMore) {
  Line line(4);
  line.send(1);
  const auto waiting = line.sent.back();
  line.send(2);
  const auto late = line.sent.back();
  line.wait(std::chrono::seconds(16));
  line.send(3);
  const auto young = line.sent.back();
  line.send(4);
  line.limit(50'000);
  std::vector<Passage> many;
  for (std::uint64_t n = 0; n < 49'998; ++n) many.push_back(line.reserve(10 + n).value());
  EXPECT_EQ(line.reserve(9), std::nullopt);
  line.answer(young);
  line.answer(waiting);
  line.answer(late);
  EXPECT_THAT(line.answered, ElementsAre(3));
  EXPECT_THAT(line.late, ElementsAre(1, 2));
  line.send(many.back());
  line.wait(std::chrono::seconds(15));
  EXPECT_THAT(line.timed_out, ElementsAre(1, 2, 4, 10 + 49'997));
  many.pop_back();
  for (const auto& passage : many) line.links.release(passage.place);
  EXPECT_EQ(line.links.status("host").in_flight, 0U);
}

// Of a link that is young most places were never used; they move with the others, and nobody may make way for
// them.
TEST(Links, KeepWhoWaitsInTheFirstPlaceWhenTheyMayTakeMore) {
  constexpr std::uint32_t kLarger = 131'072;  // places, of 50,000 requests
  Line line(4, kWall + (kLarger - 1 - Line::first_stan(kWall)) * 10);
  ASSERT_EQ(line.send(1).place.stan, kLarger);  // in the first place of both tables
  const auto frame = line.sent.back();
  line.limit(50'000);
  line.answer(frame);
  EXPECT_THAT(line.answered, ElementsAre(1));
  EXPECT_EQ(line.links.status("host").in_flight, 0U);
}

TEST(Links, TellWhoWaitedWhenTheyAreLost) {
  Line line(8);
  line.send(1);
  const auto frame = line.sent.back();
  const auto reserved = line.reserve(2);
  ASSERT_TRUE(reserved.has_value());
  line.send(3);
  line.links.on_down(line.link, line.now);
  EXPECT_THAT(line.lost, ElementsAre(Pair(1, true), Pair(2, false), Pair(3, true)));
  EXPECT_EQ(line.links.status("host").in_flight, 0U);
  const auto sent = line.sent.size();
  line.send(*reserved);
  EXPECT_EQ(line.sent.size(), sent);
  line.links.release(reserved->place);  // nothing is left to release
  line.wait(std::chrono::seconds(1));
  line.links.on_up(line.link, line.now);
  line.answer(line.sent.back(), "0810");
  line.answer(frame);
  EXPECT_THAT(line.late, ElementsAre(1));
  line.send(4);
  line.wait(std::chrono::seconds(15));  // nothing of the life before is left to time out
  EXPECT_THAT(line.timed_out, ElementsAre(4));
  EXPECT_EQ(line.lost.size(), 3U);
}

}  // namespace
}  // namespace tollgate::core
