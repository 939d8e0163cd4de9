// What rating stored sales again costs (target: a million a second and core): a journal in memory of sales as
// the switch records them, an intent and an outcome with receipt and entries each, in groups of 64. Reading
// checks the chain, so a part of the time is SHA-256 over every byte of the journal; `ReadTheJournal` is that
// part alone.
#include "switch/cli/fees_replay.h"

#include <benchmark/benchmark.h>

#include <string>

#include "storage/memory_journal.h"
#include "storage/record_stream.h"
#include "switch/base/check.h"
#include "tests/fees/written.h"

namespace tollgate::cli {
namespace {

constexpr int kSales = 1 << 16, kGroup = 64;

fees::SchedulePtr price_list(const std::string& rate) {
  return *fees::load_schedule(
      R"({"schedule_id":"bench","version":1,"valid_from":"2026-01-01T00:00:00Z","currency":"CNY","time_zone":"Asia/Shanghai","components":[
      {"id":"mdr","account":"4100","rules":[{"id":"debit","match":{"funding":["DEBIT"]},"rate":"0.005","max":2000},{"id":"card","rate":")" +
      rate +
      R"("}]},
      {"id":"instant","account":"4120","refund":"KEEP","rules":[{"id":"i","match":{"settlement":["INSTANT"]},"fixed":300}]},
      {"id":"interchange","payer":"HOUSE","account":"5100","contra":"1100","rules":[{"id":"d","match":{"funding":["DEBIT"]},"rate":"0.0035","max":1300},{"id":"c","rate":"0.0045"}]},
      {"id":"network","payer":"HOUSE","account":"5110","contra":"2210","rules":[{"id":"n","rate":"0.000325","max":325}]}],
      "splits":[{"id":"agents","of":["mdr"],"parties":[{"party":"agent_1","share":"0.125"}]}]})");
}

// Bytes of the size of a sale's ledger entries.
std::string entry_bytes() {
  return std::string(150, 'e');
}

class Stored {
 public:
  Stored() : journal_(1) {
    epoch_ = *journal_.own({1});
    const auto house = *journal_.own(kHouse);
    v1::Record published;
    auto& p = *published.mutable_schedule_published();
    p.set_schedule_id("bench");
    p.set_hash(schedule_->content_hash());
    p.set_canonical(schedule_->canonical_json());
    Bytes payload;
    storage::append_record(payload, published);
    append({kHouse, house, GroupNo{1}, 1, payload, {}});
    for (int i = 0; i < kSales; i += kGroup) {
      payload.clear();
      for (int k = 0; k < kGroup; ++k) add_sale(payload, i + k);
      append({{1}, epoch_, GroupNo{static_cast<std::uint64_t>(i / kGroup + 1)}, 2 * kGroup, payload, {}});
    }
  }
  [[nodiscard]] const storage::MemoryJournal& journal() const { return journal_; }

 private:
  void append(const storage::GroupAppend& work) {
    std::string why;
    TG_CHECK(journal_.append({&work, 1}, why) == storage::AppendResult::durable);
  }
  void add_sale(Bytes& payload, int i) {
    fees::Event event;
    event.amount_minor = 1'000 + i % 50'000;
    event.business_date = *parse_date("2026-03-02");
    event.local_minute = i % 1440;
    event.facts.channel = fees::Channel::contact;
    event.facts.brand = *fees::Code::of("UNIONPAY");
    event.facts.funding = i % 2 == 0 ? fees::Funding::debit : fees::Funding::credit;
    event.facts.settlement = fees::Settlement::t1;
    event.facts.mcc = 5411;
    fees::Assessment priced;
    fees::assess(*schedule_, event, {}, priced);
    v1::Record intent, record;
    auto& in = *intent.mutable_intent();
    in.set_txn(static_cast<std::uint64_t>(i + 1));
    in.mutable_request()->set_digest(std::string(16, 'd'));
    in.mutable_request()->set_pan_token(std::string(16, 't'));
    in.mutable_request()->set_pan_masked("622848******1234");
    in.mutable_routing()->set_host("cup");
    in.set_schedule_hash(schedule_->content_hash());
    auto& outcome = *record.mutable_outcome();
    outcome.set_txn(static_cast<std::uint64_t>(i + 1));
    outcome.set_approved(true);
    outcome.set_response_code("00");
    const auto merchant = std::to_string(102'290'058'120'000 + i % 1'000);
    *outcome.mutable_receipt() =
        fees::testing::written(*schedule_, event, priced, {"10000001", merchant, "agent_1"});
    for (int e = 0; e < 3; ++e) outcome.add_entries(entry_bytes());
    storage::append_record(payload, intent);
    storage::append_record(payload, record);
  }

  fees::SchedulePtr schedule_ = price_list("0.006");
  storage::MemoryJournal journal_;
  Epoch epoch_;
};

const Stored& stored() {
  static const Stored kStored;
  return kStored;
}

void replay(benchmark::State& state, fees::SchedulePtr candidate) {
  ReplayOptions options;
  options.from = *parse_date("2026-01-01");
  options.to = *parse_date("2026-12-31");
  options.candidate = std::move(candidate);
  options.jobs = 1;
  const auto& journal = stored().journal();
  for (auto _ : state) {
    const auto result = replay_fees(journal, options);
    TG_CHECK(result && result->totals.rated == kSales && result->totals.differ == 0);
  }
  state.SetItemsProcessed(state.iterations() * kSales);
}

void ReplayUnderOwnSchedules(benchmark::State& state) {
  replay(state, nullptr);
}
BENCHMARK(ReplayUnderOwnSchedules)->Unit(benchmark::kMillisecond);

void ReplayUnderACandidate(benchmark::State& state) {
  replay(state, price_list("0.007"));
}
BENCHMARK(ReplayUnderACandidate)->Unit(benchmark::kMillisecond);

void ReadTheJournal(benchmark::State& state) {
  const auto& journal = stored().journal();
  std::uint64_t bytes = 0;
  for (auto _ : state)
    TG_CHECK(journal.read({1}, GroupNo{1}, [&](const storage::Group& group) {
      bytes += group.payload.size();
      return true;
    }));
  state.SetItemsProcessed(state.iterations() * kSales);
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}
BENCHMARK(ReadTheJournal)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tollgate::cli

BENCHMARK_MAIN();
