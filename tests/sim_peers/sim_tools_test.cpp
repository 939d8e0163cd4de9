#include "switch/cli/sim_tools.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <fstream>
#include <functional>
#include <sstream>

#include "switch/cli/load_tools.h"
#include "tests/sim_peers/echo_switch.h"

namespace tollgate::cli {
namespace {

using ::testing::HasSubstr;

boost::json::value last_line(const std::string& text) {
  const auto end = text.find_last_not_of('\n');
  const auto begin = text.rfind('\n', end);
  return boost::json::parse(text.substr(begin == std::string::npos ? 0 : begin + 1, end - begin));
}

TEST(SimTerminalsCommand, TradesAgainstATargetAndEndsWithTotals) {
  sim::EchoSwitch echo;
  SimTerminalsOptions options;
  options.target = echo.address();
  options.count = 3;
  options.tps = 200;
  options.starts = 20;
  options.mix = "sale=4,qr=1";
  std::ostringstream out;
  const int code = run_sim_terminals(options, out);
  const auto totals = last_line(out.str());
  EXPECT_EQ(code, 0) << out.str();
  EXPECT_EQ(totals.at("signed_in").as_int64(), 3);
  EXPECT_EQ(totals.at("started").as_int64(), 20);
  EXPECT_EQ(totals.at("faults").as_int64(), 0);
}

TEST(SimTerminalsCommand, FailsWhenNobodyListens) {
  SimTerminalsOptions options;
  options.target = sim::local_address(sim::listen_on("127.0.0.1:0").value());  // closed again
  options.run_for = "50ms";
  options.timeout = "50ms";
  std::ostringstream out;
  EXPECT_EQ(run_sim_terminals(options, out), 1);
}

TEST(SimTerminalsCommand, RefusesWrongOptionsWithTheReason) {
  for (const auto& change : std::vector<std::function<void(SimTerminalsOptions&)>>{
           [](auto& o) { o.mix = "sail=1"; }, [](auto& o) { o.run_for = "soon"; },
           [](auto& o) { o.timeout = ""; }, [](auto& o) { o.file = "/nonexistent"; },
           [](auto& o) { o.tmk = "11"; }, [](auto& o) { o.profile = "visa"; },
           [](auto& o) { o.log = "/nonexistent/log"; }}) {
    SimTerminalsOptions options;
    change(options);
    std::ostringstream out;
    EXPECT_EQ(run_sim_terminals(options, out), 2);
    EXPECT_THAT(out.str(), HasSubstr("error: "));
  }
}

TEST(SimHostCommand, ListensForItsTimeAndEndsWithTotals) {
  SimHostOptions options;
  options.listen = "127.0.0.1:0";
  options.run_for = "30ms";
  std::ostringstream out;
  EXPECT_EQ(run_sim_host(options, out), 0);
  EXPECT_THAT(out.str(), ::testing::StartsWith("listening 127.0.0.1:"));
  EXPECT_EQ(last_line(out.str()).at("requests").as_int64(), 0);
}

TEST(SimHostCommand, RefusesWrongOptionsAndScripts) {
  const auto path = ::testing::TempDir() + "script." + std::to_string(::getpid());
  std::ofstream(path) << "[[rule]]\ndo = \"explode\"\n";
  SimHostOptions options;
  options.listen = "127.0.0.1:0";
  options.script = path;
  std::ostringstream out;
  EXPECT_EQ(run_sim_host(options, out), 2);
  EXPECT_THAT(out.str(), HasSubstr(path + ":2"));
  options.script.clear();
  options.dialect = "esperanto";
  EXPECT_EQ(run_sim_host(options, out), 2);
  options.dialect = "iso87-ascii";
  options.decline = "5";
  EXPECT_EQ(run_sim_host(options, out), 2);
  ::unlink(path.c_str());
}

int load(std::vector<std::string> arguments) {
  std::vector<const char*> pointers{"bench_load"};
  for (const auto& argument : arguments) pointers.push_back(argument.c_str());
  return run_load(static_cast<int>(pointers.size()), pointers.data());
}

TEST(LoadCommand, DrivesATargetAndWritesItsReport) {
  sim::EchoSwitch echo;
  const auto path = ::testing::TempDir() + "load." + std::to_string(::getpid());
  EXPECT_EQ(load({"--target",      echo.address(),
                  "--terminals",   "4",
                  "--connections", "1",
                  "--depth",       "4",
                  "--requests",    "50",
                  "--warm-up",     "0s",
                  "--for",         "60s",
                  "--json",        path,
                  "--server-pid",  std::to_string(::getpid()),
                  "--host-listen", "127.0.0.1:0",
                  "--host-wait",   "0s"}),
            0);
  std::ifstream in(path);
  std::string text;
  ASSERT_TRUE(std::getline(in, text));
  EXPECT_EQ(boost::json::parse(text).at("approved").as_int64(), 50);
  ::unlink(path.c_str());
}

TEST(LoadCommand, FailsWhenAnAnswerIsWrong) {
  sim::EchoSwitch echo([](const iso::MessageView& request) {
    return request.mti().bcd == 0x0200 ? sim::Wrong::mac : sim::Wrong::nothing;
  });
  EXPECT_EQ(load({"--target", echo.address(), "--terminals", "1", "--requests", "1", "--warm-up", "0s"}), 1);
}

TEST(LoadCommand, RefusesWrongFlags) {
  EXPECT_EQ(load({"--rate", "fast"}), 2);
  EXPECT_EQ(load({"--for", "soon"}), 2);
  EXPECT_EQ(load({"--entry", "cheque"}), 2);
  EXPECT_EQ(load({"--terminals", "0"}), 2);
  EXPECT_EQ(load({"--terminals-file", "/nonexistent"}), 1);
  EXPECT_EQ(load({"--server-pid", "-1"}), 1);
  EXPECT_EQ(load({"--host-listen", "127.0.0.1:0", "--host-wait", "20ms"}), 1) << "nobody signs on to it";
}

}  // namespace
}  // namespace tollgate::cli
