#include "storage/indexer.h"

#include <algorithm>
#include <condition_variable>
#include <thread>

#include "storage/index_keys.h"
#include "storage/recovery.h"
#include "switch/base/thread.h"

namespace tollgate::storage {

struct Indexer::State {
  State(const Journal& j, std::unique_ptr<IndexStore> s, IndexerOptions o)
      : journal(j), store(std::move(s)), options(std::move(o)), progress(std::size_t{j.partitions()} + 1) {}

  [[nodiscard]] Result<void> load();
  [[nodiscard]] Result<bool> belongs(PartitionId partition, const IndexProgress& at) const;
  void run();
  [[nodiscard]] Result<void> index_all();
  [[nodiscard]] Result<void> index_partition(PartitionId partition);
  [[nodiscard]] Result<void> write(PartitionId partition, const IndexProgress& reached);
  [[nodiscard]] bool stopping() const;
  [[nodiscard]] Result<void> wait_for(std::unique_lock<std::mutex>& lock, const std::vector<GroupNo>& target);
  [[nodiscard]] std::vector<GroupNo> heads() const;

  const Journal& journal;
  std::unique_ptr<IndexStore> store;
  IndexerOptions options;

  mutable std::mutex mutex;
  std::condition_variable wake, advanced;
  std::atomic<bool> news{false};
  bool closing = false, rebuild_wanted = false, urgent = false;  // urgent: somebody waits
  std::optional<Error> failed;
  std::vector<IndexProgress> progress;  // by partition
  RecordReader reader;                  // the thread's own
  std::vector<IndexKey> keys;
  std::thread thread;
};

Result<bool> Indexer::State::belongs(PartitionId partition, const IndexProgress& at) const {
  if (at.group.value == 0) return true;
  if (at.group > journal.head(partition).group) return false;
  bool same = false;
  const auto ok = journal.read(partition, at.group, [&](const Group& group) {
    same = group.hash == at.hash;
    return false;
  });
  if (!ok) return std::unexpected(ok.error());
  return same;
}

Result<void> Indexer::State::load() {
  for (std::uint32_t i = 0; i < progress.size(); ++i) {
    const PartitionId partition{static_cast<std::uint16_t>(i)};
    const auto stored = store->progress(partition);
    const auto same = stored ? belongs(partition, *stored) : Result<bool>(false);
    if (!same) return std::unexpected(same.error());
    if (!*same) {
      std::fill(progress.begin(), progress.end(), IndexProgress{});
      return store->clear();
    }
    progress[i] = *stored;
  }
  return {};
}

bool Indexer::State::stopping() const {
  const std::lock_guard lock(mutex);
  return closing || rebuild_wanted;
}

void Indexer::State::run() {
  std::unique_lock lock(mutex);
  while (!closing) {
    if (rebuild_wanted) {
      rebuild_wanted = false;
      std::fill(progress.begin(), progress.end(), IndexProgress{});
      failed.reset();
      news = true;
      lock.unlock();  // notify() must not wait for files to be deleted
      const auto cleared = store->clear();
      lock.lock();
      if (!cleared) failed = cleared.error();
    } else if (failed || !news) {
      wake.wait(lock, [&] { return closing || rebuild_wanted || (news && !failed); });
      // A little later there is more to sort together; who waits for it has it then too.
      wake.wait_for(lock, options.gather, [&] { return closing || rebuild_wanted || urgent; });
      continue;
    }
    news = urgent = false;
    if (!failed) {
      lock.unlock();
      const auto done = index_all();
      lock.lock();
      if (!done) failed = done.error();
    }
    if (failed && options.on_error) {
      const auto error = *failed;
      lock.unlock();
      options.on_error(error);
      lock.lock();
    }
    advanced.notify_all();
  }
}

Result<void> Indexer::State::index_all() {
  for (std::uint32_t i = 0; i < progress.size() && !stopping(); ++i) {
    if (auto ok = index_partition({static_cast<std::uint16_t>(i)}); !ok) return ok;
  }
  return {};
}

// In batches that end between two groups.
Result<void> Indexer::State::index_partition(PartitionId partition) {
  IndexProgress reached = progress[partition.value];  // only this thread changes it
  if (journal.head(partition).group <= reached.group) return {};
  keys.clear();
  std::optional<Error> stopped;
  const auto ok = journal.read(partition, {reached.group.value + 1}, [&](const Group& group) {
    bool parsed = true;
    const auto read = reader.read(group, [&](const v1::Record& record, const Position& position) {
      return parsed = extract_keys(record, position, keys);
    });
    if (!read) stopped = read.error();
    if (!parsed) stopped = Error{ErrorCode::damaged, {}, "a ledger entry does not parse"};
    if (stopped) return false;
    reached = {group.group, group.hash};
    if (keys.size() < options.batch_keys) return true;
    if (auto written = write(partition, reached); !written) stopped = written.error();
    return !stopped && !stopping();
  });
  if (stopped) return std::unexpected(std::move(*stopped));
  if (!ok) return ok;
  return write(partition, reached);
}

Result<void> Indexer::State::write(PartitionId partition, const IndexProgress& reached) {
  if (reached.group == progress[partition.value].group) return {};
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  auto done = store->write(keys, partition, reached);
  keys.clear();
  if (!done) return done;
  const std::lock_guard lock(mutex);
  progress[partition.value] = reached;
  advanced.notify_all();
  return {};
}

std::vector<GroupNo> Indexer::State::heads() const {
  std::vector<GroupNo> out;
  for (std::uint32_t i = 0; i < progress.size(); ++i)
    out.push_back(journal.head({static_cast<std::uint16_t>(i)}).group);
  return out;
}

Result<void> Indexer::State::wait_for(std::unique_lock<std::mutex>& lock,
                                      const std::vector<GroupNo>& target) {
  news = urgent = true;
  wake.notify_one();
  advanced.wait(lock, [&] {
    if (closing || (failed && !rebuild_wanted)) return true;
    return !rebuild_wanted && std::equal(target.begin(), target.end(), progress.begin(),
                                         [](GroupNo t, const IndexProgress& p) { return p.group >= t; });
  });
  if (failed) return std::unexpected(*failed);
  if (closing) return fail(ErrorCode::unavailable, "the indexer is closing");
  return {};
}

Indexer::Indexer(std::unique_ptr<State> state) : state_(std::move(state)) {
  state_->news = true;
  state_->thread = std::thread([s = state_.get()] {
    name_this_thread("tg-indexer");
    s->run();
  });
}

Result<std::unique_ptr<Indexer>> Indexer::start(const Journal& journal, std::unique_ptr<IndexStore> store,
                                                IndexerOptions options) {
  auto state = std::make_unique<State>(journal, std::move(store), std::move(options));
  if (auto ok = state->load(); !ok) return std::unexpected(ok.error());
  return std::unique_ptr<Indexer>(new Indexer(std::move(state)));
}

Indexer::~Indexer() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->closing = true;
  }
  state_->wake.notify_all();
  state_->advanced.notify_all();
  state_->thread.join();
}

void Indexer::notify() noexcept {
  if (state_->news.exchange(true)) return;
  { const std::lock_guard lock(state_->mutex); }  // the thread is either waiting or has yet to look at news
  state_->wake.notify_one();
}

Result<void> Indexer::catch_up() {
  const auto target = state_->heads();
  std::unique_lock lock(state_->mutex);
  return state_->wait_for(lock, target);
}

Result<void> Indexer::rebuild() {
  const auto target = state_->heads();
  std::unique_lock lock(state_->mutex);
  state_->rebuild_wanted = true;
  return state_->wait_for(lock, target);
}

GroupNo Indexer::indexed(PartitionId partition) const {
  const std::lock_guard lock(state_->mutex);
  return state_->progress.at(partition.value).group;
}

Result<v1::Record> Indexer::read_record(const Position& position) const {
  return storage::read_record(state_->journal, position);
}

namespace {

Indexer::Positions find(const IndexStore& store, const IndexKey& prefix) {
  std::vector<Position> out;
  const auto ok = store.scan(prefix.view(), key_past(prefix).view(), false, [&](ByteView key) {
    out.push_back(position_of(key));
    return out.size() < Indexer::kFindMax;
  });
  if (!ok) return std::unexpected(ok.error());
  return out;
}

}  // namespace

Indexer::Positions Indexer::find_by_rrn(std::uint64_t rrn) const {
  auto key = key_prefix(IndexKind::rrn);
  key.put64(rrn);
  return find(*state_->store, key);
}

Indexer::Positions Indexer::find_by_stan(ObjectId terminal, std::uint32_t batch, std::uint32_t stan) const {
  auto key = key_prefix(IndexKind::stan);
  key.put64(terminal.raw());
  key.put32(batch);
  key.put32(stan);
  return find(*state_->store, key);
}

Indexer::Positions Indexer::find_by_token(ByteView token) const {
  constexpr std::size_t kTokenSize = 16;
  if (token.size() != kTokenSize) return fail(ErrorCode::invalid, "a card token has 16 bytes");
  auto key = key_prefix(IndexKind::token);
  key.put(token);
  return find(*state_->store, key);
}

Indexer::Positions Indexer::find_txn(TxnId txn) const {
  auto key = key_prefix(IndexKind::txn);
  key.put64(txn.raw());
  return find(*state_->store, key);
}

Indexer::Positions Indexer::find_entries(PartitionId partition, EntrySeq after, std::size_t limit) const {
  auto prefix = key_prefix(IndexKind::entry);
  prefix.put16(partition.value);
  auto from = prefix;
  from.put64(after.value + 1);
  std::vector<Position> out;
  if (after.value == UINT64_MAX || limit == 0) return out;
  const auto ok = state_->store->scan(from.view(), key_past(prefix).view(), false, [&](ByteView key) {
    const auto position = position_of(key);
    if (out.empty() || out.back() != position) out.push_back(position);
    return out.size() < limit;
  });
  if (!ok) return std::unexpected(ok.error());
  return out;
}

Result<std::vector<TxnItem>> Indexer::list(const TxnQuery& query) const {
  auto prefix = key_prefix(query.terminal ? IndexKind::terminal_time : IndexKind::time);
  if (query.terminal) prefix.put64(query.terminal->raw());
  auto from = prefix, past = key_past(prefix);
  if (query.from) from.put64(order_of(query.from->us));
  if (query.past) {
    past = prefix;
    past.put64(order_of(query.past->us));
  }
  if (query.after) {  // the page goes on below the last item of the one before
    auto last = prefix;
    last.put64(order_of(query.after->at.us));
    put_position(last, query.after->position);
    past = std::min(past, last);
  }
  std::vector<TxnItem> out;
  if (query.limit == 0 || past <= from) return out;
  const auto ok = state_->store->scan(from.view(), past.view(), true, [&](ByteView key) {
    const auto time = load_be64(key.data() + key.size() - kPositionSize - 8);
    out.push_back({{time_of(time)}, position_of(key)});
    return out.size() < query.limit;
  });
  if (!ok) return std::unexpected(ok.error());
  return out;
}

}  // namespace tollgate::storage
