#include "switch/sim/load.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <thread>

#include "switch/sim/load_meter.h"
#include "switch/sim/terminal_list.h"
#include "tests/sim_peers/echo_switch.h"

namespace tollgate::sim {
namespace {

using std::chrono::milliseconds;

LoadOptions small_load(const EchoSwitch& to, std::size_t terminals = 8) {
  LoadOptions options;
  options.target = to.address();
  options.terminals = generate_terminals({.count = terminals, .merchants = 3}).value();
  options.connections = 2;
  options.depth = terminals / 2;
  options.warm_up = Duration{};
  options.requests = 300;
  options.duration = std::chrono::seconds(60);  // never reached: tests count, machines are slow
  options.timeout = std::chrono::seconds(30);   // tests that want silence shorten it
  return options;
}

LoadReport run(LoadOptions options) {
  auto generator = LoadGenerator::make(std::move(options)).value();
  auto report = generator->run();
  EXPECT_TRUE(report.has_value());
  return report.value_or(LoadReport{});
}

// Only sales: reversals stay right, so that slots come back.
auto in_sales(Wrong wrong) {
  return [wrong](const iso::MessageView& request) {
    return request.mti().bcd == 0x0200 ? wrong : Wrong::nothing;
  };
}

TEST(LoadGenerator, ClosedLoopIsAnsweredAndEveryAnswerFits) {
  EchoSwitch echo;
  const auto report = run(small_load(echo));
  EXPECT_EQ(report.signed_in, 8U);
  EXPECT_EQ(report.answered, 300U);
  EXPECT_EQ(report.approved, 300U);
  EXPECT_EQ(report.wrong, 0U);
  EXPECT_EQ(report.unanswered, 0U);
  EXPECT_EQ(report.codes.at("00"), 300U);
  EXPECT_EQ(echo.requests.load(), 300U);
  EXPECT_EQ(echo.bad_macs.load(), 0U);
  EXPECT_EQ(echo.repeats.load(), 0U);
  EXPECT_GT(report.latency.percentile(500'000), 0U);
  EXPECT_GT(report.generator_time.count(), 0);
}

TEST(LoadGenerator, OpenLoopKeepsItsRate) {
  EchoSwitch echo;
  auto options = small_load(echo);
  options.rate = 1'000;
  options.requests = 0;
  options.drop_after = std::chrono::seconds(30);
  options.duration = milliseconds(500);
  const auto report = run(options);
  EXPECT_TRUE(report.open_loop);
  EXPECT_EQ(report.latency.count(), 500U) << "every intended request counts, also on a slow machine";
  EXPECT_EQ(report.wrong, 0U);
}

TEST(LoadGenerator, TicksDoNotChangeTheCounts) {
  EchoSwitch echo;
  auto options = small_load(echo);
  options.rate = 2'000;
  options.requests = 0;
  options.drop_after = std::chrono::seconds(30);
  options.duration = milliseconds(200);
  options.tick = milliseconds(1);
  const auto report = run(options);
  EXPECT_EQ(report.latency.count(), 400U);
  EXPECT_EQ(report.wrong, 0U);
}

TEST(LoadGenerator, OpenLoopLatencyCountsFromTheIntendedTime) {
  std::atomic<int> count = 0;
  EchoSwitch echo([&](const iso::MessageView&) {
    if (++count == 50)
      std::this_thread::sleep_for(milliseconds(100));  // everybody behind it waits, sent or not
    return Wrong::nothing;
  });
  auto options = small_load(echo, 2);  // two terminals: the others of the stall have not even been sent
  options.rate = 1'000;
  options.requests = 0;
  options.drop_after = std::chrono::seconds(30);
  options.duration = milliseconds(300);
  const auto report = run(options);
  EXPECT_GT(report.latency.max(), 90'000'000U);
  EXPECT_GT(report.latency.percentile(800'000), 20'000'000U)
      << "about 100 of 300 were intended during the stall";
}

TEST(LoadGenerator, OpenLoopDropsWhatFoundNoTerminal) {
  EchoSwitch echo(in_sales(Wrong::silence));
  auto options = small_load(echo, 2);
  options.rate = 500;
  options.requests = 0;
  options.duration = milliseconds(200);
  options.drop_after = milliseconds(50);
  options.timeout = milliseconds(1'000);
  const auto report = run(options);
  EXPECT_EQ(report.dropped, 98U) << "100 intended, two terminals";
  EXPECT_EQ(report.answered, 0U);
  EXPECT_EQ(report.reversed, 2U);
}

TEST(LoadGenerator, NoticesEveryKindOfWrongAnswer) {
  struct Case {
    Wrong wrong;
    const char* counted_as;
  };
  for (const auto& c : {Case{Wrong::mac, "mac"}, Case{Wrong::no_mac, "mac"}, Case{Wrong::amount, "field 4"},
                        Case{Wrong::stan, "field 11"}, Case{Wrong::mti, "mti"}}) {
    EchoSwitch echo(in_sales(c.wrong));
    auto options = small_load(echo, 2);
    options.requests = 2;
    options.timeout = milliseconds(1'000);
    const auto report = run(options);
    ASSERT_TRUE(report.wrong_in.contains(c.counted_as)) << c.counted_as << "\n" << load_table(report);
    EXPECT_EQ(report.approved, 0U) << c.counted_as;
    EXPECT_EQ(report.reversed, 2U) << "what was not believed is reversed";
    EXPECT_EQ(report.reversed, echo.reversals.load());
  }
}

TEST(LoadGenerator, ReversesWhatIsNotAnswered) {
  EchoSwitch echo([n = 0](const iso::MessageView& request) mutable {
    return request.mti().bcd == 0x0200 && ++n % 10 == 0 ? Wrong::silence : Wrong::nothing;
  });
  auto options = small_load(echo, 4);
  options.timeout = milliseconds(200);
  options.requests = 50;
  const auto report = run(options);
  EXPECT_GE(report.unanswered, 5U);
  EXPECT_EQ(report.reversed, report.unanswered);
  EXPECT_EQ(report.reversed, echo.reversals.load());
  EXPECT_EQ(report.wrong, 0U);
}

TEST(LoadGenerator, CountsRefusalsByCode) {
  EchoSwitch echo(in_sales(Wrong::code_58));
  const auto report = run(small_load(echo));
  EXPECT_EQ(report.approved, 0U);
  EXPECT_EQ(report.refused, 300U);
  EXPECT_EQ(report.codes.at("58"), 300U);
}

TEST(LoadGenerator, StopsWhenAConnectionIsLostUnlessToldToGoOn) {
  EchoSwitch echo(
      [n = 0](const iso::MessageView&) mutable { return ++n == 20 ? Wrong::hang_up : Wrong::nothing; });
  const auto report = run(small_load(echo));
  EXPECT_EQ(report.stopped, "a connection was lost");
}

TEST(LoadGenerator, SendsTheSameBytesAgainAfterAReconnect) {
  EchoSwitch echo([n = 0](const iso::MessageView&) mutable {
    return ++n % 40 == 0 ? Wrong::first_answer_lost : Wrong::nothing;
  });
  auto options = small_load(echo);
  options.reconnect = true;
  const auto report = run(options);
  EXPECT_GT(report.retransmitted, 0U);
  EXPECT_GT(echo.repeats.load(), 0U);
  EXPECT_EQ(report.wrong, 0U);
  EXPECT_EQ(report.unanswered, 0U);
  EXPECT_EQ(report.stopped, "");
}

class SuspendFeed : public ::testing::Test {
 protected:
  SuspendFeed() {
    std::string pattern = ::testing::TempDir() + "feedXXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    path_ = directory_ + "/feed";
    EXPECT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    fd_ = Fd(::open(path_.c_str(), O_RDWR));
  }
  ~SuspendFeed() override {
    ::unlink(path_.c_str());
    ::rmdir(directory_.c_str());
  }
  void say(std::string_view line) {
    ASSERT_EQ(::write(fd_.get(), line.data(), line.size()), static_cast<ssize_t>(line.size()));
  }
  std::string directory_, path_;
  Fd fd_;
};

TEST_F(SuspendFeed, ApprovalOfARequestSentAfterASuspensionIsAViolation) {
  EchoSwitch echo;  // approves everybody: a switch that forgot
  auto options = small_load(echo, 4);
  options.suspend_feed = path_;
  say("suspended 10000002\n");
  const auto report = run(options);
  EXPECT_GT(report.violations, 0U);
}

TEST_F(SuspendFeed, RefusalsAndOtherTerminalsAreNoViolation) {
  EchoSwitch echo([](const iso::MessageView& request) {
    return request.equals(41, "10000002") && request.mti().bcd == 0x0200 ? Wrong::code_58 : Wrong::nothing;
  });
  auto options = small_load(echo, 4);
  options.suspend_feed = path_;
  say("suspended 10000002\nsuspended 10000003\nactive 10000003\n");
  const auto report = run(options);
  EXPECT_EQ(report.violations, 0U);
  EXPECT_GT(report.codes.at("58"), 0U);
}

TEST_F(SuspendFeed, CountsALineThatItDoesNotUnderstand) {
  EchoSwitch echo;
  auto options = small_load(echo, 4);
  options.suspend_feed = path_;
  say("suspended 99999999\n");
  EXPECT_EQ(run(options).wrong_in.at("suspend feed"), 1U);
}

TEST(LoadGenerator, AllEntriesMakeLegalMessages) {
  for (const auto entry : {Entry::magstripe, Entry::chip, Entry::contactless, Entry::qr}) {
    EchoSwitch echo;
    auto options = small_load(echo, 2);
    options.entry = entry;
    options.requests = 20;
    const auto report = run(options);
    EXPECT_EQ(report.approved, 20U);
    EXPECT_EQ(report.wrong + echo.bad_macs.load(), 0U);
  }
}

TEST(LoadGenerator, RefusesOptionsThatMeanNothing) {
  EXPECT_FALSE(LoadGenerator::make({}).has_value());
  LoadOptions options;
  options.terminals = generate_terminals({}).value();
  options.duration = Duration{};
  EXPECT_FALSE(LoadGenerator::make(options).has_value());
  options.duration = milliseconds(1);
  options.depth = 0;
  EXPECT_FALSE(LoadGenerator::make(options).has_value());
}

TEST(LoadGenerator, TellsThatNobodyAnswers) {
  LoadOptions options;
  options.terminals = generate_terminals({}).value();
  options.target = local_address(listen_on("127.0.0.1:0").value());  // closed again
  const auto report = LoadGenerator::make(options).value()->run();
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().code, ErrorCode::unavailable);
}

TEST(LoadReport, JsonIsJsonAndCarriesTheFigures) {
  EchoSwitch echo;
  const auto report = run(small_load(echo));
  const auto json = boost::json::parse(load_json(report));
  EXPECT_EQ(json.at("approved").as_int64(), static_cast<std::int64_t>(report.approved));
  EXPECT_EQ(json.at("codes").at("00").as_int64(), static_cast<std::int64_t>(report.codes.at("00")));
  EXPECT_GT(json.at("latency_us").at("p99_9").as_double(), 0.0);
  EXPECT_THAT(load_table(report), ::testing::HasSubstr("p99.9"));
}

TEST(LoadMeter, ReadsTheProcessorTimeOfAProcess) {
  const auto before = process_processor_time(::getpid());
  ASSERT_TRUE(before.has_value());
  const auto from = thread_processor_time();
  while (thread_processor_time() - from < milliseconds(60)) {
  }
  EXPECT_GE(*process_processor_time(::getpid()) - *before, milliseconds(20));
  EXPECT_FALSE(process_processor_time(-1).has_value());
}

}  // namespace
}  // namespace tollgate::sim
