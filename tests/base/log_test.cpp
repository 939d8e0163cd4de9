#include "switch/base/log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tollgate::log {
namespace {

const WallTime kAt = *parse_rfc3339("2026-11-21T18:02:11.045Z");

std::string json_of(std::string_view message, Fields fields = {}) {
  return render_json({kAt, Level::info, "net", message, {fields.begin(), fields.size()}});
}
std::string logfmt_of(std::string_view message, Fields fields = {}) {
  return render_logfmt({kAt, Level::info, "net", message, {fields.begin(), fields.size()}}, Colour::off);
}
std::string parsed(const std::string& line, std::string_view key) {
  return std::string(boost::json::parse(line).as_object().at(key).as_string());
}

TEST(LogJson, IsOneLineWithTheFieldsThatToolsLookFor) {
  EXPECT_EQ(
      json_of("listener ready",
              {{"name", "pos"}, {"port", 8583}, {"tls", false}, {"least", INT64_MIN}, {"most", UINT64_MAX}}),
      R"({"ts":"2026-11-21T18:02:11.045Z","level":"info","component":"net","msg":"listener ready","name":"pos","port":8583,)"
      R"("tls":false,"least":-9223372036854775808,"most":18446744073709551615})");
}

TEST(LogJson, ShowsIdsAsPeopleSeeThemAndCardsMasked) {
  const auto line = json_of("x", {{"txn", "txn_", ObjectId(~0ULL)},
                                  {"group", GroupNo{7}},
                                  {"pan", MaskedPan::of("6222020000000000128")}});
  EXPECT_EQ(parsed(line, "txn"), "txn_FZZZZZZZZZZZZ");
  EXPECT_EQ(parsed(line, "pan"), "622202*********0128");
  EXPECT_NE(line.find("\"group\":7"), std::string::npos);
}

// Log injection: whoever chooses a name must not write a second line, a field of their own or a terminal
// sequence.
TEST(Log, NeverLetsAValueLeaveItsPlace) {
  const std::string hostile =
      "pos\n{\"level\":\"error\"}\r\x1b[2J\x07\x7f\"\\\t\xC2\x9B"
      "31m\xE2\x80\xA8\xE2\x80\xAE end";
  for (const auto& line :
       {json_of(hostile, {{hostile, hostile}}), logfmt_of(hostile, {{hostile, hostile}})}) {
    EXPECT_TRUE(std::ranges::all_of(line, [](char c) {
      return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F;
    })) << line;
    for (const auto* sequence : {"\xC2\x9B", "\xE2\x80\xA8", "\xE2\x80\xAE"})
      EXPECT_EQ(line.find(sequence), std::string::npos);
  }
  const auto line = json_of(hostile, {{"name", hostile}});
  EXPECT_EQ(parsed(line, "msg"), hostile);  // nothing lost
  EXPECT_EQ(parsed(line, "name"), hostile);
  EXPECT_EQ(parsed(line, "level"), "info");
  EXPECT_EQ(boost::json::parse(line).as_object().size(), 5u);
}

TEST(Log, ReplacesBytesThatAreNotUtf8) {
  for (const char* bad :
       {"\xFF", "\xC0\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\x80", "\xE4\xB8", "\xF0\x80\x80\x80"}) {
    const auto line = json_of(bad);
    boost::json::error_code error;
    boost::json::parse(line, error);
    EXPECT_FALSE(error) << line;
    EXPECT_NE(line.find("\xEF\xBF\xBD"), std::string::npos) << line;
  }
  EXPECT_EQ(parsed(json_of("演示餐厅 😀"), "msg"), "演示餐厅 😀");
}

TEST(Log, KeepsANulByteInItsPlace) {
  EXPECT_NE(json_of(std::string_view("a\0b", 3)).find("a\\u0000b"), std::string::npos);
}

TEST(Log, EndsAValueThatIsTooLong) {
  const std::string long_text(100'000, 'a');
  const auto line = json_of("x", {{"name", long_text}});
  EXPECT_LT(line.size(), kValueMax + 200);
  EXPECT_EQ(parsed(line, "name"), std::string(kValueMax, 'a') + "…");
  std::string wide;  // a three-byte character across the end stays whole
  for (int i = 0; i < 1000; ++i) wide += "餐";
  EXPECT_EQ(parsed(json_of(wide), "msg").size() % 3, 0u);
}

TEST(LogLogfmt, QuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(logfmt_of("listener ready", {{"name", "pos"},
                                         {"text", "two words"},
                                         {"empty", ""},
                                         {"quote", "a\"b"},
                                         {"pair", "a=b"},
                                         {"port", 8583}}),
            "2026-11-21T18:02:11.045Z info  net \"listener ready\" name=pos text=\"two words\" empty=\"\" "
            "quote=\"a\\\"b\" pair=\"a=b\" port=8583");
}

TEST(LogLogfmt, ColoursTheLevelOnATerminal) {
  EXPECT_NE(render_logfmt({kAt, Level::error, "net", "x", {}}, Colour::on).find("\x1b[1;31merror\x1b[0m"),
            std::string::npos);
  EXPECT_EQ(logfmt_of("x").find('\x1b'), std::string::npos);
}

TEST(Log, WritesTimesBefore1970Too) {
  EXPECT_EQ(parsed(render_json({WallTime{-1}, Level::info, "a", "b", {}}), "ts"), "1969-12-31T23:59:59.999Z");
}

TEST(LogLevel, HasNamesThatComeBack) {
  for (const auto level : {Level::debug, Level::info, Level::warn, Level::error})
    EXPECT_EQ(level_of(name(level)), level);
  EXPECT_EQ(level_of("verbose"), std::nullopt);
  EXPECT_EQ(level_of("INFO"), std::nullopt);
}

class Captured : public testing::Test {
 protected:
  void start(Level level, Format format = Format::json) {
    configure({level, format, [this](std::string_view line) { lines_.emplace_back(line); }});
  }
  void TearDown() override { configure({}); }
  std::vector<std::string> lines_;
};

TEST_F(Captured, DropsWhatIsBelowTheLevelAndFollowsAChange) {
  start(Level::warn);
  info("a", "not this");
  warn("a", "this");
  set_level(Level::debug);
  debug("a", "and this");
  set_level(Level::error);
  warn("a", "nor this");
  error("a", "at last");
  ASSERT_EQ(lines_.size(), 3u);
  EXPECT_EQ(parsed(lines_[0], "level"), "warn");
  EXPECT_EQ(parsed(lines_[1], "msg"), "and this");
  EXPECT_EQ(parsed(lines_[2], "level"), "error");
}

TEST_F(Captured, ChoosesJsonWhenNobodyWatches) {
  start(Level::info, Format::automatic);
  info("a", "b", {{"n", 1}});
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_EQ(parsed(lines_[0], "msg"), "b");
}

TEST_F(Captured, KeepsBracesAndPercentSignsAsTheyAre) {
  start(Level::info);
  info("a", "100 % of {} %v %^");
  EXPECT_EQ(parsed(lines_.at(0), "msg"), "100 % of {} %v %^");
}

TEST_F(Captured, WritesWholeLinesFromManyThreads) {
  start(Level::info);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t] {
      for (int i = 0; i < 500; ++i) {
        info("thread", "line", {{"t", t}, {"i", i}});
        if (i % 100 == 0) set_level(Level::info);
      }
    });
  for (auto& thread : threads) thread.join();
  ASSERT_EQ(lines_.size(), 2000u);
  std::vector<int> next(4, 0);
  for (const auto& line : lines_) {
    const auto value = boost::json::parse(line);
    const auto t = value.at("t").as_int64();
    EXPECT_EQ(value.at("i").as_int64(), next.at(static_cast<std::size_t>(t))++);
  }
}

}  // namespace
}  // namespace tollgate::log
