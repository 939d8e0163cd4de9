#include "fees/program.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "switch/base/check.h"

namespace tollgate::fees {

void CodeTable::seal() {
  std::ranges::sort(codes_);
  codes_.erase(std::unique(codes_.begin(), codes_.end()), codes_.end());
  slots_.assign(std::bit_ceil(codes_.size() * 2 + 1), 0);
  const auto mask = slots_.size() - 1;
  for (std::uint32_t i = 0; i < codes_.size(); ++i) {
    auto at = codes_[i].mixed() & mask;
    while (slots_[at] != 0) at = (at + 1) & mask;
    slots_[at] = i + 1;
  }
}

std::uint32_t CodeTable::find(const Code& code) const noexcept {
  const auto mask = slots_.size() - 1;
  for (auto at = code.mixed() & mask; slots_[at] != 0; at = (at + 1) & mask)
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
  if (starts_.size() < kIndexFrom) return;
  const auto span = static_cast<std::uint64_t>(starts_.back()) - static_cast<std::uint64_t>(starts_.front());
  shift_ =
      std::max(0, static_cast<int>(std::bit_width(span)) - static_cast<int>(std::bit_width(starts_.size())));
  std::uint32_t i = 0;
  for (std::uint64_t bucket = 0; bucket <= span >> shift_; ++bucket) {
    while (bucket_of(starts_[i]) < bucket) ++i;
    index_.push_back(i);
  }
  index_.push_back(static_cast<std::uint32_t>(starts_.size()));
}

std::uint32_t BreakPoints::of(std::int64_t value) const noexcept {
  const auto size = static_cast<std::uint32_t>(starts_.size());
  if (size == 0 || value < starts_.front()) return 0;
  if (value >= starts_.back()) return size;
  std::uint32_t low = 0, high = size;
  if (!index_.empty()) {
    const auto bucket = bucket_of(value);
    low = index_[bucket];
    high = index_[bucket + 1];
  }
  while (low < high) {  // starts up to low are at most value, from high on above it
    const auto middle = low + (high - low) / 2;
    if (starts_[middle] <= value)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

namespace {

// The ranges that a match gives for one dimension. Hours may wrap midnight: 22:00 … 05:59 is two ranges.
template <class Visit>
void each_range(const Match& match, Dimension dimension, Visit visit) {
  switch (dimension) {
    case Dimension::mcc:
      return static_cast<void>(std::ranges::for_each(match.mcc, visit));
    case Dimension::dates:
      return static_cast<void>(std::ranges::for_each(match.dates, visit));
    case Dimension::hours:
      for (const auto& r : match.hours) {
        visit(Range{r.min, r.min <= r.max ? r.max : 1439});
        if (r.min > r.max) visit(Range{0, r.max});
      }
      return;
    case Dimension::amount:
      if (match.names(dimension)) visit(match.amount);
      return;
    default:
      return;
  }
}

// Of a dimension with few values: a bit for each that the match takes.
std::uint32_t values_of(const Match& match, Dimension dimension) noexcept {
  switch (dimension) {
    case Dimension::channel:
      return match.channels;
    case Dimension::funding:
      return match.fundings;
    case Dimension::region:
      return match.regions;
    case Dimension::settlement:
      return match.settlements;
    case Dimension::weekdays:
      return match.weekdays;
    default:
      return 0;
  }
}

// Four words that stay in registers while all dimensions are gone through: two vectors of what every x86-64
// and ARM has.
constexpr std::size_t kStep = 4;
class Step {
 public:
  explicit Step(const std::uint64_t* from) noexcept {
    std::memcpy(&low_, from, sizeof low_);
    std::memcpy(&high_, from + 2, sizeof high_);
  }
  void operator&=(const Step& other) noexcept {
    low_ &= other.low_;
    high_ &= other.high_;
  }
  void operator|=(const Step& other) noexcept {
    low_ |= other.low_;
    high_ |= other.high_;
  }
  void store(std::uint64_t* to) const noexcept {
    std::memcpy(to, &low_, sizeof low_);
    std::memcpy(to + 2, &high_, sizeof high_);
  }

 private:
  using Two [[gnu::vector_size(16)]] = std::uint64_t;
  Two low_, high_;
};
constexpr auto kAllRules = [] {
  RuleBlock::Candidates all{};
  all.fill(~std::uint64_t{0});
  return all;
}();

constexpr std::uint32_t kPlainValues = 8;  // channel has most

}  // namespace

void SharedClasses::add(const Match& match) {
  used |= match.given;
  for (auto [dimension, points] : {std::pair(Dimension::mcc, &mcc), std::pair(Dimension::amount, &amount),
                                   std::pair(Dimension::dates, &dates), std::pair(Dimension::hours, &hours)})
    each_range(match, dimension, [points = points](const Range& r) { points->add(r); });
  brands.add(match.brands);
  tags.add(match.tags);
  for (const auto c : match.currencies) currencies.push_back(c.number);
}

void SharedClasses::seal() {
  for (auto* points : {&mcc, &amount, &dates, &hours}) points->seal();
  brands.seal();
  tags.seal();
  std::ranges::sort(currencies);
  currencies.erase(std::unique(currencies.begin(), currencies.end()), currencies.end());
}

std::uint32_t SharedClasses::classes(Dimension dimension) const noexcept {
  switch (dimension) {
    case Dimension::brand:
      return brands.size() + 1;
    case Dimension::tags:
      return tags.size() + 1;
    case Dimension::currency:
      return static_cast<std::uint32_t>(currencies.size()) + 1;
    default:
      return kPlainValues;
  }
}

std::uint32_t SharedClasses::of_currency(std::uint16_t number) const noexcept {
  const auto it = std::ranges::lower_bound(currencies, number);
  return it != currencies.end() && *it == number ? static_cast<std::uint32_t>(it - currencies.begin()) + 1
                                                 : 0;
}

Prepared::Prepared(const SharedClasses& shared, Currency of_schedule, const Event& event) noexcept {
  const Facts& facts = event.facts;
  const auto used = [&shared](Dimension d) { return (shared.used >> static_cast<unsigned>(d) & 1U) != 0; };
  const auto put = [this](Dimension d, std::uint32_t cls) { classes[static_cast<std::size_t>(d)] = cls; };
  put(Dimension::channel, static_cast<std::uint32_t>(facts.channel));
  put(Dimension::funding, static_cast<std::uint32_t>(facts.funding));
  put(Dimension::region, static_cast<std::uint32_t>(facts.region));
  put(Dimension::settlement, static_cast<std::uint32_t>(facts.settlement));
  if (used(Dimension::brand)) put(Dimension::brand, shared.brands.find(facts.brand) + 1);  // kNone + 1 = 0
  if (used(Dimension::tags))
    for (std::size_t i = 0; i < facts.tags.size(); ++i)
      if (const auto found = shared.tags.find(facts.tags[i]); found != CodeTable::kNone)
        tags[tag_count++] = found + 1;
  if (used(Dimension::currency))
    put(Dimension::currency,
        shared.of_currency(facts.currency.number == 0 ? of_schedule.number : facts.currency.number));
  if (used(Dimension::mcc)) put(Dimension::mcc, facts.mcc == kNoMcc ? 0 : shared.mcc.of(facts.mcc) + 1);
  if (used(Dimension::amount)) put(Dimension::amount, shared.amount.of(event.amount_minor));
  if (used(Dimension::dates)) put(Dimension::dates, shared.dates.of(event.business_date.days));
  if (used(Dimension::hours)) put(Dimension::hours, shared.hours.of(event.local_minute));
  if (used(Dimension::weekdays))  // 1970-01-01 was a Thursday
    put(Dimension::weekdays, static_cast<std::uint32_t>((event.business_date.days % 7 + 10) % 7));
}

std::optional<std::uint16_t> RuleBlock::add(const std::vector<Rule>& rules) {
  const auto words = (rules.size() + 63) / 64;
  if (words_ + words > kWordsMax) return std::nullopt;
  for (std::size_t i = 0; i < rules.size(); ++i) rules_.push_back({&rules[i].match, words_ * 64 + i});
  const auto at = words_;
  words_ += words;
  return static_cast<std::uint16_t>(at);
}

void RuleBlock::set(const Table& table, std::uint32_t row, const Placed& rule) noexcept {
  rows_[table.rows_at + row * words_ + rule.bit / 64] |= std::uint64_t{1} << rule.bit % 64;
}

// Rules that do not name the dimension hold in each of its rows.
RuleBlock::Table RuleBlock::add_table(Dimension dimension, std::uint32_t rows) {
  const Table table{dimension, static_cast<std::uint32_t>(rows_.size()),
                    static_cast<std::uint32_t>(maps_.size())};
  rows_.resize(rows_.size() + rows * words_, 0);
  for (const auto& rule : rules_)
    if (!rule.match->names(dimension))
      for (std::uint32_t r = 0; r < rows; ++r) set(table, r, rule);
  return table;
}

void RuleBlock::add_values(Dimension dimension, const SharedClasses& shared) {
  const auto count = shared.classes(dimension);
  const Table table = add_table(dimension, count);
  for (std::uint32_t v = 0; v < count; ++v) {
    maps_.push_back(v);
    for (const auto& rule : rules_)
      if ((values_of(*rule.match, dimension) >> v & 1U) != 0) set(table, v, rule);
  }
  tables_.push_back(table);
}

// Rows for the classes that these components tell apart, and the map from the shared classes to them.
void RuleBlock::add_ranges(Dimension dimension, const BreakPoints& shared) {
  BreakPoints own;
  for (const auto& rule : rules_) each_range(*rule.match, dimension, [&own](const Range& r) { own.add(r); });
  own.seal();
  const std::uint32_t shift = dimension == Dimension::mcc ? 1 : 0;  // row 0: absent
  const Table table = add_table(dimension, own.classes() + shift);
  for (const auto& rule : rules_)
    each_range(*rule.match, dimension, [&](const Range& r) {
      for (auto c = own.of(r.min); c <= own.of(r.max); ++c) set(table, c + shift, rule);
    });
  if (shift != 0) maps_.push_back(0);
  for (std::uint32_t c = 0; c < shared.classes(); ++c) maps_.push_back(own.of(shared.sample(c)) + shift);
  tables_.push_back(table);
}

// Row 0 is for whatever these components do not name.
void RuleBlock::add_codes(Dimension dimension, const SharedClasses& shared) {
  std::vector<std::pair<std::uint32_t, const Placed*>> named;  // class, rule
  for (const auto& rule : rules_) {
    const Match& m = *rule.match;
    if (dimension == Dimension::brand)
      for (const auto& code : m.brands) named.emplace_back(shared.brands.find(code) + 1, &rule);
    if (dimension == Dimension::tags)
      for (const auto& code : m.tags) named.emplace_back(shared.tags.find(code) + 1, &rule);
    if (dimension == Dimension::currency)
      for (const auto c : m.currencies) named.emplace_back(shared.of_currency(c.number), &rule);
  }
  std::vector<std::uint32_t> map(shared.classes(dimension), 0);
  std::uint32_t rows = 1;
  for (const auto& [cls, rule] : named)
    if (map[cls] == 0) map[cls] = rows++;
  const Table table = add_table(dimension, rows);
  for (const auto& [cls, rule] : named) set(table, map[cls], *rule);
  maps_.insert(maps_.end(), map.begin(), map.end());
  if (dimension == Dimension::tags) {
    tags_ = table;
    reads_tags_ = true;
  } else {
    tables_.push_back(table);
  }
}

void RuleBlock::seal(const SharedClasses& shared) {
  words_ = (words_ + kStep - 1) / kStep * kStep;
  std::uint16_t given = 0;
  for (const auto& rule : rules_) given |= rule.match->given;
  for (std::size_t d = 0; d < kDimensions; ++d) {
    const auto dimension = static_cast<Dimension>(d);
    if ((given >> d & 1U) == 0) continue;
    switch (dimension) {
      case Dimension::brand:
      case Dimension::tags:
      case Dimension::currency:
        add_codes(dimension, shared);
        break;
      case Dimension::mcc:
        add_ranges(dimension, shared.mcc);
        break;
      case Dimension::amount:
        add_ranges(dimension, shared.amount);
        break;
      case Dimension::dates:
        add_ranges(dimension, shared.dates);
        break;
      case Dimension::hours:
        add_ranges(dimension, shared.hours);
        break;
      case Dimension::volume:  // by component
        break;
      default:
        add_values(dimension, shared);
    }
  }
  rules_ = {};
}

void RuleBlock::match(const Prepared& event, Candidates& left) const noexcept {
  std::array<const std::uint64_t*, kDimensions> all;
  std::array<const std::uint64_t*, kTagsMax> any;
  std::size_t count = 0;
  for (const auto& table : tables_)
    all[count++] = row(table, event.classes[static_cast<std::size_t>(table.dimension)]);
  const auto* untagged = reads_tags_ ? row(tags_, 0) : kAllRules.data();
  const std::size_t tag_count = reads_tags_ ? event.tag_count : 0;
  for (std::size_t i = 0; i < tag_count; ++i) any[i] = row(tags_, event.tags[i]);
  for (std::size_t at = 0; at < words_; at += kStep) {
    Step words(untagged + at);
    for (std::size_t i = 0; i < tag_count; ++i) words |= Step(any[i] + at);
    for (std::size_t i = 0; i < count; ++i) words &= Step(all[i] + at);
    words.store(left.data() + at);
  }
}

void VolumeRows::build(const std::vector<Rule>& rules) {
  const auto names = [](const Rule& r) { return r.match.names(Dimension::volume); };
  if (std::ranges::none_of(rules, names)) return;
  words_ = (rules.size() + 63) / 64;
  for (const auto& rule : rules)
    if (names(rule)) points_.add(rule.match.volume);
  points_.seal();
  rows_.resize(points_.classes() * words_, 0);
  for (std::uint32_t c = 0; c < points_.classes(); ++c)
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const Range& r = rules[i].match.volume;
      const auto at = points_.sample(c);
      if (!names(rules[i]) || (r.min <= at && at <= r.max))
        rows_[c * words_ + i / 64] |= std::uint64_t{1} << i % 64;
    }
}

std::uint16_t Matcher::first(const CompiledComponent& component, std::int64_t volume) noexcept {
  if (component.block != block_) {
    block_ = component.block;
    program_.blocks[block_].match(prepared_, left_);
  }
  const auto* by_volume = component.by_volume.of(volume);
  for (std::size_t w = 0; w < component.words; ++w) {
    const auto bits = left_[component.word + w] & (by_volume == nullptr ? ~std::uint64_t{0} : by_volume[w]);
    if (bits != 0)
      return static_cast<std::uint16_t>(w * 64 + static_cast<std::size_t>(std::countr_zero(bits)));
  }
  return kNoRule;
}

}  // namespace tollgate::fees
