#include "switch/sim/host.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <map>

namespace tollgate::sim {
namespace {

using ::testing::HasSubstr;

constexpr WallTime kNow{1'795'255'331'000'000};  // 2026-11-21T02:02:11Z, 10:02 in Shanghai

struct Request {
  std::uint16_t mti = 0x0200;
  std::uint64_t amount = 10'000;
  std::uint32_t stan = 1;
  std::string transmitted = "1121020211";
  std::string tid = "10000001";
  std::string processing = "000000";
  std::string pan = "6222021234567890128";
  std::string original = {};  // field 90
};

Bytes frame_of(const Request& r, const std::string& dialect = "iso87-ascii") {
  iso::MessageBuilder message;
  message.set_mti({r.mti});
  if ((r.mti >> 8 & 0xF) == 8) {
    message.set(70, std::string_view("001"));
  } else {
    message.set(2, r.pan);
    message.set(3, r.processing);
    if (r.processing != "310000") message.set_number(4, r.amount, 12);
    message.set(37, std::string_view("100000000001"));
    message.set(41, r.tid);
    message.set(42, std::string_view("102290058120001"));
    message.set(49, std::string_view("156"));
    if (!r.original.empty()) message.set(90, r.original);
  }
  message.set(7, r.transmitted);
  message.set_number(11, r.stan, 6);
  std::array<std::uint8_t, 1024> room;
  const auto encoded = iso::encode(*iso::Dialect::builtin(dialect), message, room);
  EXPECT_TRUE(encoded.has_value());
  return {encoded->begin() + 2, encoded->end()};
}

std::string original_of(const Request& r) {
  return fmt::format("0200{:06}{}{:022}", r.stan, r.transmitted, 0);
}

std::string field(const HostStep& step, int number, const std::string& dialect = "iso87-ascii") {
  iso::MessageView view;
  if (step.reply.empty() || !iso::decode(*iso::Dialect::builtin(dialect), step.reply.subspan(2), view).ok())
    return "?";
  std::array<char, 128> room;
  if (number == 0) return fmt::format("{:04x}", view.mti().bcd);
  return std::string(view.value(number, room));
}

SimHost host_with(std::string_view script = "", HostOptions options = {}) {
  return SimHost::make(std::move(options), HostScript::parse(script, "test.toml").value()).value();
}

TEST(SimHost, ApprovesAndEchoesWhatTheSwitchMatchesBy) {
  auto host = host_with();
  const auto step = host.receive(frame_of({}), kNow);
  EXPECT_EQ(step.copies, 1);
  EXPECT_EQ(field(step, 0), "0210");
  EXPECT_EQ(field(step, 39), "00");
  EXPECT_EQ(field(step, 38), "A00001");
  EXPECT_EQ(field(step, 4), "000000010000");
  EXPECT_EQ(field(step, 7), "1121020211");
  EXPECT_EQ(field(step, 11), "000001");
  EXPECT_EQ(field(step, 37), "100000000001");
  EXPECT_EQ(field(step, 41), "10000001");
  EXPECT_EQ(field(step, 15), "1121");
  EXPECT_EQ(host.books().totals().approved, 1U);
}

TEST(SimHost, DecidesByTheLastTwoDigitsOfTheAmount) {
  HostOptions options;
  options.timeout = std::chrono::seconds(3);
  auto host = host_with("", options);
  const auto declined = host.receive(frame_of({.amount = 12'351, .stan = 1}), kNow);
  EXPECT_EQ(field(declined, 39), "51");
  EXPECT_EQ(field(declined, 38), "");
  EXPECT_EQ(host.receive(frame_of({.amount = 191, .stan = 2}), kNow).copies, 0);
  const auto late = host.receive(frame_of({.amount = 192, .stan = 3}), kNow);
  EXPECT_EQ(late.delay, std::chrono::seconds(6));
  EXPECT_EQ(late.copies, 1);
  EXPECT_EQ(host.receive(frame_of({.amount = 194, .stan = 4}), kNow).copies, 2);
  EXPECT_EQ(field(host.receive(frame_of({.amount = 195, .stan = 5}), kNow), 39), "00");
  const auto totals = host.books().totals();
  EXPECT_EQ(totals.declined, 1U);
  EXPECT_EQ(totals.approved, 4U) << "a lost answer is an approval that must be undone";
  EXPECT_EQ(totals.unanswered, 1U);
}

TEST(SimHost, BalanceInquiryCarries54) {
  auto host = host_with();
  EXPECT_EQ(field(host.receive(frame_of({.processing = "310000"}), kNow), 54), "1002156C000000123456");
}

TEST(SimHost, SpeaksBcdByItsDialectAlone) {
  HostOptions options;
  options.dialect = "iso87-bcd";
  auto host = host_with("", options);
  EXPECT_EQ(field(host.receive(frame_of({}, "iso87-bcd"), kNow), 39, "iso87-bcd"), "00");
  EXPECT_FALSE(SimHost::make({.dialect = "iso2003"}, {}).has_value());
}

TEST(SimHost, ARepeatGetsTheSameAnswerAndIsNotBookedAgain) {
  auto host = host_with();
  const auto first = host.receive(frame_of({}), kNow);
  const Bytes bytes(first.reply.begin(), first.reply.end());
  const auto second = host.receive(frame_of({}), kNow);
  EXPECT_EQ(to_hex(second.reply), to_hex(bytes));
  EXPECT_EQ(host.books().totals().approved, 1U);
  EXPECT_EQ(host.books().totals().repeats, 1U);
  EXPECT_EQ(host.books().size(), 1U);
}

TEST(SimHost, ARepeatOfWhatIsNeverAnsweredIsNotAnswered) {
  auto host = host_with();
  EXPECT_EQ(host.receive(frame_of({.amount = 91}), kNow).copies, 0);
  EXPECT_EQ(host.receive(frame_of({.amount = 91}), kNow).copies, 0);
}

TEST(SimHost, SameStanFromAnotherTerminalOrTimeIsAnotherRequest) {
  auto host = host_with();
  (void)host.receive(frame_of({}), kNow);
  (void)host.receive(frame_of({.tid = "10000002"}), kNow);
  (void)host.receive(frame_of({.transmitted = "1121020212"}), kNow);
  EXPECT_EQ(host.books().totals().approved, 3U);
}

TEST(SimHost, ReversalUndoesItsOriginalOnceAndIsAlwaysAcknowledged) {
  auto host = host_with();
  const Request sale{.amount = 191};  // the one that was never answered
  (void)host.receive(frame_of(sale), kNow);
  const Request reversal{.mti = 0x0400, .amount = 191, .stan = 2, .original = original_of(sale)};
  for (int i = 0; i < 2; ++i) {
    const auto step = host.receive(frame_of(reversal), kNow);
    EXPECT_EQ(field(step, 0), "0410");
    EXPECT_EQ(field(step, 39), "00");
    EXPECT_EQ(field(step, 38), "");
  }
  EXPECT_EQ(host.books().totals().reversed, 1U);
  EXPECT_EQ(host.books().totals().reversals, 2U);
  const auto* entry = host.books().find({1'121'020'211, 1, {'1', '0', '0', '0', '0', '0', '0', '1'}});
  ASSERT_NE(entry, nullptr);
  EXPECT_TRUE(entry->approved);
  EXPECT_TRUE(entry->reversed);
  EXPECT_EQ(entry->reversals, 2U);
}

TEST(SimHost, ReversalOfAnUnknownOriginalIs25AndTheLateOriginalIsRefused) {
  auto host = host_with();
  const Request sale;
  const auto step = host.receive(frame_of({.mti = 0x0400, .stan = 2, .original = original_of(sale)}), kNow);
  EXPECT_EQ(field(step, 39), "25");
  EXPECT_EQ(field(host.receive(frame_of(sale), kNow), 39), "12");
  EXPECT_EQ(host.books().totals().unknown_reversals, 1U);
  EXPECT_EQ(host.books().totals().late_originals, 1U);
  EXPECT_EQ(host.books().totals().approved, 0U);
}

TEST(SimHost, ReversalWithoutField90IsAFormatError) {
  auto host = host_with();
  EXPECT_EQ(field(host.receive(frame_of({.mti = 0x0400}), kNow), 39), "30");
}

TEST(SimHost, RepeatedReversal0401IsAnsweredWith0410) {
  auto host = host_with();
  const Request sale;
  (void)host.receive(frame_of(sale), kNow);
  EXPECT_EQ(field(host.receive(frame_of({.mti = 0x0401, .stan = 2, .original = original_of(sale)}), kNow), 0),
            "0410");
}

TEST(SimHost, AnswersNetworkManagement) {
  auto host = host_with();
  const auto step = host.receive(frame_of({.mti = 0x0800}), kNow);
  EXPECT_EQ(field(step, 0), "0810");
  EXPECT_EQ(field(step, 39), "00");
  EXPECT_EQ(field(step, 70), "001");
  EXPECT_EQ(field(step, 11), "000001");
}

TEST(SimHost, IgnoresRepliesAndWhatItCannotRead) {
  auto host = host_with();
  EXPECT_EQ(host.receive(frame_of({.mti = 0x0210}), kNow).copies, 0);
  const auto frame = frame_of({});
  EXPECT_EQ(host.receive(ByteView(frame).first(frame.size() - 1), kNow).copies, 0);
  EXPECT_EQ(host.books().totals().unreadable, 2U);
  EXPECT_EQ(host.books().size(), 0U);
}

TEST(SimHost, DeclinesAShareAndDelaysEveryAnswer) {
  HostOptions options;
  options.decline_ppm = 50'000;
  options.latency = std::chrono::milliseconds(20);
  auto host = host_with("", options);
  for (std::uint32_t i = 1; i <= 2'000; ++i) {
    EXPECT_EQ(host.receive(frame_of({.stan = i}), kNow).delay, std::chrono::milliseconds(20));
  }
  EXPECT_NEAR(static_cast<double>(host.books().totals().declined), 100, 40);
}

TEST(SimHost, LogHasALineForEachDecisionAndNoCardNumber) {
  HostOptions options;
  options.log = true;
  auto host = host_with("", options);
  const Request sale;
  (void)host.receive(frame_of(sale), kNow);
  (void)host.receive(frame_of({.mti = 0x0400, .stan = 2, .original = original_of(sale)}), kNow);
  const auto log = host.take_log();
  const auto end = log.find('\n');
  const auto first = boost::json::parse(log.substr(0, end));
  EXPECT_EQ(first.at("event").as_string(), "request");
  EXPECT_EQ(first.at("amount").as_int64(), 10'000);
  EXPECT_EQ(first.at("at").as_string(), format_utc(kNow));
  const auto second = boost::json::parse(log.substr(end + 1));
  EXPECT_EQ(second.at("event").as_string(), "reversal");
  EXPECT_EQ(second.at("stan").as_string(), "000001");
  EXPECT_TRUE(second.at("reversed").as_bool());
  EXPECT_THAT(log, ::testing::Not(HasSubstr("6222021234567890128")));
  EXPECT_EQ(host.take_log(), "");
}

TEST(SimHost, LogStaysJsonWhateverThePeerSends) {
  HostOptions options;
  options.log = true;
  auto host = host_with("", options);
  (void)host.receive(frame_of({.tid = "1\"},{\"x\\"}), kNow);
  EXPECT_EQ(boost::json::parse(host.take_log()).at("tid").as_string(), "1?},{?x?");
}

TEST(HostScript, FirstRuleThatFitsDecides) {
  auto host = host_with(R"(
[[rule]]
pan = "622202"
amount = "100-200"
do = "decline"
rc = "61"
[[rule]]
tid = "10000009"
do = "twice"
delay_ms = 5
[[rule]]
mti = "0200"
amount = "..07"
do = "disconnect"
)");
  EXPECT_EQ(field(host.receive(frame_of({.amount = 150, .stan = 1}), kNow), 39), "61");
  EXPECT_EQ(field(host.receive(frame_of({.amount = 201, .stan = 2}), kNow), 39), "00");
  const auto twice = host.receive(frame_of({.amount = 251, .stan = 3, .tid = "10000009"}), kNow);
  EXPECT_EQ(twice.copies, 2) << "a rule comes before the last two digits";
  EXPECT_EQ(twice.delay, std::chrono::milliseconds(5));
  const auto gone = host.receive(frame_of({.amount = 907, .stan = 4}), kNow);
  EXPECT_TRUE(gone.disconnect);
  EXPECT_EQ(gone.copies, 0);
  EXPECT_EQ(host.books().totals().approved, 3U);
}

TEST(HostScript, SkipsCountsAndTakesOneInSo) {
  auto script =
      HostScript::parse("[[rule]]\nskip = 2\ncount = 4\nevery = 2\ndo = \"decline\"\n", "s").value();
  std::string seen;
  for (int i = 0; i < 9; ++i)
    seen += script.decide({{0x0200}, 100, {}, {}}).act == HostAct::decline ? 'D' : 'a';
  EXPECT_EQ(seen, "aaDaDaaaa");
}

TEST(HostScript, RulesWithoutMtiSpareReversalsAndNetworkManagement) {
  auto script =
      HostScript::parse("[[rule]]\ndo = \"drop\"\n[[rule]]\nmti = \"0800\"\ndo = \"disconnect\"\n", "s")
          .value();
  EXPECT_EQ(script.decide({{0x0200}, 100, {}, {}}).act, HostAct::drop);
  EXPECT_EQ(script.decide({{0x0400}, 100, {}, {}}).act, HostAct::approve);
  EXPECT_EQ(script.decide({{0x0800}, std::nullopt, {}, {}}).act, HostAct::disconnect);
  EXPECT_EQ(script.decide({{0x0400}, 191, {}, {}}).act, HostAct::approve)
      << "the last two digits spare them too";
}

TEST(HostScript, CanSwitchTheAmountRulesOffAndAnswerUnknownReversalsOtherwise) {
  auto script = HostScript::parse("defaults = false\nunknown_reversal = \"00\"\n", "s").value();
  EXPECT_EQ(script.decide({{0x0200}, 151, {}, {}}).act, HostAct::approve);
  EXPECT_EQ(script.unknown_reversal(), "00");
}

TEST(HostScript, RefusesWhatItDoesNotUnderstandWithTheLine) {
  const std::map<std::string, std::string> cases{
      {"[[rule]]\ndo = \"explode\"\n", "s:2"},
      {"[[rule]]\nmti = \"0200\"\n", "s:1"},
      {"[[rule]]\ndo = \"drop\"\namonut = \"5\"\n", "s:3"},
      {"[[rule]]\ndo = \"drop\"\namount = \"9-5\"\n", "s:3"},
      {"[[rule]]\ndo = \"drop\"\namount = \"..5\"\n", "s:3"},
      {"[[rule]]\ndo = \"drop\"\nmti = \"02x0\"\n", "s:3"},
      {"[[rule]]\ndo = \"approve\"\nrc = \"51\"\n", "s:1"},
      {"[[rule]]\ndo = \"decline\"\nrc = \"5\"\n", "s:3"},
      {"[[rule]]\ndo = \"drop\"\nevery = 0\n", "s:3"},
      {"[[rule]]\ndo = \"drop\"\ncount = -1\n", "s:3"},
      {"default = true\n", "s:1"},
      {"[[rule]\n", "s:1"},
  };
  for (const auto& [text, where] : cases) {
    const auto script = HostScript::parse(text, "s");
    ASSERT_FALSE(script.has_value()) << text;
    EXPECT_EQ(script.error().where, where) << text << script.error().what;
  }
  EXPECT_EQ(HostScript::load("/nonexistent/script.toml").error().code, ErrorCode::not_found);
}

TEST(HostBooks, ForgetsTheOldestAndStaysFindable) {
  HostBooks books(100);
  const auto key = [](std::uint32_t i) {
    return HostKey{1'121'000'000ULL + i / 7, i, {'1', '0', '0', '0', '0', '0', '0', '1'}};
  };
  for (std::uint32_t i = 0; i < 5'000; ++i) {
    HostEntry entry;
    entry.key = key(i);
    entry.amount_minor = i;
    books.add(entry);
    if (i >= 100) {
      ASSERT_EQ(books.find(key(i - 100)), nullptr) << i;
    }
    for (std::uint32_t back = 0; back < std::min(i, 99U); back += 7)
      ASSERT_NE(books.find(key(i - back)), nullptr) << i;
  }
  EXPECT_EQ(books.size(), 100U);
  EXPECT_EQ(books.totals().forgotten, 4'900U);
  std::int64_t expected = 4'900;
  books.for_each([&](const HostEntry& entry) { EXPECT_EQ(entry.amount_minor, expected++); });
  EXPECT_EQ(expected, 5'000);
}

}  // namespace
}  // namespace tollgate::sim
