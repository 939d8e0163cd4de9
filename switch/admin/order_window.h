// Many orders at once, but not too many: what an estate document needs to fill commit groups without flooding
// a mailbox. Results come back in any order, one at a time.
//
// Thread: its request's; results are handed over under the window's lock.
#pragma once

#include <functional>
#include <memory>

#include "switch/admin/backend.h"

namespace tollgate::admin {

class OrderWindow {
 public:
  using OnResult = std::function<void(core::CommandResult&&)>;
  OrderWindow(Backend& backend, std::size_t open_max);
  ~OrderWindow();  // results that come later are dropped
  OrderWindow(const OrderWindow&) = delete;
  OrderWindow& operator=(const OrderWindow&) = delete;

  // Waits while open_max orders are open. False: nothing came back for 30 s; what is open is unknown.
  [[nodiscard]] bool give(core::Command&& command, OnResult on_result);
  // Waits for all of them.
  [[nodiscard]] bool finish();

 private:
  struct State;
  bool wait_until_below(std::size_t open);
  Backend& backend_;
  std::size_t open_max_;
  std::shared_ptr<State> state_;
};

}  // namespace tollgate::admin
