#include "storage/committer.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "storage/high_water_mark.h"
#include "switch/base/check.h"
#include "switch/base/thread.h"
#include "switch/base/time.h"

namespace tollgate::storage {

struct Committer::State {
  State(Journal& j, HighWaterMark* m, Hooks h)
      : journal(j), mark(m), hooks(std::move(h)), handed_in(std::size_t{j.partitions()} + 1) {}

  void run();
  void commit();
  void append(std::span<CommitWork> works, bool may_split);
  [[nodiscard]] bool advance_mark(std::span<const CommitWork> works);
  void finish(CommitWork& work, AppendResult result);
  void stop(AppendResult result, std::string why);

  Journal& journal;
  HighWaterMark* mark;
  Hooks hooks;

  std::mutex mutex;
  std::condition_variable work_ready, idle;
  std::vector<CommitWork> waiting;
  std::vector<bool> handed_in;  // by partition: one group at most is undecided
  std::uint64_t submitted = 0, decided = 0;
  bool asleep = false, closing = false, stopped = false;
  CommitStats stats;

  // The commit thread's own; kept so that their memory is used again.
  std::vector<CommitWork> batch;
  std::vector<GroupAppend> groups;
  std::vector<MarkEntry> entries;
  CommitStats delta;
  std::thread thread;
};

// Sleeps only when nothing is ready; what came in meanwhile is taken at once, all of it.
void Committer::State::run() {
  name_this_thread("tg-commit");
  prefer_short_slices();
  std::unique_lock lock(mutex);
  while (true) {
    while (waiting.empty() && !closing) {
      asleep = true;
      work_ready.wait(lock);
      asleep = false;
    }
    if (waiting.empty()) return;
    batch.clear();
    batch.swap(waiting);
    const auto taken = batch.size();
    const bool refused = stopped;
    lock.unlock();
    if (!refused) commit();
    lock.lock();
    decided += taken;
    idle.notify_all();
  }
}

void Committer::State::commit() {
  delta = {};
  append(batch, true);
  const std::lock_guard lock(mutex);
  stats.appends += delta.appends;
  stats.groups += delta.groups;
  stats.records += delta.records;
  stats.bytes += delta.bytes;
  stats.full += delta.full;
  stats.append_ns += delta.append_ns;
  stats.mark_ns += delta.mark_ns;
}

void Committer::State::append(std::span<CommitWork> works, bool may_split) {
  groups.clear();
  for (const auto& w : works) {
    groups.push_back({.partition = w.partition,
                      .epoch = w.epoch,
                      .group = w.group,
                      .records = w.records,
                      .payload = w.payload,
                      .cells = w.cells,
                      .essential = w.essential});
  }
  std::string why;
  const auto before = SystemClock::now().instant;
  const auto result = journal.append(groups, why);
  const auto after = SystemClock::now().instant;
  delta.append_ns += static_cast<std::uint64_t>((after - before).count());

  if (result == AppendResult::full && may_split) {
    // Below the watermark the essential groups of a mixed batch go on by themselves.
    const auto rest = std::partition(works.begin(), works.end(), [](const auto& w) { return w.essential; });
    if (rest != works.begin() && rest != works.end()) {
      append({works.begin(), rest}, false);
      works = {rest, works.end()};
    }
  }
  if (result == AppendResult::full) {
    delta.full += works.size();
  } else if (result == AppendResult::durable) {
    if (!advance_mark(works)) return;
    delta.mark_ns += static_cast<std::uint64_t>((SystemClock::now().instant - after).count());
    ++delta.appends;
    delta.groups += works.size();
    for (const auto& w : works) {
      delta.records += w.records;
      delta.bytes += w.payload.size();
    }
  } else {
    return stop(result, std::move(why));
  }
  for (auto& w : works) finish(w, result);
}

bool Committer::State::advance_mark(std::span<const CommitWork> works) {
  if (mark == nullptr) return true;
  entries.clear();
  for (const auto& w : works) entries.push_back({w.partition, w.group, journal.head(w.partition).hash});
  const auto done = mark->advance(entries);
  // The groups are durable, but without the mark nobody may hear of them.
  if (!done) stop(AppendResult::unknown, "the high-water mark: " + done.error().text());
  return done.has_value();
}

void Committer::State::finish(CommitWork& work, AppendResult result) {
  {
    const std::lock_guard lock(mutex);
    handed_in[work.partition.value] = false;
  }
  hooks.done(std::move(work), result);
}

void Committer::State::stop(AppendResult result, std::string why) {
  {
    const std::lock_guard lock(mutex);
    if (stopped) return;
    stopped = true;
  }
  if (hooks.stopped) hooks.stopped(result, std::move(why));
}

Committer::Committer(Journal& journal, HighWaterMark* mark, Hooks hooks)
    : state_(std::make_unique<State>(journal, mark, std::move(hooks))) {
  TG_CHECK(state_->hooks.done != nullptr);
  state_->thread = std::thread([s = state_.get()] { s->run(); });
}

Committer::~Committer() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->closing = true;
  }
  state_->work_ready.notify_one();
  state_->thread.join();
}

void Committer::submit(std::span<CommitWork> works) {
  if (works.empty()) return;
  auto& s = *state_;
  bool wake = false;
  {
    const std::lock_guard lock(s.mutex);
    for (auto& work : works) {
      TG_CHECK(work.partition.value < s.handed_in.size());
      if (!s.stopped) {
        TG_CHECK(!s.handed_in[work.partition.value]);  // the owner's promise: one group at a time
        s.handed_in[work.partition.value] = true;
      }
      s.waiting.push_back(std::move(work));
    }
    s.submitted += works.size();
    wake = s.asleep;
    s.asleep = false;  // one wake-up is enough
  }
  if (wake) s.work_ready.notify_one();
}

void Committer::drain() {
  std::unique_lock lock(state_->mutex);
  const auto until = state_->submitted;
  state_->idle.wait(lock, [&] { return state_->decided >= until; });
}

CommitStats Committer::stats() const {
  const std::lock_guard lock(state_->mutex);
  return state_->stats;
}

}  // namespace tollgate::storage
