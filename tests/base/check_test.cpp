#include "switch/base/check.h"

#include <gtest/gtest.h>

#include <string_view>

namespace tollgate {
namespace {

TEST(CheckDeathTest, StopsTheProcessAndNamesTheExpression) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const int debit = 1, credit = 2;
  EXPECT_DEATH(TG_CHECK(debit == credit),
               R"("level":"fatal".*"msg":"debit == credit","at":".*check_test.cpp:[0-9]+")");
}

TEST(CheckDeathTest, WritesALineThatIsStillJson) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const std::string_view state = "open";
  EXPECT_DEATH(TG_CHECK(state == "closed"), R"(state == \\"closed\\"","at")");
}

TEST(Check, EvaluatesOnceAndGoesOnWhenTrue) {
  int evaluated = 0;
  TG_CHECK(++evaluated == 1);
  EXPECT_EQ(evaluated, 1);
}

}  // namespace
}  // namespace tollgate
