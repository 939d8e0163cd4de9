#include "switch/cli/fees_replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <ostream>
#include <thread>

#include "storage/group.h"
#include "storage/recovery.h"
#include "switch/base/money.h"
#include "switch/cli/fees_replay_rating.h"
#include "switch/cli/fees_replay_state.h"

namespace tollgate::cli {
namespace {

constexpr auto kWriteEvery = std::chrono::seconds(5);

Result<Published> read_published(const storage::Journal& journal) {
  Published out;
  std::optional<Error> bad;
  const auto done = storage::read_records(
      journal, kHouse, GroupNo{1}, [&](const v1::Record& record, const storage::Position&) {
        if (!record.has_schedule_published()) return true;
        const auto& text = record.schedule_published();
        auto schedule = fees::load_schedule(text.canonical(), text.schedule_id());
        if (!schedule || (*schedule)->content_hash() != text.hash()) {
          bad = schedule ? Error{ErrorCode::damaged, text.schedule_id(), "not the hash it was published with"}
                         : schedule.error();
          return false;
        }
        out[std::string(as_text((*schedule)->digest()))] = std::move(*schedule);
        return true;
      });
  if (bad) return std::unexpected(std::move(*bad));
  if (!done) return std::unexpected(done.error());
  return out;
}

// What was asked of which store: a state of anything else must not be taken up.
std::string run_name(const storage::Journal& journal, const ReplayOptions& options) {
  const auto identity = journal.identity();
  return fmt::format("store {} generation {} from {} to {} schedule {} merchants {}",
                     to_hex(ByteView(identity.id.data(), identity.id.size())), identity.generation,
                     format_date(options.from), format_date(options.to),
                     options.candidate ? options.candidate->content_hash() : "own",
                     fmt::join(options.merchants, ","));
}

class Replay {
 public:
  Replay(const storage::Journal& journal, const ReplayOptions& options)
      : journal_(journal), options_(options) {}

  Result<ReplayResult> run() {
    auto published = read_published(journal_);
    if (!published) return std::unexpected(published.error());
    published_ = std::move(*published);
    state_.run = run_name(journal_, options_);
    state_.partitions.resize(journal_.partitions());
    if (auto taken = take_up(); !taken) return std::unexpected(taken.error());
    for (std::uint16_t p = 1; p <= journal_.partitions(); ++p)
      result_.groups += journal_.head({p}).group.value;
    for (const auto& partition : state_.partitions) result_.resumed += partition.next.value - 1;
    groups_read_ = result_.resumed;
    read_all();
    if (error_) return std::unexpected(std::move(*error_));
    for (const auto& partition : state_.partitions) result_.totals.add(partition.totals);
    result_.stopped = stop_;
    if (options_.state_file.empty()) return std::move(result_);
    if (stop_) {
      if (auto written = write_state(options_.state_file, state_); !written)
        return std::unexpected(written.error());
    } else {
      (void)std::remove(options_.state_file.c_str());
    }
    return std::move(result_);
  }

 private:
  Result<void> take_up() {
    if (options_.state_file.empty()) return {};
    auto state = read_state(options_.state_file);
    if (!state && state.error().code == ErrorCode::not_found) return {};
    if (!state) return std::unexpected(state.error());
    if (state->run != state_.run || state->partitions.size() != state_.partitions.size())
      return fail(ErrorCode::conflict,
                  "the state of another run (" + state->run + "); remove it to begin again",
                  options_.state_file);
    state_ = std::move(*state);
    return {};
  }

  void read_all() {
    std::atomic<std::uint16_t> next{0};
    const unsigned cores =
        options_.jobs != 0 ? options_.jobs : std::max(1U, std::thread::hardware_concurrency());
    const auto work = [&] {
      for (std::uint16_t p; !stop_ && (p = next++) < journal_.partitions();)
        if (auto done = read_partition(p); !done) {
          const std::lock_guard lock(mutex_);
          if (!error_) error_ = done.error();
          stop_ = true;
        }
    };
    std::vector<std::thread> threads;
    for (unsigned i = 1; i < std::min<unsigned>(cores, journal_.partitions()); ++i)
      threads.emplace_back(work);
    work();
    for (auto& thread : threads) thread.join();
  }

  // What is proven here is the price of every sale; the chain over the bytes is `ledger verify`'s.
  template <class Visit>
  Result<void> each_group(PartitionId id, GroupNo from, Visit visit) {
    std::optional<Error> bad;
    auto done = journal_.read(
        id, from,
        [&](const storage::Group& group) {
          const auto go_on = visit(group);
          if (!go_on)
            bad = Error{ErrorCode::damaged, storage::group_place(id, group.group), "a record does not read"};
          return go_on && !stop_;
        },
        storage::Proof::links);
    if (bad) return std::unexpected(std::move(*bad));
    return done;
  }

  Result<void> read_partition(std::uint16_t index) {
    const PartitionId id{static_cast<std::uint16_t>(index + 1)};
    auto& state = state_.partitions[index];
    Undone undone;
    Rating rating(options_, published_, undone, state.totals);
    auto next = state.next;
    if (next > journal_.head(id).group) return {};
    if (options_.candidate != nullptr) {
      if (auto done = each_group(id, GroupNo{1}, [&](const auto& group) { return undone.read(group); });
          !done)
        return done;
      if (next.value > 1 && undone.any_referred()) {
        auto done = journal_.read(
            id, GroupNo{1},
            [&](const storage::Group& group) {
              return group.group < next &&
                     each_outcome(group, [&](const OutcomeBytes& outcome) { rating.recollect(outcome); });
            },
            storage::Proof::links);
        if (!done) return done;
      }
      if (stop_) return {};
    }
    std::uint32_t unsaved = 0;
    auto done = each_group(id, next, [&](const storage::Group& group) {
      if (!each_outcome(group, [&](const OutcomeBytes& outcome) { rating.rate(outcome, group); }))
        return false;
      next.value = group.group.value + 1;
      ++groups_read_;
      if (++unsaved < options_.save_every) return true;
      unsaved = 0;
      save(state, next, rating.totals());
      return true;
    });
    if (done) save(state, next, rating.totals());
    return done;
  }

  void save(ReplayedPartition& state, GroupNo next, const ReplayTotals& totals) {
    const std::lock_guard lock(mutex_);
    rated_ += totals.rated - state.totals.rated;
    state.next = next;
    state.totals = totals;
    if (options_.progress && !options_.progress({groups_read_, result_.groups, rated_})) stop_ = true;
    const auto now = std::chrono::steady_clock::now();
    if (options_.state_file.empty() || stop_ || now - written_ < kWriteEvery) return;
    // A state that cannot be written costs the way back, not the run.
    (void)write_state(options_.state_file, state_);
    written_ = std::chrono::steady_clock::now();
  }

  const storage::Journal& journal_;
  const ReplayOptions& options_;
  Published published_;
  std::mutex mutex_;  // state_, error_, rated_, written_ while threads run
  ReplayState state_;
  std::optional<Error> error_;
  std::uint64_t rated_ = 0;
  std::chrono::steady_clock::time_point written_ = std::chrono::steady_clock::now();
  std::atomic<std::uint64_t> groups_read_{0};
  std::atomic<bool> stop_{false};
  ReplayResult result_;
};

void add_sums(std::map<ReplayKey, ReplaySums>& to, const std::map<ReplayKey, ReplaySums>& from) {
  for (const auto& [key, more] : from) {
    auto& sums = to[key];
    sums.receipts += more.receipts;
    sums.before += more.before;
    sums.after += more.after;
    sums.net_before += more.net_before;
    sums.net_after += more.net_after;
  }
}

void print_sums(std::string_view what, const std::map<ReplayKey, ReplaySums>& all, bool net,
                std::ostream& out) {
  out << fmt::format("{:<32} {:>8} {:>12} {:>20} {:>20} {:>20}", what, "currency", "receipts", "before",
                     "after", "change");
  out << (net ? fmt::format(" {:>20}\n", "net change") : "\n");
  for (const auto& [key, s] : all) {
    const auto money = [](Int128 minor) { return to_decimal(Balance{minor}); };
    out << fmt::format("{:<32} {:>8} {:>12} {:>20} {:>20} {:>20}", key.first,
                       currency_code(Currency{key.second}), s.receipts, money(s.before), money(s.after),
                       money(s.after - s.before));
    out << (net ? fmt::format(" {:>20}\n", money(s.net_after - s.net_before)) : "\n");
  }
}

}  // namespace

void ReplayTotals::add(const ReplayTotals& other) {
  rated += other.rated;
  differ += other.differ;
  undone += other.undone;
  other_currency += other.other_currency;
  add_sums(merchants, other.merchants);
  add_sums(components, other.components);
  for (const auto& text : other.differences)
    if (differences.size() < kDifferencesShown) differences.push_back(text);
}

Result<ReplayResult> replay_fees(const storage::Journal& journal, const ReplayOptions& options) {
  return Replay(journal, options).run();
}

int print_replay(const ReplayResult& result, const ReplayOptions& options, std::ostream& out) {
  const auto& t = result.totals;
  const bool own = options.candidate == nullptr;
  for (const auto& text : t.differences) out << "[-] " << text << '\n';
  if (t.differ > t.differences.size()) out << "    and " << t.differ - t.differences.size() << " more\n";
  if (!own || t.differ > 0) {
    print_sums("merchant", t.merchants, true, out);
    print_sums("component", t.components, false, out);
    out << "amounts in minor units; fees with tax on top\n";
  }
  if (!own)
    out << fmt::format("{} left out because a void or reversal undid them, {} of another currency\n",
                       t.undone, t.other_currency);
  if (result.stopped) out << "stopped; the same command goes on from the state file\n";
  out << fmt::format("{} rated {} from {} to {}: {} passed, {} failed\n", t.rated,
                     own ? "under their own schedules" : "under " + options.candidate->label(),
                     format_date(options.from), format_date(options.to),
                     t.rated - std::min(t.rated, t.differ), t.differ);
  return t.differ == 0 && !result.stopped ? 0 : 1;
}

}  // namespace tollgate::cli
