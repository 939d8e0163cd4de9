// The loop of one worker: waits for events, lets their handlers run, and ends the batch. Within a batch the
// clock is read once and nothing is written; what gathered leaves when the batch ends, so that one write
// carries many messages. Owned by its worker (or a test); everything but post() belongs to the one thread
// that runs it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>

#include "switch/base/time.h"

namespace tollgate::net {

class Loop {
 public:
  struct Hooks {
    std::function<void()> end_of_batch;
    std::function<void()> deadline;  // the instant given to arm() has come
    std::function<void()> sweep;     // every kSweep: for coarse time-outs, so that no message needs a timer
  };
  // 250 ms: a time-out of seconds is late by at most a tenth, and 10,000 connections cost 0.2 ms a second.
  static constexpr Duration kSweep = std::chrono::milliseconds(250);

  Loop();
  void set_hooks(Hooks hooks) { hooks_ = std::move(hooks); }
  [[nodiscard]] boost::asio::io_context& context() noexcept { return context_; }

  // The clock as this batch sees it.
  [[nodiscard]] const Now& now() noexcept {
    if (!clock_read_) {
      now_ = SystemClock::now();
      clock_read_ = true;
    }
    return now_;
  }
  // Calls `deadline` at or after this instant. An earlier one that is armed already stays: the hook then
  // finds nothing due and arms again, which is cheaper than moving a timer with every message.
  void arm(Instant instant);

  void run();                             // until stop()
  void run_batch(Duration patience);      // waits for at most this long, then ends the batch
  void stop();                            // any thread
  void post(std::function<void()> task);  // any thread; for what is rare

 private:
  void end_batch();
  void start_sweep();

  boost::asio::io_context context_{1};
  boost::asio::steady_timer deadline_timer_{context_}, sweep_timer_{context_};
  Hooks hooks_;
  Now now_{};
  bool clock_read_ = false, stopping_ = false;
  Instant armed_{};
  bool is_armed_ = false;
};

}  // namespace tollgate::net
