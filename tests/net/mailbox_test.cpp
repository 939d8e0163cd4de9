// The mailbox between threads, and addresses.
#include "switch/net/mailbox.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <thread>

#include "switch/net/address.h"

namespace tollgate::net {
namespace {

TEST(Mailbox, WakesItsOwnerOncePerBatch) {
  int wakes = 0;
  Mailbox box({}, [&] { ++wakes; });
  for (int i = 0; i < 10; ++i) box.put([](Mail& mail) { mail.add({.listener = 7}, as_bytes("abc")); });
  EXPECT_EQ(wakes, 1);
  EXPECT_EQ(box.depth(), 10U);
  auto& mail = box.take();
  ASSERT_EQ(mail.messages.size(), 10U);
  EXPECT_EQ(as_text(mail.content(mail.messages[9])), "abc");
  EXPECT_EQ(box.depth(), 0U);
  box.put([](Mail&) {});
  EXPECT_EQ(wakes, 2);
}

TEST(Mailbox, KeepsContentTogetherWhenBatchesAreJoined) {
  Mailbox box({}, [] {});
  for (const auto* text : {"first", "second", ""}) {
    Mail batch;
    batch.add({.kind = Mail::Kind::reply}, as_bytes(text));
    batch.add({.kind = Mail::Kind::frame}, as_bytes("and"));
    box.put([&](Mail& mail) { mail.append(batch); });
  }
  auto& mail = box.take();
  ASSERT_EQ(mail.messages.size(), 6U);
  EXPECT_EQ(as_text(mail.content(mail.messages[0])), "first");
  EXPECT_EQ(as_text(mail.content(mail.messages[2])), "second");
  EXPECT_EQ(as_text(mail.content(mail.messages[4])), "");
  EXPECT_EQ(as_text(mail.content(mail.messages[5])), "and");
}

TEST(Mailbox, RefusesTasksAndMessagesBeyondItsBounds) {
  Mailbox box({.messages = 4, .tasks = 2, .bytes = 100}, [] {});
  EXPECT_TRUE(box.put_task([] {}));
  EXPECT_TRUE(box.put_task([] {}));
  EXPECT_FALSE(box.put_task([] {}));
  EXPECT_EQ(box.take().tasks.size(), 2U);
  EXPECT_TRUE(box.put_task([] {}));
  EXPECT_TRUE(box.has_room(3, 0));
  EXPECT_FALSE(box.has_room(4, 0));
  EXPECT_FALSE(box.has_room(0, 100));
}

TEST(Mailbox, GivesGroupsAloneWithoutDisturbingTheRest) {
  Mailbox box({}, [] {});
  box.put([](Mail& mail) {
    storage::CommitWork work;
    work.group = {5};
    mail.committed.push_back({.work = std::move(work)});
    mail.add({}, as_bytes("stays"));
  });
  const auto committed = box.take_committed();
  ASSERT_EQ(committed.size(), 1U);
  EXPECT_EQ(committed[0].work.group.value, 5U);
  const auto& mail = box.take();
  EXPECT_TRUE(mail.committed.empty());
  EXPECT_EQ(mail.messages.size(), 1U);
}

// Two threads put while a third takes: nothing is lost, and the order of each sender holds.
TEST(Mailbox, LosesNothingBetweenThreads) {
  constexpr std::uint32_t kEach = 20'000;
  std::mutex mutex;
  std::condition_variable wake;
  bool woken = false;
  Mailbox box({}, [&] {
    const std::lock_guard lock(mutex);
    woken = true;
    wake.notify_one();
  });
  const auto sender = [&](std::uint16_t number) {
    for (std::uint32_t i = 0; i < kEach; ++i) {
      box.put([&](Mail& mail) {
        mail.add({.listener = number, .connection = {.slot = i}}, as_bytes("payload"));
      });
    }
  };
  std::thread first(sender, std::uint16_t{0}), second(sender, std::uint16_t{1});
  std::array<std::uint32_t, 2> next{};
  while (next[0] < kEach || next[1] < kEach) {
    {
      std::unique_lock lock(mutex);
      ASSERT_TRUE(wake.wait_for(lock, std::chrono::seconds(20), [&] { return woken; }));
      woken = false;
    }
    const auto& mail = box.take();
    for (const auto& message : mail.messages) {
      ASSERT_EQ(message.connection.slot, next[message.listener]++);
      ASSERT_EQ(as_text(mail.content(message)), "payload");
    }
  }
  first.join();
  second.join();
}

TEST(Address, ReadsHostsAndPorts) {
  const auto four = parse_address("127.0.0.1:8583");
  ASSERT_TRUE(four.has_value());
  EXPECT_EQ(four->host, "127.0.0.1");
  EXPECT_EQ(four->port, 8583);
  const auto six = parse_address("[::1]:0");
  ASSERT_TRUE(six.has_value());
  EXPECT_EQ(six->host, "::1");
  EXPECT_EQ(six->port, 0);
  EXPECT_TRUE(parse_address("host.example:65535").has_value());
}

TEST(Address, RefusesWhatIsNone) {
  for (const auto* text : {"", "8583", ":8583", "host", "host:", "host:x", "host:70000", "host:-1", "::1:80",
                           "[]:80", "[::1:80", "h:80x"}) {
    EXPECT_FALSE(parse_address(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace tollgate::net
