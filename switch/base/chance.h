// Chance: one of the four doors that a simulation replaces. Keys and nonces need chance that nobody can guess; jitter needs
// any. Thread: one object a thread.
#pragma once

#include <cstdint>

#include "switch/base/bytes.h"

namespace tollgate {

class Chance {
 public:
  virtual ~Chance() = default;
  // Fills out. The system's door uses OpenSSL's generator and stops the process when it fails; a simulation's is seeded.
  virtual void fill(MutableBytes out) = 0;
  // Below bound (> 0), unbiased enough for jitter.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound);
};

class SystemChance final : public Chance {
 public:
  void fill(MutableBytes out) override;
};

// xoshiro256** from a seed (Blackman and Vigna): simulations and load only, never keys of a real estate.
class SeededChance final : public Chance {
 public:
  explicit SeededChance(std::uint64_t seed) noexcept;
  void fill(MutableBytes out) override;
  [[nodiscard]] std::uint64_t next() noexcept;

 private:
  std::uint64_t state_[4];
};

}  // namespace tollgate
