// The reference's cases and flows, and that the checker notices what is wrong.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "switch/cli/fees_cases.h"
#include "switch/cli/fees_tools.h"

namespace tollgate::cli {
namespace {

const std::string kVectors = TOLLGATE_SOURCE_DIR "/tests/fees/vectors/fees.json";

std::string vectors() {
  std::ifstream in(kVectors);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

CaseTotals run(const std::string& text, std::string* said = nullptr) {
  std::ostringstream out;
  const auto totals = run_fee_cases(text, "test", out);
  if (said != nullptr) *said = out.str();
  return totals;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(FeeCases, EveryCaseAndFlowOfTheReferenceGivesItsIntegers) {
  std::ostringstream out;
  EXPECT_EQ(fees_check(kVectors, out), 0) << out.str();
  EXPECT_TRUE(out.str().ends_with("47 passed, 0 failed\n")) << out.str();
}

TEST(FeeCases, OneChangedIntegerFailsItsCaseAndIsNamed) {
  std::string said;
  const auto totals = run(replaced(vectors(), R"("merchant_net": 9940)", R"("merchant_net": 9941)"), &said);
  EXPECT_EQ(totals.failed, 1);
  EXPECT_NE(said.find("FC-01 step 1 sale s1/merchant_net: expected 9941, got 9940"), std::string::npos)
      << said;
}

TEST(FeeCases, AMissingMemberAMissingFlagAndAWrongHashFail) {
  EXPECT_EQ(run(replaced(vectors(), R"("cost": 0,)", "")).failed, 1);
  EXPECT_EQ(run(replaced(vectors(), R"(["REPLAY"])", "[]")).failed, 1);
  EXPECT_EQ(run(replaced(vectors(), "f475a2da", "f475a2db")).failed, 1);
}

TEST(FeeCases, AnEventOrAFieldThatIsNotKnownFailsInsteadOfBeingSkipped) {
  EXPECT_GE(run(replaced(vectors(), R"("event": "sale")", R"("event": "sell")")).failed, 1);
  EXPECT_GE(run(replaced(vectors(), R"("amount": 10000,)", R"("amount": 10000, "colour": 1,)")).failed, 1);
}

TEST(FeeCases, AFlowThatDoesNotBalanceFails) {
  EXPECT_EQ(run(replaced(vectors(), R"("credit": 9940)", R"("credit": 9941)")).failed, 1);
}

TEST(FeeCases, NothingToRunIsNotAPass) {
  std::ostringstream out;
  EXPECT_EQ(run(R"({"format":"tollgate-fee-cases/1","cases":[]})").passed, 0);
  EXPECT_EQ(run("not json").failed, 1);
  EXPECT_EQ(run(R"({"format":"tollgate-fee-cases/2","cases":[]})").failed, 1);
  EXPECT_EQ(fees_check("/nowhere/fees.json", out), 2);
}

TEST(FeeQuote, DerivesAPriceFromAScheduleFile) {
  const std::string file = ::testing::TempDir() + "quote.json";
  std::ofstream(file)
      << R"({"schedule_id":"std","version":1,"valid_from":"2026-01-01T00:00:00Z","currency":"CNY",
    "time_zone":"Asia/Shanghai","components":[{"id":"mdr","account":"4100","rules":[
      {"id":"debit","match":{"funding":["DEBIT"]},"rate":"0.005","max":2000},{"id":"rest","rate":"0.006"}]}]})";
  FeesQuoteOptions options;
  options.schedule_file = file;
  options.amount = "6000.00";
  options.facts = {{"funding", "DEBIT"}};
  std::ostringstream en, zh, bad;
  EXPECT_EQ(fees_quote(options, en), 0);
  EXPECT_EQ(en.str(),
            "mdr: 6000.00 × 0.5 % = 20.00, the maximum, rule debit\nfee 20.00, merchant receives 5980.00 CNY "
            "(std@1)\n");
  options.chinese = true;
  EXPECT_EQ(fees_quote(options, zh), 0);
  EXPECT_EQ(zh.str(),
            "mdr: 6000.00 × 0.5 % = 20.00，封顶，规则 debit\n手续费 20.00，商户实收 5980.00 CNY (std@1)\n");
  options.amount = "1.005";
  EXPECT_EQ(fees_quote(options, bad), 2);
}

}  // namespace
}  // namespace tollgate::cli
