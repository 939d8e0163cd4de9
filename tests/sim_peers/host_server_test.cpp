#include "switch/sim/host_server.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <fstream>
#include <thread>

namespace tollgate::sim {
namespace {

using std::chrono::milliseconds;

Bytes sale(std::uint32_t stan, std::uint64_t amount) {
  iso::MessageBuilder message;
  message.set_mti({0x0200});
  message.set(3, std::string_view("000000"));
  message.set_number(4, amount, 12);
  message.set(7, std::string_view("1121020211"));
  message.set_number(11, stan, 6);
  message.set(37, std::string_view("100000000001"));
  message.set(41, std::string_view("10000001"));
  message.set(42, std::string_view("102290058120001"));
  std::array<std::uint8_t, 512> room;
  const auto frame = iso::encode(*iso::Dialect::builtin("iso87-ascii"), message, room).value();
  return {frame.begin(), frame.end()};
}

class RunningHost {
 public:
  explicit RunningHost(HostServerOptions options = {}, HostScript script = {})
      : server_(HostServer::make(std::move(options), std::move(script)).value()),
        thread_([this] { server_->run(); }) {}
  ~RunningHost() {
    server_->stop();
    thread_.join();
  }
  HostServer* operator->() { return server_.get(); }

 private:
  std::unique_ptr<HostServer> server_;
  std::thread thread_;
};

class Client {
 public:
  explicit Client(const std::string& address)
      : stream_(connect_to(address, std::chrono::seconds(2)).value(),
                iso::Dialect::builtin("iso87-ascii")->framing()),
        poller_(Poller::make().value()) {
    poller_.add(stream_.fd(), 0).value();
  }
  void send(ByteView frame) {
    ASSERT_TRUE(stream_.send(frame));
    ASSERT_TRUE(stream_.flush());
  }
  // Field 11 of each reply that comes within the time, until `wanted` are there or the host hangs up.
  std::vector<std::uint64_t> replies(std::size_t wanted, Duration within) {
    std::vector<std::uint64_t> stans;
    const auto until = SystemClock::now().instant + within;
    while (stans.size() < wanted && stream_.is_open() && SystemClock::now().instant < until) {
      (void)poller_.wait(milliseconds(5));
      stream_.read_frames([&](ByteView frame) {
        iso::MessageView view;
        EXPECT_TRUE(iso::decode(*iso::Dialect::builtin("iso87-ascii"), frame, view).ok());
        stans.push_back(view.number(11).value_or(0));
      });
    }
    return stans;
  }
  [[nodiscard]] bool is_open() const { return stream_.is_open(); }

 private:
  Stream stream_;
  Poller poller_;
};

TEST(HostServer, AnswersManyRequestsOfOneWrite) {
  RunningHost host;
  Client client(host->address());
  Bytes all;
  for (std::uint32_t i = 1; i <= 3'000; ++i) {
    const auto frame = sale(i, 100);
    all.insert(all.end(), frame.begin(), frame.end());
  }
  client.send(all);
  const auto replies = client.replies(3'000, std::chrono::seconds(5));
  ASSERT_EQ(replies.size(), 3'000U);
  for (std::size_t i = 0; i < replies.size(); ++i) ASSERT_EQ(replies[i], i + 1);
  EXPECT_EQ(host->totals().approved, 3'000U);
  EXPECT_EQ(host->links(), 1U);
}

TEST(HostServer, TellsWhenTheSwitchHasSignedOn) {
  RunningHost host;
  EXPECT_FALSE(host->wait_for_sign_on(milliseconds(20)));
  Client client(host->address());
  iso::MessageBuilder sign_on;
  sign_on.set_mti({0x0800});
  sign_on.set(7, std::string_view("1121020211"));
  sign_on.set_number(11, 1, 6);
  sign_on.set(70, std::string_view("001"));
  std::array<std::uint8_t, 128> room;
  client.send(iso::encode(*iso::Dialect::builtin("iso87-ascii"), sign_on, room).value());
  EXPECT_TRUE(host->wait_for_sign_on(std::chrono::seconds(10)));
}

TEST(HostServer, FramesMaySplitAnywhere) {
  RunningHost host;
  Client client(host->address());
  const auto frame = sale(7, 100);
  for (const auto byte : frame) client.send({&byte, 1});
  EXPECT_EQ(client.replies(1, std::chrono::seconds(2)), std::vector<std::uint64_t>{7});
}

TEST(HostServer, LateTwiceAndNeverHappenOnTheWire) {
  HostServerOptions options;
  options.host.timeout = milliseconds(60);
  RunningHost host(std::move(options));
  Client client(host->address());
  const auto begin = SystemClock::now().instant;
  for (const auto& frame : {sale(1, 191), sale(2, 192), sale(3, 194)}) client.send(frame);
  EXPECT_EQ(client.replies(2, std::chrono::seconds(2)), (std::vector<std::uint64_t>{3, 3}));
  EXPECT_EQ(client.replies(1, std::chrono::seconds(2)), std::vector<std::uint64_t>{2});
  EXPECT_GE(SystemClock::now().instant - begin, milliseconds(120));
  EXPECT_TRUE(client.replies(1, milliseconds(50)).empty());
}

TEST(HostServer, DisconnectsByScriptAndTakesTheLinkBack) {
  RunningHost host({}, HostScript::parse("[[rule]]\namount = \"500\"\ndo = \"disconnect\"\n", "s").value());
  Client client(host->address());
  client.send(sale(1, 500));
  EXPECT_TRUE(client.replies(1, std::chrono::seconds(2)).empty());
  EXPECT_FALSE(client.is_open());
  Client again(host->address());
  again.send(sale(1, 500));
  EXPECT_EQ(again.replies(1, std::chrono::seconds(2)).size(), 1U)
      << "the same request again: the booked answer";
  EXPECT_EQ(host->totals().approved, 1U);
}

TEST(HostServer, ClosesALinkThatDoesNotSendFrames) {
  RunningHost host;
  Client client(host->address());
  const Bytes nonsense{0x00, 0x00, 0x00, 0x00};
  client.send(nonsense);
  EXPECT_TRUE(client.replies(1, std::chrono::seconds(2)).empty());
  EXPECT_FALSE(client.is_open());
}

TEST(HostServer, ALateReplyForALinkThatIsGoneIsDropped) {
  HostServerOptions options;
  options.host.latency = milliseconds(40);
  RunningHost host(std::move(options));
  {
    Client gone(host->address());
    gone.send(sale(1, 100));
    std::this_thread::sleep_for(milliseconds(10));
  }
  Client next(host->address());
  EXPECT_TRUE(next.replies(1, milliseconds(100)).empty())
      << "the place in the table is taken again, the reply is not for it";
  EXPECT_EQ(host->books().size(), 1U);
}

TEST(HostServer, AppendsItsLog) {
  const auto path = ::testing::TempDir() + "host." + std::to_string(::getpid());
  ::unlink(path.c_str());
  {
    HostServerOptions options;
    options.log_path = path;
    RunningHost host(std::move(options));
    Client client(host->address());
    client.send(sale(1, 100));
    ASSERT_EQ(client.replies(1, std::chrono::seconds(2)).size(), 1U);
  }
  std::ifstream in(path);
  std::string line;
  ASSERT_TRUE(std::getline(in, line));
  EXPECT_EQ(boost::json::parse(line).at("stan").as_string(), "000001");
  ::unlink(path.c_str());
}

TEST(HostServer, RefusesAnAddressInUseAndALogThatCannotBeOpened) {
  RunningHost host;
  HostServerOptions options;
  options.address = host->address();
  EXPECT_EQ(HostServer::make(options).error().code, ErrorCode::io);
  options.address = "127.0.0.1:0";
  options.log_path = "/nonexistent/host.log";
  EXPECT_EQ(HostServer::make(options).error().code, ErrorCode::io);
  options = {};
  options.address = "nowhere";
  EXPECT_FALSE(HostServer::make(options).has_value());
}

}  // namespace
}  // namespace tollgate::sim
