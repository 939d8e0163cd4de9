// What operators ask of an engine: one terminal by its name, pages of the newest first, how many there are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/rig.h"

namespace tollgate {
namespace {

using core::TerminalState;
using test::kMerchant;
using test::Rig;
using test::tid_of;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uint32_t kTerminals = 7;

// Terminals 1 to 7 of kMerchant; the last one was never activated.
class Views : public ::testing::Test {
 protected:
  void SetUp() override {
    for (std::uint32_t n = 2; n <= kTerminals; ++n) rig_.add_terminal(n, n != kTerminals);
  }
  static std::vector<std::string> tids(const std::vector<core::TerminalView>& views) {
    std::vector<std::string> out;
    for (const auto& v : views) out.push_back(v.terminal.tid());
    return out;
  }
  std::vector<std::string> found(std::string_view tid, std::string_view code, std::string_view serial = {}) {
    return tids(rig_.engine().find_terminals(tid, code, serial));
  }

  Rig rig_;
  PartitionId home_ = core::Engine::partition_of(kMerchant, 2);
};

TEST_F(Views, ATerminalIsFoundByItsNameAndByNothingElse) {
  const std::string tid = tid_of(3), code = kMerchant;
  const auto serial = rig_.view(3).terminal.serial_number();
  ASSERT_FALSE(serial.empty());
  EXPECT_THAT(found(tid, code), ElementsAre(tid));
  EXPECT_THAT(found(tid, {}), ElementsAre(tid));
  EXPECT_THAT(found({}, {}, serial), ElementsAre(tid));
  EXPECT_THAT(found(tid, code, serial), ElementsAre(tid));
  EXPECT_EQ(found({}, code).size(), kTerminals);
  EXPECT_THAT(found(tid, code, "another"), IsEmpty());
  EXPECT_THAT(found(tid_of(99), code), IsEmpty());
  EXPECT_THAT(found(tid, "102290058129999"), IsEmpty());
  // The key is both texts one behind the other; where one ends is part of it.
  EXPECT_THAT(found(tid + code.substr(0, 1), code.substr(1)), IsEmpty());
  EXPECT_THAT(found(tid.substr(0, 7), tid.substr(7) + code), IsEmpty());
}

TEST_F(Views, PagesAreNewestFirstAndMeetEveryTerminalOnce) {
  std::vector<std::string> all;
  std::vector<std::uint64_t> ids;
  ObjectId before;
  for (int page = 0; page < 10; ++page) {
    const auto views = rig_.engine().terminals(home_, before, 3);
    EXPECT_LE(views.size(), 3U);
    if (views.empty()) break;
    for (const auto& v : views) {
      all.push_back(v.terminal.tid());
      ids.push_back(v.terminal.id());
    }
    before = ObjectId(ids.back());
  }
  std::vector<std::string> expected;
  for (auto n = kTerminals; n >= 1; --n) expected.push_back(tid_of(n));
  EXPECT_EQ(all, expected);
  EXPECT_TRUE(std::ranges::is_sorted(ids, std::greater<>()));
  EXPECT_THAT(rig_.engine().terminals({99}, {}, 3), IsEmpty());
  EXPECT_THAT(rig_.engine().terminals(home_, {}, 0), IsEmpty());
}

TEST_F(Views, MerchantsArePagedAlike) {
  const auto views = rig_.engine().merchants(home_, {}, 10);
  ASSERT_EQ(views.size(), 1U);
  EXPECT_EQ(views[0].merchant.merchant_code(), kMerchant);
  EXPECT_EQ(views[0].terminals, kTerminals);
  EXPECT_THAT(rig_.engine().merchants(home_, ObjectId(views[0].merchant.id()), 10), IsEmpty());
}

TEST_F(Views, TerminalsAreCountedByState) {
  ASSERT_TRUE(rig_.suspend(2).ok());
  auto count = rig_.engine().count_terminals();
  EXPECT_EQ(count[TerminalState::active], kTerminals - 2);
  EXPECT_EQ(count[TerminalState::suspended], 1U);
  EXPECT_EQ(count[TerminalState::pending], 1U);
}

}  // namespace
}  // namespace tollgate
