#include "switch/sim/fleet.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <fstream>
#include <thread>

#include "switch/sim/terminal_list.h"
#include "tests/sim_peers/echo_switch.h"

namespace tollgate::sim {
namespace {

using std::chrono::milliseconds;

FleetOptions small_fleet(const EchoSwitch& to) {
  FleetOptions options;
  options.target = to.address();
  options.terminals = generate_terminals({.count = 6}).value();
  options.scheme = crypto::SignInScheme::double_tdk_004;
  options.connections = 2;
  options.tps = 2'000;                     // as fast as terminals come free
  options.starts = 100;                    // tests count, machines are slow
  options.timeout = milliseconds(10'000);  // tests that want silence shorten it
  options.rest = milliseconds(50);
  return options;
}

FleetReport run(FleetOptions options) {
  auto fleet = Fleet::make(std::move(options)).value();
  fleet->run();
  return fleet->report();
}

class TemporaryLog {
 public:
  TemporaryLog() : path_(::testing::TempDir() + "outcomes." + std::to_string(::getpid())) {
    ::unlink(path_.c_str());
  }
  ~TemporaryLog() { ::unlink(path_.c_str()); }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::vector<boost::json::object> lines() const {
    std::vector<boost::json::object> all;
    std::ifstream in(path_);
    for (std::string line; std::getline(in, line);) all.push_back(boost::json::parse(line).as_object());
    return all;
  }
  [[nodiscard]] std::size_t count(std::string_view outcome) const {
    std::size_t n = 0;
    for (const auto& line : lines())
      n += line.at("outcome").as_string() == boost::json::string_view(outcome.data(), outcome.size());
    return n;
  }

 private:
  std::string path_;
};

TEST(Fleet, TradesByItsMixAndWritesEveryOutcome) {
  EchoSwitch echo;
  TemporaryLog log;
  auto options = small_fleet(echo);
  options.log_path = log.path();
  const auto report = run(options);
  EXPECT_EQ(report.signed_in, 6U);
  EXPECT_EQ(report.started, 100U);
  EXPECT_EQ(report.faults + report.wrong_mac + report.unanswered - report.reversed, 0U);
  EXPECT_EQ(echo.bad_macs.load(), 0U);
  EXPECT_EQ(log.count("approved"), report.approved);
  EXPECT_FALSE(report.log_failed);
  for (const auto& line : log.lines()) {
    if (line.at("kind").as_string() != "sale") continue;
    EXPECT_EQ(line.at("batch").as_int64(), 1);
    EXPECT_GT(line.at("stan").as_int64(), 0);
    EXPECT_GE(line.at("amount").as_int64(), 100);
  }
}

TEST(Fleet, LostAnswersEndInReversalsBeforeAnythingNew) {
  EchoSwitch echo;
  TemporaryLog log;
  auto options = small_fleet(echo);
  options.mix = parse_mix("reversal=1").value();
  options.log_path = log.path();
  const auto report = run(options);
  EXPECT_EQ(report.reversed, 100U);
  EXPECT_EQ(report.unanswered, 100U);
  EXPECT_EQ(echo.reversals.load(), report.reversed);
  EXPECT_EQ(log.count("reversed"), report.reversed);
  EXPECT_EQ(log.count("unanswered"), report.unanswered);
}

TEST(Fleet, SilenceIsReversedAfterTheWait) {
  EchoSwitch echo([](const iso::MessageView& request) {
    return request.mti().bcd == 0x0200 && !request.has(59) ? Wrong::silence : Wrong::nothing;
  });
  auto options = small_fleet(echo);
  options.mix = parse_mix("sale=1").value();
  options.timeout = milliseconds(300);
  options.starts = 6;
  const auto report = run(options);
  EXPECT_GE(report.unanswered, 6U);
  EXPECT_EQ(report.reversed, 6U);
  EXPECT_EQ(report.approved, 6U) << "the sign-ins";
}

TEST(Fleet, RetransmissionsAreComparedByteByByte) {
  EchoSwitch echo;
  TemporaryLog log;
  auto options = small_fleet(echo);
  options.mix = parse_mix("retransmit=1").value();
  options.log_path = log.path();
  const auto report = run(options);
  EXPECT_EQ(report.repeated, 100U);
  EXPECT_EQ(log.count("same"), 100U);
  EXPECT_EQ(echo.repeats.load(), report.repeated);
  EXPECT_EQ(report.faults, 0U);
}

TEST(Fleet, NoticesARetransmissionThatGotAnotherAnswer) {
  EchoSwitch echo([](const iso::MessageView&) { return Wrong::forgets; });
  TemporaryLog log;
  auto options = small_fleet(echo);
  options.mix = parse_mix("retransmit=1").value();
  options.log_path = log.path();
  const auto report = run(options);
  EXPECT_EQ(report.repeated, 100U);
  EXPECT_EQ(report.faults, 100U);
  EXPECT_EQ(log.count("not_the_same"), 100U);
}

TEST(Fleet, ReversesAnApprovalWithAWrongMac) {
  EchoSwitch echo([n = 0](const iso::MessageView& request) mutable {
    return request.mti().bcd == 0x0200 && ++n % 5 == 0 ? Wrong::mac : Wrong::nothing;
  });
  auto options = small_fleet(echo);
  options.mix = parse_mix("sale=1").value();
  const auto report = run(options);
  EXPECT_EQ(report.wrong_mac, 20U);
  EXPECT_EQ(report.reversed, 20U);
}

TEST(Fleet, SignsInAgainWhenTheSwitchAsks) {
  EchoSwitch echo([n = 0](const iso::MessageView& request) mutable {
    return request.mti().bcd == 0x0200 && ++n == 3 ? Wrong::code_77 : Wrong::nothing;
  });
  const auto report = run(small_fleet(echo));
  EXPECT_EQ(report.codes.at("77"), 1U);
  EXPECT_EQ(echo.sign_ins.load(), 7U);
}

TEST(Fleet, RepeatsWhatWasUnderWayWhenAConnectionBroke) {
  EchoSwitch echo([n = 0](const iso::MessageView& request) mutable {
    return request.mti().bcd == 0x0200 && ++n % 25 == 0 ? Wrong::first_answer_lost : Wrong::nothing;
  });
  auto options = small_fleet(echo);
  options.mix = parse_mix("sale=1").value();
  options.timeout = milliseconds(2'000);
  const auto report = run(options);
  EXPECT_GT(report.repeated, 0U);
  EXPECT_GT(echo.repeats.load(), 0U);
  EXPECT_EQ(report.unanswered, 0U);
  EXPECT_EQ(report.faults, 0U);
}

TEST(Fleet, RestsAfterARefusedSignIn) {
  EchoSwitch echo;
  auto options = small_fleet(echo);
  for (auto& terminal : options.terminals)
    terminal.tmk = "22222222222222222222222222222222";  // keys do not decipher
  options.run_for = milliseconds(300);
  const auto report = run(options);
  EXPECT_EQ(report.signed_in, 0U);
  EXPECT_EQ(report.started, 0U);
  EXPECT_GE(report.faults, 6U);
  EXPECT_LT(report.faults, 100U);
}

TEST(Fleet, StopsWhenTold) {
  EchoSwitch echo;
  auto options = small_fleet(echo);
  options.starts = 0;
  auto fleet = Fleet::make(std::move(options)).value();
  std::thread runner([&] { fleet->run(); });
  while (fleet->report().approved < 20) std::this_thread::sleep_for(milliseconds(5));
  fleet->stop();
  runner.join();
  EXPECT_GT(fleet->report().approved, 0U);
}

TEST(Fleet, RefusesTwiceTheSameTerminalAndALogThatCannotBeOpened) {
  EchoSwitch echo;
  auto options = small_fleet(echo);
  options.terminals.push_back(options.terminals.front());
  EXPECT_FALSE(Fleet::make(options).has_value());
  options = small_fleet(echo);
  options.log_path = "/nonexistent/outcomes";
  EXPECT_EQ(Fleet::make(options).error().code, ErrorCode::io);
  options = small_fleet(echo);
  options.terminals.clear();
  EXPECT_FALSE(Fleet::make(options).has_value());
}

TEST(OptionText, ReadsDurationsSharesAndMixes) {
  EXPECT_EQ(parse_duration("20ms").value(), milliseconds(20));
  EXPECT_EQ(parse_duration("5").value(), std::chrono::seconds(5));
  EXPECT_EQ(parse_duration("2m").value(), std::chrono::minutes(2));
  EXPECT_FALSE(parse_duration("20 ms").has_value());
  EXPECT_FALSE(parse_duration("").has_value());
  EXPECT_EQ(parse_share("5%").value(), 50'000U);
  EXPECT_EQ(parse_share("0.25%").value(), 2'500U);
  EXPECT_EQ(parse_share("7ppm").value(), 7U);
  EXPECT_FALSE(parse_share("101%").has_value());
  EXPECT_FALSE(parse_share("5").has_value());
  const auto mix = parse_mix("sale=3,qr=1").value();
  EXPECT_EQ(mix.total(), 4U);
  EXPECT_EQ(mix.pick(0), Act::sale);
  EXPECT_EQ(mix.pick(2), Act::sale);
  EXPECT_EQ(mix.pick(3), Act::qr);
  for (const char* text : {"", "sale", "sale=0", "sail=1", "sale=1x"})
    EXPECT_FALSE(parse_mix(text).has_value()) << text;
}

TEST(TerminalList, ReadsAnArrayAndAnEstate) {
  const auto plain = parse_terminals(
      R"([{"tid":"10000001","merchant_code":"102290058120001","tmk":"11111111111111111111111111111111"}])",
      "t.json");
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(plain->front().serial, "");
  const auto estate = parse_terminals(
      R"({"estate":1,"terminals":[{"tid":"10000001","merchant_code":"102290058120001","serial_number":"N3300001231",
          "lab_keys":{"tmk":"11111111111111111111111111111111"}}]})",
      "e.json");
  ASSERT_TRUE(estate.has_value());
  EXPECT_EQ(estate->front().serial, "N3300001231");
}

TEST(TerminalList, RefusesWithThePointer) {
  const auto no_key =
      parse_terminals(R"({"terminals":[{"tid":"10000001","merchant_code":"102290058120001"}]})", "e.json");
  ASSERT_FALSE(no_key.has_value());
  EXPECT_EQ(no_key.error().where, "e.json/terminals/0");
  for (const char* text : {"", "{}", "[]", "[1]", "[{}]", "{\"terminals\":5}"}) {
    EXPECT_FALSE(parse_terminals(text, "e.json").has_value()) << text;
  }
}

TEST(TerminalList, GeneratesARange) {
  const auto terminals = generate_terminals({.first_tid = "20000009", .count = 5, .merchants = 2}).value();
  EXPECT_EQ(terminals[4].tid, "20000013");
  EXPECT_EQ(terminals[3].merchant_code, "102290058120002");
  EXPECT_EQ(terminals[4].merchant_code, "102290058120001");
  EXPECT_FALSE(generate_terminals({.first_tid = "1", .count = 5}).has_value());
  EXPECT_FALSE(generate_terminals({.first_tid = "99999999", .count = 5}).has_value());
  EXPECT_FALSE(generate_terminals({.count = 0}).has_value());
}

}  // namespace
}  // namespace tollgate::sim
