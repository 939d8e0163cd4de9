// Snapshots of the RocksDB journal: what they leave in the log, in the store's directory and on the disk.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "storage/rocks_internal.h"
#include "storage/snapshot_frame.h"
#include "tests/storage/fault_fs.h"
#include "tests/storage/records.h"
#include "tests/storage/scratch.h"

namespace tollgate::storage::test {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kState = 6'500'000;  // seven pieces
constexpr PartitionId kOne{1};

class RocksSnapshots : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.ballast_bytes = 0;
    options_.space = {.watermark_bytes = 0, .watermark_percent = 0, .reserve_bytes = 0};
    options_.space.check_every = std::chrono::milliseconds(0);
    ASSERT_TRUE(RocksJournal::format(path_, 2, options_).has_value());
    open();
  }
  void open() {
    writer_.reset();
    journal_.reset();
    fs_->set_plan({});
    auto opened = rocks::open_store(path_, options_, {.files = fs_});
    ASSERT_TRUE(opened.has_value()) << opened.error().text();
    journal_ = std::move(*opened);
    writer_ = std::make_unique<Writer>(*journal_);
  }
  void append(std::size_t bytes = 500) { writer_->write(1, noise(bytes, 1), 1); }
  Snapshot state(std::uint8_t fill, std::size_t size = kState) {
    const auto head = journal_->head(kOne);
    return {head.group, head.hash, Bytes(size, fill)};
  }
  struct Disk {
    std::uint64_t logs = 0, tables = 0, snapshots = 0;
  };
  [[nodiscard]] Disk disk() const {
    Disk out;
    for (const auto& entry : fs::recursive_directory_iterator(path_)) {
      if (entry.path().extension() == ".log") out.logs += entry.file_size();
      if (entry.path().extension() == ".sst" || entry.path().extension() == ".blob")
        out.tables += entry.file_size();
      if (entry.path().extension() == ".snapshot") out.snapshots += entry.file_size();
    }
    return out;
  }
  static bool has_unfinished(const std::string& store) {
    return std::ranges::any_of(fs::directory_iterator(store + "/snapshots"),
                               [](const auto& entry) { return entry.path().extension() == ".part"; });
  }
  [[nodiscard]] std::string file(std::uint64_t group, std::uint16_t partition = 1) const {
    return fmt::format("{}/snapshots/{:05}-{:020}.snapshot", path_, partition, group);
  }

  Scratch scratch_;
  std::string path_ = scratch_ / "store";
  std::shared_ptr<FaultFs> fs_ = std::make_shared<FaultFs>(scratch_.path(), FaultPlan{});
  StoreOptions options_;
  std::unique_ptr<RocksJournal> journal_;
  std::unique_ptr<Writer> writer_;
};

TEST_F(RocksSnapshots, TheStateGoesPastTheLogAndTheTables) {
  append();
  const auto before = disk();
  ASSERT_TRUE(journal_->put_snapshot(kOne, state(1)).has_value());
  const auto after = disk();
  EXPECT_EQ(after.logs, before.logs);
  EXPECT_EQ(after.tables, before.tables);
  EXPECT_EQ(after.snapshots, kState + sizeof(SnapshotManifest));
  append(kState);  // the control: what goes through the log is seen in the log
  EXPECT_GT(disk().logs - after.logs, kState);
}

TEST_F(RocksSnapshots, OnlyTheTwoNewestOfAPartitionTakeRoom) {
  writer_->write(2, Bytes(10, 1), 1);
  const auto other = journal_->head({2});
  ASSERT_TRUE(journal_->put_snapshot({2}, {other.group, other.hash, Bytes(10, 9)}).has_value());
  for (std::uint8_t i = 1; i <= 6; ++i) {
    append();
    ASSERT_TRUE(journal_->put_snapshot(kOne, state(i)).has_value());
    EXPECT_LT(disk().snapshots, 2 * kState + 1000) << int{i};
  }
  EXPECT_FALSE(fs::exists(file(4)));
  EXPECT_TRUE(fs::exists(file(5)));
  open();
  EXPECT_EQ(journal_->latest_snapshot(kOne).value()->state, Bytes(kState, 6));
  EXPECT_EQ(journal_->latest_snapshot({2}).value()->state, Bytes(10, 9));
}

TEST_F(RocksSnapshots, WhatACrashLeftOfAnUnfinishedOneIsRemovedAtTheNextOpen) {
  append();
  auto staged = journal_->stage_snapshot(kOne, state(1));
  ASSERT_TRUE(staged.has_value());
  const auto copy = scratch_ / "copy";
  fs::copy(path_, copy, fs::copy_options::recursive);  // as a kill at this moment would leave it
  ASSERT_TRUE(has_unfinished(copy));
  const auto again = RocksJournal::open(copy, options_);
  ASSERT_TRUE(again.has_value()) << again.error().text();
  EXPECT_FALSE(has_unfinished(copy));
  EXPECT_EQ((*again)->latest_snapshot(kOne).value(), std::nullopt);
  EXPECT_TRUE(has_unfinished(path_));
  staged->reset();
  EXPECT_FALSE(has_unfinished(path_));
}

// Another process may be writing it: a second open is refused before it touches anything.
TEST_F(RocksSnapshots, AReadOnlyLookAndARefusedOpenLeaveAnUnfinishedOneAlone) {
  append();
  const auto staged = journal_->stage_snapshot(kOne, state(1));
  ASSERT_TRUE(staged.has_value());
  const auto look = RocksJournal::open_read_only(path_, options_);
  ASSERT_TRUE(look.has_value()) << look.error().text();
  EXPECT_FALSE((*look)->stage_snapshot(kOne, state(2)).has_value());
  EXPECT_FALSE(RocksJournal::open(path_, options_).has_value());
  EXPECT_TRUE((*staged)->install().has_value());
  EXPECT_EQ((*look)->latest_snapshot(kOne).value()->state, Bytes(kState, 1));
}

TEST_F(RocksSnapshots, AFileThatIsNotWhatItsNameSaysGivesWay) {
  append();
  ASSERT_TRUE(journal_->put_snapshot(kOne, state(1)).has_value());
  append();
  append();
  const auto one = file(1), two = file(2), three = file(3);
  fs::copy_file(one, two);         // the snapshot of another group
  fs::copy_file(one, file(1, 2));  // … and of another partition
  std::ofstream(three) << "";      // an empty one
  std::ofstream(path_ + "/snapshots/00001-x.snapshot") << "no number";
  EXPECT_EQ(journal_->latest_snapshot(kOne).value()->group.value, 1U);
  EXPECT_EQ(journal_->latest_snapshot({2}).value(), std::nullopt);
  fs::copy_file(one, three, fs::copy_options::overwrite_existing);
  fs::resize_file(three, kState / 2);  // cut short
  EXPECT_EQ(journal_->latest_snapshot(kOne).value()->group.value, 1U);
  fs::copy_file(one, three, fs::copy_options::overwrite_existing);
  std::fstream damaged(three, std::ios::in | std::ios::out | std::ios::binary);
  damaged.seekp(32);  // the size that the manifest promises: 2^56 times as much
  damaged.put(1);
  damaged.close();
  EXPECT_EQ(journal_->latest_snapshot(kOne).value()->group.value, 1U);
  fs::remove(one);
  EXPECT_EQ(journal_->latest_snapshot(kOne).value(), std::nullopt);
}

// Every call of writing and installing one: a full disk costs the snapshot and nothing else.
TEST_F(RocksSnapshots, ADiskThatIsFullCostsTheSnapshotAndNothingElse) {
  append();
  std::uint64_t failed = 0;
  for (std::uint64_t call = 1;; ++call) {
    fs_->set_plan({.fail_at = fs_->calls() + call, .fail_for_ever = true, .no_space = true});
    const bool written = journal_->put_snapshot(kOne, state(1)).has_value();
    fs_->set_plan({});
    EXPECT_TRUE(journal_->broken().empty()) << journal_->broken();
    if (written) break;
    ++failed;
  }
  EXPECT_GE(failed, 11U);  // create, eight writes, a sync, a renaming, a sync of the directory
  open();                  // what could not even be deleted is gone now
  EXPECT_FALSE(has_unfinished(path_));
  append();
  ASSERT_TRUE(journal_->put_snapshot(kOne, state(2)).has_value());
  EXPECT_EQ(journal_->latest_snapshot(kOne).value()->state, Bytes(kState, 2));
}

TEST_F(RocksSnapshots, BelowTheWatermarkNoneIsWritten) {
  writer_.reset();
  journal_.reset();
  std::atomic<std::uint64_t> free{1000};
  options_.space.watermark_bytes = 500;
  options_.space_probe = [&](const std::string&) { return DiskSpace{free, 1000}; };
  open();
  append();
  auto staged = journal_->stage_snapshot(kOne, state(1)).value();
  free = 400;
  EXPECT_EQ(journal_->stage_snapshot(kOne, state(1)).error().code, ErrorCode::full);
  EXPECT_TRUE(journal_->broken().empty());
  EXPECT_TRUE(staged->install().has_value());  // its bytes are there: it takes no room, it may give some back
  staged.reset();
  writer_.reset();
  journal_.reset();
}

}  // namespace
}  // namespace tollgate::storage::test
