#include "storage/group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/snapshot_frame.h"

namespace tollgate::storage::test {
namespace {

const StoreId kStore{1, 2, 3};

Bytes stored(PartitionId partition, GroupNo group, const Digest& previous, const Bytes& payload,
             Digest* hash = nullptr) {
  GroupWriter writer;
  const auto parts = writer.write(
      kStore, previous,
      {.partition = partition, .epoch = {4}, .group = group, .records = 2, .payload = payload, .cells = {}});
  if (hash != nullptr) *hash = parts.hash;
  return parts.joined();
}

TEST(Group, ComesBackAsItWasWritten) {
  const Bytes payload{10, 20, 30};
  ChainReader chain(kStore, {7}, {1});
  const auto bytes = stored({7}, {1}, {}, payload);
  const auto group = chain.next(bytes);
  ASSERT_TRUE(group.has_value()) << group.error().text();
  EXPECT_EQ(group->partition.value, 7U);
  EXPECT_EQ(group->epoch.value, 4U);
  EXPECT_EQ(group->group.value, 1U);
  EXPECT_EQ(group->records, 2U);
  EXPECT_EQ(Bytes(group->payload.begin(), group->payload.end()), payload);
  EXPECT_EQ(chain.expected().value, 2U);
}

TEST(Group, HashIsThatOfThePreviousHashHeaderAndStoredPayload) {
  const Bytes payload(100, 9);
  Digest previous{};
  previous.fill(5);
  Digest hash;
  const auto bytes = stored({1}, {3}, previous, payload, &hash);
  EXPECT_EQ(hash, Sha256::of(ByteView(bytes).first(bytes.size() - 32)));
  EXPECT_TRUE(std::equal(previous.begin(), previous.end(), bytes.begin()));
}

TEST(Group, EveryFlippedBitIsNoticed) {
  const auto bytes = stored({1}, {1}, {}, Bytes(20, 1));
  for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
    auto damaged = bytes;
    damaged[i / 8] ^= static_cast<std::uint8_t>(1U << i % 8);
    ChainReader chain(kStore, {1}, {1});
    const auto group = chain.next(damaged);
    ASSERT_FALSE(group.has_value()) << "bit " << i;
    EXPECT_EQ(group.error().code, ErrorCode::damaged);
    EXPECT_EQ(group.error().where, "partition 1 group 1");
  }
}

TEST(Group, EveryCutAndEveryAddedByteIsNoticed) {
  const auto bytes = stored({1}, {1}, {}, Bytes(20, 1));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ChainReader chain(kStore, {1}, {1});
    EXPECT_FALSE(chain.next(ByteView(bytes).first(size)).has_value()) << size;
  }
  auto longer = bytes;
  longer.push_back(0);
  ChainReader chain(kStore, {1}, {1});
  EXPECT_FALSE(chain.next(longer).has_value());
}

struct ForeignCase {
  const char* name;
  StoreId store;
  PartitionId partition;
  GroupNo group;
  const char* says;
};
class GroupOfElsewhere : public ::testing::TestWithParam<ForeignCase> {};
TEST_P(GroupOfElsewhere, IsNamedThoughItsHashFits) {
  const auto& c = GetParam();
  ChainReader chain(c.store, c.partition, c.group);
  const auto group = chain.next(stored({1}, {1}, {}, Bytes(20, 1)));
  ASSERT_FALSE(group.has_value());
  EXPECT_THAT(group.error().what, ::testing::HasSubstr(c.says));
}
INSTANTIATE_TEST_SUITE_P(
    Places, GroupOfElsewhere,
    ::testing::Values(ForeignCase{"Store", {9}, {1}, {1}, "another store"},
                      ForeignCase{"Partition", kStore, {2}, {1}, "in the place of this one"},
                      ForeignCase{"Number", kStore, {1}, {2}, "in the place of this one"}),
    [](const auto& c) { return c.param.name; });

TEST(Group, ABrokenChainIsNoticedBetweenTwoWholeGroups) {
  Digest first;
  const auto one = stored({1}, {1}, {}, Bytes(20, 1), &first);
  const auto other = stored({1}, {2}, Digest{1}, Bytes(20, 2));
  ChainReader chain(kStore, {1}, {1});
  ASSERT_TRUE(chain.next(one).has_value());
  EXPECT_FALSE(chain.next(other).has_value());
  ChainReader again(kStore, {1}, {1});
  ASSERT_TRUE(again.next(one).has_value());
  EXPECT_TRUE(again.next(stored({1}, {2}, first, Bytes(20, 2))).has_value());
}

// Links alone: a flipped byte of the payload is not theirs to notice, everything between groups is.
TEST(Group, LinksAreCheckedWithoutTheContent) {
  Digest first, second;
  const auto one = stored({1}, {1}, {}, Bytes(20, 1), &first);
  const auto two = stored({1}, {2}, first, Bytes(20, 2), &second);
  auto flipped = two;
  flipped[flipped.size() - second.size() - 1] ^= 1;  // the last byte of the payload
  const auto shown = [&](ByteView next, Proof proof) {
    ChainReader chain(kStore, {1}, {1}, proof);
    return chain.next(one).has_value() && chain.next(next).has_value();
  };
  EXPECT_TRUE(shown(two, Proof::links));
  EXPECT_TRUE(shown(flipped, Proof::links));
  EXPECT_FALSE(shown(flipped, Proof::content));
  EXPECT_FALSE(shown(stored({1}, {2}, Digest{1}, Bytes(20, 2)), Proof::links));  // follows another
  EXPECT_FALSE(shown(stored({1}, {3}, first, Bytes(20, 2)), Proof::links));      // one is missing
  EXPECT_FALSE(shown(ByteView(two).first(two.size() - 1), Proof::links));        // cut
  ChainReader chain(kStore, {1}, {1}, Proof::links);
  ASSERT_TRUE(chain.next(one).has_value());
  EXPECT_EQ(chain.next(two)->hash, second);
}

TEST(Group, TheFirstGroupFollowsZero) {
  ChainReader chain(kStore, {1}, {1});
  EXPECT_FALSE(chain.next(stored({1}, {1}, Digest{1}, {})).has_value());
}

TEST(Snapshot, EveryFlippedBitOfManifestAndStateIsNoticed) {
  const Snapshot snapshot{{5}, Digest{7}, Bytes{1, 2, 3}};
  const auto manifest = make_snapshot_manifest(kStore, {2}, snapshot);
  ASSERT_TRUE(parse_snapshot(kStore, {2}, manifest, Bytes(snapshot.state)).has_value());
  for (std::size_t i = 0; i < manifest.size() * 8; ++i) {
    auto damaged = manifest;
    damaged[i / 8] ^= static_cast<std::uint8_t>(1U << i % 8);
    EXPECT_FALSE(parse_snapshot(kStore, {2}, damaged, Bytes(snapshot.state)).has_value()) << "bit " << i;
  }
  EXPECT_FALSE(parse_snapshot(kStore, {2}, manifest, Bytes{1, 2, 4}).has_value());
  EXPECT_FALSE(parse_snapshot(kStore, {2}, manifest, Bytes{1, 2}).has_value());
  EXPECT_FALSE(parse_snapshot(kStore, {3}, manifest, Bytes(snapshot.state)).has_value());
  EXPECT_FALSE(parse_snapshot({9}, {2}, manifest, Bytes(snapshot.state)).has_value());
  EXPECT_FALSE(parse_snapshot(kStore, {2}, ByteView(manifest).first(50), Bytes(snapshot.state)).has_value());
}

}  // namespace
}  // namespace tollgate::storage::test
