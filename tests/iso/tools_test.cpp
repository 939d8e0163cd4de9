#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "switch/cli/iso_tools.h"
#include "tests/iso/goldens.h"

namespace tollgate::iso::test {
namespace {

using testing::ContainsRegex;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

const std::string kVectors = std::string(TOLLGATE_SOURCE_DIR) + "/tests/iso/vectors/cup.json";

struct Ran {
  int code = 0;
  std::string out;
};

Ran check_text(const std::string& text, std::string_view dialect = "cup") {
  const auto file =
      std::filesystem::temp_directory_path() / ("tollgate_iso_" + std::to_string(::getpid()) + ".json");
  std::ofstream(file, std::ios::binary) << text;
  std::ostringstream out;
  const int code = cli::iso_check(file.string(), dialect, out);
  std::filesystem::remove(file);
  return {code, out.str()};
}

// The vector file with one message in it, changed by the test.
template <class Change>
Ran check_changed(std::string_view id, Change change) {
  auto one = golden(id).json;
  change(one);
  return check_text(
      boost::json::serialize(boost::json::object{{"constructed_messages", boost::json::array{one}}}));
}

Ran decoded(std::string_view hex, std::string_view dialect, bool json = false) {
  std::istringstream in{std::string(hex)};
  std::ostringstream out;
  const int code = cli::iso_decode("-", dialect, {.json = json}, in, out);
  return {code, out.str()};
}

Ran encoded(std::string_view json, std::string_view dialect) {
  std::istringstream in;
  std::ostringstream out;
  const int code = cli::iso_encode(json, dialect, in, out);
  return {code, out.str()};
}

std::string hex_of(std::string_view id) {
  return std::string(golden(id).json.at("hex").as_string());
}

TEST(IsoCheck, PassesEveryMessageOfTheVectors) {
  std::ostringstream out;
  EXPECT_EQ(cli::iso_check(kVectors, "cup", out), 0);
  EXPECT_EQ(out.str(), std::to_string(goldens().size()) + " passed, 0 failed\n");
}

TEST(IsoCheck, NamesIdFieldExpectedAndGot) {
  const auto ran =
      check_changed("c-0200-sale", [](auto& m) { m["fields"].as_object()["4"] = "000000010001"; });
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(ran.out, "c-0200-sale: field 4: expected 000000010001, got 000000010000\n0 passed, 1 failed\n");
}

TEST(IsoCheck, FailsWhereAnythingThatAVectorSaysIsNotSo) {
  using Object = boost::json::object;
  const std::pair<const char*, void (*)(Object&)> cases[] = {
      {"field 5: expected 000000000000, got absent",
       [](Object& m) { m["fields"].as_object()["5"] = "000000000000"; }},
      {"field 3: expected absent, got 000000", [](Object& m) { m["fields"].as_object().erase("3"); }},
      {"mti: expected 0100", [](Object& m) { m["mti"] = "0100"; }},
      {"tpdu: expected 6000030001", [](Object& m) { m["tpdu"] = "6000030001"; }},
      {"header: expected 613100000001", [](Object& m) { m["header"] = "613100000001"; }},
      {"bitmap: expected", [](Object& m) { m["bitmap"] = "0000000000000000"; }},
      {"mac.data: expected 0200", [](Object& m) { m["mac"].as_object()["data"] = "0200"; }},
      {"decoded 60.60.4: expected \"6\", got \"5\"",
       [](Object& m) { m["decoded"].as_object()["60"].as_object()["60.4"] = "6"; }},
      {"decoded 60.60.9", [](Object& m) { m["decoded"].as_object()["60"].as_object()["60.9"] = "6"; }},
      {"decoded 55: expected", [](Object& m) { m["decoded"].as_object()["55"].as_array().pop_back(); }},
      {"decoded 61: expected",
       [](Object& m) {
         m["decoded"].as_object()["61"] = Object{{"61.1 batch", "000001"}};
       }},
      {"verdict: expected consistent or defective, got odd", [](Object& m) { m["verdict"] = "odd"; }},
      {"parse: expected a refusal, got accepted", [](Object& m) { m["verdict"] = "defective"; }},
      {"hex: expected hexadecimal", [](Object& m) { m["hex"] = "00zz"; }},
      {"hex: expected hexadecimal", [](Object& m) { m.erase("hex"); }},
      {"parse: expected accepted, got refused at length prefix (truncated)",
       [](Object& m) { m["hex"] = m["hex"].as_string().subview(0, 100); }},
      {"parse: expected accepted, got refused at end (trailing)",
       [](Object& m) { m["hex"] = std::string(m["hex"].as_string()) + "00"; }},
  };
  for (const auto& [expected, change] : cases) {
    const auto ran = check_changed("c-0200-sale-chip", change);
    EXPECT_EQ(ran.code, 1) << expected;
    EXPECT_THAT(ran.out, HasSubstr("c-0200-sale-chip: " + std::string(expected)));
    EXPECT_THAT(ran.out, EndsWith("0 passed, 1 failed\n"));
  }
}

TEST(IsoCheck, ADefectiveMessageMustBeRefusedAtItsPlace) {
  EXPECT_EQ(check_changed("o-0810-ncb", [](auto&) {}).code, 0);
  const auto elsewhere = check_changed("o-0810-ncb", [](auto& m) { m["parse"] = "error at field 62"; });
  EXPECT_EQ(elsewhere.code, 1);
  EXPECT_THAT(elsewhere.out, HasSubstr("expected error at field 62, got refused at field 60 (too_long)"));
  EXPECT_EQ(check_changed("c-0200-secondary-bitmap", [](auto& m) { m["parse"] = "error at MTI"; }).code, 1);
  EXPECT_EQ(check_changed("c-0820-long-prefix", [](auto& m) { m["parse"] = "error at bitmap"; }).code, 1);
}

TEST(IsoCheck, AFileWithoutACaseIsAFailure) {
  const auto empty = check_text("{\"observed_messages\": []}");
  EXPECT_EQ(empty.code, 1);
  EXPECT_THAT(empty.out, EndsWith("0 passed, 0 failed\n"));
  EXPECT_EQ(check_text("{}").code, 1);
  EXPECT_EQ(check_text("{\"constructed_messages\": [3]}").code, 1);
  EXPECT_EQ(check_text("[]").code, 2);
  EXPECT_EQ(check_text("{").code, 2);
  std::ostringstream out;
  EXPECT_EQ(cli::iso_check("/nonexistent.json", "cup", out), 2);
  EXPECT_EQ(cli::iso_check(kVectors, "cupp", out), 2);
  EXPECT_THAT(out.str(), HasSubstr("there are cup, iso87-ascii"));
}

TEST(IsoCheck, ADialectFileCanBeNamed) {
  std::ostringstream out;
  EXPECT_EQ(cli::iso_check(kVectors, std::string(TOLLGATE_SOURCE_DIR) + "/switch/iso/dialects/cup.toml", out),
            0)
      << out.str();
}

TEST(IsoDecode, ShowsAMessageAndHidesCardTrackPinAndCode) {
  const auto ran = decoded(hex_of("c-0200-sale-chip"), "cup");
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.out, HasSubstr("mti      0200  sale\n"));
  EXPECT_THAT(ran.out, ContainsRegex("2  card number +622202\\*\\*\\*\\*\\*\\*\\*\\*\\*0128\n"));
  EXPECT_THAT(ran.out, ContainsRegex("4  amount +000000008800\n"));
  EXPECT_THAT(ran.out, ContainsRegex("35  track 2 +\\(hidden, 37\\)\n"));
  EXPECT_THAT(ran.out, ContainsRegex("52  PIN block +\\(hidden, 8\\)\n"));
  EXPECT_THAT(ran.out, HasSubstr("9F26  95BBE372271DDA7C\n"));
  EXPECT_THAT(ran.out, Not(HasSubstr("6222021234567890128")));
  EXPECT_THAT(ran.out, Not(HasSubstr("81139DAA4A742DE8")));
}

TEST(IsoDecode, NoMessageOfTheVectorsShowsItsCardOrItsKeys) {
  int shown = 0;
  for (const auto& one : goldens()) {
    if (one.defective) continue;
    for (const bool json : {false, true}) {
      const auto ran = decoded(std::string(one.json.at("hex").as_string()), "cup", json);
      ASSERT_EQ(ran.code, 0) << one.id << ran.out;
      ++shown;
      for (const auto* secret :
           {"6222021234567890128", "7890128D", "6220000000000000012", "134567890123456789",
            "6259650000000007", "13800000000", "0B1099C8B3051753", "950973182317F80B", "6F7D1654735AC19C"}) {
        EXPECT_THAT(ran.out, Not(HasSubstr(secret))) << one.id;
      }
    }
  }
  EXPECT_GT(shown, 150);
}

TEST(IsoDecode, HidesCardTagsOfChipDataAlsoInsideTemplates) {
  // 5A and 57 hold the card number; 70 is a template around 5A.
  const auto made = encoded(
      R"({"mti":"0200","fields":{"55":"9A032509125A0862220212345678905704622202D370075A0562220212349F260101"}})",
      "cup");
  ASSERT_EQ(made.code, 0) << made.out;
  const auto ran = decoded(made.out, "cup");
  EXPECT_EQ(ran.code, 0) << ran.out;
  EXPECT_THAT(ran.out, HasSubstr("9A  250912"));
  EXPECT_THAT(ran.out, HasSubstr("5A  (hidden"));
  EXPECT_THAT(ran.out, HasSubstr("57  (hidden"));
  EXPECT_THAT(ran.out, HasSubstr("70  (hidden"));
  EXPECT_THAT(ran.out, Not(HasSubstr("622202")));
}

TEST(IsoDecode, UploadDetailsShowMaskedCards) {
  const auto ran = decoded(hex_of("c-0320-mag"), "cup");
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.out, HasSubstr("622202*********0128"));
  EXPECT_THAT(ran.out, Not(HasSubstr("234567890")));
}

TEST(IsoDecode, WritesJsonThatParses) {
  const auto ran = decoded(hex_of("c-0810-param"), "cup", true);
  EXPECT_EQ(ran.code, 0);
  const auto root = boost::json::parse(ran.out).as_object();
  EXPECT_EQ(root.at("mti").as_string(), "0810");
  EXPECT_EQ(root.at("fields").at("41").as_string(), "10000001");
  EXPECT_EQ(root.at("decoded").at("60").at("60.3").as_string(), "360");
  EXPECT_THAT(std::string(root.at("decoded").at("62").as_array()[8].as_array()[1].as_string()),
              testing::StartsWith("gbk:测试商户"));
}

TEST(IsoDecode, AcceptsBodiesWithoutPrefixOrEnvelopeAndSaysWhereItRefuses) {
  EXPECT_EQ(decoded(hex_of("o-0810-easy8583"), "cup").code, 0);
  EXPECT_EQ(decoded(hex_of("o-0800-i8es"), "cup").code, 0);
  const auto refused = decoded(hex_of("o-0810-ncb"), "cup");
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.out, HasSubstr("refused: too_long in field 60 at byte 71 "));
  EXPECT_THAT(refused.out, HasSubstr("17816004"));  // the terminal, read before the defect
  EXPECT_EQ(decoded("00", "cup").code, 1);
  EXPECT_EQ(decoded("0z", "cup").code, 2);
  EXPECT_EQ(decoded("", "cup").code, 2);
  EXPECT_EQ(decoded("00", "nope").code, 2);
}

TEST(IsoEncode, MakesTheBytesOfTheVectors) {
  int same = 0;
  for (const auto& one : goldens()) {
    if (one.defective || one.dialect->tpdu_size() == 0) continue;
    const auto ran = encoded(boost::json::serialize(one.json), "cup");
    ASSERT_EQ(ran.code, 0) << one.id << ran.out;
    const std::string hex(one.json.at("hex").as_string());
    same += ran.out == hex + "\n" || ran.out.substr(4) == hex + "\n" ? 1 : 0;
  }
  EXPECT_GT(same, 70);
}

TEST(IsoEncode, RefusesWhatIsNoMessage) {
  EXPECT_EQ(encoded("[]", "cup").code, 2);
  EXPECT_EQ(encoded("{", "cup").code, 2);
  EXPECT_EQ(encoded(R"({"fields":{}})", "cup").code, 2);
  EXPECT_EQ(encoded(R"({"mti":"0200"})", "cup").code, 2);
  EXPECT_EQ(encoded(R"({"mti":"0200","fields":{"1":"x"}})", "cup").code, 2);
  EXPECT_EQ(encoded(R"({"mti":"0200","fields":{"52":"xyz"}})", "cup").code, 2);
  EXPECT_EQ(encoded(R"({"mti":"0200","fields":{},"tpdu":"zz"})", "cup").code, 2);
  const auto short_value = encoded(R"({"mti":"0200","fields":{"3":"00"}})", "cup");
  EXPECT_EQ(short_value.code, 1);
  EXPECT_EQ(short_value.out, "refused: missing_value in field 3\n");
}

}  // namespace
}  // namespace tollgate::iso::test
