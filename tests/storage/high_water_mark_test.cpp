#include "storage/high_water_mark.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/storage/scratch.h"

namespace tollgate::storage::test {
namespace {

const StoreIdentity kStore{{1, 2, 3}, 1};

Bytes slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void spill(const std::string& path, const Bytes& bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

class MarkOnDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(HighWaterMark::create(path_, kStore, 3).has_value());
    mark_ = std::move(HighWaterMark::open(path_).value());
  }
  void advance(std::uint16_t partition, std::uint64_t group) {
    const MarkEntry entry{{partition}, {group}, Digest{static_cast<std::uint8_t>(group)}};
    ASSERT_TRUE(mark_->advance({&entry, 1}).has_value());
  }
  Scratch scratch_;
  std::string path_ = scratch_ / "mark";
  std::unique_ptr<HighWaterMark> mark_;
};

TEST_F(MarkOnDisk, ANewOneIsGoodAndNamesItsStore) {
  const auto reading = HighWaterMark::read(path_);
  EXPECT_EQ(reading.health, MarkHealth::good);
  EXPECT_EQ(reading.mark.store, kStore);
  EXPECT_EQ(reading.mark.partitions.size(), 4U);
  EXPECT_EQ(std::filesystem::file_size(path_), 8192U);
}

TEST_F(MarkOnDisk, OnlyFormatCreatesAndNeverTwice) {
  EXPECT_EQ(HighWaterMark::create(path_, kStore, 3).error().code, ErrorCode::conflict);
  EXPECT_FALSE(HighWaterMark::open(scratch_ / "other").has_value());
  EXPECT_EQ(HighWaterMark::read(scratch_ / "other").health, MarkHealth::unusable);
}

TEST_F(MarkOnDisk, KeepsThePlaceOfPartitionsThatAnAppendDoesNotName) {
  advance(1, 5);
  advance(2, 9);
  advance(1, 6);
  const auto reading = HighWaterMark::read(path_);
  EXPECT_EQ(reading.health, MarkHealth::good);
  EXPECT_EQ(reading.mark.commit, 4U);  // format wrote 0 and 1
  EXPECT_EQ(reading.mark.partitions[1].group.value, 6U);
  EXPECT_EQ(reading.mark.partitions[1].hash, Digest{6});
  EXPECT_EQ(reading.mark.partitions[2].group.value, 9U);
  EXPECT_EQ(reading.mark.partitions[3].group.value, 0U);
}

TEST_F(MarkOnDisk, GoesOnAfterARestartInTheOtherSlot) {
  advance(1, 1);
  mark_ = std::move(HighWaterMark::open(path_).value());
  advance(1, 2);
  const auto reading = HighWaterMark::read(path_);
  EXPECT_EQ(reading.health, MarkHealth::good);
  EXPECT_EQ(reading.mark.partitions[1].group.value, 2U);
}

// Whatever happens to one slot, the other counts; the newest is lost by at most one append.
TEST_F(MarkOnDisk, OneDamagedByteCostsAtMostOneAppend) {
  for (std::uint64_t g = 1; g <= 3; ++g) advance(1, g);
  const auto whole = slurp(path_);
  for (std::size_t i = 0; i < whole.size(); i += 7) {
    auto damaged = whole;
    damaged[i] ^= 0x40;
    const auto reading = decode_mark(damaged);
    ASSERT_EQ(reading.health, MarkHealth::older_slot) << i;
    ASSERT_FALSE(reading.note.empty());
    ASSERT_GE(reading.mark.partitions[1].group.value, 2U) << i;
  }
}

TEST_F(MarkOnDisk, TornWriteOfTheNewestSlotLeavesTheOlder) {
  advance(1, 1);
  const auto before = slurp(path_);
  advance(1, 2);
  const auto after = slurp(path_);
  for (std::size_t cut = 1; cut < 4096;
       cut += 5) {  // the first bytes of the new slot, the rest of the old one
    Bytes torn = before;
    const std::size_t slot = 4096 * (3 % 2);
    std::copy_n(after.begin() + static_cast<std::ptrdiff_t>(slot), cut,
                torn.begin() + static_cast<std::ptrdiff_t>(slot));
    const auto reading = decode_mark(torn);
    ASSERT_NE(reading.health, MarkHealth::unusable) << cut;
    ASSERT_GE(reading.mark.partitions[1].group.value, 1U) << cut;
  }
}

TEST_F(MarkOnDisk, BothSlotsBadIsUnusable) {
  auto bytes = slurp(path_);
  bytes[100] ^= 1;
  bytes[4096 + 100] ^= 1;
  EXPECT_EQ(decode_mark(bytes).health, MarkHealth::unusable);
  spill(path_, bytes);
  EXPECT_EQ(HighWaterMark::open(path_).error().code, ErrorCode::damaged);
}

TEST_F(MarkOnDisk, SwappedSlotsAreUnusable) {
  auto bytes = slurp(path_);
  std::rotate(bytes.begin(), bytes.begin() + 4096, bytes.end());
  EXPECT_EQ(decode_mark(bytes).health, MarkHealth::unusable);
}

TEST_F(MarkOnDisk, SlotsOfTwoStoresAreUnusable) {
  Mark other{.store = {{9}, 1}, .commit = 2, .partitions = {}};
  other.partitions.resize(4);
  auto bytes = slurp(path_);
  const auto slot = encode_mark_slot(other);
  std::copy(slot.begin(), slot.end(), bytes.begin());
  EXPECT_EQ(decode_mark(bytes).health, MarkHealth::unusable);
}

TEST_F(MarkOnDisk, ALostWriteOfASlotIsReported) {
  advance(1, 1);  // commit 2
  const auto before = slurp(path_);
  advance(1, 2);  // commit 3, in slot 1
  advance(1, 3);  // commit 4, in slot 0
  auto bytes = slurp(path_);
  std::copy(before.begin() + 4096, before.end(), bytes.begin() + 4096);  // slot 1 was never written
  const auto reading = decode_mark(bytes);
  EXPECT_EQ(reading.health, MarkHealth::older_slot);
  EXPECT_EQ(reading.mark.partitions[1].group.value, 3U);
}

TEST_F(MarkOnDisk, AFileOfAnotherSizeIsUnusable) {
  const auto whole = slurp(path_);
  for (const std::size_t size : {0U, 1U, 4096U, 8191U}) {
    EXPECT_EQ(decode_mark(ByteView(whole).first(size)).health, MarkHealth::unusable) << size;
  }
}

TEST(HighWaterMark, AFullStoreOfPartitionsHasALargerSlot) {
  EXPECT_EQ(mark_slot_size(100), 4096U);  // 40 bytes each, as the design counts
  EXPECT_EQ(mark_slot_size(101), 8192U);
  const Scratch scratch;
  const auto path = scratch / "mark";
  ASSERT_TRUE(HighWaterMark::create(path, kStore, kPartitionsMax).has_value());
  auto mark = std::move(HighWaterMark::open(path).value());
  std::vector<MarkEntry> entries;
  for (std::uint32_t p = 0; p <= kPartitionsMax; ++p)
    entries.push_back({{static_cast<std::uint16_t>(p)}, {p + 1}, Digest{1}});
  ASSERT_TRUE(mark->advance(entries).has_value());
  const auto reading = HighWaterMark::read(path);
  EXPECT_EQ(reading.health, MarkHealth::good);
  EXPECT_EQ(reading.mark.partitions[kPartitionsMax].group.value, kPartitionsMax + 1U);
}

class FailingFile final : public MarkFile {
 public:
  Result<Bytes> read() override { return Bytes{}; }
  Result<void> write_at(std::size_t, ByteView) override {
    ++writes;
    return {};
  }
  Result<void> sync() override { return fail(ErrorCode::unknown, "EIO"); }
  static inline int writes = 0;
};

TEST(HighWaterMark, AfterAFailedSyncItTakesNothingMore) {
  Mark state;
  state.partitions.resize(2);
  HighWaterMark mark(std::make_unique<FailingFile>(), state);
  const MarkEntry entry{{1}, {1}, {}};
  EXPECT_FALSE(mark.advance({&entry, 1}).has_value());
  EXPECT_FALSE(mark.advance({&entry, 1}).has_value());
  EXPECT_EQ(FailingFile::writes, 1);  // a sync is never retried
}

}  // namespace
}  // namespace tollgate::storage::test
