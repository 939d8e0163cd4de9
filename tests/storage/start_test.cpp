#include "storage/start.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "storage/rocks_internal.h"
#include "tests/storage/fault_fs.h"
#include "tests/storage/forked.h"
#include "tests/storage/records.h"
#include "tests/storage/scratch.h"
#include "tests/storage/written.h"

namespace tollgate::storage::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

StoreOptions small_options() {
  StoreOptions options;
  options.memtable_bytes = 1U << 20;
  options.ballast_bytes = 0;
  options.space = {.watermark_bytes = 0, .watermark_percent = 0, .reserve_bytes = 0};
  return options;
}

// Every file of the store with its bytes.
std::map<std::string, std::string> contents(const std::string& path) {
  std::map<std::string, std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    out[entry.path().lexically_relative(path).string()] = {std::istreambuf_iterator<char>(in), {}};
  }
  return out;
}

class Start : public ::testing::Test {
 protected:
  Result<StoreIdentity> format() { return format_store(store_, mark_, 2, options_); }
  StartedStore start() {
    auto started = start_store(store_, mark_, options_);
    EXPECT_TRUE(started.has_value()) << started.error().text();
    return started ? std::move(*started) : StartedStore{};
  }
  // Groups of partition 1, acknowledged: the mark is behind none of them.
  static void commit(StartedStore& started, int groups, bool marked = true) {
    Writer writer(*started.journal);
    for (int i = 0; i < groups; ++i) {
      const auto group = writer.write(1, {intent(1, 1, 1, 1)});
      const MarkEntry entry{{1}, group, started.journal->head({1}).hash};
      if (!marked) continue;
      ASSERT_TRUE(started.mark->advance({&entry, 1}).has_value());
    }
  }
  std::string log_file() {
    std::set<std::string> logs;
    for (const auto& entry : fs::directory_iterator(store_)) {
      if (entry.path().extension() == ".log" && written_size(entry.path()) > 0)
        logs.insert(entry.path().string());
    }
    EXPECT_FALSE(logs.empty());
    return *logs.rbegin();
  }
  static void flip_byte(const std::string& file, std::size_t offset) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(static_cast<std::streamoff>(offset));
    const char byte = static_cast<char>(stream.get() ^ 1);
    stream.seekp(static_cast<std::streamoff>(offset));
    stream.put(byte);
  }

  Scratch scratch_;
  std::string store_ = scratch_ / "store", mark_ = scratch_ / "mark";
  StoreOptions options_ = small_options();
};

TEST_F(Start, AFreshStoreServes) {
  const auto identity = format().value();
  const auto started = start();
  EXPECT_EQ(started.verdict.action, StartAction::serve);
  EXPECT_EQ(started.journal->identity(), identity);
  EXPECT_EQ(started.journal->partitions(), 2U);
  EXPECT_EQ(started.mark->state().store, identity);
}

TEST_F(Start, TwoStoresHaveDifferentNames) {
  const auto a = format().value();
  const auto b = format_store(scratch_ / "other", scratch_ / "other-mark", 2, options_).value();
  EXPECT_NE(a.id, b.id);
}

TEST_F(Start, FormatRefusesADirectoryThatIsNotEmptyAndAWrongCount) {
  ASSERT_TRUE(format().has_value());
  EXPECT_EQ(format().error().code, ErrorCode::conflict);
  EXPECT_EQ(format_store(scratch_ / "x", scratch_ / "y", 0, options_).error().code, ErrorCode::invalid);
  EXPECT_EQ(format_store(scratch_ / "x", scratch_ / "y", 1024, options_).error().code, ErrorCode::invalid);
}

TEST_F(Start, WhereNothingIsNothingStarts) {
  const auto started = start_store(store_, mark_, options_);
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code, ErrorCode::not_found);
  EXPECT_FALSE(fs::exists(store_ + "/CURRENT"));
}

TEST_F(Start, GroupsAheadOfTheMarkAreServedWithANoteAndTheMarkCatchesUp) {
  ASSERT_TRUE(format().has_value());
  {
    auto started = start();
    commit(started, 2);
    commit(started, 3, false);
  }
  {
    const auto started = start();
    EXPECT_EQ(started.verdict.action, StartAction::serve_with_note);
    ASSERT_EQ(started.verdict.notes.size(), 1U);
    EXPECT_THAT(started.verdict.notes[0], HasSubstr("groups 3 to 5"));
    EXPECT_EQ(started.mark->state().partitions[1].group.value, 5U);
  }
  EXPECT_EQ(start().verdict.action, StartAction::serve);
}

TEST_F(Start, ADeletedLogIsSafeModeWithTheMissingGroups) {
  ASSERT_TRUE(format().has_value());
  {
    auto started = start();
    commit(started, 4);
  }
  fs::remove(log_file());
  const auto started = start();
  EXPECT_EQ(started.verdict.action, StartAction::safe_mode);
  ASSERT_EQ(started.verdict.missing.size(), 1U);
  EXPECT_EQ(started.verdict.missing[0].first.value, 1U);
  EXPECT_EQ(started.verdict.missing[0].last.value, 4U);
  EXPECT_EQ(started.mark, nullptr);
  ASSERT_NE(started.journal, nullptr);
  std::string why;
  EXPECT_EQ(started.journal->append({}, why), AppendResult::unknown);  // read-only
  EXPECT_FALSE(started.journal->own({1}).has_value());
}

TEST_F(Start, DamageInTheLogShowsWhatLiesBeforeItAndTouchesNothing) {
  ASSERT_TRUE(format().has_value());
  {
    auto started = start();
    commit(started, 20);
  }
  const auto log = log_file();
  flip_byte(log, written_size(log) / 2);
  const auto before = contents(store_);
  {
    const auto started = start();
    EXPECT_EQ(started.verdict.action, StartAction::safe_mode);
    EXPECT_FALSE(started.verdict.acceptable);
    ASSERT_EQ(started.verdict.missing.size(), 1U);
    const auto first = started.verdict.missing[0].first.value;
    EXPECT_GT(first, 1U);
    EXPECT_LE(first, 20U);
    ASSERT_NE(started.journal, nullptr);
    std::uint64_t shown = 0;
    ASSERT_TRUE(started.journal->read({1}, {1}, [&](const Group&) { return ++shown > 0; }).has_value());
    EXPECT_EQ(shown, first - 1);
  }
  EXPECT_EQ(contents(store_), before);
  EXPECT_FALSE(fs::exists(store_ + ".look"));
}

TEST_F(Start, DamageBehindTheLastAcknowledgementMayBeAccepted) {
  ASSERT_TRUE(format().has_value());
  std::size_t acknowledged = 0;
  {
    auto started = start();
    commit(started, 5);
    acknowledged = written_size(log_file());
    commit(started, 5, false);
  }
  const auto log = log_file();
  flip_byte(log, acknowledged + (written_size(log) - acknowledged) / 2);
  const auto started = start();
  EXPECT_EQ(started.verdict.action, StartAction::safe_mode);
  EXPECT_TRUE(started.verdict.acceptable) << started.verdict.reason;
  EXPECT_TRUE(started.verdict.missing.empty());
}

TEST_F(Start, AMissingMarkIsSafeModeNotANewStore) {
  ASSERT_TRUE(format().has_value());
  fs::remove(mark_);
  EXPECT_EQ(start().verdict.action, StartAction::safe_mode);
  EXPECT_FALSE(fs::exists(mark_));
}

TEST_F(Start, AnOldCopyOfTheStoreIsSafeMode) {
  ASSERT_TRUE(format().has_value());
  {
    auto started = start();
    commit(started, 2);
  }
  fs::copy(store_, scratch_ / "yesterday", fs::copy_options::recursive);
  {
    auto started = start();
    commit(started, 2);
  }
  fs::remove_all(store_);
  fs::rename(scratch_ / "yesterday", store_);
  const auto started = start();
  EXPECT_EQ(started.verdict.action, StartAction::safe_mode);
  ASSERT_EQ(started.verdict.missing.size(), 1U);
  EXPECT_EQ(started.verdict.missing[0].first.value, 3U);
}

TEST_F(Start, ALostStoreIsSafeModeWithEverythingMissing) {
  ASSERT_TRUE(format().has_value());
  {
    auto started = start();
    commit(started, 3);
  }
  fs::remove_all(store_);
  const auto started = start();
  EXPECT_EQ(started.verdict.action, StartAction::safe_mode);
  EXPECT_EQ(started.journal, nullptr);
  ASSERT_EQ(started.verdict.missing.size(), 1U);
  EXPECT_EQ(started.verdict.missing[0].last.value, 3U);
}

TEST_F(Start, ASecondProcessIsToldWhichLockIsHeld) {
  ASSERT_TRUE(format().has_value());
  std::array<int, 2> held{}, done{};
  ASSERT_EQ(::pipe(held.data()), 0);
  ASSERT_EQ(::pipe(done.data()), 0);
  const auto holder = fork_child([&] {
    const auto journal = RocksJournal::open(store_, options_);
    char c = journal ? 'y' : 'n';
    std::ignore = ::write(held[1], &c, 1);
    std::ignore = ::read(done[0], &c, 1);
    ::_exit(0);
  });
  char c = 0;
  ASSERT_EQ(::read(held[0], &c, 1), 1);
  ASSERT_EQ(c, 'y');
  const auto second = start_store(store_, mark_, options_);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
  EXPECT_EQ(second.error().where, store_ + "/LOCK");
  EXPECT_THAT(second.error().what, HasSubstr("another process holds this lock"));
  ASSERT_EQ(::write(done[1], &c, 1), 1);
  wait_child(holder);
  EXPECT_EQ(start().verdict.action, StartAction::serve);
}

TEST_F(Start, ADiskThatFillsWhileTheStoreOpensIsLookedAtReadOnly) {
  ASSERT_TRUE(format().has_value());
  {
    auto started = start();
    commit(started, 3);
  }
  const auto faulty = std::make_shared<FaultFs>(
      scratch_.path(), FaultPlan{.fail_at = 1, .fail_for_ever = true, .no_space = true});
  const auto opened = rocks::open_store(store_, options_, {.files = faulty});
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::full);  // which start_store takes for disk_full
  const auto look = RocksJournal::open_read_only(store_, options_);
  ASSERT_TRUE(look.has_value()) << look.error().text();
  EXPECT_EQ((*look)->head({1}).group.value, 3U);
}

}  // namespace
}  // namespace tollgate::storage::test
