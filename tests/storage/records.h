// Records as the core writes them, for tests of what reads them.
#pragma once

#include "storage/journal.h"
#include "storage/record_stream.h"
#include "switch/base/check.h"

namespace tollgate::storage::test {

inline constexpr std::int64_t kStartUs = 1'790'000'000'000'000;

inline v1::Record intent(std::uint64_t txn, std::uint64_t rrn, std::uint64_t terminal, std::uint32_t stan,
                         std::int64_t at_us = kStartUs) {
  v1::Record record;
  record.set_at_us(at_us);
  auto& i = *record.mutable_intent();
  i.set_txn(txn);
  i.set_rrn(rrn);
  i.mutable_request()->set_terminal(terminal);
  i.mutable_request()->set_batch(1);
  i.mutable_request()->set_stan(stan);
  i.mutable_request()->set_pan_token(std::string(16, static_cast<char>('a' + txn % 3)));
  i.mutable_routing()->set_host("a host with a name above fifteen bytes");
  return record;
}

inline v1::Record outcome(std::uint64_t txn, std::uint16_t partition,
                          std::vector<std::uint64_t> entries = {}) {
  v1::Record record;
  record.set_at_us(kStartUs);
  record.mutable_outcome()->set_txn(txn);
  record.mutable_outcome()->set_response_code("00");
  for (const auto seq : entries) {
    v1::LedgerEntry entry;
    entry.set_partition(partition);
    entry.set_seq(seq);
    record.mutable_outcome()->add_entries(entry.SerializeAsString());
  }
  return record;
}

// Bytes that no packing makes shorter.
inline Bytes noise(std::size_t size, std::uint64_t seed) {
  Bytes out(size);
  std::uint64_t x = seed * 7919 + 1;
  for (auto& b : out) {
    x = x * 6364136223846793005ULL + 1442695040888963407ULL;
    b = static_cast<std::uint8_t>(x >> 56);
  }
  return out;
}

// Writes groups of records to a journal, as the owner of all its partitions.
class Writer {
 public:
  explicit Writer(Journal& journal) : journal_(journal) {
    for (std::uint32_t p = 0; p <= journal.partitions(); ++p) {
      epochs_.push_back(journal.own({static_cast<std::uint16_t>(p)}).value());
    }
  }
  GroupNo write(std::uint16_t partition, const std::vector<v1::Record>& records) {
    Bytes payload;
    for (const auto& r : records) append_record(payload, r);
    return write(partition, payload, static_cast<std::uint32_t>(records.size()));
  }
  GroupNo write(std::uint16_t partition, const Bytes& payload, std::uint32_t records) {
    const GroupNo group{journal_.head({partition}).group.value + 1};
    const GroupAppend append{.partition = {partition},
                             .epoch = epochs_.at(partition),
                             .group = group,
                             .records = records,
                             .payload = payload,
                             .cells = {}};
    std::string why;
    TG_CHECK(journal_.append({&append, 1}, why) == AppendResult::durable);
    return group;
  }

 private:
  Journal& journal_;
  std::vector<Epoch> epochs_;
};

}  // namespace tollgate::storage::test
