// Deadlines of one worker: a hashed wheel of 10 ms ticks. add() is a push_back; what became invalid is found out by its owner
// when it fires (a generation), never searched for. A deadline fires at most one tick late, never early.
// Thread: its worker.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "switch/base/time.h"

namespace tollgate::core {

template <class Item>
class TimingWheel {
 public:
  static constexpr std::int64_t kTick = 10'000'000;  // ns
  static constexpr std::size_t kSlots = 4096;        // one turn: 41 s; later deadlines take several turns

  TimingWheel() : slots_(kSlots) {}

  void add(Instant deadline, Item item) {
    const auto tick = std::max(tick_of(deadline), at_ + 1);
    if (at_ == kUnset) earliest_ = std::min(earliest_, tick);
    slots_[static_cast<std::size_t>(tick) % kSlots].push_back({tick, std::move(item)});
    ++count_;
  }

  // Calls fire(item) for everything due at now; items added meanwhile fire at a later call.
  template <class Fire>
  void advance(Instant now, Fire&& fire) {
    const auto until = now.ns / kTick;
    if (at_ == kUnset) at_ = std::min(until, earliest_) - 1;  // what was due before the first look is due at it
    if (count_ == 0) {
      at_ = std::max(at_, until);
      return;
    }
    // After a long pause one turn is enough: it meets every slot, at its last tick that has passed.
    at_ = std::max(at_, until - static_cast<std::int64_t>(kSlots));
    while (at_ < until) {
      ++at_;
      auto& slot = slots_[static_cast<std::size_t>(at_) % kSlots];
      if (slot.empty()) continue;
      due_.clear();
      std::size_t kept = 0;
      for (auto& entry : slot) {
        if (entry.tick <= at_)
          due_.push_back(std::move(entry.item));
        else
          slot[kept++] = std::move(entry);
      }
      slot.resize(kept);
      count_ -= due_.size();
      for (auto& item : due_) fire(item);
    }
  }

  // When to look again: the next tick while anything waits.
  [[nodiscard]] Instant next(Instant now) const noexcept {
    return count_ == 0 ? now + std::chrono::hours(1) : Instant{(std::max(at_, now.ns / kTick) + 1) * kTick};
  }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }

 private:
  static constexpr std::int64_t kUnset = INT64_MIN / 2;
  struct Entry {
    std::int64_t tick;
    Item item;
  };
  [[nodiscard]] static std::int64_t tick_of(Instant deadline) noexcept { return (deadline.ns + kTick - 1) / kTick; }

  std::vector<std::vector<Entry>> slots_;
  std::vector<Item> due_;
  std::int64_t at_ = kUnset, earliest_ = INT64_MAX;
  std::size_t count_ = 0;
};

}  // namespace tollgate::core
