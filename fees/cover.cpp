#include "fees/cover.h"

#include <algorithm>

namespace tollgate::fees {
namespace {

template <class List>
List sorted(List list) {
  std::ranges::sort(list);
  return list;
}

// Sorted and merged, neighbours (…9 and 10…) included: integers have nothing between them.
std::vector<Range> merged(std::vector<Range> ranges) {
  std::ranges::sort(ranges, {}, &Range::min);
  std::vector<Range> out;
  for (const auto& r : ranges) {
    if (!out.empty() && (out.back().max == INT64_MAX || r.min <= out.back().max + 1))
      out.back().max = std::max(out.back().max, r.max);
    else
      out.push_back(r);
  }
  return out;
}

// An open end is the end of the domain, so that {"max": 5} and {"min": 0, "max": 5} are one range.
Range closed(Range r, std::int64_t high) noexcept {
  return {std::max<std::int64_t>(r.min, 0), std::min(r.max, high)};
}
std::vector<Range> closed(std::vector<Range> ranges, std::int64_t high) {
  for (auto& r : ranges) r = closed(r, high);
  return ranges;
}

bool range_in(const Range& inner, const Range& outer) noexcept {
  return outer.min <= inner.min && inner.max <= outer.max;
}
bool ranges_in(const std::vector<Range>& inner, const std::vector<Range>& outer) {
  return std::ranges::all_of(inner, [&](const Range& r) {
    return std::ranges::any_of(outer, [&](const Range& o) { return range_in(r, o); });
  });
}
bool apart(const Range& a, const Range& b) noexcept {
  return a.max < b.min || b.max < a.min;
}
bool all_apart(const std::vector<Range>& a, const std::vector<Range>& b) {
  return std::ranges::all_of(
      a, [&](const Range& x) { return std::ranges::all_of(b, [&](const Range& y) { return apart(x, y); }); });
}
template <class List>
bool none_shared(const List& a, const List& b) {
  return std::ranges::none_of(a, [&](const auto& x) { return std::ranges::binary_search(b, x); });
}

}  // namespace

Coverage::Coverage(const Match& match)
    : match_(&match),
      brands_(sorted(match.brands)),
      tags_(sorted(match.tags)),
      currencies_(sorted(match.currencies)),
      mcc_(merged(closed(match.mcc, 9999))),
      dates_(merged(match.dates)),
      amount_(closed(match.amount, kAmountMax)),
      volume_(closed(match.volume, kVolumeMax)) {
  for (const auto& r : match.hours)
    for (std::int64_t i = 0, minute = r.min; i < 1440; ++i, minute = (minute + 1) % 1440) {
      minutes_.set(static_cast<std::size_t>(minute));
      if (minute == r.max) break;
    }
}

bool Coverage::holds(const Coverage& other) const {
  const Match& a = *match_;
  const Match& b = *other.match_;
  if ((a.given & ~b.given) != 0) return false;
  const auto bits = [&](Dimension d, std::uint32_t mine, std::uint32_t theirs) {
    return !a.names(d) || (theirs & ~mine) == 0;
  };
  const auto named = [&](Dimension d, bool inside) { return !a.names(d) || inside; };
  return bits(Dimension::channel, a.channels, b.channels) &&
         bits(Dimension::funding, a.fundings, b.fundings) && bits(Dimension::region, a.regions, b.regions) &&
         bits(Dimension::settlement, a.settlements, b.settlements) &&
         bits(Dimension::weekdays, a.weekdays, b.weekdays) &&
         named(Dimension::amount, range_in(other.amount_, amount_)) &&
         named(Dimension::volume, range_in(other.volume_, volume_)) &&
         named(Dimension::brand, std::ranges::includes(brands_, other.brands_)) &&
         named(Dimension::tags, std::ranges::includes(tags_, other.tags_)) &&
         named(Dimension::currency, std::ranges::includes(currencies_, other.currencies_)) &&
         named(Dimension::hours, (other.minutes_ & ~minutes_).none()) &&
         named(Dimension::mcc, ranges_in(other.mcc_, mcc_)) &&
         named(Dimension::dates, ranges_in(other.dates_, dates_));
}

bool Coverage::excludes(const Coverage& other) const {
  const Match& a = *match_;
  const Match& b = *other.match_;
  const auto bits = [&](Dimension d, std::uint32_t mine, std::uint32_t theirs) {
    return both_name(other, d) && (mine & theirs) == 0;
  };
  const auto named = [&](Dimension d, bool none) { return both_name(other, d) && none; };
  return bits(Dimension::channel, a.channels, b.channels) ||
         bits(Dimension::funding, a.fundings, b.fundings) || bits(Dimension::region, a.regions, b.regions) ||
         bits(Dimension::settlement, a.settlements, b.settlements) ||
         bits(Dimension::weekdays, a.weekdays, b.weekdays) ||
         named(Dimension::amount, apart(a.amount, b.amount)) ||
         named(Dimension::volume, apart(a.volume, b.volume)) ||
         named(Dimension::brand, none_shared(brands_, other.brands_)) ||
         named(Dimension::currency, none_shared(currencies_, other.currencies_)) ||
         named(Dimension::hours, (minutes_ & other.minutes_).none()) ||
         named(Dimension::mcc, all_apart(mcc_, other.mcc_)) ||
         named(Dimension::dates, all_apart(dates_, other.dates_));
}

std::vector<Coverage> coverage_of(const std::vector<Rule>& rules) {
  std::vector<Coverage> sets;
  sets.reserve(rules.size());
  for (const auto& rule : rules) sets.emplace_back(rule.match);
  return sets;
}

}  // namespace tollgate::fees
