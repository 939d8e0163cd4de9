// Option values that people write: durations, shares, mixes. Pure; each refuses what it does not understand,
// with the text that was given.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "switch/base/result.h"
#include "switch/base/time.h"

namespace tollgate::sim {

// "250us", "20ms", "10s", "5m", "1h"; a bare number is seconds.
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);
// "5%", "0.2%", "200ppm" as parts per million; at most 100 %.
[[nodiscard]] Result<std::uint32_t> parse_share(std::string_view text);

// What a simulated terminal does next, by weight.
enum class Act : std::uint8_t {
  sale,  // magstripe with PIN
  chip,
  contactless,
  qr,
  instant,
  balance,
  void_sale,   // of an earlier sale; a sale when there is none
  reversal,    // a sale whose answer is treated as lost, then 0400
  retransmit,  // a sale, and its bytes once more: the answer must be the same bytes
  echo,
  count_,
};
inline constexpr std::size_t kActs = static_cast<std::size_t>(Act::count_);
[[nodiscard]] std::string_view name(Act act) noexcept;

struct Mix {
  std::array<std::uint32_t, kActs> weights{50, 15, 5, 15, 3, 4, 4, 2, 1, 1};
  [[nodiscard]] std::uint64_t total() const noexcept;
  // at is below total().
  [[nodiscard]] Act pick(std::uint64_t at) const noexcept;
};
// "sale=80,qr=20"; what is not named has weight 0. Refuses an unknown name and a sum of 0.
[[nodiscard]] Result<Mix> parse_mix(std::string_view text);

}  // namespace tollgate::sim
