// One terminal of the load generator: its request as a pattern, and what of it is under way. Internal to
// sim/load_*.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "switch/sim/terminal.h"

namespace tollgate::sim {

class LoadSlot {
 public:
  enum class State : std::uint8_t {
    out,  // not signed in, or its STANs are used up
    signing,
    free,
    waiting,    // for the answer to its request
    reversing,  // for the answer to a reversal; late answers to the request are ignored
  };

  explicit LoadSlot(SimTerminal terminal) : terminal_(std::move(terminal)) {}

  // After sign-in: builds the pattern and finds the places in it.
  void make_pattern(const SaleOrder& order, std::uint32_t first_stan);
  // Writes the next STAN, the amount and the MAC into the pattern. Empty when the STANs of the batch are used
  // up.
  [[nodiscard]] ByteView next(Amount amount, bool mac) noexcept;
  [[nodiscard]] ByteView frame() const noexcept { return {frame_.data(), size_}; }
  // Whether a reply fits the request: "" or what is wrong. The reply's code goes to `code`.
  [[nodiscard]] std::string_view check(const iso::MessageView& reply, bool mac,
                                       std::array<char, 2>& code) const noexcept;
  // The request was given up: the reversal of exactly what was sent.
  [[nodiscard]] ByteView reverse(const SaleOrder& order, std::string_view reason);

  [[nodiscard]] SimTerminal& terminal() noexcept { return terminal_; }
  [[nodiscard]] const SimTerminal& terminal() const noexcept { return terminal_; }
  [[nodiscard]] std::uint32_t stan() const noexcept { return stan_; }

  State state = State::out;
  std::uint32_t line = 0;
  std::uint32_t extra_answers = 0;  // that may still come to what was given up or sent twice
  std::int64_t intended_ns = 0, sent_ns = 0;
  std::int64_t suspended_ns = 0;  // when its suspension was reported; 0: it is not

 private:
  [[nodiscard]] MutableBytes at(std::uint16_t offset, std::size_t size) noexcept {
    return {frame_.data() + offset, size};
  }
  [[nodiscard]] ByteView at(std::uint16_t offset, std::size_t size) const noexcept {
    return {frame_.data() + offset, size};
  }

  SimTerminal terminal_;
  std::array<std::uint8_t, 512> frame_{};
  std::uint16_t size_ = 0, code_at_ = 0, amount_at_ = 0, stan_at_ = 0, mac_at_ = 0;  // offsets in frame_
  std::uint32_t stan_ = 0;
  Amount amount_;
};

}  // namespace tollgate::sim
