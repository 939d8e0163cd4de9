// The smallest switch that a terminal accepts: it signs everybody in with key set A, approves every request
// at once with a right MAC, answers a repeat with its first bytes, and does one thing wrong where a test asks
// for it. It posts nothing.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "switch/iso/codec.h"
#include "switch/sim/stream.h"

namespace tollgate::sim {

enum class Wrong {
  nothing,
  silence,
  mac,
  no_mac,
  amount,
  stan,
  mti,
  code_58,
  code_77,
  hang_up,
  first_answer_lost,  // answered and remembered, but the connection is closed instead
  forgets,            // answered, and a repeat will be answered with another RRN
};

class EchoSwitch {
 public:
  // what: asked for every message but sign-in, on the switch's thread.
  explicit EchoSwitch(std::function<Wrong(const iso::MessageView&)> what = {});
  ~EchoSwitch();
  EchoSwitch(const EchoSwitch&) = delete;
  EchoSwitch& operator=(const EchoSwitch&) = delete;

  [[nodiscard]] const std::string& address() const { return address_; }
  std::atomic<std::uint64_t> sign_ins = 0, requests = 0, repeats = 0, reversals = 0, bad_macs = 0;

 private:
  void run();
  void accept();
  // False: hang up.
  bool answer(Stream& stream, ByteView frame);
  [[nodiscard]] Bytes reply_to(const iso::MessageView& request, Wrong wrong);

  std::function<Wrong(const iso::MessageView&)> what_;
  Fd listener_;
  Poller poller_;
  std::string address_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::map<std::string, Bytes> answered_;  // by 41, 11 and MTI
  std::uint64_t answers_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace tollgate::sim
