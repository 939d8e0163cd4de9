// The negative control of the metrics tests: their reader refuses what it should.
#include "tests/base/exposition.h"

#include <gtest/gtest.h>

namespace tollgate::testing_support {
namespace {

constexpr const char* kGood =
    "# HELP a_total Text.\n# TYPE a_total counter\na_total{x=\"1\"} 2\na_total{x=\"2\"} 3\n"
    "# HELP h Text.\n# TYPE h histogram\nh_bucket{le=\"0.1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 0.5\nh_count "
    "2\n";

TEST(ExpositionReader, ReadsAGoodPage) {
  const auto page = read_exposition(kGood);
  ASSERT_TRUE(page) << page.error();
  EXPECT_EQ(page->value("a_total{x=\"2\"}"), 3);
  EXPECT_EQ(page->value("h_bucket{le=\"+Inf\"}"), 2);
}

TEST(ExpositionReader, RefusesEveryDefect) {
  const char* const defects[] = {
      "a 1\n",                                                                        // no HELP and TYPE
      "# HELP a T.\na 1\n",                                                           // no TYPE
      "# HELP a T.\n# TYPE a gauge\na 1",                                             // no line end
      "# HELP a T.\n# TYPE a gauge\na 1\na 2\n",                                      // series twice
      "# HELP a T.\n# TYPE a gauge\na 1\n# HELP a T.\n# TYPE a gauge\n",              // family twice
      "# HELP a T.\n# TYPE a gauge\n# TYPE a gauge\n",                                // TYPE twice
      "# HELP a T.\n# TYPE b gauge\nb 1\n",                                           // TYPE of another
      "# HELP a T.\n# TYPE a gauge\nb 1\n",                                           // sample of another
      "# HELP a T.\n# TYPE a summary\na 1\n",                                         // type that is not used
      "# HELP a_total T.\n# TYPE a_total counter\na_total -1\n",                      // a counter below zero
      "# HELP a T.\n# TYPE a gauge\na one\n",                                         // not a number
      "# HELP a T.\n# TYPE a gauge\na{x=\"1\n",                                       // label not ended
      "# HELP a T.\n# TYPE a gauge\na{x=\"1\",x=\"2\"} 1\n",                          // label twice
      "# HELP a T.\n# TYPE a gauge\na{x=\"\\t\"} 1\n",                                // unknown escape
      "# HELP 1a T.\n# TYPE 1a gauge\n1a 1\n",                                        // bad name
      "# HELP h T.\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n",  // no +Inf
      "# HELP h T.\n# TYPE h histogram\nh_bucket{le=\"2\"} 1\nh_bucket{le=\"1\"} "
      "1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n",
      "# HELP h T.\n# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count "
      "1\n",                                                                             // falls
      "# HELP h T.\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 2\n",  // count differs
      "# HELP h T.\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_count 1\n",           // no sum
  };
  for (const char* page : defects) EXPECT_FALSE(read_exposition(page)) << page;
}

}  // namespace
}  // namespace tollgate::testing_support
