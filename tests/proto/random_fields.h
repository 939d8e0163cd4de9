// Values for fields of messages, from a seed: what is left out, the edges of varints and of lengths, bytes
// that are no UTF-8.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>

#include "switch/base/chance.h"

namespace tollgate::testing {

class RandomFields {
 public:
  explicit RandomFields(std::uint64_t seed) : chance_{seed} {}

  std::uint64_t below(std::uint64_t bound) { return chance_.below(bound); }
  bool flag() { return below(2) == 1; }
  // A third of them 0; of every width, 2^k − 1 and 2^k among them.
  std::uint64_t number64() {
    if (below(3) == 0) return 0;
    const auto bits = below(65);
    const auto top = bits == 64 ? UINT64_MAX : (std::uint64_t{1} << bits) - 1;
    switch (below(3)) {
      case 0:
        return top;
      case 1:
        return bits == 64 ? top : top + 1;
      default:
        return top == UINT64_MAX ? below(UINT64_MAX) : below(top + 1);
    }
  }
  std::uint32_t number32() { return static_cast<std::uint32_t>(number64()); }
  std::int64_t signed64() { return static_cast<std::int64_t>(flag() ? number64() : 0 - number64()); }
  std::int32_t signed32() { return static_cast<std::int32_t>(signed64()); }
  // Lives as long as this. Often empty or around the lengths where a length takes one more byte.
  std::string_view text() {
    const auto which = below(40);
    const auto size = which < 10    ? 0
                      : which < 13  ? 126 + below(4)
                      : which == 13 ? 16'382 + below(4)
                                    : below(32);
    auto& text = texts_.emplace_back(size, '\0');
    for (auto& c : text) c = static_cast<char>(below(256));
    return text;
  }
  void forget() { texts_.clear(); }

 private:
  SeededChance chance_;
  std::list<std::string> texts_;
};

}  // namespace tollgate::testing
