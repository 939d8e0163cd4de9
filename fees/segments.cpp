#include "fees/segments.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <set>

#include "fees/words.h"

namespace tollgate::fees {
namespace {

bool inside(const std::vector<Range>& ranges, std::int64_t value) {
  return std::ranges::any_of(ranges, [value](const Range& r) { return r.min <= value && value <= r.max; });
}
bool inside_hours(const std::vector<Range>& ranges, std::int64_t minute) {
  return std::ranges::any_of(ranges, [minute](const Range& r) {
    return r.min <= r.max ? r.min <= minute && minute <= r.max : minute >= r.min || minute <= r.max;
  });
}
int weekday_of(BusinessDate date) {
  return (date.days % 7 + 10) % 7;
}

// One value of a dimension: how it is put into a segment, and its name ("" for a value that no rule names).
struct Choice {
  std::function<bool(Segment&)> put;  // false: the value cannot stand beside what is there
  std::string name;
};
using Choices = std::vector<Choice>;

// What all rules say about each dimension.
struct Named {
  std::uint16_t given = 0;
  std::set<unsigned> channels, fundings, regions, settlements, weekdays;
  std::set<Code> brands, tags;
  std::set<std::uint16_t> currencies;
  std::set<std::int64_t> mcc, dates, hours, volumes;  // starts of classes
};

void add_starts(std::set<std::int64_t>& starts, const Range& r) {
  if (r.min != INT64_MIN) starts.insert(r.min);
  if (r.max != INT64_MAX) starts.insert(r.max + 1);
}
void add_bits(std::set<unsigned>& values, std::uint32_t bits) {
  for (unsigned i = 0; i < 32; ++i)
    if ((bits >> i & 1U) != 0) values.insert(i);
}

void read_names(const Match& m, Named& named) {
  named.given |= m.given;
  add_bits(named.channels, m.channels);
  add_bits(named.fundings, m.fundings);
  add_bits(named.regions, m.regions);
  add_bits(named.settlements, m.settlements);
  add_bits(named.weekdays, m.weekdays);
  named.brands.insert(m.brands.begin(), m.brands.end());
  named.tags.insert(m.tags.begin(), m.tags.end());
  for (const auto c : m.currencies) named.currencies.insert(c.number);
  for (const auto& r : m.mcc) add_starts(named.mcc, r);
  for (const auto& r : m.dates) add_starts(named.dates, r);
  for (const auto& r : m.hours) {
    add_starts(named.hours, {r.min, r.max});
    if (r.max == 1439) named.hours.erase(1440);
  }
  if (m.names(Dimension::volume)) add_starts(named.volumes, m.volume);
}

template <class Enum, std::size_t N>
Choices fact_choices(const std::set<unsigned>& values, const std::array<Words, N>& words,
                     std::string_view what, Enum Facts::*member) {
  Choices out{{[](Segment&) { return true; }, ""}};  // absent: no rule names it
  for (const auto v : values)
    out.push_back({[member, v](Segment& s) {
                     s.event.facts.*member = static_cast<Enum>(v);
                     return true;
                   },
                   fmt::format("{} {}", what, words[v - 1])});
  return out;
}

Choices code_choices(const std::set<Code>& values, std::string_view what, bool tags) {
  Choices out{{[](Segment&) { return true; }, ""}};
  for (const auto& code : values)
    out.push_back({[code, tags](Segment& s) {
                     if (tags) return s.event.facts.tags.add(code);
                     s.event.facts.brand = code;
                     return true;
                   },
                   fmt::format("{} {}", what, code.text())});
  return out;
}

Choices start_choices(const std::set<std::int64_t>& starts, std::int64_t low, std::string_view what,
                      const std::function<std::string(std::int64_t)>& show,
                      const std::function<void(Segment&, std::int64_t)>& put) {
  std::set<std::int64_t> all = starts;
  all.insert(low);
  Choices out;
  for (const auto start : all)
    out.push_back({[put, start](Segment& s) {
                     put(s, start);
                     return true;
                   },
                   start == low ? std::string() : fmt::format("{} from {}", what, show(start))});
  return out;
}

constexpr std::int32_t kSomeThursday = 20'454;  // 2026-01-01, for schedules whose rules name no date

std::vector<Choices> dimensions_of(const Named& n, const std::set<std::int64_t>& volumes) {
  std::vector<Choices> out;
  const auto names = [&](Dimension d) { return (n.given >> static_cast<unsigned>(d) & 1U) != 0; };
  const auto number = [](std::int64_t v) { return std::to_string(v); };
  if (names(Dimension::channel))
    out.push_back(fact_choices(n.channels, kChannelWords, "channel", &Facts::channel));
  if (names(Dimension::funding))
    out.push_back(fact_choices(n.fundings, kFundingWords, "funding", &Facts::funding));
  if (names(Dimension::region))
    out.push_back(fact_choices(n.regions, kRegionWords, "region", &Facts::region));
  if (names(Dimension::settlement))
    out.push_back(fact_choices(n.settlements, kSettlementWords, "settlement", &Facts::settlement));
  if (names(Dimension::brand)) out.push_back(code_choices(n.brands, "brand", false));
  if (names(Dimension::tags)) out.push_back(code_choices(n.tags, "tag", true));
  if (names(Dimension::currency)) {
    Choices list{{[](Segment&) { return true; }, ""}};
    for (const auto c : n.currencies)
      list.push_back({[c](Segment& s) {
                        s.event.facts.currency.number = c;
                        return true;
                      },
                      fmt::format("currency {}", currency_code(Currency{c}))});
    out.push_back(std::move(list));
  }
  if (names(Dimension::mcc)) {
    auto list = start_choices(n.mcc, 0, "mcc", number, [](Segment& s, std::int64_t v) {
      s.event.facts.mcc = static_cast<std::int32_t>(std::min<std::int64_t>(v, 9999));
    });
    list.push_back({[](Segment&) { return true; }, "no mcc"});
    out.push_back(std::move(list));
  }
  if (names(Dimension::dates)) {
    const std::int64_t low = n.dates.empty() ? kSomeThursday : *n.dates.begin() - 1;
    out.push_back(start_choices(
        n.dates, low, "date", [](std::int64_t v) { return format_date({static_cast<std::int32_t>(v)}); },
        [](Segment& s, std::int64_t v) { s.event.business_date.days = static_cast<std::int32_t>(v); }));
  }
  if (names(Dimension::hours))
    out.push_back(start_choices(
        n.hours, 0, "time", [](std::int64_t v) { return fmt::format("{:02}:{:02}", v / 60, v % 60); },
        [](Segment& s, std::int64_t v) { s.event.local_minute = static_cast<std::int32_t>(v); }));
  if (names(Dimension::weekdays)) {  // after dates: the first such day from the date on, if it is still the
                                     // same class
    Choices list;
    for (int w = 0; w < 7; ++w) {
      list.push_back({[w, dates = n.dates](Segment& s) {
                        const auto from = s.event.business_date.days;
                        s.event.business_date.days += (w - weekday_of(s.event.business_date) + 7) % 7;
                        const auto next = dates.upper_bound(from);
                        return next == dates.end() || s.event.business_date.days < *next;
                      },
                      std::string(kWeekdayWords[static_cast<std::size_t>(w)])});
    }
    out.push_back(std::move(list));
  }
  if (volumes.size() > 1)
    out.push_back(
        start_choices(volumes, 0, "volume", number, [](Segment& s, std::int64_t v) { s.volume = v; }));
  return out;
}

Segment blank() {
  Segment s;
  s.event.business_date = {kSomeThursday};
  s.event.local_minute = 0;
  return s;
}

// The rules that the segment can meet, and where on the axis of amounts something changes.
std::vector<bool> rules_met(const CompiledSchedule& schedule, Segment& segment) {
  std::vector<bool> met;
  std::set<std::int64_t> starts{0};
  const auto start = [&](std::int64_t at) {
    if (at > 0 && at <= kAmountMax) starts.insert(at);
  };
  for (const auto& component : schedule.text().components) {
    if (!component.prices(PricedEvent::sale)) continue;
    const std::int64_t base = component.volume == VolumeMode::running ? segment.volume : 0;
    for (const auto& rule : component.rules) {
      met.push_back(
          takes_at_some_amount(rule.match, segment.event, schedule.text().currency, segment.volume));
      if (!met.back()) continue;
      if (rule.match.names(Dimension::amount)) {
        if (rule.match.amount.min != INT64_MIN) start(rule.match.amount.min);
        if (rule.match.amount.max != INT64_MAX) start(rule.match.amount.max + 1);
      }
      for (const auto& tier : rule.tiers)
        if (tier.up_to != INT64_MAX) start(tier.up_to - base);
    }
  }
  segment.starts.assign(starts.begin(), starts.end());
  return met;
}

// Facts that one rule takes, for price lists too large for every combination.
void put_rule(const Match& m, Segment& s) {
  const auto first = [](std::uint32_t bits) { return bits == 0 ? 0 : std::countr_zero(bits); };
  const auto low = [](const std::vector<Range>& ranges, std::int64_t open) {
    return ranges.front().min == INT64_MIN ? (ranges.front().max == INT64_MAX ? open : ranges.front().max)
                                           : ranges.front().min;
  };
  Facts& f = s.event.facts;
  f.channel = static_cast<Channel>(first(m.channels));
  f.funding = static_cast<Funding>(first(m.fundings));
  f.region = static_cast<Region>(first(m.regions));
  f.settlement = static_cast<Settlement>(first(m.settlements));
  if (!m.brands.empty()) f.brand = m.brands.front();
  if (!m.tags.empty()) (void)f.tags.add(m.tags.front());
  if (!m.currencies.empty()) f.currency = m.currencies.front();
  if (!m.mcc.empty()) f.mcc = static_cast<std::int32_t>(std::max<std::int64_t>(0, low(m.mcc, 0)));
  if (!m.hours.empty()) s.event.local_minute = static_cast<std::int32_t>(m.hours.front().min);
  if (!m.dates.empty()) s.event.business_date.days = static_cast<std::int32_t>(low(m.dates, kSomeThursday));
  if (m.names(Dimension::volume)) s.volume = std::max<std::int64_t>(0, m.volume.min);
  for (int d = 0; m.weekdays != 0 && d < 7 && (m.weekdays >> weekday_of(s.event.business_date) & 1U) == 0;
       ++d)
    ++s.event.business_date.days;
}

class Collector {
 public:
  explicit Collector(const CompiledSchedule& schedule) : schedule_(schedule) {}
  void add(Segment segment) {
    if (segment.name.empty()) segment.name = "any";
    if (seen_.insert(rules_met(schedule_, segment)).second) out_.list.push_back(std::move(segment));
  }
  void combine(const std::vector<Choices>& dimensions, std::size_t at, const Segment& so_far) {
    if (at == dimensions.size()) return add(so_far);
    for (const auto& choice : dimensions[at]) {
      Segment next = so_far;
      if (!choice.put(next)) continue;
      if (!choice.name.empty()) next.name += (next.name.empty() ? "" : ", ") + choice.name;
      combine(dimensions, at + 1, next);
    }
  }
  [[nodiscard]] Segments take(bool complete) {
    out_.complete = complete;
    return std::move(out_);
  }

 private:
  const CompiledSchedule& schedule_;
  std::set<std::vector<bool>> seen_;
  Segments out_;
};

}  // namespace

bool takes_at_some_amount(const Match& m, const Event& event, Currency currency, std::int64_t volume) {
  const Facts& f = event.facts;
  const auto bit = [&](Dimension d, std::uint32_t mask, unsigned value) {
    return !m.names(d) || (mask >> value & 1U) != 0;
  };
  const auto named = [&](Dimension d, bool holds) { return !m.names(d) || holds; };
  const auto has = [](const auto& list, const auto& value) {
    return std::ranges::find(list, value) != list.end();
  };
  bool tagged = false;
  for (std::size_t i = 0; i < f.tags.size(); ++i) tagged = tagged || has(m.tags, f.tags[i]);
  return bit(Dimension::channel, m.channels, static_cast<unsigned>(f.channel)) &&
         bit(Dimension::funding, m.fundings, static_cast<unsigned>(f.funding)) &&
         bit(Dimension::region, m.regions, static_cast<unsigned>(f.region)) &&
         bit(Dimension::settlement, m.settlements, static_cast<unsigned>(f.settlement)) &&
         bit(Dimension::weekdays, m.weekdays, static_cast<unsigned>(weekday_of(event.business_date))) &&
         named(Dimension::brand, has(m.brands, f.brand)) && named(Dimension::tags, tagged) &&
         named(Dimension::currency, has(m.currencies, f.currency.number == 0 ? currency : f.currency)) &&
         named(Dimension::mcc, f.mcc != kNoMcc && inside(m.mcc, f.mcc)) &&
         named(Dimension::dates, inside(m.dates, event.business_date.days)) &&
         named(Dimension::hours, inside_hours(m.hours, event.local_minute)) &&
         named(Dimension::volume, m.volume.min <= volume && volume <= m.volume.max);
}

Segments segments_of(const CompiledSchedule& schedule, std::size_t points_max) {
  Named named;
  std::set<std::int64_t> volumes{0};
  for (const auto& component : schedule.text().components) {
    if (!component.prices(PricedEvent::sale)) continue;
    for (const auto& rule : component.rules) {
      read_names(rule.match, named);
      if (component.volume != VolumeMode::running) continue;
      for (const auto& tier : rule.tiers)
        if (tier.up_to != INT64_MAX) volumes.insert(tier.up_to);
    }
  }
  volumes.insert(named.volumes.begin(), named.volumes.end());
  const auto dimensions = dimensions_of(named, volumes);
  std::size_t points = 1;
  for (const auto& choices : dimensions) points = std::min(points * choices.size(), points_max + 1);

  Collector collector(schedule);
  if (points <= points_max) {
    collector.combine(dimensions, 0, blank());
    return collector.take(named.tags.size() <= 1);
  }
  collector.add(blank());
  for (const auto& component : schedule.text().components) {
    if (!component.prices(PricedEvent::sale)) continue;
    for (const auto& rule : component.rules) {
      Segment segment = blank();
      segment.name = fmt::format("facts of rule {}/{}", component.id, rule.id);
      put_rule(rule.match, segment);
      collector.add(std::move(segment));
    }
  }
  return collector.take(false);
}

}  // namespace tollgate::fees
