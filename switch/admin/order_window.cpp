#include "switch/admin/order_window.h"

#include <condition_variable>
#include <mutex>

namespace tollgate::admin {

struct OrderWindow::State {
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t open = 0;
  std::uint64_t finished = 0;
  bool abandoned = false;
};

OrderWindow::OrderWindow(Backend& backend, std::size_t open_max)
    : backend_(backend), open_max_(open_max), state_(std::make_shared<State>()) {}

OrderWindow::~OrderWindow() {
  const std::lock_guard guard(state_->mutex);
  state_->abandoned = true;
}

bool OrderWindow::wait_until_below(std::size_t open) {
  std::unique_lock lock(state_->mutex);
  while (state_->open >= open) {
    const auto before = state_->finished;
    const bool moved =
        state_->changed.wait_for(lock, std::chrono::seconds(30), [&] { return state_->finished != before; });
    if (!moved) return false;
  }
  return true;
}

bool OrderWindow::give(core::Command&& command, OnResult on_result) {
  if (!wait_until_below(open_max_)) return false;
  {
    const std::lock_guard guard(state_->mutex);
    ++state_->open;
  }
  backend_.submit(std::move(command),
                  [state = state_, on_result = std::move(on_result)](core::CommandResult&& result) {
                    const std::lock_guard guard(state->mutex);
                    if (!state->abandoned) on_result(std::move(result));
                    --state->open;
                    ++state->finished;
                    state->changed.notify_one();
                  });
  return true;
}

bool OrderWindow::finish() {
  return wait_until_below(1);
}

}  // namespace tollgate::admin
