#include "switch/base/ids.h"

#include <gtest/gtest.h>

#include <string>
#include <unordered_set>

namespace tollgate {
namespace {

TEST(ObjectId, KeepsPartitionEpochAndSequenceApart) {
  const ObjectId id(PartitionId{1023}, Epoch{kEpochMax}, (1ULL << 34) - 1);
  EXPECT_EQ(id.raw(), ~0ULL);
  EXPECT_EQ(id.partition(), PartitionId{1023});
  EXPECT_EQ(ObjectId(PartitionId{1}, Epoch{0}, 0).raw(), 1ULL << 54);
  EXPECT_EQ(ObjectId(PartitionId{0}, Epoch{1}, 0).raw(), 1ULL << 34);
  EXPECT_FALSE(ObjectId());
  EXPECT_TRUE(ObjectId(1));
}

TEST(ObjectId, SortsByPartitionThenEpochThenSequence) {
  const PartitionId p{3};
  EXPECT_LT(ObjectId(p, Epoch{1}, (1ULL << 34) - 1), ObjectId(p, Epoch{2}, 0));
  EXPECT_LT(ObjectId(p, Epoch{kEpochMax}, 5), ObjectId(PartitionId{4}, Epoch{1}, 0));
}

TEST(FormatId, ComesBackAsItWas) {
  for (const std::uint64_t raw : {0ULL, 1ULL, 31ULL, 32ULL, 0x123456789ABCDEF0ULL, ~0ULL, 1ULL << 63}) {
    const auto text = format_id("txn_", ObjectId(raw));
    EXPECT_EQ(text.size(), 17u);
    EXPECT_EQ(parse_id("txn_", text), ObjectId(raw)) << text;
  }
  EXPECT_EQ(format_id("txn_", ObjectId(~0ULL)), "txn_FZZZZZZZZZZZZ");
  EXPECT_EQ(format_id("op_", ObjectId(0)), "op_0000000000000");
}

TEST(ParseId, RefusesWhatFormatIdDoesNotWrite) {
  EXPECT_EQ(parse_id("txn_", "txn_000000000000"), std::nullopt);    // short
  EXPECT_EQ(parse_id("txn_", "txn_00000000000000"), std::nullopt);  // long
  EXPECT_EQ(parse_id("txn_", "op_00000000000000"), std::nullopt);   // another prefix of the same length
  EXPECT_EQ(parse_id("txn_", "txn_000000000000I"), std::nullopt);   // not Crockford
  EXPECT_EQ(parse_id("txn_", "txn_fzzzzzzzzzzzz"), std::nullopt);   // lower case
  EXPECT_EQ(parse_id("txn_", "txn_G000000000000"), std::nullopt);   // 65 bits
  EXPECT_EQ(parse_id("txn_", ""), std::nullopt);
}

TEST(Ids, HashApart) {
  std::unordered_set<ObjectId> ids;
  for (std::uint64_t i = 0; i < 1000; ++i) ids.insert(ObjectId(PartitionId{2}, Epoch{7}, i));
  EXPECT_EQ(ids.size(), 1000u);
  std::unordered_set<GroupNo> groups{GroupNo{1}, GroupNo{1}, GroupNo{2}};
  EXPECT_EQ(groups.size(), 2u);
}

}  // namespace
}  // namespace tollgate
