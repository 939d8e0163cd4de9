#include "switch/admin/transaction_reader.h"

#include <algorithm>
#include <tuple>

#include "switch/admin/record_reader.h"

namespace tollgate::admin {
namespace {

// How far behind a first record later ones are looked for, where the index does not reach.
constexpr std::uint64_t kFollowGroups = 2'000;

TxnRow row_of(const v1::Request& request, std::uint64_t id, std::int64_t at_us, GroupNo group) {
  TxnRow row;
  row.id = TxnId(id);
  row.at.us = at_us;
  row.group = group;
  row.terminal = ObjectId(request.terminal());
  row.amount_minor = request.amount_minor();
  row.original = TxnId(request.original());
  row.stan = request.stan();
  row.batch = request.batch();
  row.kind = request.kind();
  row.mti = request.mti();
  row.currency = request.currency();
  row.brand = request.brand();
  row.pan_masked = request.pan_masked();
  row.pan_token = request.pan_token();
  return row;
}

void apply_outcome(TxnRow& row, const v1::Outcome& outcome, std::int64_t at_us) {
  row.response_code = outcome.response_code();
  row.outcome = outcome.approved() ? TxnOutcome::approved : TxnOutcome::declined;
  row.duration_us = at_us - row.at.us;
  if (outcome.approved_minor() != 0) row.amount_minor = outcome.approved_minor();
}

void apply_owed(TxnRow& row, const v1::ReversalOwed& owed, std::int64_t at_us) {
  row.reversal = "owed";
  if (!owed.answered().empty()) row.response_code = owed.answered();
  if (row.duration_us < 0) row.duration_us = at_us - row.at.us;
  switch (owed.cause()) {
    case v1::ReversalOwed::TIMEOUT:
    case v1::ReversalOwed::LINK_LOST:
      row.outcome = TxnOutcome::timeout;
      break;
    case v1::ReversalOwed::CRASH:
      row.outcome = TxnOutcome::unknown;
      break;
    default:
      row.outcome = TxnOutcome::reversed;
  }
  if (owed.by() != 0) row.resolved_by = TxnId(owed.by());
}

// A row from a record that begins a transaction; nothing from any other.
std::optional<TxnRow> first_row(const v1::Record& record, GroupNo group) {
  if (record.has_intent()) {
    const auto& intent = record.intent();
    auto row = row_of(intent.request(), intent.txn(), record.at_us(), group);
    row.rrn = intent.rrn();
    row.business_date = intent.business_date();
    row.host = intent.routing().host();
    return row;
  }
  if (record.has_refusal() && record.refusal().txn() != 0) {
    const auto& refusal = record.refusal();
    auto row = row_of(refusal.request(), refusal.txn(), record.at_us(), group);
    row.rrn = refusal.rrn();
    row.tid = refusal.tid();
    row.merchant_code = refusal.merchant_code();
    row.response_code = refusal.response_code();
    row.outcome = TxnOutcome::declined;
    row.duration_us = 0;
    return row;
  }
  if (record.has_tombstone() && record.tombstone().txn() != 0) {
    const auto& stone = record.tombstone();
    auto row = row_of(stone.request(), stone.txn(), record.at_us(), group);
    row.rrn = stone.rrn();
    row.response_code = stone.response_code();
    row.outcome = stone.response_code() == "00" ? TxnOutcome::approved : TxnOutcome::declined;
    row.duration_us = 0;
    return row;
  }
  return std::nullopt;
}

void apply_later(TxnRow& row, const v1::Record& record) {
  if (record.has_outcome()) apply_outcome(row, record.outcome(), record.at_us());
  if (record.has_reversal_owed()) apply_owed(row, record.reversal_owed(), record.at_us());
  if (record.has_reversal_settled()) row.reversal = record.reversal_settled().outcome();
}

}  // namespace

std::string_view name(TxnOutcome outcome) noexcept {
  static constexpr std::array<std::string_view, 6> kNames = {"pending", "approved", "declined",
                                                             "timeout", "reversed", "unknown"};
  return kNames[static_cast<std::size_t>(outcome)];
}

TxnId txn_of(const v1::Record& record) noexcept {
  switch (record.body_case()) {
    case v1::Record::kIntent:
      return TxnId(record.intent().txn());
    case v1::Record::kOutcome:
      return TxnId(record.outcome().txn());
    case v1::Record::kRefusal:
      return TxnId(record.refusal().txn());
    case v1::Record::kReversalOwed:
      return TxnId(record.reversal_owed().txn());
    case v1::Record::kReversalSent:
      return TxnId(record.reversal_sent().txn());
    case v1::Record::kReversalSettled:
      return TxnId(record.reversal_settled().txn());
    case v1::Record::kLateReply:
      return TxnId(record.late_reply().txn());
    case v1::Record::kTombstone:
      return TxnId(record.tombstone().txn());
    default:
      return {};
  }
}

void TransactionReader::apply(Partition& p, const v1::Record& record, GroupNo group) {
  if (auto row = first_row(record, group)) {
    p.by_id.insert_or_assign(row->id.raw(), p.first + p.rows.size());
    p.rows.push_back(std::move(*row));
    if (p.rows.size() <= kRowsMax) return;
    p.by_id.erase(p.rows.front().id.raw());
    p.rows.pop_front();
    ++p.first;
    p.truncated = true;
    return;
  }
  const auto find = [&](TxnId id) -> TxnRow* {
    const auto it = p.by_id.find(id.raw());
    return it == p.by_id.end() ? nullptr : &p.rows[it->second - p.first];
  };
  const auto id = txn_of(record);
  if (auto* row = id ? find(id) : nullptr) {
    apply_later(*row, record);
    if (row->later.empty() || row->later.back() != group) row->later.push_back(group);
  }
  if (!record.has_outcome() || !record.outcome().approved() || record.outcome().resolves() == 0) return;
  if (auto* original = find(TxnId(record.outcome().resolves()))) original->resolved_by = id;
}

Result<void> TransactionReader::catch_up(PartitionId partition) {
  auto& p = partitions_[partition.value];
  const auto head = backend_.journal().head(partition).group;
  if (p.next.value == 0) {
    p.truncated = head.value > kFirstGroups;
    p.next.value = p.truncated ? head.value - kFirstGroups + 1 : 1;
  }
  if (p.next > head) return {};
  storage::RecordReader records;
  Result<void> parsed;
  auto read = backend_.journal().read(partition, p.next, [&](const storage::Group& group) {
    parsed = each_record(group, records, [&](const v1::Record& r) { apply(p, r, group.group); });
    if (parsed) p.next.value = group.group.value + 1;
    return parsed.has_value() && group.group < head;
  });
  if (!read) return read;
  return parsed;
}

Result<TransactionReader::Page> TransactionReader::list(const Position& before, std::size_t limit,
                                                        const Filter& filter) {
  const std::lock_guard guard(mutex_);
  struct Walk {
    const Partition* partition;
    std::size_t left;  // rows[left - 1] is the next one
  };
  Page page;
  std::vector<Walk> walks;
  const auto key = [](const TxnRow& row) { return std::tuple(row.at.us, row.id.raw()); };
  for (std::uint16_t id = 1; id <= backend_.facts().partitions; ++id) {
    if (auto done = catch_up({id}); !done) return std::unexpected(done.error());
    const auto& p = partitions_[id];
    if (p.truncated && !p.rows.empty()) page.known_from = std::max(page.known_from, p.rows.front().at);
    std::size_t left = p.rows.size();
    if (before.at.us != 0)
      while (left > 0 && key(p.rows[left - 1]) >= std::tuple(before.at.us, before.id.raw())) --left;
    walks.push_back({&p, left});
  }
  while (true) {
    Walk* newest = nullptr;
    for (auto& walk : walks)
      if (walk.left > 0 && (newest == nullptr || key(walk.partition->rows[walk.left - 1]) >
                                                     key(newest->partition->rows[newest->left - 1])))
        newest = &walk;
    if (newest == nullptr) return page;
    const auto& row = newest->partition->rows[--newest->left];
    if (!filter(row)) continue;
    if (page.rows.size() == limit) {
      page.more = true;
      return page;
    }
    page.rows.push_back(row);
  }
}

// Ids rise with the journal, so a transaction that the index forgot is found by halving.
Result<std::optional<GroupNo>> TransactionReader::search(TxnId id) const {
  std::uint64_t low = 1, high = backend_.journal().head(id.partition()).group.value;
  storage::RecordReader records;
  while (low <= high) {
    const auto middle = low + (high - low) / 2;
    std::optional<TxnId> first, last;
    std::uint64_t at = middle;
    Result<void> parsed;
    auto read = backend_.journal().read(id.partition(), GroupNo{middle}, [&](const storage::Group& group) {
      at = group.group.value;
      parsed = each_record(group, records, [&](const v1::Record& r) {
        const auto row = first_row(r, group.group);
        if (!row) return;
        if (!first) first = row->id;
        last = row->id;
      });
      return parsed.has_value() && !first && at < high;  // groups without a beginning are passed over
    });
    if (!read) return std::unexpected(read.error());
    if (!parsed) return std::unexpected(parsed.error());
    if (!first || id < *first) {
      if (middle == 0) break;
      high = middle - 1;
    } else if (id > *last) {
      low = at + 1;
    } else {
      return GroupNo{at};
    }
  }
  return std::nullopt;
}

Result<TransactionReader::Story> TransactionReader::tell(TxnRow row, std::vector<GroupNo> groups) const {
  Story story{std::move(row), {}, true};
  storage::RecordReader records;
  for (const auto wanted : groups) {
    Result<void> parsed;
    auto read = backend_.journal().read(story.row.id.partition(), wanted, [&](const storage::Group& group) {
      parsed = each_record(group, records, [&](const v1::Record& r) {
        if (txn_of(r) == story.row.id) story.records.push_back(r);
      });
      return false;
    });
    if (!read) return std::unexpected(read.error());
    if (!parsed) return std::unexpected(parsed.error());
  }
  return story;
}

Result<std::optional<TransactionReader::Story>> TransactionReader::story(TxnId id) {
  const auto partition = id.partition();
  if (partition == kHouse || partition.value > backend_.facts().partitions) return std::nullopt;
  std::optional<TxnRow> known;
  {
    const std::lock_guard guard(mutex_);
    if (auto done = catch_up(partition); !done) return std::unexpected(done.error());
    const auto& p = partitions_[partition.value];
    if (const auto it = p.by_id.find(id.raw()); it != p.by_id.end()) known = p.rows[it->second - p.first];
  }
  if (known) {
    std::vector<GroupNo> groups{known->group};
    for (const auto g : known->later)
      if (g != groups.back()) groups.push_back(g);
    auto story = tell(std::move(*known), std::move(groups));
    if (!story) return std::unexpected(story.error());
    return std::move(*story);
  }
  const auto found = search(id);
  if (!found) return std::unexpected(found.error());
  if (!*found) return std::nullopt;
  std::optional<Story> story;
  storage::RecordReader records;
  Result<void> parsed;
  auto read = backend_.journal().read(partition, **found, [&](const storage::Group& group) {
    parsed = each_record(group, records, [&](const v1::Record& r) {
      if (txn_of(r) != id) return;
      if (!story) {
        auto row = first_row(r, group.group);
        if (!row) return;
        story = Story{std::move(*row), {}, false};
      }
      apply_later(story->row, r);
      story->records.push_back(r);
    });
    return parsed.has_value() && story.has_value() && group.group.value < (*found)->value + kFollowGroups;
  });
  if (!read) return std::unexpected(read.error());
  if (!parsed) return std::unexpected(parsed.error());
  return story;
}

}  // namespace tollgate::admin
