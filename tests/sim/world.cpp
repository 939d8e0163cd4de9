#include "tests/sim/world.h"

#include <fmt/format.h>

#include <algorithm>

// Time, chance, and the life of a world. The process is in world_process.cpp, what surrounds it in
// world_peers.cpp.
namespace tollgate::test {
namespace {

constexpr std::int64_t kStart = 1'795'255'200'000'000;  // 2026-11-21T10:00:00Z
constexpr std::int64_t kDay = 86'400'000'000;

}  // namespace

SimReport simulate(const SimOptions& options) {
  World world(options);
  return world.run();
}

World::World(const SimOptions& options)
    : options_(options),
      chance_(options.seed),
      engine_chance_(options.seed ^ 0x5DEECE66DULL),
      auditor_((make_weather(), weather_.partitions)) {
  now_.instant = begin_ = last_tick_ = Instant{1'000'000'000};
  now_.wall = WallTime{kStart + static_cast<std::int64_t>(pick(0, 60)) * kDay +
                       static_cast<std::int64_t>(pick(0, 86'399)) * 1'000'000};
  const Bytes kek(32, 0x42);
  vault_ = std::make_shared<crypto::KeyVault>(crypto::KeyVault::from_kek(kek));
  store_ = std::make_shared<storage::MemoryStore>(weather_.partitions, storage::StoreIdentity{{7}, 1});
}

World::~World() = default;

// Each kind of trouble is absent from a third of all worlds: where everything goes wrong at once, some bugs
// hide others.
void World::make_weather() {
  const auto maybe = [&](std::uint64_t high) { return pick(0, 2) == 0 ? 0 : pick(1, high); };
  auto& w = weather_;
  w.partitions = static_cast<std::uint16_t>(pick(2, 4));
  w.links = static_cast<std::uint32_t>(pick(1, 2));
  w.terminals = static_cast<std::uint32_t>(pick(6, 12));
  w.host_in_flight_max = hits(300) ? 1 : static_cast<std::uint32_t>(pick(2, 16));
  w.in_flight_max = hits(200) ? static_cast<std::uint32_t>(pick(1, 3)) : 64;
  w.timeout_ms = static_cast<std::uint32_t>(pick(3, 12)) * 1'000;
  w.split = maybe(500);
  w.stall = maybe(30);
  w.repeat = maybe(150);
  w.impatient = maybe(300);
  w.slow_commit = maybe(60);
  w.unknown = maybe(6);
  w.full = maybe(10);
  w.crash_before = maybe(8);
  w.crash_after = maybe(8);
  w.gusts = maybe(1000);
  w.until = std::chrono::seconds(pick(60, 120));
}

void World::to_process_at(Instant when, std::function<void()> run) {
  at(when, [this, life = life_, run = std::move(run)] {
    if (life != life_ || engine_ == nullptr) return;
    run();
  });
}

// Every event goes into the hash, readable or not; the trace is for people.
void World::note(std::string_view what, ByteView bytes, std::string_view who) {
  const auto mix = [&](std::uint64_t value) { hash_ = (hash_ ^ value) * 1099511628211ULL; };
  mix(static_cast<std::uint64_t>(now_.instant.ns));
  for (const char c : what) mix(static_cast<std::uint8_t>(c));
  for (const auto b : bytes) mix(b);
  if (options_.trace == nullptr) return;
  fmt::print(options_.trace, "{:>10.6f}  {:<28} {:<12} {}\n",
             static_cast<double>((now_.instant - begin_).count()) / 1e9, what, who, to_hex(bytes));
}

void World::step() {
  auto deadline = Instant{INT64_MAX};
  if (engine_ != nullptr)
    deadline = std::max(engine_->next_deadline(), last_tick_ + std::chrono::milliseconds(1));
  const bool tick = events_.empty() || deadline < events_.top().at;
  const auto next = std::max(now_.instant, tick ? deadline : events_.top().at);
  now_.wall.us += (next.ns - now_.instant.ns) / 1000;
  now_.instant = next;
  if (tick) {
    last_tick_ = next;
    engine_->on_time(now_);
  } else {
    const auto run = events_.top().run;
    events_.pop();
    run();
  }
  if (engine_ != nullptr) engine_->flush(now_);
}

SimReport World::run() {
  boot();
  if (!estate()) auditor_.violated("estate", "a command of the estate was refused");
  for (std::size_t i = 0; i < terminals_.size(); ++i) after(between_us(0, 2'000'000), [this, i] { act(i); });
  calm_ = false;
  after(std::chrono::seconds(1), [this] { gust(); });
  const auto end = now_.instant + weather_.until;
  while (auditor_.violation().empty() && now_.instant < end) step();
  if (auditor_.violation().empty()) heal();
  if (auditor_.violation().empty()) settle();
  SimReport report{auditor_.violation(), hash_, now_.instant - begin_, std::move(tally_)};
  return report;
}

// Everything works again; operators let everybody trade; terminals only finish what they owe.
void World::heal() {
  calm_ = true;
  note("heal");
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    hosts_[i].silent = false;
    hosts_[i].slow = {};
    host_down(i, false);
  }
  const auto deadline = now_.instant + std::chrono::minutes(20);
  while (auditor_.violation().empty() && now_.instant < deadline && !quiet()) {
    const auto round = now_.instant + std::chrono::seconds(2);
    if (engine_ != nullptr) operate();
    while (auditor_.violation().empty() && now_.instant < round) step();
  }
  if (auditor_.violation().empty() && !quiet()) {
    std::string who;
    for (const auto& pos : terminals_)
      if (pos->sim.busy() || pos->sim.owes_reversal()) who += " " + pos->tid;
    auditor_.violated("P3",
                      fmt::format("twenty minutes after everything was healed, {} reversals are owed, {} "
                                  "requests are in flight, terminals are busy:{}",
                                  engine_->counters().reversals_owed, engine_->counters().in_flight, who));
  }
}

bool World::quiet() const {
  const auto resolved = [](const auto& pos) { return !pos->sim.busy() && !pos->sim.owes_reversal(); };
  return engine_ != nullptr && engine_->idle() && engine_->counters().reversals_owed == 0 &&
         commits_.empty() && std::ranges::all_of(terminals_, resolved);
}

void World::settle() {
  // What the network still held back: a request that arrives long after its terminal gave up changes nothing.
  const auto late = now_.instant + std::chrono::seconds(90);
  while (auditor_.violation().empty() && (now_.instant < late || !quiet())) step();
  auditor_.settle_owed();
  for (const auto& pos : terminals_)
    for (const auto& promise : pos->sim.journal()) {
      auditor_.settle_terminal(pos->tid, promise);
      count(fmt::format("promise {}", sim::name(promise.state)));
      count(fmt::format("kind {}", iso::name(promise.kind)));
    }
  for (const auto& host : hosts_) {
    auditor_.settle_host(host.name, host.sim->books());
    tally_["host late original"] += host.sim->books().totals().late_originals;
    tally_["host reversal of unknown"] += host.sim->books().totals().unknown_reversals;
    tally_["host answers late"] += host.sim->books().totals().late;
    tally_["host answers twice"] += host.sim->books().totals().twice;
    tally_["host never answers"] += host.sim->books().totals().unanswered;
  }
  compare_books();
  crash("last");  // and what recovery makes of it is the same
  while (auditor_.violation().empty() && engine_ == nullptr) step();
  const auto& seen = auditor_.seen();
  const std::pair<const char*, std::uint64_t> rows[] = {
      {"reply", seen.replies},
      {"approval", seen.approvals},
      {"repeat compared", seen.repeats_compared},
      {"request upstream", seen.host_requests},
      {"reversal upstream", seen.host_reversals},
      {"entry", seen.entries},
      {"fee recomputed", seen.fees_checked},
      {"volume of a sale", seen.volumes_checked},
      {"volume above zero", seen.volumes_not_zero},
      {"void booked", seen.voids},
      {"entry mirrored by a reversal", seen.reversed_entries},
      {"reversal settled", seen.reversals_settled},
      {"refusal in suspension", seen.refusals_in_suspension},
      {"reversal or session served", seen.tombstones},
      {"late reply recorded", seen.late_replies},
      {"owed: timeout", seen.causes[1]},
      {"owed: terminal", seen.causes[2]},
      {"owed: crash", seen.causes[3]},
      {"owed: link lost", seen.causes[4]},
      {"promise settled", seen.promises},
      {"host entry settled", seen.host_entries}};
  for (const auto& [name, times] : rows) tally_[name] += times;
}

}  // namespace tollgate::test
