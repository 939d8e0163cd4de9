// Requests in flight: from the intent to the answer. A slot keeps its own copy of the request, because the
// read buffer is reused, and with it the card data that the answer repeats and a reversal needs; it is wiped
// when the slot is freed. A fixed number per partition, and of one connection: full means a clear refusal
// (P7).
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "fees/schedule.h"
#include "switch/base/check.h"
#include "switch/base/prefetch.h"
#include "switch/base/sensitive.h"
#include "switch/core/links.h"
#include "switch/core/outside.h"
#include "switch/core/txn_table.h"
#include "switch/iso/dialect.h"
#include "switch/iso/message.h"

namespace tollgate::core {

// Ordered for the cache: what most messages fill comes first, the places of rare fields last.
struct Slot {
  bool used = false;
  std::uint16_t listener = 0;
  std::uint32_t generation = 0;
  ConnRef connection;
  TxnIndex txn = kNoTxn;
  const iso::KindRow* row = nullptr;
  Instant received;
  Place place;  // on a link
  std::uint32_t terminal = kNone;  // index in the partition
  SecretPan pan;
  fees::SchedulePtr schedule;  // pinned; null where nothing is priced
  Bytes frame;
  iso::MessageView message;  // over frame
  fees::Facts facts;         // what the schedule looks at; valid with it
};

class Slots {
 public:
  Slots(std::uint32_t max, std::uint32_t connection_max) : max_(max), connection_max_(connection_max) {}

  // full() was asked before.
  [[nodiscard]] std::uint32_t take(const ConnRef& connection) {
    TG_CHECK(!full(connection));
    if (free_.empty()) {
      slots_.push_back(std::make_unique<Slot>());
      free_.push_back(static_cast<std::uint32_t>(slots_.size() - 1));
    }
    const auto index = free_.back();
    free_.pop_back();
    auto& slot = *slots_[index];
    slot.used = true;
    ++slot.generation;
    ++used_;
    slot.connection = connection;
    ++of_connection_[key_of(connection)];
    return index;
  }
  // One will be taken soon: it is fetched meanwhile, as far as most messages fill it.
  void expect() const noexcept {
    if (!free_.empty()) expect(free_.back());
  }
  // This one will be looked at soon.
  void expect(std::uint32_t index) const noexcept {
    if (index >= slots_.size()) return;
    const auto& slot = *slots_[index];
    const auto* message = reinterpret_cast<const char*>(&slot.message);
    prefetch_for_writing(&slot, message + sizeof(slot.message) / 2);  // no field above 64
    prefetch_for_writing(&slot.facts, 1);
  }
  // The answer goes to another connection: its terminal has come back on that one.
  void move(std::uint32_t index, const ConnRef& connection) {
    auto& slot = *slots_[index];
    TG_CHECK(slot.used);
    leave(slot.connection);
    slot.connection = connection;
    ++of_connection_[key_of(connection)];
  }
  void release(std::uint32_t index) {
    auto& slot = *slots_[index];
    TG_CHECK(slot.used);
    slot.used = false;
    wipe(slot.frame.data(), slot.frame.size());
    slot.frame.clear();
    wipe(&slot.pan.reveal(), sizeof(slot.pan.reveal()));
    slot.txn = kNoTxn;
    slot.place = {};
    slot.schedule.reset();
    leave(slot.connection);
    free_.push_back(index);
    --used_;
  }
  [[nodiscard]] Slot& operator[](std::uint32_t index) noexcept { return *slots_[index]; }
  // nullptr when the slot has been freed or taken again since.
  [[nodiscard]] Slot* get(std::uint32_t index, std::uint32_t generation) noexcept {
    if (index >= slots_.size()) return nullptr;
    auto& slot = *slots_[index];
    return slot.used && slot.generation == generation ? &slot : nullptr;
  }
  [[nodiscard]] const Slot* get(std::uint32_t index, std::uint32_t generation) const noexcept {
    return const_cast<Slots*>(this)->get(index, generation);
  }
  [[nodiscard]] std::uint32_t used() const noexcept { return used_; }
  // No room at all, or none for one more request of this connection.
  [[nodiscard]] bool full(const ConnRef& connection) const noexcept {
    if (used_ == max_) return true;
    const auto it = of_connection_.find(key_of(connection));
    return it != of_connection_.end() && it->second >= connection_max_;
  }

 private:
  using Key = std::pair<std::uint64_t, std::uint16_t>;
  [[nodiscard]] static Key key_of(const ConnRef& c) noexcept {
    return {std::uint64_t{c.generation} << 32 | c.slot, c.worker};
  }
  void leave(const ConnRef& connection) {
    const auto it = of_connection_.find(key_of(connection));
    TG_CHECK(it != of_connection_.end());
    if (--it->second == 0) of_connection_.erase(it);
  }

  std::uint32_t max_, connection_max_, used_ = 0;
  boost::unordered_flat_map<Key, std::uint32_t>
      of_connection_;  // connections with requests in flight, and how many
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace tollgate::core
