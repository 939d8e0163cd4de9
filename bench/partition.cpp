// A durable sale's cost in the core alone: the real engine and partition with a journal that says durable at
// once and a host that answers at once, no sockets and no disk. One iteration is a batch of sales; the
// terminals' and the host's own work is not timed. items_per_second is what one core carries; the counters
// say on which event the nanoseconds of a sale fall.
#include <benchmark/benchmark.h>

#include <chrono>

#include "storage/memory_journal.h"
#include "switch/core/directory.h"
#include "switch/core/engine.h"
#include "switch/core/fold.h"
#include "switch/iso/framing.h"
#include "switch/sim/host.h"
#include "switch/sim/terminal.h"
#include "tests/core/estate.h"

namespace tollgate {
namespace {

constexpr std::uint32_t kTerminals = 512, kMerchants = 40;
constexpr std::uint16_t kPartitions = 4;

enum class Phase : std::uint8_t { request, intent_durable, host_answer, outcome_durable };
constexpr std::size_t kPhases = 4;

class Bench final : public core::Outside {
 public:
  // `keep`: the journal keeps what is written, so that it can be folded.
  explicit Bench(std::uint32_t transactions_max = 20'000, bool keep = false) : keep_(keep) {
    now_ = {Instant{1'000'000'000}, WallTime{1'795'255'200'000'000}};
    core::EngineConfig config;
    config.partitions = kPartitions;
    config.listeners.push_back({"pos", iso::Dialect::builtin("cup"), true});
    config.directory = std::make_shared<core::Directory>();
    config.connection_in_flight_max = kTerminals;
    config.transactions_max = transactions_max;
    config_ = config;
    const Bytes kek(32, 0x42);
    vault_ = std::make_shared<crypto::KeyVault>(crypto::KeyVault::from_kek(kek));
    engine_ = std::make_unique<core::Engine>(std::move(config), *this, chance_, vault_);
    TG_CHECK(engine_->recover_alone(journal_));
    engine_->start(now_);
    connection_ = engine_->on_terminal_open(0, now_);
    for (auto& what : test::house_commands({.links = 2, .host_in_flight_max = kTerminals}))
      order(kHouse, std::move(what));
    for (std::uint32_t m = 1; m <= kMerchants; ++m) to_partition(m, test::merchant_command(m));
    for (std::uint32_t t = 1; t <= kTerminals; ++t) {
      order(kHouse, test::device_command(t));
      to_partition(merchant_of(t), test::terminal_command(t, merchant_of(t), true));
      auto made = sim::SimTerminal::make({.tid = test::tid_of(t),
                                          .merchant_code = test::merchant_code_of(merchant_of(t)),
                                          .tmk = test::kTmk});
      TG_CHECK(made.has_value());
      terminals_.push_back(std::move(*made));
    }
    round([](sim::SimTerminal& terminal) { return terminal.sign_in(); });
  }

  void sales() {
    const sim::SaleOrder order{
        .card = sim::test_card(7), .amount = Amount::of(10'000).value(), .chip = std::nullopt};
    round([&](sim::SimTerminal& terminal) { return terminal.sale(order); });
  }
  [[nodiscard]] storage::Snapshot fold(PartitionId id) const {
    auto state = core::fold_apart(
        {.config = config_, .vault = vault_, .partition = id, .upto = journal_.head(id)}, journal_);
    TG_CHECK(state.has_value());
    return std::move(*state);
  }
  void write_down(PartitionId id, const storage::Snapshot& state) {
    TG_CHECK(journal_.put_snapshot(id, state).has_value());
  }
  std::array<std::int64_t, kPhases> spent{};  // ns since the last time it was taken
  std::uint64_t approved = 0, journal_bytes = 0;

 private:
  [[nodiscard]] static std::uint32_t merchant_of(std::uint32_t terminal) { return terminal % kMerchants + 1; }

  template <class What>
  void order(PartitionId partition, What&& what) {
    core::Command command;
    command.partition = partition;
    command.caller.principal = "bench";
    command.what = std::forward<What>(what);
    accepted_ = false;
    engine_->command(std::move(command), 1, now_);
    engine_->flush(now_);
    settle();
    TG_CHECK(accepted_);
  }
  void to_partition(std::uint32_t merchant, core::PartitionCommand what) {
    order(core::Engine::partition_of(test::merchant_code_of(merchant), kPartitions), std::move(what));
  }

  template <class Work>
  void timed(Phase phase, Work&& work) {
    const auto begun = std::chrono::steady_clock::now();
    work();
    spent[static_cast<std::size_t>(phase)] += (std::chrono::steady_clock::now() - begun).count();
  }

  // Every terminal sends one request; everything runs until it has its answer.
  template <class Build>
  void round(Build&& build) {
    requests_.clear();
    for (auto& terminal : terminals_) {
      const auto frame = build(terminal);
      requests_.insert(requests_.end(), frame.begin(), frame.end());
    }
    now_.instant.ns += 10'000'000;
    now_.wall.us += 10'000;
    replies_.clear();
    timed(Phase::request, [&] {
      TG_CHECK(engine_->on_terminal_bytes(*connection_, requests_, now_) == requests_.size());
      engine_->flush(now_);
    });
    settle();
    // Replies come in the order of the partitions, not of the requests: each terminal looks for its own.
    for (auto rest = ByteView(replies_); !rest.empty();) {
      const auto cut = iso::next_frame(dialect_->framing(), rest);
      TG_CHECK(cut.kind == iso::Cut::Kind::frame);
      iso::MessageView view;
      TG_CHECK(iso::decode(*dialect_, cut.frame, view).ok());
      const auto number = static_cast<std::uint32_t>(view.number(41).value()) - 10'000'000;
      const auto verdict = terminals_.at(number - 1).receive(cut.frame);
      TG_CHECK(verdict.code() == "00");
      ++approved;
      rest = rest.subspan(cut.consumed);
    }
  }

  void keep(const storage::CommitWork& work) {
    const storage::GroupAppend group{.partition = work.partition,
                                     .epoch = work.epoch,
                                     .group = work.group,
                                     .records = work.records,
                                     .payload = work.payload,
                                     .cells = work.cells};
    std::string why;
    TG_CHECK(journal_.append({&group, 1}, why) == storage::AppendResult::durable);
  }

  void settle() {
    while (!works_.empty() || !to_host_.empty() || !connecting_.empty()) {
      for (const auto link : std::exchange(connecting_, {})) engine_->on_link_up(link, now_);
      auto works = std::exchange(works_, {});
      if (!works.empty()) {
        for (const auto& work : works) {
          journal_bytes += work.payload.size();
          if (keep_) keep(work);
        }
        timed(replied_ ? Phase::outcome_durable : Phase::intent_durable, [&] {
          for (auto& work : works)
            engine_->on_committed(std::move(work), storage::AppendResult::durable, now_);
          engine_->flush(now_);
        });
        replied_ = false;
      }
      for (auto& [link, bytes] : std::exchange(to_host_, {})) {
        answers_.clear();
        for (auto rest = ByteView(bytes); !rest.empty();) {
          const auto cut = iso::next_frame(host_->dialect().framing(), rest);
          TG_CHECK(cut.kind == iso::Cut::Kind::frame);
          const auto step = host_->receive(cut.frame, now_.wall);
          answers_.insert(answers_.end(), step.reply.begin(), step.reply.end());
          rest = rest.subspan(cut.consumed);
        }
        timed(Phase::host_answer, [&, id = core::LinkId{link}] {
          TG_CHECK(engine_->on_link_bytes(id, answers_, now_) == answers_.size());
          engine_->flush(now_);
        });
        replied_ = true;
      }
    }
  }

  void send_terminal(const core::ConnRef&, ByteView bytes) override {
    replies_.insert(replies_.end(), bytes.begin(), bytes.end());
  }
  void close_terminal(const core::ConnRef&, core::CloseReason) override { TG_CHECK(false); }
  bool forward_frame(std::uint16_t, const core::ConnRef&, std::uint16_t, ByteView) override { return false; }
  void connect_link(core::LinkId link, std::string_view) override { connecting_.push_back(link); }
  void send_link(core::LinkId link, ByteView bytes) override {
    auto& to = to_host_[link.value];
    to.insert(to.end(), bytes.begin(), bytes.end());
  }
  void close_link(core::LinkId) override {}
  void submit(storage::CommitWork&& work) override { works_.push_back(std::move(work)); }
  void command_done(std::uint64_t, core::CommandResult&& result) override { accepted_ = result.ok(); }
  void publish_reference(std::shared_ptr<const core::Reference> reference,
                         std::function<void()> installed) override {
    engine_->on_reference(std::move(reference), now_);
    installed();
  }

  bool keep_ = false;
  Now now_;
  SeededChance chance_{7};
  core::EngineConfig config_;
  std::shared_ptr<crypto::KeyVault> vault_;
  storage::MemoryJournal journal_{kPartitions};
  std::unique_ptr<sim::SimHost> host_ = std::make_unique<sim::SimHost>(sim::SimHost::make({}, {}).value());
  std::unique_ptr<core::Engine> engine_;
  std::optional<core::ConnRef> connection_;
  std::vector<sim::SimTerminal> terminals_;
  std::vector<core::LinkId> connecting_;
  std::vector<storage::CommitWork> works_;
  std::map<std::uint32_t, Bytes> to_host_;
  Bytes requests_, replies_, answers_;
  std::shared_ptr<const iso::Dialect> dialect_ = iso::Dialect::builtin("cup");
  bool accepted_ = false, replied_ = false;
};

void sale(benchmark::State& state) {
  Bench bench;
  const auto before = bench.approved;
  std::array<std::int64_t, kPhases> all{};
  std::uint64_t bytes = 0;
  for (auto _ : state) {
    bench.spent = {};
    bench.journal_bytes = 0;
    bench.sales();
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < kPhases; ++i) {
      all[i] += bench.spent[i];
      sum += bench.spent[i];
    }
    bytes += bench.journal_bytes;
    state.SetIterationTime(static_cast<double>(sum) / 1e9);
  }
  const auto sales = static_cast<std::int64_t>(bench.approved - before);
  TG_CHECK(sales == static_cast<std::int64_t>(state.iterations() * kTerminals));
  state.SetItemsProcessed(sales);
  const auto each = [&](Phase phase) {
    return static_cast<double>(all[static_cast<std::size_t>(phase)]) / static_cast<double>(sales);
  };
  state.counters["ns_request"] = each(Phase::request);
  state.counters["ns_intent_durable"] = each(Phase::intent_durable);
  state.counters["ns_host_answer"] = each(Phase::host_answer);
  state.counters["ns_outcome_durable"] = each(Phase::outcome_durable);
  state.counters["journal_bytes"] = static_cast<double>(bytes) / static_cast<double>(sales);
}
BENCHMARK(sale)->UseManualTime()->Unit(benchmark::kMicrosecond);

// What a snapshot beside the traffic costs a sale, and a start: its two records are read from the journal and
// applied, and every transaction of the table is read from the last snapshot and written to the next one.
// behind:1 has all of it behind the last snapshot, behind:0 all of it in there.
void fold(benchmark::State& state) {
  const auto rounds = static_cast<std::uint32_t>(state.range(0)) / kTerminals + 1;
  const bool behind = state.range(1) != 0;
  Bench bench(rounds * kTerminals + kTerminals * 4, true);
  for (std::uint32_t i = 0; i < rounds; ++i) bench.sales();
  if (!behind)
    for (std::uint16_t p = 1; p <= kPartitions; ++p) bench.write_down({p}, bench.fold({p}));
  std::size_t bytes = 0;
  for (auto _ : state) {
    bytes = 0;
    for (std::uint16_t p = 1; p <= kPartitions; ++p) bytes += bench.fold({p}).state.size();
  }
  const auto sales = static_cast<double>(bench.approved);
  state.SetItemsProcessed(static_cast<std::int64_t>(bench.approved) * state.iterations());
  state.counters["ns/sale"] =
      benchmark::Counter(sales, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.counters["bytes/sale"] = static_cast<double>(bytes) / sales;
}
BENCHMARK(fold)->ArgNames({"sales", "behind"})->Args({20'000, 1})->Args({20'000, 0})->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tollgate

BENCHMARK_MAIN();
