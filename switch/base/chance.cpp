#include "switch/base/chance.h"

#include <openssl/rand.h>

#include <bit>

#include "switch/base/check.h"

namespace tollgate {

std::uint64_t Chance::below(std::uint64_t bound) {
  std::uint64_t value;
  fill({reinterpret_cast<std::uint8_t*>(&value), sizeof value});
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>(Wide{value} * bound >> 64);
}

void SystemChance::fill(MutableBytes out) { TG_CHECK(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1); }

SeededChance::SeededChance(std::uint64_t seed) noexcept {
  for (auto& word : state_) {  // splitmix64, so that near seeds give far states
    seed += 0x9E3779B97F4A7C15ULL;
    auto z = seed;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
    word = z ^ z >> 31;
  }
}

std::uint64_t SeededChance::next() noexcept {
  const auto result = std::rotl(state_[1] * 5, 7) * 9;
  const auto t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

void SeededChance::fill(MutableBytes out) {
  std::size_t at = 0;
  while (at < out.size()) {
    const auto word = next();
    const auto n = std::min<std::size_t>(8, out.size() - at);
    std::memcpy(out.data() + at, &word, n);
    at += n;
  }
}

}  // namespace tollgate
