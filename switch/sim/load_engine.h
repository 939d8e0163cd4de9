// The loop of the load generator. Internal to sim/load_*; load.h has the contract.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "switch/base/chance.h"
#include "switch/sim/load.h"
#include "switch/sim/load_slot.h"

namespace tollgate::sim {

inline constexpr std::uint64_t kFeedToken = std::uint64_t{1}
                                            << 40;  // of the suspend feed, among the lines' numbers

class LoadGenerator::Engine {
 public:
  Engine(LoadOptions options, std::vector<LoadSlot> slots, Poller poller);
  [[nodiscard]] Result<LoadReport> run();
  void stop() noexcept {
    stopping_.store(true, std::memory_order_relaxed);
    poller_.wake();
  }

 private:
  struct Line {
    Stream stream;
    std::vector<std::uint32_t> slots;  // that speak over it
    std::int64_t retry_ns = 0;
    bool wants_write = false, lost = false;
  };
  struct Meters {
    Duration generator{}, host{}, server{};
  };

  [[nodiscard]] Result<void> connect_all();
  bool connect(std::uint32_t line);
  void reconnect_lost(std::int64_t now);
  void resend(Line& line);
  [[nodiscard]] Result<void> sign_in_all();
  void start_sign_in(std::uint32_t slot, std::int64_t now);
  void on_sign_in(LoadSlot& slot, ByteView frame);
  void pass(std::int64_t deadline);
  void look(Duration patience);
  void receive(ByteView frame, std::int64_t now);
  void on_answer(std::uint32_t index, const iso::MessageView& reply, std::int64_t now);
  void on_reversal(std::uint32_t index, ByteView frame);
  void release(std::uint32_t index);
  [[nodiscard]] bool all_sent(std::int64_t now) const noexcept;
  [[nodiscard]] bool idle(std::int64_t now) const noexcept;
  void send_due(std::int64_t now);
  bool send(std::uint32_t index, std::int64_t intended, std::int64_t now);
  void flush_all();
  void give_up(std::int64_t now);
  void undo(std::uint32_t index, std::string_view reason, std::int64_t now);
  void read_feed();
  void on_feed_line(std::string_view line, std::int64_t now);
  [[nodiscard]] Meters read_meters() const;
  void wrong(std::string_view what);
  [[nodiscard]] std::optional<std::uint32_t> slot_of(ByteView tid) const noexcept;
  [[nodiscard]] Amount next_amount() noexcept;
  [[nodiscard]] SaleOrder order_of(std::uint32_t slot) const;
  [[nodiscard]] bool in_window(std::int64_t at) const noexcept {
    return at >= window_begin_ && at < window_end_;
  }

  LoadOptions options_;
  std::shared_ptr<const iso::Dialect> dialect_;
  std::vector<LoadSlot> slots_;
  std::vector<Line> lines_;
  std::unordered_map<std::uint64_t, std::uint32_t> by_tid_;  // the eight characters as one number
  Poller poller_;
  SeededChance chance_;
  std::vector<std::uint32_t> free_;  // a ring of slots, first in first out
  std::size_t free_first_ = 0, free_count_ = 0;
  std::size_t waiting_ = 0;  // slots in waiting or reversing
  std::uint64_t sent_ = 0;   // requests, whole run
  std::int64_t next_intended_ = 0, step_ns_ = 0, send_until_ = 0;
  std::int64_t window_begin_ = INT64_MAX, window_end_ = INT64_MAX, next_check_ = 0, next_tick_ = 0;
  std::size_t signing_ = 0, next_to_sign_ = 0;
  std::array<std::uint64_t, 65536> codes_{};  // by the two characters of field 39
  Fd feed_;
  std::string feed_rest_;
  LoadReport report_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace tollgate::sim
