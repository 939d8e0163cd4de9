#include "switch/net/loop.h"

#include <boost/asio/post.hpp>

namespace tollgate::net {
namespace {
// Handlers per batch: enough that a write gathers many messages, few enough that the disk, the hosts and the
// next batch work beside each other. With 64 of them all 512 requests of a closed loop went through the
// worker as one convoy, and everybody waited for everybody.
constexpr int kBatchMax = 16;
}  // namespace

Loop::Loop() {
  start_sweep();
}

void Loop::start_sweep() {
  sweep_timer_.expires_after(kSweep);
  sweep_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    if (hooks_.sweep) hooks_.sweep();
    start_sweep();
  });
}

void Loop::arm(Instant instant) {
  if (is_armed_ && armed_ <= instant) return;
  // An instant far away (nothing is due) must not overflow the timer's arithmetic.
  constexpr Duration kFar = std::chrono::minutes(1);
  const auto wait = instant.ns > now().instant.ns + kFar.count()
                        ? kFar
                        : std::max(instant - now().instant, Duration::zero());
  armed_ = now().instant + wait;
  is_armed_ = true;
  deadline_timer_.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(wait));
  deadline_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    is_armed_ = false;
    if (hooks_.deadline) hooks_.deadline();
  });
}

void Loop::end_batch() {
  if (hooks_.end_of_batch) hooks_.end_of_batch();
  clock_read_ = false;
}

void Loop::run() {
  while (!stopping_) {
    context_.run_one();
    for (int i = 1; i < kBatchMax && !stopping_ && context_.poll_one() != 0; ++i) {
    }
    end_batch();
  }
}

void Loop::run_batch(Duration patience) {
  if (context_.run_one_for(patience) != 0) {
    for (int i = 1; i < kBatchMax && context_.poll_one() != 0; ++i) {
    }
  }
  end_batch();
}

void Loop::stop() {
  boost::asio::post(context_, [this] { stopping_ = true; });
}

void Loop::post(std::function<void()> task) {
  boost::asio::post(context_, std::move(task));
}

}  // namespace tollgate::net
