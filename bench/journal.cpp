// What a durable record costs, by the size of the commit group, and how fast a partition is read back. CPU is
// that of the whole process (commit thread and RocksDB's own threads), so that work moved to another thread
// is not called saved. The directory is TOLLGATE_BENCH_DIR or the current one: use a real disk, a virtual one
// may answer a flush early.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>

#include "storage/committer.h"
#include "storage/high_water_mark.h"
#include "storage/recovery.h"
#include "storage/start.h"
#include "switch/base/check.h"

namespace tollgate::storage {
namespace {

constexpr std::uint16_t kPartitions = 4;

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

class BenchStore {
 public:
  BenchStore() {
    const char* given = std::getenv("TOLLGATE_BENCH_DIR");
    std::string base = given != nullptr ? given : ".";
    base += "/bench-journal-XXXXXX";
    directory_ = ::mkdtemp(base.data());
    options_.ballast_bytes = 0;
    TG_CHECK(format_store(directory_ + "/store", directory_ + "/mark", kPartitions, options_).has_value());
    auto started = start_store(directory_ + "/store", directory_ + "/mark", options_);
    TG_CHECK(started.has_value() && started->journal != nullptr && started->mark != nullptr);
    started_ = std::move(*started);
  }
  ~BenchStore() {
    started_ = {};
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  Journal& journal() { return *started_.journal; }
  HighWaterMark* mark() { return started_.mark.get(); }

 private:
  std::string directory_;
  StoreOptions options_;
  StartedStore started_;
};

// The digests, tokens and codes of a real record do not compress; its names and codes do.
Bytes payload_of(std::size_t records, std::size_t size) {
  Bytes out(records * size);
  std::uint64_t x = 88172645463325252ULL;
  for (std::size_t i = 0; i < out.size(); ++i) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    out[i] = i % size < size / 2 ? static_cast<std::uint8_t>(x) : static_cast<std::uint8_t>('a' + i % 7);
  }
  return out;
}

// One commit group of n records of 400 bytes, spread over the partitions, again and again: append, sync,
// mark.
void durable_records(benchmark::State& state) {
  BenchStore store;
  const auto records = static_cast<std::size_t>(state.range(0));
  const auto share = std::max<std::size_t>(1, records / kPartitions);
  const auto groups = records / share;
  const auto payload = payload_of(share, 400);
  std::vector<GroupAppend> append;
  for (std::size_t i = 0; i < groups; ++i) {
    const PartitionId partition{static_cast<std::uint16_t>(i + 1)};
    append.push_back({.partition = partition,
                      .epoch = store.journal().own(partition).value(),
                      .group = {0},
                      .records = static_cast<std::uint32_t>(share),
                      .payload = payload,
                      .cells = {}});
  }
  std::vector<MarkEntry> entries(groups);
  std::string why;
  const auto before = cpu_seconds();
  for (auto _ : state) {
    for (auto& g : append) ++g.group.value;
    TG_CHECK(store.journal().append(append, why) == AppendResult::durable);
    for (std::size_t i = 0; i < groups; ++i) {
      entries[i] = {append[i].partition, append[i].group, store.journal().head(append[i].partition).hash};
    }
    TG_CHECK(store.mark()->advance(entries).has_value());
  }
  const auto done = static_cast<double>(state.iterations()) * static_cast<double>(records);
  state.counters["records/s"] = benchmark::Counter(done, benchmark::Counter::kIsRate);
  state.counters["cpu_us/record"] = (cpu_seconds() - before) / done * 1e6;
}
BENCHMARK(durable_records)
    ->Arg(1)
    ->Arg(16)
    ->Arg(64)
    ->Arg(256)
    ->Arg(1024)
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

v1::Record sample_record(std::uint64_t n, bool outcome) {
  v1::Record record;
  record.set_at_us(1'790'000'000'000'000 + static_cast<std::int64_t>(n));
  if (outcome) {
    auto& o = *record.mutable_outcome();
    o.set_txn(n);
    o.set_response_code("00");
    o.set_approved(true);
    o.set_auth_code("123456");
    o.set_settlement_date("1121");
    o.set_institutions("0102000004030000");
    v1::LedgerEntry entry;
    entry.set_partition(1);
    entry.set_seq(n);
    entry.set_id(n);
    entry.set_type("sale");
    for (int i = 0; i < 4; ++i) {
      auto& leg = *entry.add_legs();
      leg.set_account(2100 + static_cast<std::uint32_t>(i));
      leg.set_sub("M0000000123");
      leg.set_amount_minor(12345);
    }
    o.add_entries(entry.SerializeAsString());
    return record;
  }
  auto& intent = *record.mutable_intent();
  intent.set_txn(n);
  intent.set_rrn(100000000000 + n);
  intent.set_local("1802111121");
  intent.set_schedule_hash(std::string(32, 'a'));
  auto& request = *intent.mutable_request();
  request.set_terminal(n % 5000);
  request.set_mti(0x200);
  request.set_stan(static_cast<std::uint32_t>(n % 999999));
  request.set_batch(17);
  request.set_digest(std::string(16, 'd'));
  request.set_amount_minor(12345);
  request.set_currency(156);
  request.set_pan_token(std::string(16, 'p'));
  request.set_pan_masked("622202*********0128");
  request.set_brand("unionpay");
  intent.mutable_routing()->set_host("host-a");
  intent.mutable_routing()->set_transmitted("1121100211");
  return record;
}

void read_back(benchmark::State& state) {
  BenchStore store;
  constexpr std::uint32_t kPerGroup = 256, kGroups = 200;
  const auto epoch = store.journal().own({1}).value();
  std::string why;
  std::uint64_t n = 0, bytes = 0;
  for (std::uint64_t g = 1; g <= kGroups; ++g) {
    Bytes payload;
    for (std::uint32_t i = 0; i < kPerGroup; ++i, ++n)
      append_record(payload, sample_record(n / 2, n % 2 == 1));
    bytes += payload.size();
    const GroupAppend group{.partition = {1},
                            .epoch = epoch,
                            .group = {g},
                            .records = kPerGroup,
                            .payload = payload,
                            .cells = {}};
    TG_CHECK(store.journal().append({&group, 1}, why) == AppendResult::durable);
  }
  const bool parse = state.range(0) != 0;
  std::uint64_t records = 0, seen = 0;
  for (auto _ : state) {
    if (parse) {
      const auto report =
          read_records(store.journal(), {1}, {1}, [&](const v1::Record& record, const Position&) {
            seen += record.has_outcome() ? 1 : 0;
            return true;
          });
      TG_CHECK(report.has_value());
      records += report->records;
    } else {  // how much of it is the journal's: iterator, checksum of the block, chain
      TG_CHECK(store.journal()
                   .read({1}, {1}, [&](const Group& group) { return records += group.records, true; })
                   .has_value());
    }
  }
  TG_CHECK(!parse || seen == records / 2);
  state.counters["records/s"] = benchmark::Counter(static_cast<double>(records), benchmark::Counter::kIsRate);
  state.counters["bytes/record"] = static_cast<double>(bytes) / static_cast<double>(n);
}
BENCHMARK(read_back)->ArgName("parse")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tollgate::storage

BENCHMARK_MAIN();
