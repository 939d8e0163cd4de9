#include "switch/base/utf8.h"

#include <gtest/gtest.h>

namespace tollgate {
namespace {

TEST(Utf8, ReadsOneCodePointOfEverySize) {
  EXPECT_EQ(utf8::front("A").value, U'A');
  EXPECT_EQ(utf8::front("\xC3\xA9").value, 0xE9U);
  EXPECT_EQ(utf8::front("\xE9\x93\xB6").value, 0x94F6U);
  EXPECT_EQ(utf8::front("\xF0\x9F\x98\x80").value, 0x1F600U);
  EXPECT_EQ(utf8::front("\xF4\x8F\xBF\xBF").value, 0x10FFFFU);
}

TEST(Utf8, RefusesWhatTheStandardRefuses) {
  for (const std::string_view bad :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xC3\x28", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE9\x93",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xD2\xF8\xC1\xAA"})
    EXPECT_EQ(utf8::front(bad).size, 0U) << bad.size();
  EXPECT_TRUE(utf8::valid(""));
  EXPECT_TRUE(utf8::valid("\xE9\x93\xB6 A"));
  EXPECT_FALSE(utf8::valid("A\xE9\x93"));
}

}  // namespace
}  // namespace tollgate
