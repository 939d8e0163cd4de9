#include "fees/business_clock.h"

#include <algorithm>

namespace tollgate::fees {
namespace {

constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kTableFrom = 10'957 * kDay;   // 2000-01-01
constexpr std::int64_t kTableUntil = 47'482 * kDay;  // 2100-01-01

std::int64_t floor_div(std::int64_t a, std::int64_t b) noexcept {
  return a / b - (a % b < 0 ? 1 : 0);
}

std::int64_t offset_of(const TimeZone& zone, std::int64_t second) {
  const auto local = zone.local(WallTime{second * 1'000'000});
  return std::int64_t{local.date.days} * kDay + local.second_of_day - second;
}

}  // namespace

Result<BusinessClock> BusinessClock::load(std::string_view zone, std::int32_t cutoff_minute) {
  auto loaded = TimeZone::load(zone);
  if (!loaded) return std::unexpected(loaded.error());
  BusinessClock clock(std::move(*loaded), cutoff_minute * 60);
  // No zone changes its offset twice within a day, so days are enough to see every change; each is then found
  // to the second.
  std::int64_t offset = offset_of(clock.zone_, kTableFrom);
  clock.steps_.push_back({kTableFrom, offset});
  for (std::int64_t day = kTableFrom + kDay; day < kTableUntil; day += kDay) {
    const auto here = offset_of(clock.zone_, day);
    if (here == offset) continue;
    std::int64_t low = day - kDay, high = day;  // the offset differs first in (low, high]
    while (high - low > 1) {
      const auto middle = low + (high - low) / 2;
      (offset_of(clock.zone_, middle) == offset ? low : high) = middle;
    }
    clock.steps_.push_back({high, here});
    offset = here;
  }
  return clock;
}

std::int64_t BusinessClock::offset_s(std::int64_t second) const noexcept {
  if (second < kTableFrom || second >= kTableUntil) [[unlikely]] {
    const TimeZone own = zone_;  // its cache is ours alone
    return offset_of(own, second);
  }
  const auto after = std::ranges::upper_bound(steps_, second, {}, &Step::from_s);
  return std::prev(after)->offset_s;
}

BusinessClock::Moment BusinessClock::at(WallTime time) const noexcept {
  const auto second = floor_div(time.us, 1'000'000);
  const auto local = second + offset_s(second);
  const auto day = floor_div(local, kDay);
  const auto of_day = static_cast<std::int32_t>(local - day * kDay);
  return {BusinessDate{static_cast<std::int32_t>(day + (of_day >= cutoff_s_ ? 1 : 0))}, of_day / 60};
}

}  // namespace tollgate::fees
