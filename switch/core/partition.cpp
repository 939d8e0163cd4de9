#include "switch/core/partition.h"

#include <fmt/format.h>

#include <algorithm>

#include "switch/base/check.h"

namespace tollgate::core {
namespace {

constexpr std::size_t kDayKeysKept = 8;  // a clock is not set back further than that
constexpr Duration kFullRetry = std::chrono::milliseconds(200);
constexpr std::uint64_t kRrnRange = 1'000'000'000;  // 12 digits: 3 of the partition, 9 that count

std::string pan_cell(PartitionId id, std::uint64_t group) { return fmt::format("pan/{}/{:020}", id.value, group); }
std::string day_cell(PartitionId id, BusinessDate day) { return fmt::format("day/{}/{}", id.value, day.days); }

}  // namespace

Partition::Partition(WorkerContext& worker, PartitionId id, Epoch epoch)
    : w_(worker), scratch_(worker.scratch), id_(id), epoch_(epoch), txns_(worker.config.transactions_max), slots_(worker.config.in_flight_max, worker.config.connection_in_flight_max) {
  hosts_.emplace_back();
  subs_.emplace_back();
  sub_index_.emplace(std::string(), 0);
}

Partition::~Partition() = default;

std::uint16_t Partition::intern(std::string_view host) {
  const auto it = std::ranges::find(hosts_, host);
  if (it != hosts_.end()) return static_cast<std::uint16_t>(it - hosts_.begin());
  hosts_.emplace_back(host);
  return static_cast<std::uint16_t>(hosts_.size() - 1);
}

std::uint32_t Partition::intern_sub(std::string_view sub) {
  if (const auto it = sub_index_.find(sub); it != sub_index_.end()) return it->second;
  subs_.emplace_back(sub);
  return sub_index_.emplace(std::string(sub), static_cast<std::uint32_t>(subs_.size() - 1)).first->second;
}

std::uint64_t Partition::take_rrn() {
  return id_.value * kRrnRange + next_rrn_ % kRrnRange;  // next_rrn_ moves when the record that names it is applied
}

// What the clock says is worked out once a second.
void Partition::read_clock() {
  const auto second = w_.now.wall.us / 1'000'000;
  if (second == clock_second_) return;
  clock_second_ = second;
  today_ = w_.day.date(w_.now.wall);
  const auto here = w_.day.local(w_.now.wall);
  const auto date = calendar(here.date);
  local_text_ = fmt::format("{:02}{:02}{:02}{:02}{:02}", here.second_of_day / 3600, here.second_of_day / 60 % 60, here.second_of_day % 60, date.month,
                            date.day);
}

BusinessDate Partition::today() {
  read_clock();
  return today_;
}

// hhmmssMMDD of the switch's clock, as fields 12 and 13 carry it.
const std::string& Partition::local_time() {
  read_clock();
  return local_text_;
}

// ---- groups ----------------------------------------------------------------------------------------------------------

void Partition::call_after(std::function<void()> call) {
  After after;
  after.kind = After::Kind::call;
  after.call = static_cast<std::uint32_t>(gathering_.calls.size());
  gathering_.calls.push_back(std::move(call));
  gathering_.after.push_back(after);
}

// One key a day, for as long as its store lives: a second one in its place, made after a restart or when the clock was set
// back over midnight, would leave what the first had sealed closed for ever.
const crypto::DayKey& Partition::day_key(GroupBuffer& group) {
  const auto today = w_.day.date(w_.now.wall);
  const auto known = std::ranges::find(day_keys_, today, [](const auto& key) { return key.day(); });
  if (known != day_keys_.end()) return *known;
  auto fresh = w_.vault.create_day_key(today, w_.chance);
  group.cells.push_back({day_cell(id_, today), std::move(fresh.sealed)});
  return keep_day_key(std::move(fresh.key));
}

const crypto::DayKey& Partition::keep_day_key(crypto::DayKey key) {
  if (day_keys_.size() == kDayKeysKept) day_keys_.erase(day_keys_.begin());
  return day_keys_.emplace_back(std::move(key));
}

// One cell for all card numbers of a group: 4 bytes day, then the sealed batch.
void Partition::seal_pans(GroupBuffer& group, GroupNo number) {
  if (group.pans.empty()) return;
  const auto& key = day_key(group);
  Bytes cell(4);
  store_be32(cell.data(), static_cast<std::uint32_t>(key.day().days));
  key.seal(pan_cell(id_, number.value), group.pans, w_.chance, cell);
  group.cells.push_back({pan_cell(id_, number.value), std::move(cell)});
}

void Partition::close_pan(Txn& txn) {
  if (txn.pan_group == 0) return;
  const auto it = pan_open_.find(txn.pan_group);
  if (it != pan_open_.end() && --it->second == 0) {
    if (!replaying_) gathering_.cells.push_back({pan_cell(id_, it->first), std::nullopt});
    pan_open_.erase(it);
  }
  txn.pan_group = 0;
}

// What became durable leaves, what gathered goes to the journal.
void Partition::flush() {
  release();
  if (again_ && w_.now.instant >= again_at_) {
    w_.outside.submit(std::move(*again_));
    again_.reset();
  }
  submit_next();
  if (committing_ || gathering_.empty()) return;
  // Answers that were given before: they rest on records that are durable, for nothing is on its way.
  std::swap(gathering_, durable_);
  release();
}

// One group at a time is on its way.
void Partition::submit_next() {
  if (committing_ || (gathering_.records == 0 && gathering_.cells.empty())) return;
  if (gathering_.records == 0) {  // cells only: the record says what changed
    v1::VaultChanged changed;
    changed.set_key(gathering_.cells.front().key);
    changed.set_destroyed(!gathering_.cells.front().value.has_value());
    gathering_.append(w_.now.wall.us, 71, changed);
  }
  seal_pans(gathering_, next_group_);
  std::swap(gathering_, in_commit_);
  committing_ = true;
  storage::CommitWork work{id_, epoch_, next_group_, in_commit_.records, std::move(in_commit_.payload), std::move(in_commit_.cells),
                           w_.storage_full};
  next_group_ = GroupNo{next_group_.value + 1};
  w_.counters.records += work.records;
  ++w_.counters.groups;
  w_.outside.submit(std::move(work));
}

void Partition::on_committed(storage::CommitWork&& work, storage::AppendResult result) {
  TG_CHECK(committing_);
  if (result == storage::AppendResult::full) {  // nothing was written: the same group goes in again when there is room
    ++w_.counters.journal_full;
    w_.storage_full = true;
    again_ = std::move(work);
    again_->essential = true;  // no new work is taken any more; what was taken must end
    again_at_ = w_.now.instant + kFullRetry;
    return;
  }
  TG_CHECK(result == storage::AppendResult::durable);
  release();  // a group before this one that flush() has not come to
  in_commit_.payload = std::move(work.payload);  // the buffer comes back
  std::swap(in_commit_, durable_);
  committing_ = false;
  // First the next group, then what this one allows (at flush): the disk works while the answers are sent.
  submit_next();
}

// Everything that the group in durable_ decided may leave now, in the order in which it was decided.
void Partition::release() {
  // A commit has passed since they were decided: what each needs is fetched while those before it are sent.
  constexpr std::size_t kAhead = 4;
  const auto& effects = durable_.after;
  const auto expect = [&](std::size_t i) {
    if (i < effects.size() && effects[i].kind == After::Kind::send_request) w_.links.expect(effects[i].place);
  };
  for (std::size_t i = 0; i < kAhead; ++i) expect(i);
  for (std::size_t i = 0; i < effects.size(); ++i) {
    expect(i + kAhead);
    const auto& after = effects[i];
    switch (after.kind) {
      case After::Kind::send_request:
        w_.links.send(after.place, durable_.frame_of(after), w_.now);
        break;
      case After::Kind::send_reversal:
        send_reversal(after.txn);
        break;
      case After::Kind::reply:
        w_.outside.send_terminal(after.connection, durable_.frame_of(after));
        w_.counters.duration.record((w_.now.instant - after.received).count());
        ++w_.counters.replies;
        break;
      case After::Kind::call:
        durable_.calls[after.call]();
        break;
    }
  }
  durable_.clear();
}

void Partition::reply(const ConnRef& connection, const iso::Dialect& dialect, const iso::MessageView& request, const Reply& reply,
                      Instant received) {
  const auto frame = encode_reply(dialect, request, reply, gathering_.room_for_frame());
  if (w_.config.test.answer_before_commit) {
    w_.outside.send_terminal(connection, frame);
    wipe(gathering_.room_for_frame().data(), frame.size());
    return;
  }
  After after;
  after.kind = After::Kind::reply;
  after.connection = connection;
  after.received = received;
  gathering_.add_frame(after, frame);
}

// ---- recovery --------------------------------------------------------------------------------------------------------

Result<void> Partition::open_cells(const storage::Journal& journal) {
  for (auto& terminal : terminals_) {
    const auto& t = terminal->terminal;
    if (t.tmk_generation() == 0) continue;
    const auto context = fmt::format("tmk/{}/{}", t.id(), t.tmk_generation());
    const auto cell = journal.cell(fmt::format("tmk/{}", t.id()));
    if (!cell) return std::unexpected(cell.error());
    if (!*cell) return fail(ErrorCode::damaged, "the terminal master key of " + t.tid() + " is missing", "vault");
    auto tmk = w_.vault.open_tmk(context, **cell);
    if (!tmk) return std::unexpected(tmk.error());
    terminal->tmk = std::make_unique<crypto::Tmk>(std::move(*tmk));
    if (terminal->key_generation == 0) continue;
    auto sealed = journal.cell(fmt::format("wk/{}", t.id()));
    if (!sealed) return std::unexpected(sealed.error());
    if (!*sealed) return fail(ErrorCode::damaged, "the working keys of " + t.tid() + " are missing", "vault");
    auto keys = w_.vault.restore_working_keys(fmt::format("wk/{}/{}", t.id(), terminal->key_generation), **sealed);
    if (!keys) return std::unexpected(keys.error());
    terminal->keys = std::make_unique<crypto::WorkingKeys>(std::move(*keys));
    terminal->sealed_keys = std::move(**sealed);
  }
  // Card numbers of what is open or owed.
  for (auto& [group, open] : pan_open_) {
    const auto cell = journal.cell(pan_cell(id_, group));
    if (!cell) return std::unexpected(cell.error());
    if (!*cell || (*cell)->size() < 4) continue;  // the reversal goes out without a card number
    const BusinessDate day{static_cast<std::int32_t>(load_be32((*cell)->data()))};
    const auto key_cell = journal.cell(day_cell(id_, day));
    if (!key_cell) return std::unexpected(key_cell.error());
    if (!*key_cell) continue;
    auto key = w_.vault.open_day_key(day, **key_cell);
    if (!key) return std::unexpected(key.error());
    auto pans = key->open(pan_cell(id_, group), ByteView(**cell).subspan(4));
    if (!pans) return std::unexpected(pans.error());
    for (auto& pair : *pans)
      if (const auto index = txns_.find_id(pair.id); index != kNoTxn && txns_[index].pan_group == group) owed_[pair.id.raw()].pan = std::move(pair.pan);
    if (std::ranges::find(day_keys_, day, [](const auto& kept) { return kept.day(); }) == day_keys_.end()) (void)keep_day_key(std::move(*key));
  }
  return {};
}

void Partition::start() {
  replaying_ = false;
  // An intent without an outcome: the host may have approved it. It is owed a reversal (DESIGN, decision 4).
  std::vector<TxnIndex> open;
  txns_.each([&](TxnIndex index, const Txn& txn) {
    if (txn.state == TxnState::authorizing) open.push_back(index);
  });
  for (const auto index : open) owe(index, v1::ReversalOwed::CRASH, "98");
  // Entries that hold a card number of something that is not owed after all are dropped; the others wait for their host.
  std::vector<std::uint64_t> idle;
  for (auto& [raw, owed] : owed_) {
    if (owed.cause == v1::ReversalOwed::CAUSE_NONE) idle.push_back(raw);
    else if (std::ranges::find(open, txns_.find_id(TxnId(raw))) == open.end()) owed.durable = true;
  }
  for (const auto raw : idle) owed_.erase(raw);
  flush();
}

void Partition::on_time() {
  end_holds();
  if (retries_.empty()) return;
  auto due = std::ranges::partition(retries_, [&](const auto& r) { return r.first > w_.now.instant; });
  std::vector<TxnIndex> now_due;
  for (const auto& [at, index] : due) now_due.push_back(index);
  retries_.erase(due.begin(), due.end());
  for (const auto index : now_due) {
    if (const auto it = owed_.find(txns_[index].id.raw()); it != owed_.end()) it->second.queued = false;
    send_reversal(index);
  }
}

}  // namespace tollgate::core
