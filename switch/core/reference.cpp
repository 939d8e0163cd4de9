#include "switch/core/reference.h"

#include <algorithm>
#include <numeric>

namespace tollgate::core {
namespace {

bool in_ranges(const google::protobuf::RepeatedPtrField<v1::PrefixRange>& ranges, std::string_view digits) noexcept {
  return std::ranges::any_of(ranges, [&](const v1::PrefixRange& range) {
    const auto head = digits.substr(0, range.first().size());
    return head.size() == range.first().size() && head >= range.first() && head <= std::string_view(range.last());
  });
}

template <class List, class Value>
bool names(const List& list, const Value& value) noexcept {
  return list.empty() || std::ranges::find(list, value) != list.end();
}

bool matches(const v1::Route& route, const RouteQuery& query) noexcept {
  if (!route.bin().empty() || !route.qr().empty()) {
    const bool card = !query.pan.empty() && in_ranges(route.bin(), query.pan);
    const bool qr = !query.qr.empty() && in_ranges(route.qr(), query.qr);
    if (!card && !qr) return false;
  }
  if (query.amount_minor < route.amount_min()) return false;
  if (route.amount_max() != 0 && query.amount_minor > route.amount_max()) return false;
  return names(route.kinds(), query.kind) && names(route.merchants(), query.merchant_code) && names(route.terminals(), query.tid) &&
         names(route.currencies(), query.currency);
}

}  // namespace

Reference::Reference(Parts parts) : parts_(std::move(parts)) {
  if (parts_.prices == nullptr) parts_.prices = std::make_shared<const fees::PriceBook>();
  for (const auto& range : parts_.cards) prefixes_.push_back({range.prefix(), {range.brand(), range.funding(), range.region(), range.issuer()}});
  std::ranges::sort(prefixes_, {}, &Prefix::digits);
  for (const auto& prefix : prefixes_) prefix_sizes_ |= std::uint64_t{1} << std::min<std::size_t>(prefix.digits.size(), 63);
  route_order_.resize(parts_.routes.size());
  std::iota(route_order_.begin(), route_order_.end(), std::size_t{0});
  std::ranges::stable_sort(route_order_, {}, [&](std::size_t i) { return std::pair(parts_.routes[i].priority(), parts_.routes[i].name()); });
  for (const auto& route : parts_.routes) {
    auto& hosts = route_hosts_.emplace_back();
    for (const auto& target : route.to())
      if (const auto index = host_index(target.host())) hosts.push_back(*index);
  }
}

std::optional<std::uint16_t> Reference::host_index(std::string_view name) const noexcept {
  for (std::size_t i = 0; i < parts_.hosts.size(); ++i)
    if (parts_.hosts[i].host.name() == name) return static_cast<std::uint16_t>(i);
  return std::nullopt;
}

const v1::Device* Reference::device(std::string_view serial_number) const noexcept {
  const auto it = std::ranges::find_if(parts_.devices, [&](const auto& d) { return d.serial_number() == serial_number; });
  return it == parts_.devices.end() ? nullptr : &*it;
}

// The longest prefix of a number is, among the sorted ones, at or before its place; each miss shortens what can still match.
const CardFacts* Reference::card(std::string_view pan) const noexcept {
  for (auto size = std::min<std::size_t>(pan.size(), 12); size > 0; --size) {
    if ((prefix_sizes_ >> size & 1) == 0) continue;
    const auto head = pan.substr(0, size);
    const auto it = std::ranges::lower_bound(prefixes_, head, {}, [](const Prefix& p) { return std::string_view(p.digits); });
    if (it != prefixes_.end() && it->digits == head) return &it->facts;
  }
  return nullptr;
}

Reference::Match Reference::route(const RouteQuery& query, std::uint32_t turn, std::span<std::uint16_t> out) const noexcept {
  for (const auto i : route_order_) {
    const auto& route = parts_.routes[i];
    const auto& hosts = route_hosts_[i];
    if (hosts.empty() || !matches(route, query)) continue;
    const auto count = std::min(hosts.size(), out.size());
    std::copy_n(hosts.begin(), count, out.begin());
    // Neighbours of equal weight take turns at being first; without weights the declared order stands.
    std::size_t same = 0;
    while (same < count && route.to(static_cast<int>(same)).weight() != 0 && route.to(static_cast<int>(same)).weight() == route.to(0).weight()) ++same;
    if (same > 1) std::rotate(out.begin(), out.begin() + turn % same, out.begin() + static_cast<std::ptrdiff_t>(same));
    return {&route, count};
  }
  return {};
}

}  // namespace tollgate::core
