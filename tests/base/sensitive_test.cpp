// That a Sensitive cannot be printed, copied, compared or logged is a compile failure: uncompilable.cpp.
#include "switch/base/sensitive.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <new>
#include <ostream>
#include <string>
#include <type_traits>
#include <utility>

namespace tollgate {
namespace {

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) {
  out << value;
};
static_assert(!Streamable<SecretPan>);
static_assert(Streamable<int>);  // the concept can say yes
static_assert(!std::is_copy_constructible_v<SecretPan> && !std::is_copy_assignable_v<SecretPan>);
static_assert(std::is_nothrow_move_constructible_v<SecretPan>);

SecretPan secret(std::string_view digits) {
  SecretPan pan;
  pan.reveal().assign(as_bytes(digits));
  return pan;
}

TEST(Sensitive, LeavesNothingWhereItWasMovedFrom) {
  auto from = secret("6222020000000000128");
  const SecretPan to = std::move(from);
  EXPECT_EQ(to.reveal().text(), "6222020000000000128");
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&from);  // looking at what was wiped is the test
  EXPECT_TRUE(std::all_of(bytes, bytes + sizeof from, [](std::uint8_t b) { return b == 0; }));
  auto target = secret("4000000000000002");
  target = secret("5100000000000008");
  EXPECT_EQ(target.reveal().text(), "5100000000000008");
}

TEST(Sensitive, SurvivesAMoveOntoItself) {
  auto pan = secret("6222020000000000128");
  auto& same = pan;
  pan = std::move(same);
  EXPECT_EQ(pan.reveal().text(), "6222020000000000128");
}

// A call of its own: the compiler must not see that what is looked at afterwards was an object's.
[[gnu::noinline]] void destroy(SecretPan& pan) { pan.~SecretPan(); }

TEST(Sensitive, IsWipedWhenItDies) {
  alignas(SecretPan) std::uint8_t memory[sizeof(SecretPan)] = {};
  auto* pan = new (memory) SecretPan;
  pan->reveal().assign(as_bytes("6222020000000000128"));
  ASSERT_TRUE(std::any_of(memory, memory + sizeof memory, [](std::uint8_t b) { return b == '6'; }));
  destroy(*pan);
  EXPECT_TRUE(std::all_of(memory, memory + sizeof memory, [](std::uint8_t b) { return b == 0; }));
}

TEST(SmallBuffer, KeepsWhatFitsAndNoMore) {
  SmallBuffer<4> buffer;
  EXPECT_TRUE(buffer.empty());
  buffer.assign(as_bytes("123456"));
  EXPECT_EQ(buffer.text(), "1234");
  buffer.assign({});
  EXPECT_TRUE(buffer.empty());
}

TEST(ConstantTime, ComparesContentAndLength) {
  EXPECT_TRUE(equal_in_constant_time(as_bytes("abc"), as_bytes("abc")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("abd")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("ab")));
  EXPECT_TRUE(equal_in_constant_time({}, {}));
}

TEST(MaskedPan, ShowsFirstSixAndLastFour) {
  EXPECT_EQ(MaskedPan::of("6222020000000000128").text(), "622202*********0128");
  EXPECT_EQ(MaskedPan::of("4000000000000002").text(), "400000******0002");
  EXPECT_EQ(MaskedPan::of("378282246310005").text(), "378282*****0005");
  EXPECT_EQ(MaskedPan::of("4222222222222").text(), "422222***2222");
}

TEST(MaskedPan, HidesWhatItDoesNotUnderstandWhole) {
  const char* const unreadable[] = {
      "422222222222",          // 12 digits
      "62220200000000001289",  // 20 digits
      "6222 0200 0000 0000",  "6222020000000000=2512", "622202000000000012A", "６２２２０２０", "1",
      ";6222020000000000128"};
  for (const char* text : unreadable) EXPECT_EQ(MaskedPan::of(text).text(), "****") << text;
}

TEST(MaskedPan, SaysThatNothingWasThere) {
  EXPECT_EQ(MaskedPan().text(), "");
  EXPECT_EQ(MaskedPan::of("").text(), "****");
}

}  // namespace
}  // namespace tollgate
