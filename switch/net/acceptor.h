// The listening sockets. The worker that owns the acceptor accepts for all and deals the connections out;
// with one worker that is all there is to it. (SO_REUSEPORT per worker was rejected: it would let a second
// process take half of the connections unseen.)
//
// Thread: listen() before the loop runs, then the loop's. Promises: at the budget of sockets, or when the
// process has no descriptors left, accepting pauses and resumes by itself; nothing is accepted only to fail.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "switch/base/result.h"

namespace tollgate::net {

class Loop;
struct SocketBudget;

class Acceptor {
 public:
  // Takes the socket, which the budget counts already.
  using Deal = std::function<void(int fd, std::uint16_t listener)>;
  Acceptor(Loop& loop, SocketBudget& budget, Deal deal);
  ~Acceptor();

  // Port 0 takes a free one; gives the address as bound. Connections queue in the kernel until start().
  [[nodiscard]] Result<std::string> listen(std::uint16_t listener, std::string_view address);
  void start();
  void stop();
  [[nodiscard]] std::uint64_t pauses() const noexcept { return pauses_; }

 private:
  struct Listener;
  void wait(Listener& listener);
  void accept(Listener& listener);
  void pause(Listener& listener);

  Loop& loop_;
  SocketBudget& budget_;
  Deal deal_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::uint64_t pauses_ = 0;
};

}  // namespace tollgate::net
