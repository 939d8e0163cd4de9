// Damage at rest (reference "durability", 1.2 and 4.4): in a small store with its mark every 512-byte sector
// of every file is flipped and then zeroed, every file deleted, halved and emptied. A start may be complete,
// or refuse, or go to safe mode, or name the damaged group when it is read. It is never silently short. The
// control, which looks at the store without the mark, shows the losses that RocksDB cannot see.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>

#include "storage/start.h"
#include "tests/storage/forked.h"
#include "tests/storage/records.h"
#include "tests/storage/scratch.h"
#include "tests/storage/written.h"

namespace tollgate::storage::test {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSector = 512, kWorkers = 4;
constexpr std::uint64_t kGroups = 240;  // of two partitions: some in tables, the last ones in the log only
constexpr std::uint64_t kReopened = 40;

constexpr std::array<std::uint64_t, 2> kSnapshots{100, 200};  // after these groups, of partition 1

enum Seen : int { complete = 20, silent, refused, safe_mode, named, wrong, older };

StoreOptions options() {
  StoreOptions out;
  out.memtable_bytes = 64U << 10;
  out.cache_bytes = 1U << 20;
  out.ballast_bytes = 0;
  out.space = {.watermark_bytes = 0, .watermark_percent = 0, .reserve_bytes = 0};
  return out;
}

struct Place {
  std::string path;
  [[nodiscard]] std::string store() const { return path + "/store"; }
  [[nodiscard]] std::string mark() const { return path + "/mark"; }
};

// Half of it can be packed; what is left is long enough for a file of values.
Bytes payload_of(std::uint16_t partition, std::uint64_t group) {
  auto out = noise(350, group * 2 + partition % 2);
  out.resize(700, static_cast<std::uint8_t>(group));
  return out;
}

Bytes state_of(std::uint64_t group) {
  Bytes out(40 * group);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(group + i * i);
  return out;
}

void build(const Place& place) {
  if (!format_store(place.store(), place.mark(), 2, options())) ::_exit(1);
  auto started = start_store(place.store(), place.mark(), options());
  if (!started || !started->mark) ::_exit(2);
  auto writer = std::make_unique<Writer>(*started->journal);
  for (std::uint64_t g = 1; g <= kGroups; ++g) {
    if (g == kReopened) {  // a close and an open between: more than one log in the life of the store
      started->journal.reset();
      started = start_store(place.store(), place.mark(), options());
      if (!started || !started->mark) ::_exit(3);
      writer = std::make_unique<Writer>(*started->journal);
    }
    std::vector<MarkEntry> entries;
    for (std::uint16_t p = 1; p <= 2; ++p) {
      writer->write(p, payload_of(p, g), 1);
      entries.push_back({{p}, {g}, started->journal->head({p}).hash});
    }
    if (!started->mark->advance(entries)) ::_exit(4);
    if (std::ranges::find(kSnapshots, g) == kSnapshots.end()) continue;
    if (!started->journal->put_snapshot({1}, {{g}, started->journal->head({1}).hash, state_of(g)}))
      ::_exit(5);
  }
  ::_exit(0);  // as after a kill
}

int read_all(const Journal& journal) {
  for (std::uint16_t p = 1; p <= 2; ++p) {
    std::uint64_t seen = 0;
    bool same = true;
    const auto ok = journal.read({p}, {1}, [&](const Group& g) {
      const auto expected = payload_of(p, ++seen);
      same = same && std::equal(expected.begin(), expected.end(), g.payload.begin(), g.payload.end());
      return true;
    });
    if (!same) return wrong;
    if (!ok) return named;
    if (seen < kGroups) return silent;
  }
  // A damaged snapshot gives way to the one before, or to the fold from the first group.
  const auto snapshot = journal.latest_snapshot({1});
  if (!snapshot || !*snapshot) return older;
  if ((*snapshot)->state != state_of((*snapshot)->group.value)) return wrong;
  return (*snapshot)->group.value == kSnapshots.back() ? complete : older;
}

[[noreturn]] void look_with_mark(const Place& place) {
  const auto started = start_store(place.store(), place.mark(), options());
  if (!started) ::_exit(refused);
  if (started->verdict.action == StartAction::safe_mode) ::_exit(safe_mode);
  ::_exit(read_all(*started->journal));
}

[[noreturn]] void look_without_mark(const Place& place) {
  const auto opened = RocksJournal::open(place.store(), options());
  ::_exit(opened ? read_all(**opened) : refused);
}

struct Damage {
  enum class Kind { flip, zero, remove, halve, empty } kind;
  std::string file;  // relative
  std::size_t sector = 0;
};

void harm(const Damage& damage, const std::string& file) {
  switch (damage.kind) {
    case Damage::Kind::remove:
      fs::remove(file);
      return;
    case Damage::Kind::halve:
      fs::resize_file(file, written_size(file) / 2);
      return;
    case Damage::Kind::empty:
      fs::resize_file(file, 0);
      return;
    default:
      break;
  }
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  std::array<char, kSector> bytes{};
  stream.seekg(static_cast<std::streamoff>(damage.sector * kSector));
  stream.read(bytes.data(), bytes.size());
  const auto size = static_cast<std::size_t>(stream.gcount());
  if (damage.kind == Damage::Kind::flip) {
    bytes[size / 3] = static_cast<char>(bytes[size / 3] ^ 0x20);
  } else {
    bytes.fill(0);
  }
  stream.clear();
  stream.seekp(static_cast<std::streamoff>(damage.sector * kSector));
  stream.write(bytes.data(), static_cast<std::streamsize>(size));
}

std::string kind_of_file(const std::string& file) {
  const auto name = fs::path(file).filename().string();
  for (const char* kind : {"MANIFEST", "OPTIONS", "CURRENT", "IDENTITY", "mark"}) {
    if (name.starts_with(kind)) return kind;
  }
  for (const char* kind : {"log", "sst", "blob", "snapshot"}) {
    if (name.ends_with(std::string(".") + kind)) return kind;
  }
  return name;
}

class SectorSweep : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(wait_child(fork_child([&] { build(fresh_); })), 0);
    for (const auto& entry : fs::recursive_directory_iterator(fresh_.path)) {
      if (!entry.is_regular_file() || entry.path().filename() == "LOCK") continue;
      if (entry.path().extension() == ".trash") continue;  // on its way out; how many there are is chance
      files_.push_back(fs::relative(entry.path(), fresh_.path).string());
    }
    std::sort(files_.begin(), files_.end());
  }

  // Tables are hard links except the damaged one: RocksDB never writes into them again.
  void copy_damaged(const Place& place, const Damage& damage) {
    fs::create_directories(place.store());
    for (const auto& file : files_) {
      const auto from = fresh_.path + "/" + file, to = place.path + "/" + file;
      fs::create_directories(fs::path(to).parent_path());
      if ((file.ends_with(".sst") || file.ends_with(".blob")) && file != damage.file) {
        fs::create_hard_link(from, to);
      } else {
        fs::copy_file(from, to);
      }
    }
    harm(damage, place.path + "/" + damage.file);
  }

  // What each case showed, counted by kind of file; the silent ones by name.
  void sweep(const std::vector<Damage>& cases, void (*look)(const Place&)) {
    std::map<int, std::size_t> running;  // pid to case
    std::size_t next = 0;
    while (next < cases.size() || !running.empty()) {
      while (running.size() < kWorkers && next < cases.size()) {
        const Place place{scratch_ / std::to_string(next)};
        const auto& damage = cases[next];
        running[fork_child([&] {
          copy_damaged(place, damage);
          look(place);
        })] = next;
        ++next;
      }
      int status = 0;
      const auto it = running.find(::wait(&status));
      const auto& damage = cases[it->second];
      fs::remove_all(scratch_ / std::to_string(it->second));
      const int seen =
          WIFEXITED(status) ? WEXITSTATUS(status) : refused;  // an assertion of RocksDB is a refused start
      ++tally_[kind_of_file(damage.file)][seen];
      ++total_[seen];
      if (seen == silent || seen == wrong) {
        silent_.push_back(
            fmt::format("{} of {} sector {}", static_cast<int>(damage.kind), damage.file, damage.sector));
      }
      running.erase(it);
    }
    fmt::print("{:10} {:>9} {:>7} {:>8} {:>10} {:>6} {:>15}\n", "file", "complete", "silent", "refused",
               "safe mode", "named", "older snapshot");
    for (auto& [file, row] : tally_) {
      fmt::print("{:10} {:>9} {:>7} {:>8} {:>10} {:>6} {:>15}\n", file, row[complete],
                 row[silent] + row[wrong], row[refused], row[safe_mode], row[named], row[older]);
    }
  }

  std::vector<Damage> whole_file_cases() const {
    std::vector<Damage> out;
    for (const auto& file : files_) {
      for (const auto kind : {Damage::Kind::remove, Damage::Kind::halve, Damage::Kind::empty})
        out.push_back({kind, file});
    }
    return out;
  }

  Scratch scratch_;
  Place fresh_{scratch_ / "fresh"};
  std::vector<std::string> files_;
  std::map<std::string, std::map<int, std::size_t>> tally_;
  std::map<int, std::size_t> total_;
  std::vector<std::string> silent_;
};

TEST_F(SectorSweep, NoDamageIsSilentWithTheMarkInPlace) {
  auto cases = whole_file_cases();
  for (const auto& file : files_) {
    // Of what waits for the next records the first few tell as much as all.
    const auto path = fresh_.path + "/" + file;
    const auto written = (written_size(path) + kSector - 1) / kSector;
    const auto sectors = std::min(written + 4, (fs::file_size(path) + kSector - 1) / kSector);
    for (std::size_t s = 0; s < sectors; ++s) {
      cases.push_back({Damage::Kind::flip, file, s});
      cases.push_back({Damage::Kind::zero, file, s});
    }
  }
  sweep(cases, look_with_mark);
  EXPECT_GT(cases.size(), 500U);
  for (const char* kind :
       {"blob", "sst", "log", "snapshot"}) {  // each kind was there, and its damage was seen
    auto& row = tally_[kind];
    EXPECT_GT(row[named] + row[refused] + row[safe_mode] + row[older], 2U) << kind;
  }
  EXPECT_TRUE(silent_.empty()) << ::testing::PrintToString(silent_);
  EXPECT_GT(total_[named] + total_[refused] + total_[safe_mode] + total_[older],
            cases.size() / 2);    // the damage did reach the store
  EXPECT_GT(total_[older], 10U);  // … and the snapshots
  EXPECT_EQ(total_[kNotEnded], 0U);
}

TEST_F(SectorSweep, ControlWithoutTheMarkLossesAreSilent) {
  sweep(whole_file_cases(), look_without_mark);
  EXPECT_GE(silent_.size(), 3U)
      << "a deleted, a halved and an emptied log are losses that only the mark sees";
}

TEST_F(SectorSweep, AnUndamagedCopyIsComplete) {
  const Place place{scratch_ / "copy"};
  fs::copy(fresh_.path, place.path, fs::copy_options::recursive);
  const auto status = wait_child(fork_child([&] { look_with_mark(place); }));
  EXPECT_EQ(WEXITSTATUS(status), complete);
}

}  // namespace
}  // namespace tollgate::storage::test
