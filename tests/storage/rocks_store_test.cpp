// What only the RocksDB journal has: settings, its log, space, background errors, damage in tables.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <mutex>

#include "storage/rocks_internal.h"
#include "tests/storage/fault_fs.h"
#include "tests/storage/records.h"
#include "tests/storage/scratch.h"

namespace tollgate::storage::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class RocksStore : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.memtable_bytes = 64U << 10;
    options_.ballast_bytes = 0;
    options_.space = {.watermark_bytes = 0, .watermark_percent = 0, .reserve_bytes = 0};
    options_.space.check_every = std::chrono::milliseconds(0);
    ASSERT_TRUE(RocksJournal::format(path_, 2, options_).has_value());
  }
  std::unique_ptr<RocksJournal> open() {
    auto opened = RocksJournal::open(path_, options_);
    EXPECT_TRUE(opened.has_value()) << opened.error().text();
    return opened ? std::move(*opened) : nullptr;
  }
  AppendResult append(Journal& journal, Epoch epoch, std::uint64_t group, std::string& why) {
    const auto payload = noise(4000, group);
    const GroupAppend one{
        .partition = {1}, .epoch = epoch, .group = {group}, .records = 1, .payload = payload, .cells = {}};
    return journal.append({&one, 1}, why);
  }
  std::vector<fs::path> files(const std::string& extension) {
    std::vector<fs::path> out;
    for (const auto& entry : fs::directory_iterator(path_)) {
      if (entry.path().extension() == extension) out.push_back(entry.path());
    }
    return out;
  }

  Scratch scratch_;
  std::string path_ = scratch_ / "store";
  StoreOptions options_;
};

TEST_F(RocksStore, EverySettingOfTheTableIsInForce) {
  const auto journal = open();
  std::map<std::string, std::string> shown;
  for (const auto& s : journal->settings()) shown[s.name] = s.value;
  EXPECT_EQ(shown["wal_recovery_mode"], "0");
  EXPECT_EQ(shown["track_and_verify_wals_in_manifest"], "true");
  EXPECT_EQ(shown["memtable_protection_bytes_per_key"], "8");
  EXPECT_EQ(shown["avoid_flush_during_recovery"], "true");
  EXPECT_EQ(shown["max_write_buffer_number"], "2");
  EXPECT_EQ(shown["manual_wal_flush"], "false");
  EXPECT_EQ(shown["recycle_log_file_num"], "0");
}

TEST_F(RocksStore, ASettingThatDidNotTakeStopsTheStartByName) {
  const auto set = rocks::make_options(options_);
  const auto& family = set.families[0].options;
  EXPECT_TRUE(rocks::check_settings(set.db, family).has_value());
  for (const auto& row : rocks::setting_rows()) EXPECT_FALSE(row.why.empty()) << row.name;

  auto db = set.db;
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  EXPECT_EQ(rocks::check_settings(db, family).error().where, "wal_recovery_mode");
  auto other = family;
  other.memtable_protection_bytes_per_key = 0;
  EXPECT_EQ(rocks::check_settings(set.db, other).error().where, "memtable_protection_bytes_per_key");
}

TEST_F(RocksStore, ItsLogGoesToTheHookAndNotIntoTheStore) {
  std::mutex mutex;
  std::size_t lines = 0;
  options_.log = [&](StoreLog, std::string_view text) {
    const std::lock_guard lock(mutex);
    lines += text.empty() ? 0 : 1;
  };
  open();
  EXPECT_GT(lines, 0U);
  EXPECT_FALSE(fs::exists(path_ + "/LOG"));
}

TEST_F(RocksStore, ItsLogMayGoToAFileOutsideTheStoreOnly) {
  options_.log_file = scratch_ / "rocks.log";
  open();
  EXPECT_GT(fs::file_size(options_.log_file), 0U);
  options_.log_file = path_ + "/rocks.log";
  const auto refused = RocksJournal::open(path_, options_);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::invalid);
}

TEST_F(RocksStore, TheWatermarkRefusesAndTheReserveRefusesEssentialGroupsToo) {
  std::atomic<std::uint64_t> free = 1000;  // also asked for by who prepares logs
  options_.space.watermark_bytes = 500;
  options_.space.reserve_bytes = 100;
  options_.space_probe = [&](const std::string&) { return DiskSpace{free, 1000}; };
  const auto journal = open();
  const auto epoch = journal->own({1}).value();
  std::string why;
  ASSERT_EQ(append(*journal, epoch, 1, why), AppendResult::durable);
  free = 499;
  EXPECT_EQ(append(*journal, epoch, 2, why), AppendResult::full);
  EXPECT_THAT(why, HasSubstr("watermark"));
  const Bytes payload(100, 1);
  const GroupAppend essential{.partition = {1},
                              .epoch = epoch,
                              .group = {2},
                              .records = 1,
                              .payload = payload,
                              .cells = {},
                              .essential = true};
  EXPECT_EQ(journal->append({&essential, 1}, why), AppendResult::durable);
  free = 99;
  auto next = essential;
  next.group = {3};
  EXPECT_EQ(journal->append({&next, 1}, why), AppendResult::full);
  free = 1000;
  EXPECT_EQ(append(*journal, epoch, 3, why), AppendResult::durable);
}

TEST(FreeSpace, EitherLimitMakesItLow) {
  const SpaceLimits limits{
      .watermark_bytes = 200, .watermark_percent = 5, .reserve_bytes = 50, .check_every = {}};
  EXPECT_EQ(judge_space({1000, 10000}, limits), SpaceLevel::plenty);
  EXPECT_EQ(judge_space({499, 10000}, limits), SpaceLevel::low);  // below 5 %
  EXPECT_EQ(judge_space({199, 1000}, limits), SpaceLevel::low);   // below 200 bytes
  EXPECT_EQ(judge_space({49, 100}, limits), SpaceLevel::exhausted);
}

TEST(FreeSpace, TheSystemIsAskedAtMostOnceInAWhile) {
  int asked = 0;
  FreeSpace space("/", {.check_every = std::chrono::hours(1)}, [&](const std::string&) {
    ++asked;
    return DiskSpace{1ULL << 40, 1ULL << 40};
  });
  for (int i = 0; i < 100; ++i) EXPECT_EQ(space.level(), SpaceLevel::plenty);
  EXPECT_EQ(asked, 1);
}

TEST(FreeSpace, ARealFileSystemAnswers) {
  const auto space = probe_space("/");
  ASSERT_TRUE(space.has_value());
  EXPECT_GT(space->total_bytes, space->free_bytes);
  EXPECT_FALSE(probe_space("/no/such/place").has_value());
}

TEST_F(RocksStore, TheBallastIsRealAndGivenUpOnAFullDisk) {
  options_.ballast_bytes = 1U << 20;
  open();
  const auto ballast = path_ + "/ballast";
  ASSERT_EQ(fs::file_size(ballast), 1U << 20);
  options_.space.reserve_bytes = 100;
  options_.space_probe = [](const std::string&) { return DiskSpace{50, 1ULL << 30}; };
  std::string said;
  options_.log = [&](StoreLog level, std::string_view text) {
    if (level == StoreLog::warning && text.find("ballast") != std::string_view::npos) said = text;
  };
  ASSERT_NE(open(), nullptr);
  EXPECT_FALSE(fs::exists(ballast));
  EXPECT_FALSE(said.empty());
  options_.space_probe = {};
  open();
  EXPECT_TRUE(fs::exists(ballast));  // made again once there is room
}

TEST_F(RocksStore, AnErrorInABackgroundFlushStopsTheJournal) {
  const auto faulty = std::make_shared<FaultFs>(scratch_.path(), FaultPlan{});
  auto journal = std::move(rocks::open_store(path_, options_, {.files = faulty}).value());
  const auto epoch = journal->own({1}).value();
  std::string why;
  faulty->set_plan({.fail_at = 1, .fail_for_ever = true, .only_tables = true});
  auto result = AppendResult::durable;
  std::uint64_t group = 0;
  for (; group < 500 && result == AppendResult::durable;) result = append(*journal, epoch, ++group, why);
  EXPECT_EQ(result, AppendResult::unknown) << "some 64 KiB memtables were written; their flushes failed";
  EXPECT_THAT(journal->broken(), HasSubstr("background error"));
  EXPECT_EQ(append(*journal, epoch, group, why), AppendResult::unknown);
  faulty->set_plan({});
  EXPECT_EQ(append(*journal, epoch, group, why), AppendResult::unknown);  // never resumed
  journal.reset();
  journal = open();
  EXPECT_GE(journal->head({1}).group.value, group - 1);  // everything acknowledged is there
}

TEST_F(RocksStore, DamageInAFileOfValuesIsNamedWhenReadAndFoundByVerification) {
  options_.memtable_bytes = 512U << 10;  // several files: the heads, which a start reads, lie in others
  std::uint64_t groups = 0;
  {
    const auto journal = open();
    const auto epoch = journal->own({1}).value();
    std::string why;
    for (; groups < 300; ++groups) ASSERT_EQ(append(*journal, epoch, groups + 1, why), AppendResult::durable);
    EXPECT_TRUE(journal->verify_files().has_value());
  }
  fs::path largest;
  for (const auto& file : files(".blob")) {
    if (largest.empty() || fs::file_size(file) > fs::file_size(largest)) largest = file;
  }
  ASSERT_FALSE(largest.empty());
  {
    std::fstream stream(largest, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(fs::file_size(largest) / 2));
    stream.write("damage", 6);
  }
  const auto journal = open();
  ASSERT_NE(journal, nullptr);  // RocksDB opens it all the same
  std::uint64_t shown = 0;
  const auto read = journal->read({1}, {1}, [&](const Group&) { return ++shown > 0; });
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, ErrorCode::damaged);
  EXPECT_EQ(read.error().where, "partition 1 group " + std::to_string(shown + 1));
  EXPECT_FALSE(journal->verify_files().has_value());
}

TEST_F(RocksStore, TheLogStaysBoundedAndARestartFindsEverything) {
  options_.wal_bytes_max = 256U << 10;
  {
    const auto journal = open();
    const auto epoch = journal->own({1}).value();
    std::string why;
    for (std::uint64_t g = 1; g <= 400; ++g)
      ASSERT_EQ(append(*journal, epoch, g, why), AppendResult::durable);
  }
  std::uint64_t logs = 0;
  for (const auto& file : files(".log")) logs += fs::file_size(file);
  EXPECT_LT(logs, 1U << 20);  // of 1.6 MB written
  EXPECT_FALSE(files(".sst").empty());
  EXPECT_FALSE(files(".blob").empty());
  const auto journal = open();
  EXPECT_EQ(journal->head({1}).group.value, 400U);
}

TEST_F(RocksStore, DamageInATableOfKeysRefusesTheStart) {
  options_.memtable_bytes = 512U << 10;
  {
    const auto journal = open();
    const auto epoch = journal->own({1}).value();
    std::string why;
    for (std::uint64_t g = 1; g <= 300; ++g)
      ASSERT_EQ(append(*journal, epoch, g, why), AppendResult::durable);
  }
  fs::path largest;
  for (const auto& file : files(".sst")) {
    if (largest.empty() || fs::file_size(file) > fs::file_size(largest)) largest = file;
  }
  ASSERT_FALSE(largest.empty());
  {
    std::fstream stream(largest, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(64);
    stream.write("damage", 6);
  }
  // Its one block holds the newest keys, which the start reads.
  const auto refused = RocksJournal::open(path_, options_);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::damaged);
}

// RocksDB itself would open it and meet the loss whenever somebody reads that far.
TEST_F(RocksStore, AFileOfValuesThatIsShortOrGoneRefusesTheStart) {
  options_.memtable_bytes = 256U << 10;
  {
    const auto journal = open();
    const auto epoch = journal->own({1}).value();
    std::string why;
    for (std::uint64_t g = 1; g <= 400; ++g)
      ASSERT_EQ(append(*journal, epoch, g, why), AppendResult::durable);
  }
  auto values = files(".blob");
  ASSERT_GT(values.size(), 1U);
  const auto oldest = *std::ranges::min_element(values);
  fs::resize_file(oldest, fs::file_size(oldest) - 1);
  auto refused = RocksJournal::open(path_, options_);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::damaged);
  EXPECT_EQ(refused.error().where, oldest.string());
  fs::remove(oldest);
  refused = RocksJournal::open(path_, options_);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().where, oldest.string());
}

}  // namespace
}  // namespace tollgate::storage::test
