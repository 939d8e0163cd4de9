#include "tests/storage/crash_script.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "storage/rocks_internal.h"
#include "storage/start.h"

namespace tollgate::storage::test {
namespace {

constexpr PartitionId kFirst{1}, kSecond{2};
constexpr std::uint64_t kSecondEvery = 3, kCellLife = 5;
constexpr std::uint64_t kSnapshotEvery = 35,
                        kLargeSnapshot = 70;  // the large one is written in more than one piece

Bytes payload_of(PartitionId partition, std::uint64_t txn) {
  Bytes out(350 + txn % 100);
  std::uint64_t x = txn * 7919 + partition.value;
  for (auto& b : out) {
    x = x * 6364136223846793005ULL + 1442695040888963407ULL;
    b = static_cast<std::uint8_t>(x >> 56);
  }
  return out;
}

Bytes state_of(std::uint64_t txn) {
  return Bytes(txn == kLargeSnapshot ? 1'100'000 : 3000 + txn, static_cast<std::uint8_t>(txn));
}

std::string cell_key(std::uint64_t txn) {
  return fmt::format("pan/{:06}", txn);
}

struct Owner {
  Journal& journal;
  HighWaterMark& mark;
  std::array<Epoch, 2> epochs{};

  bool own() {
    for (const auto p : {kFirst, kSecond}) {
      const auto epoch = journal.own(p);
      if (!epoch) return false;
      epochs[p.value - 1U] = *epoch;
    }
    return true;
  }
  // One transaction: a group of the first partition with a new cell and an old one deleted; every third time
  // one of the second.
  bool commit(std::uint64_t txn) {
    const auto a = payload_of(kFirst, txn), b = payload_of(kSecond, txn);
    std::vector<CellWrite> cells{{cell_key(txn), a}};
    if (txn > kCellLife) cells.push_back({cell_key(txn - kCellLife), std::nullopt});
    std::vector<GroupAppend> groups{{.partition = kFirst,
                                     .epoch = epochs[0],
                                     .group = {txn},
                                     .records = 1,
                                     .payload = a,
                                     .cells = cells}};
    if (txn % kSecondEvery == 0) {
      groups.push_back({.partition = kSecond,
                        .epoch = epochs[1],
                        .group = {txn / kSecondEvery},
                        .records = 1,
                        .payload = b,
                        .cells = {}});
    }
    std::string why;
    if (journal.append(groups, why) != AppendResult::durable) return false;
    std::vector<MarkEntry> entries;
    for (const auto& g : groups) entries.push_back({g.partition, g.group, journal.head(g.partition).hash});
    return mark.advance(entries).has_value();
  }
};

// The first partition's, between two transactions, in the two steps in which a running switch takes it.
bool take_snapshot(Journal& journal, std::uint64_t txn) {
  auto staged = journal.stage_snapshot(kFirst, {{txn}, journal.head(kFirst).hash, state_of(txn)});
  return staged && (*staged)->install();
}

// What start_store does, over the faulty file system.
std::unique_ptr<RocksJournal> open_faulty(const CrashDirectory& directory, const std::shared_ptr<FaultFs>& fs,
                                          bool sync, std::unique_ptr<HighWaterMark>& mark) {
  auto opened = rocks::open_store(directory.store(), crash_options(), {.files = fs, .sync = sync});
  if (!opened) ::_exit(kStoppedStatus);
  auto file = fs->mark_file(directory.mark());
  auto reading = decode_mark(file->read().value());
  mark = std::make_unique<HighWaterMark>(std::move(file), std::move(reading.mark));
  return std::move(*opened);
}

struct Verifier {
  const CrashDirectory& directory;
  Shared& shared;

  [[noreturn]] void end(Found found, const std::string& what) {
    shared.say(what);
    ::_exit(static_cast<int>(found));
  }

  void check_groups(const Journal& journal, PartitionId partition, std::uint64_t groups) {
    std::uint64_t seen = 0;
    const auto factor = partition == kFirst ? 1 : kSecondEvery;
    const auto ok = journal.read(partition, {1}, [&](const Group& g) {
      ++seen;
      const auto expected = payload_of(partition, seen * factor);
      if (!std::equal(expected.begin(), expected.end(), g.payload.begin(), g.payload.end())) {
        end(Found::half, fmt::format("partition {} group {} has other bytes", partition.value, seen));
      }
      return true;
    });
    if (!ok) end(Found::named, ok.error().text());
    if (seen != groups) end(Found::half, fmt::format("{} groups of {}", seen, groups));
  }

  // Every cell that the transactions up to `last` leave, and no other.
  void check_cells(const Journal& journal, std::uint64_t last) {
    std::uint64_t next = last > kCellLife ? last - kCellLife + 1 : 1;
    const auto ok = journal.cells("pan/", [&](std::string_view key, ByteView value) {
      const auto expected = payload_of(kFirst, next);
      if (key != cell_key(next) ||
          !std::equal(value.begin(), value.end(), expected.begin(), expected.end())) {
        end(Found::half, fmt::format("cell {} where {} belongs", key, cell_key(next)));
      }
      ++next;
      return true;
    });
    if (!ok) end(Found::half, ok.error().text());
    if (next != last + 1) end(Found::half, fmt::format("cells end at {} of {}", next - 1, last));
  }

  // The newest one that counted, or one that a cut kept from being reported; whole in any case.
  void check_snapshot(const Journal& journal, std::uint64_t last) {
    const auto found = journal.latest_snapshot(kFirst);
    if (!found) end(Found::half, found.error().text());
    const auto counted = shared.snapshot.load();
    if (!*found) {
      if (counted != 0) end(Found::snapshot_lost, fmt::format("the snapshot of {}", counted));
      return;
    }
    const auto group = (*found)->group.value;
    if (group < counted)
      end(Found::snapshot_lost, fmt::format("the snapshot of {}: {} is there", counted, group));
    if (group > last || group % kSnapshotEvery != 0 || (*found)->state != state_of(group))
      end(Found::half, fmt::format("the snapshot of {} is another one", group));
  }

  void run(bool go_on) {
    const auto acknowledged = shared.acknowledged.load();
    auto started = start_store(directory.store(), directory.mark(), crash_options());
    if (!started) end(Found::refused, started.error().text());
    if (started->verdict.action == StartAction::safe_mode) {
      end(started->verdict.missing.empty() ? Found::refused : Found::noticed, started->verdict.reason);
    }
    const auto& journal = *started->journal;
    const auto last = journal.head(kFirst).group.value;
    if (last < acknowledged) end(Found::lost, fmt::format("{} of {} acknowledged", last, acknowledged));
    if (last > acknowledged + 1)
      end(Found::half, fmt::format("{} present, {} acknowledged", last, acknowledged));
    check_groups(journal, kFirst, last);
    check_groups(journal, kSecond, last / kSecondEvery);
    check_cells(journal, last);
    check_snapshot(journal, last);
    if (!go_on) return;
    Owner owner{*started->journal, *started->mark, {}};
    if (!owner.own()) end(Found::half, "cannot be owned");
    for (std::uint64_t txn = last + 1; txn <= last + 4; ++txn) {
      if (!owner.commit(txn)) end(Found::half, "takes no more after the restart");
      shared.acknowledged = txn;
    }
  }
};

}  // namespace

void Shared::say(const std::string& what) noexcept {
  std::strncpy(text, what.c_str(), sizeof text - 1);
  text[sizeof text - 1] = '\0';
}

StoreOptions crash_options() {
  StoreOptions options;
  options.memtable_bytes = 64U << 10;
  options.cache_bytes = 1U << 20;
  options.ballast_bytes = 0;
  options.space = {.watermark_bytes = 0, .watermark_percent = 0, .reserve_bytes = 0};
  return options;
}

void format_for_crash(const CrashDirectory& directory) {
  std::filesystem::create_directories(directory.aside());
  const auto made = format_store(directory.store(), directory.mark(), 2, crash_options());
  ::_exit(made ? 0 : 1);
}

void run_script(const CrashDirectory& directory, const FaultPlan& plan, bool sync, Shared& shared) {
  const auto fs = std::make_shared<FaultFs>(directory.aside(), plan);
  std::unique_ptr<HighWaterMark> mark;
  auto journal = open_faulty(directory, fs, sync, mark);
  auto owner = std::make_unique<Owner>(Owner{*journal, *mark, {}});
  if (!owner->own()) ::_exit(kStoppedStatus);
  for (std::uint64_t txn = 1; txn <= kTransactions; ++txn) {
    if (txn == kTransactions / 2) {
      owner.reset();
      journal.reset();
      journal = open_faulty(directory, fs, sync, mark);
      owner = std::make_unique<Owner>(Owner{*journal, *mark, {}});
      if (!owner->own()) ::_exit(kStoppedStatus);
    }
    if (!owner->commit(txn)) ::_exit(kStoppedStatus);
    if (!fs->cut_begun()) shared.acknowledged = txn;  // an answer counts only if it left before the cut began
    if (txn % kSnapshotEvery != 0) continue;
    // One that fails is no reason to stop, as long as the journal goes on.
    if (take_snapshot(*journal, txn) && !fs->cut_begun()) shared.snapshot = txn;
  }
  journal.reset();
  shared.calls = fs->calls();
  ::_exit(0);
}

void verify_script(const CrashDirectory& directory, bool go_on, Shared& shared) {
  Verifier{directory, shared}.run(go_on);
  ::_exit(static_cast<int>(Found::complete));  // without destructors: the second look meets a crash
}

void open_with_whole_logs(const CrashDirectory& directory, Shared& shared) {
  const auto opened = rocks::open_store(directory.store(), crash_options(), {.files = {}, .whole_logs = true});
  if (opened) ::_exit(static_cast<int>(Found::complete));
  shared.say(opened.error().text());
  ::_exit(static_cast<int>(Found::refused));
}

}  // namespace tollgate::storage::test
