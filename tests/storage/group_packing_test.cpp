#include "storage/group_packing.h"

#include <gtest/gtest.h>

#include "storage/group.h"
#include "switch/base/chance.h"
#include "tests/storage/records.h"

namespace tollgate::storage {
namespace {

using test::noise;

const StoreId kStore{1, 2, 3};
constexpr PartitionId kPartition{7};

Bytes stored(GroupWriter& writer, ByteView payload, GroupNo group = {1}, const Digest& previous = {}) {
  return writer
      .write(kStore, previous,
             {.partition = kPartition,
              .epoch = {4},
              .group = group,
              .records = 2,
              .payload = payload,
              .cells = {}})
      .joined();
}

// The payload that a reader is shown; nullopt when the group is refused.
std::optional<Bytes> read(ByteView value, Proof proof = Proof::content) {
  ChainReader chain(kStore, kPartition, {1}, proof);
  const auto shown = chain.next(value);
  if (shown) return Bytes(shown->payload.begin(), shown->payload.end());
  EXPECT_EQ(shown.error().code, ErrorCode::damaged);
  EXPECT_EQ(shown.error().where, "partition 7 group 1");
  return std::nullopt;
}

Bytes records(std::uint64_t count) {
  Bytes payload;
  for (std::uint64_t n = 1; n <= count; ++n) append_record(payload, storage::test::intent(n, n, 5, 6));
  return payload;
}

// Whatever was changed, with a hash that fits: what only a writer with a defect could leave.
Bytes sealed(Bytes group) {
  const auto body = ByteView(group).first(group.size() - sizeof(Digest));
  const auto hash = Sha256::of(body);
  std::copy(hash.begin(), hash.end(), group.end() - sizeof(Digest));
  return group;
}

TEST(GroupPacking, ComesBackAsItWas) {
  GroupWriter writer;  // one for all: nothing of a group may stay for the next
  for (std::size_t size : {1U, 2U, 63U, 64U, 65U, 100U, 511U, 512U, 5'000U, 70'000U, 3'000'000U}) {
    for (const auto& payload : {Bytes(size, 'x'), noise(size, 0)}) {
      const auto value = stored(writer, payload);
      EXPECT_EQ(read(value), payload) << size;
      EXPECT_EQ(read(value, Proof::links), payload) << size;
    }
  }
  for (std::uint64_t count = 1; count < 300; count += 7)
    EXPECT_EQ(read(stored(writer, records(count))), records(count));
}

TEST(GroupPacking, ReadsPackedAndPlainInTurn) {
  GroupWriter writer;
  ChainReader chain(kStore, kPartition, {1});
  Digest previous{};
  for (std::uint64_t n = 1; n <= 40; ++n) {
    const auto payload = n % 3 == 0 ? noise(n * 10, n) : records(n);
    const auto value = stored(writer, payload, {n}, previous);
    const auto shown = chain.next(value);
    ASSERT_TRUE(shown.has_value()) << shown.error().text();
    previous = shown->hash;
    EXPECT_EQ(Bytes(shown->payload.begin(), shown->payload.end()), payload) << n;
  }
}

TEST(GroupPacking, IsSmallerWhereThatIsPossible) {
  GroupWriter writer;
  const auto payload = records(50);
  EXPECT_LT(stored(writer, payload).size(), payload.size() / 2);
  for (std::size_t size : {0U, 1U, 63U, 64U, 5'000U}) {
    EXPECT_EQ(stored(writer, noise(size, 0)).size(), kGroupOverhead + size);  // never more
  }
}

TEST(GroupPacking, EqualGroupsAreEqualBytesWhateverCameBefore) {
  GroupWriter used;
  SeededChance chance{5};
  for (int round = 0; round < 2'000; ++round) {
    Bytes payload(64 + chance.below(4'000));
    for (auto& byte : payload) byte = static_cast<std::uint8_t>('a' + chance.below(4));
    GroupWriter fresh;
    const auto first = stored(fresh, payload);
    ASSERT_EQ(stored(fresh, payload), first) << round;
    ASSERT_EQ(stored(used, payload), first) << round;
  }
}

TEST(GroupPacking, WhatIsShortOrChangedIsRefused) {
  GroupWriter writer;
  for (const auto& payload : {records(4), noise(300, 0)}) {
    const auto value = stored(writer, payload);
    for (std::size_t size = 0; size < value.size(); ++size) {
      EXPECT_EQ(read(ByteView(value).first(size)), std::nullopt) << size;
    }
    for (std::size_t bit = 0; bit < value.size() * 8; ++bit) {
      auto damaged = value;
      damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
      EXPECT_EQ(read(damaged), std::nullopt) << bit;
    }
  }
}

// Where the hash is not looked at, or fits nonsense, unpacking has to hold by itself.
TEST(GroupPacking, NonsenseThatReachesTheUnpackerIsRefusedOrShown) {
  GroupWriter writer;
  const auto payload = records(4);
  const auto value = stored(writer, payload);
  ASSERT_LT(value.size(), kGroupOverhead + payload.size());
  std::size_t refused = 0;
  for (std::size_t bit = kGroupPrefixSize * 8; bit < (value.size() - sizeof(Digest)) * 8; ++bit) {
    auto damaged = value;
    damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    const auto links = read(damaged, Proof::links);
    EXPECT_EQ(read(sealed(damaged)), links) << bit;
    if (links) {
      EXPECT_EQ(links->size(), payload.size());
    }
    refused += !links.has_value();
  }
  EXPECT_GT(refused, 0U);
}

TEST(GroupPacking, ASizeThatCannotBeIsRefusedWithoutTakingMemoryForIt) {
  GroupWriter writer;
  auto value = stored(writer, records(4));
  const auto packed = value.size() - kGroupOverhead;
  for (const std::size_t size : {std::size_t{0}, packed - 1, packed * 255 + 1, kGroupPayloadMax,
                                 kGroupPayloadMax + 1, std::size_t{UINT32_MAX}}) {
    store_be32(value.data() + 44, static_cast<std::uint32_t>(size));
    EXPECT_EQ(read(sealed(value)), std::nullopt) << size;
  }
  Bytes room;
  EXPECT_FALSE(unpack(Bytes(10, 0xFF), kGroupPayloadMax, room));
  EXPECT_EQ(room.capacity(), 0U);
}

}  // namespace
}  // namespace tollgate::storage
