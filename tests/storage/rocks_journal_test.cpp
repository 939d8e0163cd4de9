#include "storage/rocks_journal.h"

#include <fmt/format.h>

#include <fstream>

#include "storage/rocks_internal.h"
#include "tests/storage/fault_fs.h"
#include "tests/storage/journal_contract.h"
#include "tests/storage/scratch.h"

namespace tollgate::storage::test {
namespace {

StoreOptions small_options() {
  StoreOptions options;
  options.memtable_bytes = 1U << 20;
  options.ballast_bytes = 0;
  options.space.watermark_bytes = options.space.reserve_bytes = 0;
  options.space.watermark_percent = 0;
  return options;
}

// Opens the store below the journal and changes what lies in it, with checksums that fit: only the chain can
// notice.
class RawStore {
 public:
  explicit RawStore(const std::string& path) {
    auto set = rocks::make_options(small_options());
    rocksdb::DB* db = nullptr;
    const auto status = rocksdb::DB::Open(set.db, path, set.families, &families_, &db);
    EXPECT_TRUE(status.ok()) << status.ToString();
    db_.reset(db);
  }
  ~RawStore() {
    for (auto* f : families_) EXPECT_TRUE(db_->DestroyColumnFamilyHandle(f).ok());
  }
  void flip(rocks::Family family, const std::string& key, std::size_t offset) {
    std::string value;
    ASSERT_TRUE(db_->Get({}, handle(family), key, &value).ok());
    value.at(offset) ^= 1;
    ASSERT_TRUE(db_->Put(synced(), handle(family), key, value).ok());
  }
  void remove(rocks::Family family, const std::string& key) {
    ASSERT_TRUE(db_->Delete(synced(), handle(family), key).ok());
  }
  static std::string key(PartitionId partition, GroupNo group) {
    const auto k = rocks::group_key(partition, group);
    return {reinterpret_cast<const char*>(k.data()), k.size()};
  }

 private:
  rocksdb::ColumnFamilyHandle* handle(rocks::Family family) {
    return families_.at(static_cast<std::size_t>(family));
  }
  static rocksdb::WriteOptions synced() {
    rocksdb::WriteOptions options;
    options.sync = true;
    return options;
  }
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
};

class RocksHarness final : public JournalHarness {
 public:
  RocksHarness() : fs_(std::make_shared<FaultFs>(scratch_.path(), FaultPlan{})) {
    options_ = small_options();
    options_.space.watermark_bytes = 100;
    options_.space.check_every = std::chrono::milliseconds(0);
    options_.space_probe = [this](const std::string&) { return DiskSpace{low_ ? 50U : 1000U, 1000U}; };
    EXPECT_TRUE(RocksJournal::format(path_, 3, options_).has_value());
    restart();
  }
  Journal& journal() override { return *journal_; }
  void restart() override {
    journal_.reset();
    fs_->set_plan({});
    auto opened = rocks::open_store(path_, options_, {.files = fs_});
    ASSERT_TRUE(opened.has_value()) << opened.error().text();
    journal_ = std::move(*opened);
  }
  // The log takes an append and a sync: the second call fails after the bytes are in the file, the first
  // before.
  void fail_next_append(bool written) override {
    fs_->set_plan({.fail_at = written ? 2U : 1U, .fail_for_ever = true, .only_log = true});
  }
  void set_space_low(bool low) override { low_ = low; }
  void flip_payload_byte(PartitionId partition, GroupNo group) override {
    raw([&](RawStore& store) { store.flip(rocks::Family::groups, RawStore::key(partition, group), 100); });
  }
  void remove_group(PartitionId partition, GroupNo group) override {
    raw([&](RawStore& store) { store.remove(rocks::Family::groups, RawStore::key(partition, group)); });
  }
  void flip_snapshot_byte(PartitionId partition, GroupNo group) override {
    journal_.reset();
    const auto name = fmt::format("{}/snapshots/{:05}-{:020}.snapshot", path_, partition.value, group.value);
    std::fstream file(name, std::ios::in | std::ios::out | std::ios::binary);
    ASSERT_TRUE(file.is_open()) << name;
    file.seekg(200);  // behind the manifest
    const auto byte = static_cast<char>(file.get() ^ 1);
    file.seekp(200);
    file.put(byte);
    file.close();
    restart();
  }

 private:
  void raw(const std::function<void(RawStore&)>& change) {
    journal_.reset();
    {
      RawStore store(path_);
      change(store);
    }
    restart();
  }

  Scratch scratch_;
  std::string path_ = scratch_ / "store";
  std::shared_ptr<FaultFs> fs_;
  std::atomic<bool> low_ = false;
  StoreOptions options_;
  std::unique_ptr<RocksJournal> journal_;
};

INSTANTIATE_TEST_SUITE_P(Rocks, JournalContract,
                         ::testing::Values(HarnessKind{"rocks",
                                                       [] { return std::make_unique<RocksHarness>(); }}),
                         [](const auto& kind) { return kind.param.name; });

TEST(RocksStoreVersion, OfAnotherReleaseIsRefusedWithBothNumbers) {
  Scratch scratch;
  const auto path = scratch / "store";
  ASSERT_TRUE(RocksJournal::format(path, 1, small_options()).has_value());
  RawStore(path).flip(rocks::Family::meta, "store", 5);  // the version's last bit
  for (const bool read_only : {false, true}) {
    const auto opened = read_only ? RocksJournal::open_read_only(path, small_options())
                                  : RocksJournal::open(path, small_options());
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, ErrorCode::invalid);
    EXPECT_THAT(opened.error().what, ::testing::HasSubstr("in version 2 of its format"));
    EXPECT_THAT(opened.error().what, ::testing::HasSubstr("reads version 3 only"));
  }
}

}  // namespace
}  // namespace tollgate::storage::test
