#include <gtest/gtest.h>

#include "storage/rocks_group_value.h"
#include "tests/storage/records.h"

namespace tollgate::storage::rocks {
namespace {

const StoreId kStore{1, 2, 3};
constexpr PartitionId kPartition{7};

// As put_group() stores it.
Bytes stored(GroupPacker& packer, ByteView payload, GroupNo group = {1}) {
  const auto prefix = make_group_prefix(
      kStore, {},
      {.partition = kPartition, .epoch = {4}, .group = group, .records = 2, .payload = payload, .cells = {}});
  const auto hash = chain_hash(prefix, payload);
  const auto parts = packer.pack(prefix, payload, hash);
  Bytes out;
  for (const auto& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

// The payload that a reader is shown, with the proof of the whole content; nullopt when it is refused.
std::optional<Bytes> read(ByteView value) {
  Bytes room;
  const auto group = unpack_group(value, room, kPartition, {1});
  if (!group) {
    EXPECT_EQ(group.error().code, ErrorCode::damaged);
    EXPECT_EQ(group.error().where, "partition 7 group 1");
    return std::nullopt;
  }
  ChainReader chain(kStore, kPartition, {1});
  const auto shown = chain.next(*group);
  if (!shown) return std::nullopt;
  return Bytes(shown->payload.begin(), shown->payload.end());
}

Bytes records(std::uint64_t count) {
  Bytes payload;
  for (std::uint64_t n = 1; n <= count; ++n) append_record(payload, storage::test::intent(n, n, 5, 6));
  return payload;
}

Bytes noise(std::size_t size) {
  Bytes out;
  for (std::uint64_t n = 0; out.size() < size; ++n) {
    std::array<std::uint8_t, 8> seed;
    store_be64(seed.data(), n);
    const auto digest = Sha256::of(seed);
    out.insert(out.end(), digest.begin(), digest.end());
  }
  out.resize(size);
  return out;
}

TEST(GroupValue, ComesBackAsItWas) {
  GroupPacker packer;  // one for all: nothing of a group may stay for the next
  for (std::size_t size : {1U, 2U, 63U, 64U, 65U, 100U, 511U, 512U, 5'000U, 70'000U, 3'000'000U}) {
    for (const auto& payload : {Bytes(size, 'x'), noise(size)}) {
      EXPECT_EQ(read(stored(packer, payload)), payload) << size;
    }
  }
  for (std::uint64_t count = 1; count < 300; count += 7)
    EXPECT_EQ(read(stored(packer, records(count))), records(count));
}

TEST(GroupValue, IsSmallerWhereThatIsPossible) {
  GroupPacker packer;
  const auto payload = records(50);
  EXPECT_LT(stored(packer, payload).size(), payload.size() / 2);
  for (std::size_t size : {1U, 63U, 64U, 5'000U}) {
    EXPECT_EQ(stored(packer, noise(size)).size(),
              1 + kGroupOverhead + size);  // never more than the form on top
  }
}

TEST(GroupValue, WhatIsShortOrChangedIsRefusedOrTheSame) {
  GroupPacker packer;
  for (const auto& payload : {records(4), noise(300)}) {
    const auto value = stored(packer, payload);
    for (std::size_t size = 0; size < value.size(); ++size) {
      EXPECT_EQ(read(ByteView(value).first(size)), std::nullopt) << size;
    }
    std::size_t refused = 0;
    for (std::size_t bit = 0; bit < value.size() * 8; ++bit) {
      auto damaged = value;
      damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
      const auto shown = read(damaged);
      refused += !shown.has_value();
      if (shown) {
        EXPECT_EQ(*shown, payload) << "bit " << bit;  // LZ4 can say the same in two ways
      }
    }
    EXPECT_GT(refused, value.size() * 8 * 9 / 10);
  }
}

TEST(GroupValue, ALengthThatCannotBeIsRefusedWithoutTakingMemoryForIt) {
  GroupPacker packer;
  auto value = stored(packer, records(4));
  ASSERT_EQ(value[0], 1);
  store_be32(value.data() + 1 + 76, kGroupPayloadMax);
  Bytes room;
  EXPECT_FALSE(unpack_group(value, room, kPartition, {1}).has_value());
  EXPECT_EQ(room.capacity(), 0U);
}

TEST(GroupValue, AnUnknownFormIsNamed) {
  GroupPacker packer;
  auto value = stored(packer, records(4));
  value[0] = 2;
  Bytes room;
  const auto group = unpack_group(value, room, kPartition, {1});
  ASSERT_FALSE(group.has_value());
  EXPECT_NE(group.error().what.find("does not know"), std::string::npos);
}

}  // namespace
}  // namespace tollgate::storage::rocks
