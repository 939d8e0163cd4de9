#include "switch/sim/option_text.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <optional>
#include <string>

namespace tollgate::sim {
namespace {

constexpr std::array<std::string_view, kActs> kActNames{
    "sale", "chip", "contactless", "qr", "instant", "balance", "void", "reversal", "retransmit", "echo"};

// The number at the front; `rest` is what follows it.
std::optional<std::uint64_t> take_number(std::string_view text, std::string_view* rest) noexcept {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  *rest = text.substr(static_cast<std::size_t>(end - text.data()));
  return value;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  std::string_view unit;
  const auto count = take_number(text, &unit);
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 7> kUnits{{{"", 1'000'000'000},
                                                                             {"ns", 1},
                                                                             {"us", 1'000},
                                                                             {"ms", 1'000'000},
                                                                             {"s", 1'000'000'000},
                                                                             {"m", 60'000'000'000},
                                                                             {"h", 3'600'000'000'000}}};
  const auto at = std::ranges::find(kUnits, unit, &std::pair<std::string_view, std::int64_t>::first);
  if (!count || at == kUnits.end() || *count > 1'000'000) {
    return fail(ErrorCode::invalid, "a duration is a number and ns, us, ms, s, m or h", std::string(text));
  }
  return Duration(static_cast<std::int64_t>(*count) * at->second);
}

Result<std::uint32_t> parse_share(std::string_view text) {
  const auto refused = [&] {
    return fail(ErrorCode::invalid, "a share is 0% to 100%, or ppm", std::string(text));
  };
  std::string_view rest;
  const auto whole = take_number(text, &rest);
  if (!whole || *whole > 1'000'000) return refused();
  if (rest == "ppm") return static_cast<std::uint32_t>(*whole);
  std::uint64_t ppm = *whole * 10'000;
  if (rest.starts_with('.')) {
    std::uint64_t unit = 1'000;
    for (rest.remove_prefix(1); !rest.empty() && rest[0] >= '0' && rest[0] <= '9';
         rest.remove_prefix(1), unit /= 10) {
      ppm += static_cast<std::uint64_t>(rest[0] - '0') * unit;
    }
  }
  if (rest != "%" || ppm > 1'000'000) return refused();
  return static_cast<std::uint32_t>(ppm);
}

std::string_view name(Act act) noexcept {
  return kActNames[static_cast<std::size_t>(act)];
}

std::uint64_t Mix::total() const noexcept {
  return std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
}

Act Mix::pick(std::uint64_t at) const noexcept {
  std::size_t act = 0;
  while (act + 1 < kActs && at >= weights[act]) at -= weights[act++];
  return static_cast<Act>(act);
}

Result<Mix> parse_mix(std::string_view text) {
  Mix mix;
  mix.weights.fill(0);
  for (std::string_view rest = text; !rest.empty();) {
    const auto item = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), item.size() + 1));
    const auto equals = item.find('=');
    const auto act = std::ranges::find(kActNames, item.substr(0, equals));
    std::string_view after;
    const auto weight =
        equals == std::string_view::npos ? std::nullopt : take_number(item.substr(equals + 1), &after);
    if (act == kActNames.end() || !weight || !after.empty() || *weight > 1'000'000) {
      return fail(ErrorCode::invalid,
                  "a mix is name=weight,... of sale chip contactless qr instant balance void "
                  "reversal retransmit echo",
                  std::string(text));
    }
    mix.weights[static_cast<std::size_t>(act - kActNames.begin())] = static_cast<std::uint32_t>(*weight);
  }
  if (mix.total() == 0)
    return fail(ErrorCode::invalid, "the weights of a mix sum up to 0", std::string(text));
  return mix;
}

}  // namespace tollgate::sim
