#include "fees/program.h"

#include <algorithm>
#include <bit>

#include "switch/base/check.h"

namespace tollgate::fees {

void CodeTable::build(std::vector<Code> codes) {
  codes_ = std::move(codes);
  slots_.assign(std::bit_ceil(codes_.size() * 2 + 1), 0);
  const auto mask = slots_.size() - 1;
  for (std::uint32_t i = 0; i < codes_.size(); ++i) {
    auto at = codes_[i].mixed() & mask;
    while (slots_[at] != 0) at = (at + 1) & mask;
    slots_[at] = i + 1;
  }
}

std::uint32_t CodeTable::find(const Code& code, std::uint64_t mixed) const noexcept {
  const auto mask = slots_.size() - 1;
  for (auto at = mixed & mask; slots_[at] != 0; at = (at + 1) & mask)
    if (codes_[slots_[at] - 1] == code) return slots_[at] - 1;
  return kNone;
}

void BreakPoints::add(const Range& range) {
  if (range.min != INT64_MIN) starts_.push_back(range.min);
  if (range.max != INT64_MAX) starts_.push_back(range.max + 1);
}

void BreakPoints::seal() {
  std::ranges::sort(starts_);
  starts_.erase(std::unique(starts_.begin(), starts_.end()), starts_.end());
}

std::uint32_t BreakPoints::of(std::int64_t value) const noexcept {
  // Branch-free upper bound: the next load does not wait for a guess.
  const std::int64_t* base = starts_.data();
  std::size_t size = starts_.size();
  if (size == 0) return 0;
  while (size > 1) {
    const std::size_t half = size / 2;
    base += base[half - 1] <= value ? half : 0;
    size -= half;
  }
  return static_cast<std::uint32_t>(base - starts_.data()) + (*base <= value ? 1U : 0U);
}

namespace {

bool inside(const std::vector<Range>& ranges, std::int64_t value) noexcept {
  return std::ranges::any_of(ranges, [value](const Range& r) { return r.min <= value && value <= r.max; });
}
// Hours may wrap midnight: 22:00 … 05:59 is two ranges.
void add_hours(BreakPoints& points, const Range& r) {
  points.add({r.min, r.min <= r.max ? r.max : 1439});
  if (r.min > r.max) points.add({0, r.max});
}
bool inside_hours(const std::vector<Range>& ranges, std::int64_t minute) noexcept {
  return std::ranges::any_of(ranges, [minute](const Range& r) {
    return r.min <= r.max ? r.min <= minute && minute <= r.max : minute >= r.min || minute <= r.max;
  });
}

bool holds(const Match& match, Dimension dimension, std::int64_t value) noexcept {
  const auto bit = [value](std::uint32_t mask) { return (mask >> value & 1U) != 0; };
  switch (dimension) {
    case Dimension::channel:
      return bit(match.channels);
    case Dimension::funding:
      return bit(match.fundings);
    case Dimension::region:
      return bit(match.regions);
    case Dimension::settlement:
      return bit(match.settlements);
    case Dimension::weekdays:
      return bit(match.weekdays);
    case Dimension::mcc:
      return inside(match.mcc, value);
    case Dimension::dates:
      return inside(match.dates, value);
    case Dimension::hours:
      return inside_hours(match.hours, value);
    case Dimension::amount:
      return match.amount.min <= value && value <= match.amount.max;
    case Dimension::volume:
      return match.volume.min <= value && value <= match.volume.max;
    case Dimension::brand:
    case Dimension::tags:
    case Dimension::currency:
      break;
  }
  return false;
}

}  // namespace

void add_break_points(const Match& match, SharedClasses& classes) {
  for (const auto& r : match.mcc) classes.mcc.add(r);
  for (const auto& r : match.dates) classes.dates.add(r);
  for (const auto& r : match.hours) add_hours(classes.hours, r);
  if (match.names(Dimension::amount)) classes.amount.add(match.amount);
}

void seal(SharedClasses& classes) {
  classes.mcc.seal();
  classes.dates.seal();
  classes.hours.seal();
  classes.amount.seal();
}

Prepared::Prepared(const SharedClasses& classes, Currency of_schedule, const Event& event) noexcept
    : facts(&event.facts) {
  const auto used = [&classes](Dimension d) { return (classes.used >> static_cast<unsigned>(d) & 1U) != 0; };
  currency = facts->currency.number == 0 ? of_schedule : facts->currency;
  if (used(Dimension::brand)) brand_mixed = facts->brand.mixed();
  if (used(Dimension::tags))
    for (std::size_t i = 0; i < facts->tags.size(); ++i) tag_mixed[i] = facts->tags[i].mixed();
  if (used(Dimension::mcc) && facts->mcc != kNoMcc) mcc = classes.mcc.of(facts->mcc) + 1;
  if (used(Dimension::amount)) amount = classes.amount.of(event.amount_minor);
  if (used(Dimension::dates)) dates = classes.dates.of(event.business_date.days);
  if (used(Dimension::hours)) hours = classes.hours.of(event.local_minute);
  // 1970-01-01 was a Thursday.
  if (used(Dimension::weekdays))
    weekday = static_cast<std::uint32_t>(((event.business_date.days % 7) + 10) % 7);
}

template <class Holds>
std::uint32_t RuleSet::add_rows(const std::vector<Rule>& rules, Dimension dimension, std::uint32_t count,
                                Holds holds_in) {
  const auto at = static_cast<std::uint32_t>(rows_.size());
  rows_.resize(at + std::size_t{count} * words_, 0);
  for (std::uint32_t r = 0; r < count; ++r)
    for (std::size_t i = 0; i < rules.size(); ++i)
      if (!rules[i].match.names(dimension) || holds_in(rules[i].match, r))
        rows_[at + std::size_t{r} * words_ + i / 64] |= std::uint64_t{1} << i % 64;
  return at;
}

void RuleSet::add_plain(const std::vector<Rule>& rules, Dimension dimension) {
  const std::uint32_t values = dimension == Dimension::channel ? 8 : dimension == Dimension::weekdays ? 7 : 4;
  Table table{dimension};
  table.rows_at = add_rows(rules, dimension, values,
                           [dimension](const Match& m, std::uint32_t v) { return holds(m, dimension, v); });
  tables_.push_back(table);
}

// Rows for the classes that this component tells apart, and a map from the shared classes to them.
void RuleSet::add_shared(const std::vector<Rule>& rules, Dimension dimension, const BreakPoints& points,
                         bool absent_first) {
  BreakPoints own;
  for (const auto& rule : rules) {
    const auto& m = rule.match;
    if (dimension == Dimension::amount && m.names(Dimension::amount)) own.add(m.amount);
    if (dimension == Dimension::mcc)
      for (const auto& r : m.mcc) own.add(r);
    if (dimension == Dimension::dates)
      for (const auto& r : m.dates) own.add(r);
    if (dimension == Dimension::hours)
      for (const auto& r : m.hours) add_hours(own, r);
  }
  own.seal();
  const std::uint32_t shift = absent_first ? 1 : 0;
  Table table{dimension};
  table.rows_at = add_rows(rules, dimension, own.classes() + shift, [&](const Match& m, std::uint32_t r) {
    return r >= shift && holds(m, dimension, own.sample(r - shift));
  });
  table.map_at = static_cast<std::uint32_t>(maps_.size());
  if (absent_first) maps_.push_back(0);
  for (std::uint32_t c = 0; c < points.classes(); ++c)
    maps_.push_back(static_cast<std::uint16_t>(own.of(points.sample(c)) + shift));
  tables_.push_back(table);
}

void RuleSet::build(const std::vector<Rule>& rules, const SharedClasses& classes) {
  rules_ = static_cast<std::uint16_t>(rules.size());
  words_ = static_cast<std::uint16_t>((rules.size() + 63) / 64);
  std::uint16_t given = 0;
  std::vector<Code> brands, tags;
  for (const auto& rule : rules) {
    given |= rule.match.given;
    brands.insert(brands.end(), rule.match.brands.begin(), rule.match.brands.end());
    tags.insert(tags.end(), rule.match.tags.begin(), rule.match.tags.end());
    for (const auto c : rule.match.currencies) currencies_.push_back(c.number);
    if (rule.match.names(Dimension::volume)) volume_.add(rule.match.volume);
  }
  const auto distinct = [](auto& list) {
    std::ranges::sort(list);
    list.erase(std::unique(list.begin(), list.end()), list.end());
  };
  distinct(brands);
  distinct(tags);
  distinct(currencies_);
  volume_.seal();
  brands_.build(std::move(brands));
  tags_.build(std::move(tags));
  const auto has = [](const auto& list, const auto& value) {
    return std::ranges::find(list, value) != list.end();
  };
  for (std::size_t d = 0; d < kDimensions; ++d) {
    const auto dimension = static_cast<Dimension>(d);
    if ((given >> d & 1U) == 0) continue;
    const auto table = [&](std::uint32_t count, auto holds_in) {
      Table t{dimension};
      t.rows_at = add_rows(rules, dimension, count, holds_in);
      tables_.push_back(t);
    };
    switch (dimension) {
      case Dimension::brand:  // row 0: no code of this component
        table(static_cast<std::uint32_t>(brands_.codes().size()) + 1, [&](const Match& m, std::uint32_t r) {
          return r > 0 && has(m.brands, brands_.codes()[r - 1]);
        });
        break;
      case Dimension::tags:
        table(static_cast<std::uint32_t>(tags_.codes().size()) + 1,
              [&](const Match& m, std::uint32_t r) { return r > 0 && has(m.tags, tags_.codes()[r - 1]); });
        break;
      case Dimension::currency:
        table(static_cast<std::uint32_t>(currencies_.size()) + 1, [&](const Match& m, std::uint32_t r) {
          return r > 0 && has(m.currencies, Currency{currencies_[r - 1]});
        });
        break;
      case Dimension::volume:
        table(volume_.classes(), [&](const Match& m, std::uint32_t r) {
          return holds(m, Dimension::volume, volume_.sample(r));
        });
        break;
      case Dimension::mcc:
        add_shared(rules, dimension, classes.mcc, true);
        break;
      case Dimension::amount:
        add_shared(rules, dimension, classes.amount, false);
        break;
      case Dimension::dates:
        add_shared(rules, dimension, classes.dates, false);
        break;
      case Dimension::hours:
        add_shared(rules, dimension, classes.hours, false);
        break;
      default:
        add_plain(rules, dimension);
    }
  }
}

const std::uint64_t* RuleSet::row(const Table& table, const Prepared& event, std::int64_t volume,
                                  std::uint64_t* scratch) const noexcept {
  const auto* rows = rows_.data() + table.rows_at;
  const auto at = [&](std::uint32_t r) { return rows + std::size_t{r} * words_; };
  const auto shared = [&](std::uint32_t cls) { return at(maps_[table.map_at + cls]); };
  switch (table.dimension) {
    case Dimension::channel:
      return at(static_cast<std::uint32_t>(event.facts->channel));
    case Dimension::funding:
      return at(static_cast<std::uint32_t>(event.facts->funding));
    case Dimension::region:
      return at(static_cast<std::uint32_t>(event.facts->region));
    case Dimension::settlement:
      return at(static_cast<std::uint32_t>(event.facts->settlement));
    case Dimension::weekdays:
      return at(event.weekday);
    case Dimension::mcc:
      return shared(event.mcc);
    case Dimension::amount:
      return shared(event.amount);
    case Dimension::dates:
      return shared(event.dates);
    case Dimension::hours:
      return shared(event.hours);
    case Dimension::volume:
      return at(volume_.of(volume));
    case Dimension::brand:
      return at(brands_.find(event.facts->brand, event.brand_mixed) + 1);  // kNone + 1 = 0
    case Dimension::currency: {
      const auto it = std::ranges::lower_bound(currencies_, event.currency.number);
      const bool found = it != currencies_.end() && *it == event.currency.number;
      return at(found ? static_cast<std::uint32_t>(it - currencies_.begin()) + 1 : 0);
    }
    case Dimension::tags:
      break;
  }
  for (std::size_t w = 0; w < words_; ++w) scratch[w] = rows[w];
  for (std::size_t i = 0; i < event.facts->tags.size(); ++i) {
    const auto found = tags_.find(event.facts->tags[i], event.tag_mixed[i]);
    if (found == CodeTable::kNone) continue;
    for (std::size_t w = 0; w < words_; ++w) scratch[w] |= at(found + 1)[w];
  }
  return scratch;
}

std::uint16_t RuleSet::first(const Prepared& event, std::int64_t volume) const noexcept {
  if (tables_.empty()) return 0;
  std::uint64_t scratch[kWordsMax];
  if (words_ == 1) {
    std::uint64_t candidates = ~std::uint64_t{0};
    for (const auto& table : tables_) candidates &= *row(table, event, volume, scratch);
    return candidates == 0 ? kNoRule : static_cast<std::uint16_t>(std::countr_zero(candidates));
  }
  std::uint64_t candidates[kWordsMax];
  std::ranges::fill(candidates, ~std::uint64_t{0});
  for (const auto& table : tables_) {
    const auto* bits = row(table, event, volume, scratch);
    for (std::size_t w = 0; w < words_; ++w) candidates[w] &= bits[w];
  }
  for (std::size_t w = 0; w < words_; ++w)
    if (candidates[w] != 0)
      return static_cast<std::uint16_t>(w * 64 + static_cast<std::size_t>(std::countr_zero(candidates[w])));
  return kNoRule;
}

}  // namespace tollgate::fees
