// Logs whose files are longer than what was written to them: where they end after a torn append, which the
// bytes of a real log decide sector by sector, and the life of the file that is prepared for the next log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <thread>

#include "storage/rocks_internal.h"
#include "storage/rocks_log_tail.h"
#include "tests/storage/fault_fs.h"
#include "tests/storage/scratch.h"
#include "tests/storage/written.h"

namespace tollgate::storage::test {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSector = 512, kBlock = 32U << 10;

Bytes contents(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return Bytes{std::istreambuf_iterator<char>(in), {}};
}

rocks::LogEnd found_in(const Bytes& log) {
  return rocks::log_end(log.size(), [&](std::uint64_t offset, MutableBytes out) {
    if (offset + out.size() > log.size()) return false;
    std::copy_n(log.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
    return true;
  });
}

std::uint64_t end_of(const Bytes& log) {
  return found_in(log).end;
}

class LogFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.memtable_bytes = 512U << 10;
    options_.ballast_bytes = 0;
    options_.space = {.watermark_bytes = 0, .watermark_percent = 0, .reserve_bytes = 0};
    ASSERT_TRUE(RocksJournal::format(path_, 1, options_).has_value());
  }
  void open() {
    journal_.reset();
    auto opened = rocks::open_store(path_, options_, {.files = base_});
    ASSERT_TRUE(opened.has_value()) << opened.error().text();
    journal_ = std::move(*opened);
    epoch_ = journal_->own({1}).value();
  }
  void append(std::size_t size) {
    Bytes payload(size);
    for (auto& b : payload) b = static_cast<std::uint8_t>(chance_());
    std::string why;
    const GroupAppend one{.partition = {1},
                          .epoch = epoch_,
                          .group = {journal_->head({1}).group.value + 1},
                          .records = 1,
                          .payload = payload,
                          .cells = {}};
    ASSERT_EQ(journal_->append({&one, 1}, why), AppendResult::durable) << why;
  }
  static void overwrite(const std::string& file, std::size_t offset, const Bytes& bytes) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(offset));
    stream.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  std::string newest_log() const {
    std::string out;
    for (const auto& entry : fs::directory_iterator(path_)) {
      if (entry.path().extension() == ".log") out = std::max(out, entry.path().string());
    }
    return out;
  }
  std::string next() const { return path_ + "/log.next"; }
  // What is there, by name; empty while something is being prepared or is on its way out.
  static std::map<std::string, std::uintmax_t> listing(const std::string& path) {
    std::map<std::string, std::uintmax_t> out;
    std::error_code gone;
    for (const auto& entry : fs::directory_iterator(path)) {
      const auto& name = entry.path();
      if (name.extension() == ".trash" || name.extension() == ".part") return {};
      out[name.filename()] = entry.is_regular_file(gone) ? entry.file_size(gone) : 0;
    }
    return out;
  }
  // The store as a kill would leave it now: copied between two looks that see the same.
  void copy_as_killed(const std::string& to) const {
    for (int i = 0; i < 2000; ++i) {
      std::error_code moving;
      const auto before = listing(path_);
      fs::remove_all(to);
      fs::copy(path_, to, fs::copy_options::recursive, moving);
      if (!moving && !before.empty() && listing(path_) == before && listing(to) == before) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    FAIL() << "the store does not come to rest";
  }
  // Until the next log is prepared; false after a while.
  bool prepared() const {
    for (int i = 0; i < 2000; ++i) {
      std::error_code none;
      if (fs::file_size(next(), none) == bytes_ && !none) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return false;
  }
  // Until RocksDB began another log.
  void rotate() {
    const auto before = newest_log();
    while (newest_log() == before) append(20'000);
  }

  Scratch scratch_;
  std::string path_ = scratch_ / "store";
  StoreOptions options_;
  std::shared_ptr<FaultFs> base_ = std::make_shared<FaultFs>(scratch_.path(), FaultPlan{});
  const std::uint64_t bytes_ = 9 * (512U << 10) / 8;
  std::unique_ptr<RocksJournal> journal_;
  Epoch epoch_;
  std::mt19937_64 chance_{20261122};
};

// A log with records of many sizes, and its last append taken apart.
TEST_F(LogFilesTest, AnAppendOfWhichAnySectorIsMissingNeverHappened) {
  open();
  ASSERT_TRUE(prepared());
  rotate();
  // Sizes that end before, at and behind the border of a block, and records over several blocks.
  for (const std::size_t size : {10, 300, 5000, 24'000, 40'000, 100'000, 700, 90}) {
    const auto log = newest_log();
    const auto before = contents(log);
    ASSERT_EQ(before.size(), bytes_);
    const auto begin = written_size(log);
    append(size);
    ASSERT_EQ(newest_log(), log);
    auto after = contents(log);
    const auto end = written_size(log);
    after.resize(end + kBlock);
    EXPECT_GE(end_of(after), end) << size;  // the record may end with zeros
    EXPECT_LT(end_of(after), end + 8) << size;
    const auto whole = end_of(after);
    ASSERT_GE(whole, begin + size);

    const auto first = begin / kSector, last = (whole - 1) / kSector;
    const auto torn = [&](const std::function<bool(std::size_t)>& lost) {
      auto bytes = after;
      for (auto s = first; s <= last; ++s) {
        if (lost(s))
          std::copy_n(before.begin() + static_cast<std::ptrdiff_t>(s * kSector), kSector,
                      bytes.begin() + static_cast<std::ptrdiff_t>(s * kSector));
      }
      if (bytes == after) return;  // what is missing was zero
      const auto seen = end_of(bytes);
      EXPECT_GE(seen, begin);
      EXPECT_LT(seen, begin + 8) << "of " << size << " bytes something is missing";
    };
    const auto stride = 1 + (last - first) / 16;
    for (auto s = first; s <= last; s += s + stride > last && s != last ? last - s : stride) {
      torn([&](std::size_t at) { return at == s; });
      torn([&](std::size_t at) { return at >= s; });
      torn([&](std::size_t at) { return at < s + 1; });
    }
    for (int i = 0; i < 20; ++i) torn([&](std::size_t) { return chance_() % 4 == 0; });
  }
}

// Rot is not a tail: recovery sees the records behind it, and refuses.
TEST_F(LogFilesTest, DamageBeforeTheLastRecordCutsNothingOff) {
  open();
  ASSERT_TRUE(prepared());
  rotate();
  for (const std::size_t size : {200, 30'000, 70, 1000, 50'000}) append(size);
  const auto log = newest_log();
  const auto begin = written_size(log);
  append(600);
  auto after = contents(log);
  after.resize(written_size(log) + kBlock);  // of the zeros some are enough
  const auto end = end_of(after);
  ASSERT_GT(end, begin);
  std::size_t all = 0;
  for (std::size_t at = 0; at < begin; at += at % kBlock < 64 || begin - at < 100 ? 1 : 197) {
    for (unsigned bit = 0; bit < 8; bit += at % kBlock < 16 ? 1 : 3) {
      auto bytes = after;
      bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ (1U << bit));
      const auto seen = end_of(bytes);
      ASSERT_GE(seen, end) << "bit " << bit << " at " << at;
      all += seen == after.size() ? 1 : 0;
    }
  }
  EXPECT_GT(all, 5U);  // headers were among them
  for (std::size_t s = 0; s + 1 < begin / kSector; ++s) {
    auto bytes = after;
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(s * kSector), kSector, std::uint8_t{0});
    ASSERT_GE(end_of(bytes), end) << "sector " << s;
  }
}

TEST_F(LogFilesTest, AnEmptyAndAClosedLogEndWhereTheyEnd) {
  EXPECT_EQ(end_of({}), 0U);
  EXPECT_EQ(end_of(Bytes(100'000)), 0U);
  open();
  append(3000);
  append(50'000);
  journal_.reset();
  const auto closed = contents(newest_log());
  EXPECT_EQ(end_of(closed), closed.size());
}

TEST_F(LogFilesTest, ALogThatCannotBeReadIsLeftToRecovery) {
  EXPECT_EQ(rocks::log_end(1U << 20, [](std::uint64_t, MutableBytes) { return false; }).end, 1U << 20);
}

TEST_F(LogFilesTest, TheNextLogIsAPreparedOneAndAnotherIsMade) {
  open();
  ASSERT_TRUE(prepared());
  for (int i = 0; i < 3; ++i) {
    rotate();
    EXPECT_EQ(fs::file_size(newest_log()), bytes_);
    ASSERT_TRUE(prepared());
  }
  const auto last = journal_->head({1}).group;
  journal_.reset();
  EXPECT_FALSE(fs::exists(next()));
  EXPECT_EQ(fs::file_size(newest_log()), end_of(contents(newest_log())));  // what was not used is given back
  open();
  EXPECT_EQ(journal_->head({1}).group, last);
}

TEST_F(LogFilesTest, AFullPreparedLogGrowsOn) {
  open();
  ASSERT_TRUE(prepared());
  rotate();
  append(900'000);
  const auto last = journal_->head({1}).group;
  EXPECT_GT(fs::file_size(newest_log()), bytes_);
  copy_as_killed(scratch_ / "killed");
  const auto opened = RocksJournal::open(scratch_ / "killed", options_);
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ((*opened)->head({1}).group, last);
}

// As after a kill: a prepared file of the life before, with who knows what in it.
TEST_F(LogFilesTest, WhatACrashLeftIsNeverUsed) {
  open();
  append(2000);
  journal_.reset();
  fs::copy_file(newest_log(), next());
  open();
  ASSERT_TRUE(prepared());
  EXPECT_EQ(written_size(next()), 0U);
  rotate();
  const auto last = journal_->head({1}).group;
  open();
  EXPECT_EQ(journal_->head({1}).group, last);
}

TEST_F(LogFilesTest, WithoutRoomNoneIsPrepared) {
  options_.space.watermark_bytes = 1000;
  options_.space.check_every = std::chrono::hours(1);  // so that it is the preparing thread that asks
  std::atomic<int> asked = 0;
  options_.space_probe = [&](const std::string&) {
    ++asked;
    return DiskSpace{bytes_ + 999, 1ULL << 40};
  };
  open();
  for (int i = 0; i < 2; ++i) {
    for (const auto before = asked.load(); asked == before;)
      rotate();  // one that was under way does for several
  }
  EXPECT_FALSE(fs::exists(next()));
  EXPECT_LT(fs::file_size(newest_log()), bytes_);
}

TEST_F(LogFilesTest, WithoutDirectWritesItIsTheSame) {
  base_->set_plan({.no_direct = true});
  open();
  ASSERT_TRUE(prepared());
  rotate();
  EXPECT_EQ(fs::file_size(newest_log()), bytes_);
  append(12'345);
  const auto last = journal_->head({1}).group;
  open();
  EXPECT_EQ(journal_->head({1}).group, last);
}

// A prepared file that is gone is no reason to stop.
TEST_F(LogFilesTest, WithoutThePreparedFileALogGrows) {
  open();
  ASSERT_TRUE(prepared());
  fs::remove(next());
  rotate();
  EXPECT_LT(fs::file_size(newest_log()), bytes_);
  append(100);
  ASSERT_TRUE(prepared());
  rotate();
  EXPECT_EQ(fs::file_size(newest_log()), bytes_);
}

// A torn record of a life before, whose log recovery kept: the next life's records lie behind it.
TEST_F(LogFilesTest, ATornRecordIsCutOffForGoodBeforeAnotherLogGetsRecords) {
  open();
  append(3000);
  const auto log = newest_log();
  const auto whole = written_size(log);
  const auto last = journal_->head({1}).group;
  append(5000);
  copy_as_killed(scratch_ / "torn");
  journal_.reset();
  path_ = scratch_ / "torn";
  const auto name = fs::path(log).filename().string();
  overwrite(path_ + "/" + name, whole + 2000, Bytes(1000));
  // Opened and killed before anything was written: still the last record of all, and still evidence.
  {
    const auto opened = RocksJournal::open(path_, options_);
    ASSERT_TRUE(opened.has_value()) << opened.error().text();
    EXPECT_EQ((*opened)->head({1}).group, last);
    EXPECT_GT(written_size(path_ + "/" + name), whole + 1000);
    copy_as_killed(scratch_ / "again");
  }
  path_ = scratch_ / "again";
  open();
  EXPECT_EQ(journal_->head({1}).group, last);
  EXPECT_LE(fs::file_size(path_ + "/" + name), whole + 8);
  append(700);
  copy_as_killed(scratch_ / "third");
  const auto opened = RocksJournal::open(scratch_ / "third", options_);
  ASSERT_TRUE(opened.has_value()) << opened.error().text();
  EXPECT_EQ((*opened)->head({1}).group.value, last.value + 1);
}

// The last record of a log that another one follows is never a torn one. The head would not miss it.
TEST_F(LogFilesTest, RotInTheLastRecordOfAnOlderLogRefusesTheStore) {
  open();
  append(3000);
  const auto first = newest_log();
  const auto begin = written_size(first);
  append(5000);
  copy_as_killed(scratch_ / "one");
  path_ = scratch_ / "one";
  open();
  append(2000);
  const auto name = fs::path(first).filename().string();
  ASSERT_NE(newest_log(), path_ + "/" + name);
  for (const auto& [what, size] :
       {std::pair("whole", 0), std::pair("flipped", 1), std::pair("zeroed", 1024)}) {
    const auto place = scratch_ / what;
    copy_as_killed(place);
    overwrite(place + "/" + name, begin + 2500, Bytes(static_cast<std::size_t>(size), 0));
    const auto opened = RocksJournal::open(place, options_);
    EXPECT_EQ(opened.has_value(), size == 0) << what;
    if (!opened) {
      EXPECT_EQ(opened.error().code, ErrorCode::damaged) << what;
    }
  }
}

}  // namespace
}  // namespace tollgate::storage::test
