// The server in front of a service that only echoes: bounds, deadlines, order, streams.
#include "switch/admin/http_server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "switch/admin/http_client.h"
#include "tests/admin/raw_socket.h"

namespace tollgate::test {
namespace {

using namespace std::chrono_literals;

class Numbers final : public http::BodySource {
 public:
  Numbers(int count, bool breaks) : count_(count), breaks_(breaks) {}
  Result<void> next(std::string& out) override {
    if (at_ == count_) return breaks_ ? Result<void>(fail(ErrorCode::damaged, "planted")) : Result<void>();
    out += "line " + std::to_string(at_++) + "\n";
    return {};
  }
  http::Headers trailers() const override {
    http::Headers all;
    all.set("Tollgate-Count", std::to_string(at_));
    return all;
  }

 private:
  int count_, at_ = 0;
  bool breaks_;
};

class Echo final : public http::Service {
 public:
  http::Admission admit(const http::Request& head) override {
    http::Admission admission;
    admission.body_max = head.target == "/large" ? 4U << 20 : 1000;
    if (head.target == "/forbidden") admission.refusal = refuse(403, "forbidden");
    return admission;
  }
  http::Response handle(http::Request&& request) override {
    ++handled;
    http::Response response;
    if (request.target == "/stream" || request.target == "/broken") {
      response.headers.set("Trailer", "Tollgate-Count");
      response.source = std::make_unique<Numbers>(1000, request.target == "/broken");
      return response;
    }
    response.body = request.method + " " + request.target + " " + request.body;
    return response;
  }
  http::Response refuse(unsigned status, std::string_view why) override {
    http::Response response;
    response.status = status;
    response.body = why;
    return response;
  }
  std::atomic<int> handled{0};
};

class HttpServer : public ::testing::Test {
 protected:
  void start(http::ServerOptions options = {}) {
    auto started = http::Server::start(options, echo_);
    ASSERT_TRUE(started.has_value()) << started.error().text();
    server_ = std::move(*started);
  }
  [[nodiscard]] std::string once(const std::string& bytes) {
    RawSocket socket(server_->address());
    EXPECT_TRUE(socket.send(bytes));
    return socket.read();
  }

  Echo echo_;
  std::unique_ptr<http::Server> server_;
};

TEST_F(HttpServer, AnswersPipelinedRequestsInOrderOnOneConnection) {
  start();
  RawSocket socket(server_->address());
  ASSERT_TRUE(
      socket.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: "
                  "3\r\n\r\nabcGET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  const auto all = socket.read();
  const auto one = all.find("GET /1 "), two = all.find("POST /2 abc"), three = all.find("GET /3 ");
  EXPECT_LT(one, two);
  EXPECT_LT(two, three);
  EXPECT_NE(three, std::string::npos);
  EXPECT_TRUE(socket.closed());
}

TEST_F(HttpServer, TakesARequestThatComesByteByByte) {
  start();
  RawSocket socket(server_->address());
  for (const char c :
       std::string_view("POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"))
    ASSERT_TRUE(socket.send({&c, 1}));
  EXPECT_NE(socket.read().find("POST /slow ok"), std::string::npos);
}

TEST_F(HttpServer, RefusesABodyThatIsAnnouncedAsTooLargeBeforeReadingIt) {
  start();
  const auto answer = once("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 413")) << answer;
  EXPECT_EQ(echo_.handled, 0);
}

TEST_F(HttpServer, RefusesAChunkedBodyWhenItGrowsTooLarge) {
  start();
  std::string request = "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 3; ++i) request += "190\r\n" + std::string(400, 'a') + "\r\n";
  const auto answer = once(request);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 413")) << answer;
  EXPECT_EQ(echo_.handled, 0);
}

TEST_F(HttpServer, TakesAsLargeABodyAsTheServiceAdmits) {
  start();
  auto client = http::Client::to("http://" + server_->address());
  ASSERT_TRUE(client.has_value());
  const auto answer = client->send({"POST", "/large", {}, std::string(3U << 20, 'x')});
  ASSERT_TRUE(answer.has_value()) << answer.error().text();
  EXPECT_EQ(answer->status, 200U);
  EXPECT_EQ(answer->body.size(), (3U << 20) + std::string_view("POST /large ").size());
}

TEST_F(HttpServer, RefusesByTheHeaderAloneAndClosesWhenABodyWasComing) {
  start();
  const auto answer = once("POST /forbidden HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 403")) << answer;
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  EXPECT_EQ(echo_.handled, 0);
}

TEST_F(HttpServer, RefusesTwoLengthsAndLengthBesideChunks) {
  start();
  const auto both =
      once("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
  EXPECT_TRUE(both.starts_with("HTTP/1.1 400")) << both;
  const auto two = once("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde");
  EXPECT_TRUE(two.starts_with("HTTP/1.1 400")) << two;
  EXPECT_EQ(echo_.handled, 0);
}

TEST_F(HttpServer, RefusesWhatIsNotHttp) {
  start();
  EXPECT_TRUE(once("\x16\x03\x01 hello\r\n\r\n").starts_with("HTTP/1.1 400"));
  EXPECT_TRUE(once("GET /a b HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 400"));
  EXPECT_EQ(echo_.handled, 0);
}

TEST_F(HttpServer, RefusesAHeaderAboveItsBound) {
  start({.header_max = 2048});
  const auto answer = once("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(4000, 'a') + "\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 431")) << answer;
}

TEST_F(HttpServer, CutsOffAHeaderThatDoesNotEnd) {
  start({.header = 200ms});
  RawSocket socket(server_->address());
  ASSERT_TRUE(socket.send("GET / HTTP/1.1\r\nHost: "));
  const auto began = std::chrono::steady_clock::now();
  // A byte now and then does not help: the deadline is for the whole header.
  for (int i = 0; i < 20 && socket.send("x"); ++i) {
    socket.read("never", 50ms);
    if (socket.closed()) break;
  }
  EXPECT_TRUE(socket.closed());
  EXPECT_LT(std::chrono::steady_clock::now() - began, 2s);
}

TEST_F(HttpServer, CutsOffABodyThatDoesNotEnd) {
  start({.body = 200ms});
  RawSocket socket(server_->address());
  ASSERT_TRUE(socket.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"));
  EXPECT_EQ(socket.read(), "");
  EXPECT_TRUE(socket.closed());
  EXPECT_EQ(echo_.handled, 0);
}

TEST_F(HttpServer, ClosesAConnectionThatIsIdle) {
  start({.idle = 150ms});
  RawSocket socket(server_->address());
  ASSERT_TRUE(socket.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_NE(socket.read().find("GET /1"), std::string::npos);
  EXPECT_TRUE(socket.closed());
}

TEST_F(HttpServer, TurnsAwayConnectionsAboveItsBoundAndTakesThemAgainLater) {
  start({.connections_max = 2});
  auto a = std::make_unique<RawSocket>(server_->address());
  auto b = std::make_unique<RawSocket>(server_->address());
  const std::string_view request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  for (auto* socket : {a.get(), b.get()}) {
    ASSERT_TRUE(socket->send(request));
    EXPECT_TRUE(socket->read("GET /").starts_with("HTTP/1.1 200"));
  }
  RawSocket third(server_->address());
  EXPECT_TRUE(third.read().starts_with("HTTP/1.1 503"));
  a.reset();
  b.reset();
  std::string answer;
  for (int i = 0; i < 50 && !answer.starts_with("HTTP/1.1 200"); ++i) {
    RawSocket again(server_->address());
    again.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    answer = again.read();
    if (!answer.starts_with("HTTP/1.1 200")) std::this_thread::sleep_for(20ms);
  }
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200"));
}

TEST_F(HttpServer, StreamsInChunksWithTrailers) {
  start();
  auto client = http::Client::to("http://" + server_->address());
  ASSERT_TRUE(client.has_value());
  std::string all;
  const auto answer = client->stream({"GET", "/stream", {}, ""}, [&](std::string_view part) {
    all += part;
    return true;
  });
  ASSERT_TRUE(answer.has_value()) << answer.error().text();
  EXPECT_TRUE(all.starts_with("line 0\nline 1\n"));
  EXPECT_TRUE(all.ends_with("line 999\n"));
  const auto raw = once("GET /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_NE(raw.find("Transfer-Encoding: chunked"), std::string::npos);
  EXPECT_TRUE(raw.ends_with("0\r\nTollgate-Count: 1000\r\n\r\n")) << raw.substr(raw.size() - 60);
}

TEST_F(HttpServer, LeavesABrokenStreamWithoutItsEnd) {
  start();
  auto client = http::Client::to("http://" + server_->address());
  ASSERT_TRUE(client.has_value());
  const auto answer = client->stream({"GET", "/broken", {}, ""}, [](std::string_view) { return true; });
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, ErrorCode::io);
}

TEST_F(HttpServer, EndsAStreamForAnOldClientByClosing) {
  start();
  const auto raw = once("GET /stream HTTP/1.0\r\n\r\n");
  EXPECT_EQ(raw.find("chunked"), std::string::npos);
  EXPECT_TRUE(raw.ends_with("line 999\n"));
}

TEST_F(HttpServer, AnswersHeadWithoutABody) {
  start();
  const auto raw = once("HEAD /thing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(raw.starts_with("HTTP/1.1 200"));
  EXPECT_NE(raw.find("Content-Length: 11"), std::string::npos);
  EXPECT_TRUE(raw.ends_with("\r\n\r\n"));
}

TEST_F(HttpServer, SaysContinueToAClientThatAsks) {
  start();
  RawSocket socket(server_->address());
  ASSERT_TRUE(
      socket.send("POST /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: "
                  "close\r\n\r\n"));
  EXPECT_EQ(socket.read("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_TRUE(socket.send("ok"));
  EXPECT_NE(socket.read().find("POST /x ok"), std::string::npos);
}

TEST_F(HttpServer, ServesManyConnectionsAtOnceAndStopsWhileTheyAreOpen) {
  start();
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      auto client = http::Client::to("http://" + server_->address());
      for (int i = 0; i < 25; ++i) {
        const auto answer = client->send({"GET", "/n", {}, ""});
        if (answer && answer->status == 200) ++good;
      }
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(good, 200);
  RawSocket left_open(server_->address());
  server_->stop();
  EXPECT_EQ(left_open.read(), "");
  auto late = http::Client::to("http://" + server_->address(), {.connect = 500ms});
  const auto refused = late->send({});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
}

TEST(SplitAddress, TakesHostAndPort) {
  EXPECT_EQ(http::split_address("127.0.0.1:80")->port, 80);
  EXPECT_EQ(http::split_address("[::1]:8080")->host, "::1");
  for (const auto* bad : {"", "127.0.0.1", ":80", "127.0.0.1:", "127.0.0.1:99999", "::1:80", "127.0.0.1:8x"})
    EXPECT_FALSE(http::split_address(bad).has_value()) << bad;
}

}  // namespace
}  // namespace tollgate::test
