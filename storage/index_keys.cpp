#include "storage/index_keys.h"

#include <algorithm>

#include "switch/base/check.h"

namespace tollgate::storage {
namespace {

constexpr std::uint64_t kSign = 1ULL << 63;
constexpr std::size_t kTokenSize = 16;

class Extractor {
 public:
  Extractor(const v1::Record& record, const Position& position, std::vector<IndexKey>& out)
      : record_(record), position_(position), out_(out) {}

  void rrn(std::uint64_t value) {
    if (value != 0) add(IndexKind::rrn, [&](IndexKey& k) { k.put64(value); });
  }
  void stan(std::uint64_t terminal, std::uint32_t batch, std::uint32_t value) {
    if (terminal == 0) return;
    add(IndexKind::stan, [&](IndexKey& k) { k.put64(terminal), k.put32(batch), k.put32(value); });
  }
  void txn(std::uint64_t id) {
    if (id != 0) add(IndexKind::txn, [&](IndexKey& k) { k.put64(id); });
  }
  void request(const v1::Request& r) {
    stan(r.terminal(), r.batch(), r.stan());
    if (r.pan_token().size() == kTokenSize)
      add(IndexKind::token, [&](IndexKey& k) { k.put(as_bytes(r.pan_token())); });
    const auto time = order_of(record_.at_us());
    add(IndexKind::time, [&](IndexKey& k) { k.put64(time); });
    if (r.terminal() != 0)
      add(IndexKind::terminal_time, [&](IndexKey& k) { k.put64(r.terminal()), k.put64(time); });
  }
  template <class Entries>
  [[nodiscard]] bool entries(const Entries& all) {
    v1::LedgerEntry entry;
    for (const auto& bytes : all) {
      if (!entry.ParseFromString(bytes)) return false;
      add(IndexKind::entry,
          [&](IndexKey& k) { k.put16(static_cast<std::uint16_t>(entry.partition())), k.put64(entry.seq()); });
    }
    return true;
  }

 private:
  template <class Fill>
  void add(IndexKind kind, const Fill& fill) {
    auto key = key_prefix(kind);
    fill(key);
    put_position(key, position_);
    out_.push_back(key);
  }

  const v1::Record& record_;
  const Position& position_;
  std::vector<IndexKey>& out_;
};

}  // namespace

bool extract_keys(const v1::Record& record, const Position& position, std::vector<IndexKey>& out) {
  Extractor x(record, position, out);
  switch (record.body_case()) {
    case v1::Record::kIntent:
      x.txn(record.intent().txn());
      x.rrn(record.intent().rrn());
      x.request(record.intent().request());
      return true;
    case v1::Record::kOutcome:
      x.txn(record.outcome().txn());
      if (record.outcome().resolves() != record.outcome().txn()) x.txn(record.outcome().resolves());
      return x.entries(record.outcome().entries());
    case v1::Record::kRefusal:
      x.txn(record.refusal().txn());
      x.rrn(record.refusal().rrn());
      x.request(record.refusal().request());
      return true;
    case v1::Record::kTombstone:
      x.txn(record.tombstone().txn());
      x.rrn(record.tombstone().rrn());
      x.request(record.tombstone().request());
      return true;
    case v1::Record::kReversalOwed:
      x.txn(record.reversal_owed().txn());
      if (record.reversal_owed().by() != record.reversal_owed().txn()) x.txn(record.reversal_owed().by());
      return x.entries(record.reversal_owed().entries());
    case v1::Record::kReversalSent:
      x.txn(record.reversal_sent().txn());
      return true;
    case v1::Record::kReversalSettled:
      x.txn(record.reversal_settled().txn());
      return true;
    case v1::Record::kLateReply:
      x.txn(record.late_reply().txn());
      return true;
    case v1::Record::kSignedOn:
      x.txn(record.signed_on().txn());
      x.rrn(record.signed_on().rrn());
      x.stan(record.signed_on().terminal(), record.signed_on().batch(), record.signed_on().stan());
      return true;
    case v1::Record::kSignedOff:
      x.rrn(record.signed_off().rrn());
      return true;
    case v1::Record::kServed:
      x.rrn(record.served().rrn());
      return true;
    default:
      return true;  // estate, access and reference data are held in state whole
  }
}

IndexKey key_prefix(IndexKind kind) noexcept {
  IndexKey key;
  const auto letter = static_cast<std::uint8_t>(kind);
  key.put({&letter, 1});
  return key;
}

IndexKey key_past(const IndexKey& prefix) noexcept {
  IndexKey past = prefix;
  while (past.size > 0 && past.bytes[past.size - 1U] == 0xFF) --past.size;
  TG_CHECK(past.size > 0);  // every key begins with a letter
  ++past.bytes[past.size - 1U];
  return past;
}

void put_position(IndexKey& key, const Position& position) noexcept {
  key.put16(position.partition.value);
  key.put64(position.group.value);
  key.put32(position.offset);
}

Position position_of(ByteView key) noexcept {
  TG_CHECK(key.size() > kPositionSize);
  const auto* p = key.data() + key.size() - kPositionSize;
  return {{load_be16(p)}, {load_be64(p + 2)}, load_be32(p + 10)};
}

std::uint64_t order_of(std::int64_t at_us) noexcept {
  return static_cast<std::uint64_t>(at_us) ^ kSign;
}
std::int64_t time_of(std::uint64_t order) noexcept {
  return static_cast<std::int64_t>(order ^ kSign);
}

}  // namespace tollgate::storage
