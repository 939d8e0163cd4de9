#include "switch/core/volumes.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "fees/number.h"
#include "switch/base/check.h"

namespace tollgate::core {
namespace {

bool same(const Digest& digest, std::string_view hash) noexcept {
  return hash.size() == digest.size() && std::memcmp(digest.data(), hash.data(), digest.size()) == 0;
}

}  // namespace

// ---- the fold
// --------------------------------------------------------------------------------------------------------

VolumeCounters::Merchant& VolumeCounters::merchant_at(std::uint32_t merchant) {
  if (merchant >= merchants_.size()) merchants_.resize(merchant + 1);
  return merchants_[merchant];
}

std::uint32_t VolumeCounters::version_of(const PricedSale& sale) {
  const auto known =
      std::ranges::find_if(versions_, [&](const Version& v) { return same(v.digest, sale.schedule_hash); });
  if (known != versions_.end()) return static_cast<std::uint32_t>(known - versions_.begin());
  auto& fresh = versions_.emplace_back();
  fresh.schedule_id = sale.schedule_id;
  fresh.version = sale.version;
  TG_CHECK(sale.schedule_hash.size() == fresh.digest.size());
  std::memcpy(fresh.digest.data(), sale.schedule_hash.data(), fresh.digest.size());
  return static_cast<std::uint32_t>(versions_.size() - 1);
}

VolumeCounters::Sums* VolumeCounters::find(Merchant& merchant, std::int32_t month,
                                           std::uint32_t version) noexcept {
  for (auto& sums : merchant.sums)
    if (sums.month == month && sums.schedule == version) return &sums;
  return nullptr;
}

// A month that nobody asks for any more gives its memory to the new one.
VolumeCounters::Sums& VolumeCounters::open(Merchant& merchant, std::int32_t month, std::uint32_t version) {
  std::vector<std::int64_t> memory;
  if (month > merchant.newest) {
    merchant.newest = month;
    std::erase_if(merchant.sums, [&](Sums& sums) {
      if (sums.month >= month - 1) return false;
      memory = std::move(sums.minor);
      return true;
    });
  }
  memory.clear();
  return merchant.sums.emplace_back(Sums{month, version, std::move(memory)});
}

void VolumeCounters::add(Sums& sums, std::size_t component, std::int64_t minor) {
  if (component >= sums.minor.size()) sums.minor.resize(component + 1);
  sums.minor[component] += minor;
}

std::int32_t VolumeCounters::month_of(BusinessDate day) noexcept {
  if (day != day_) {
    day_ = day;
    month_ = fees::Month::of(day).index;
  }
  return month_;
}

Counted VolumeCounters::count(std::uint32_t merchant_index, const PricedSale& sale,
                              std::int64_t amount_minor) {
  Counted counted;
  auto& merchant = merchant_at(merchant_index);
  const auto month = month_of(sale.business_date);
  if (merchant.newest != std::numeric_limits<std::int32_t>::min() && month < merchant.newest - 1)
    return counted;
  Sums* sums = nullptr;
  for (auto& known : merchant.sums)
    if (known.month == month && same(versions_[known.schedule].digest, sale.schedule_hash)) sums = &known;
  if (sums == nullptr) sums = &open(merchant, month, version_of(sale));
  counted.month = month;
  counted.schedule = sums->schedule + 1;
  for (const auto& line : sale.bases) {
    const auto base = line.base_minor;
    TG_CHECK(line.component < fees::kComponentsMax);
    if (base == 0) continue;
    add(*sums, line.component, base);
    if (base == amount_minor)
      counted.whole |= std::uint64_t{1} << line.component;
    else
      counted.parts.emplace_back(static_cast<std::uint16_t>(line.component), base);
  }
  return counted;
}

void VolumeCounters::move(std::uint32_t merchant_index, const Counted& counted, std::int64_t amount_minor,
                          int direction) {
  if (counted.schedule == 0) return;
  auto* sums = find(merchant_at(merchant_index), counted.month, counted.schedule - 1);
  if (sums == nullptr) return;
  for (auto left = counted.whole; left != 0; left &= left - 1)
    add(*sums, static_cast<std::size_t>(std::countr_zero(left)), direction * amount_minor);
  for (const auto& [component, base] : counted.parts) add(*sums, component, direction * base);
}

// ---- the decision
// ----------------------------------------------------------------------------------------------------

const std::vector<std::uint16_t>& VolumeCounters::translation(std::uint32_t from,
                                                              const fees::CompiledSchedule& to,
                                                              const fees::PriceBook& prices) {
  for (const auto& known : translations_)
    if (known.from == from && known.to == to.digest()) return known.place;
  if (translations_.size() == kTranslationsMax) translations_.clear();
  const auto older = prices.find(versions_[from].digest);
  TG_CHECK(older != nullptr);  // it priced a sale, and what is published stays
  auto& fresh = translations_.emplace_back(Translation{from, to.digest(), {}});
  for (const auto& component : to.text().components) {
    const auto* there = older->component(component.id);
    fresh.place.push_back(
        there == nullptr ? kNowhere : static_cast<std::uint16_t>(there - older->text().components.data()));
  }
  return fresh.place;
}

fees::Volumes VolumeCounters::numbers(std::uint32_t merchant_index, const fees::CompiledSchedule& schedule,
                                      BusinessDate day, const fees::PriceBook& prices) {
  const auto& readers = schedule.volume_readers();
  if (readers.empty()) return {};
  const auto& components = schedule.text().components;
  const auto month = month_of(day);
  numbers_.assign(components.size(), 0);
  for (const auto& sums : merchant_at(merchant_index).sums) {
    if (sums.month != month && sums.month != month - 1) continue;
    const bool own = versions_[sums.schedule].digest == schedule.digest();
    const auto* places = own ? nullptr : &translation(sums.schedule, schedule, prices);
    for (const auto reader : readers) {
      const bool running = components[reader].volume == fees::VolumeMode::running;
      if (sums.month != (running ? month : month - 1)) continue;
      const std::size_t place = own ? reader : (*places)[reader];
      if (place < sums.minor.size()) numbers_[reader] += sums.minor[place];
    }
  }
  for (const auto reader : readers)
    numbers_[reader] = std::clamp<std::int64_t>(numbers_[reader], 0, fees::kVolumeMax);
  return {numbers_};
}

// ---- snapshot
// --------------------------------------------------------------------------------------------------------

void VolumeCounters::save(v1::PartitionSnapshot& out) const {
  for (const auto& version : versions_) {
    auto& v = *out.add_volume_schedules();
    v.set_schedule_id(version.schedule_id);
    v.set_version(version.version);
    v.set_hash(version.digest.data(), version.digest.size());
  }
  for (std::size_t i = 0; i < merchants_.size(); ++i) {
    for (const auto& sums : merchants_[i].sums) {
      auto& s = *out.add_volumes();
      s.set_merchant(static_cast<std::uint32_t>(i));
      s.set_month(sums.month);
      s.set_schedule(sums.schedule);
      s.mutable_minor()->Add(sums.minor.begin(), sums.minor.end());
    }
  }
}

bool VolumeCounters::load(const v1::PartitionSnapshot& in) {
  for (const auto& v : in.volume_schedules()) {
    auto& version = versions_.emplace_back(Version{v.schedule_id(), v.version(), {}});
    if (v.hash().size() != version.digest.size()) return false;
    std::memcpy(version.digest.data(), v.hash().data(), version.digest.size());
  }
  for (const auto& s : in.volumes()) {
    if (s.schedule() >= versions_.size() || s.merchant() >= static_cast<std::uint32_t>(in.merchants_size()) ||
        s.minor_size() > static_cast<int>(fees::kComponentsMax))
      return false;
    auto& merchant = merchant_at(s.merchant());
    merchant.newest = std::max(merchant.newest, s.month());
    merchant.sums.push_back({s.month(), s.schedule(), {s.minor().begin(), s.minor().end()}});
  }
  return true;
}

void write(const Counted& counted, WireWriter& out) {
  using V = v1::CountedSnapshot;
  out.number(V::kWholeFieldNumber, counted.whole);
  out.integer(V::kMonthFieldNumber, counted.month);
  out.number(V::kScheduleFieldNumber, counted.schedule);
  out.flag(V::kTakenBackFieldNumber, counted.taken_back != 0);
  if (counted.parts.empty()) return;
  const auto components = out.open(V::kComponentFieldNumber);
  for (const auto& part : counted.parts) out.packed(part.first);
  out.close(components);
  const auto bases = out.open(V::kBaseMinorFieldNumber);
  for (const auto& part : counted.parts) out.packed(part.second);
  out.close(bases);
}

bool read(std::span<const std::uint8_t> bytes, Counted& counted) {
  using V = v1::CountedSnapshot;
  WireReader in(bytes), components({}), bases({});
  while (in.next()) {
    switch (in.number()) {
      case V::kWholeFieldNumber: counted.whole = in.value(); break;
      case V::kMonthFieldNumber: counted.month = static_cast<std::int32_t>(in.value()); break;
      case V::kScheduleFieldNumber: counted.schedule = static_cast<std::uint32_t>(in.value()) & 0x7FFF'FFFF; break;
      case V::kTakenBackFieldNumber: counted.taken_back = in.value() != 0; break;
      case V::kComponentFieldNumber: components = WireReader(in.bytes()); break;
      case V::kBaseMinorFieldNumber: bases = WireReader(in.bytes()); break;
      default: break;
    }
  }
  for (;;) {
    const bool component = components.next_packed(), base = bases.next_packed();
    if (component != base) return false;
    if (!component) break;
    counted.parts.emplace_back(static_cast<std::uint16_t>(components.value()), static_cast<std::int64_t>(bases.value()));
  }
  return in.ok() && components.at_end() && bases.at_end();
}

}  // namespace tollgate::core
