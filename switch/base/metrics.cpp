#include "switch/base/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <iterator>
#include <limits>
#include <map>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "switch/base/check.h"

namespace tollgate::metrics {
namespace {

using Labels = std::vector<std::string>;

// Where handles without a shard count. Several threads may write it; nobody reads it.
Cell nowhere{0};

// A cache line on every machine that this runs on, twice, because the prefetcher takes lines in pairs (Intel
// SDM, "spatial prefetcher").
constexpr std::size_t kLine = 128;
constexpr std::size_t kChunkCells = 512;

struct alignas(kLine) Chunk {
  Cell cells[kChunkCells];
};

// Labels that would put an estate or a card into the metrics (api.md, section 11).
constexpr std::string_view kForbiddenLabels[] = {"tid",  "terminal", "merchant", "mid", "pan",
                                                 "card", "token",    "rrn",      "stan"};

bool is_name(std::string_view name) noexcept {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::ranges::all_of(
      name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

void check_family(const Family& family) noexcept {
  TG_CHECK(is_name(family.name));
  TG_CHECK(family.name.starts_with("tollgate_") || family.name.starts_with("process_"));
  TG_CHECK(!family.help.empty());
  TG_CHECK(family.name.ends_with("_total") == (family.type == Type::counter));
  TG_CHECK(family.unit != Unit::nanoseconds || family.name.find("_seconds") != std::string_view::npos);
  for (const auto label : family.labels) {
    TG_CHECK(is_name(label) && label != "le");
    TG_CHECK(std::ranges::find(kForbiddenLabels, label) == std::end(kForbiddenLabels));
  }
  TG_CHECK((family.type == Type::histogram) == !family.bounds.empty());
  TG_CHECK(family.bounds.size() <= kBoundsMax);
  TG_CHECK(std::ranges::is_sorted(family.bounds, std::less_equal{}) || family.bounds.empty());
}

bool same_meaning(const Family& a, const Family& b) noexcept {
  return a.help == b.help && a.type == b.type && a.unit == b.unit && std::ranges::equal(a.labels, b.labels) &&
         std::ranges::equal(a.bounds, b.bounds);
}

std::string printable(std::string_view value) {
  std::string text(value.substr(0, 128));
  std::ranges::replace_if(
      text, [](char c) { return c < 0x20 || c > 0x7E; }, '_');
  return text;
}

double shown(Unit unit, double value) noexcept {
  return unit == Unit::nanoseconds ? value / 1e9 : unit == Unit::millionths ? value / 1e6 : value;
}

void append_number(std::string& out, Unit unit, std::uint64_t value) {
  if (unit == Unit::one) {
    fmt::format_to(std::back_inserter(out), "{}", value);
  } else {
    fmt::format_to(std::back_inserter(out), "{}", shown(unit, static_cast<double>(value)));
  }
}

void append_signed(std::string& out, Unit unit, std::int64_t value) {
  if (unit == Unit::one) {
    fmt::format_to(std::back_inserter(out), "{}", value);
  } else {
    fmt::format_to(std::back_inserter(out), "{}", shown(unit, static_cast<double>(value)));
  }
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\' || (quotes && c == '"')) out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
}

}  // namespace

// One label set of a family: the cells that shards gave to it, or a function that reads it.
struct Series {
  std::vector<const Cell*> cells;  // first cell of each shard's block
  std::function<std::int64_t()> read;
};

struct FamilyState {
  Family family;
  std::map<Labels, Series> series;
};

// The memory of one shard. Grows by whole chunks, so that a cell never moves.
struct Shard::Memory {
  std::deque<std::unique_ptr<Chunk>> chunks;
  std::size_t used = kChunkCells;
  std::map<std::pair<std::string_view, Labels>, Cell*> blocks;

  Cell* take(std::size_t n) {
    if (kChunkCells - used < n) {
      chunks.push_back(std::make_unique<Chunk>());
      used = 0;
    }
    auto* cells = chunks.back()->cells + used;
    used += n;
    return cells;
  }
};

struct Registry::State {
  mutable std::mutex mutex;
  std::map<std::string, FamilyState, std::less<>> families;
  std::deque<std::unique_ptr<Shard>> shards;

  FamilyState& family(const Family& wanted) {
    auto it = families.find(wanted.name);
    if (it == families.end()) {
      check_family(wanted);
      it = families.emplace(std::string(wanted.name), FamilyState{wanted, {}}).first;
    }
    TG_CHECK(same_meaning(it->second.family, wanted));
    return it->second;
  }

  static Labels values(const FamilyState& family, std::initializer_list<std::string_view> labels) {
    TG_CHECK(labels.size() == family.family.labels.size());
    Labels values;
    for (const auto label : labels) values.push_back(printable(label));
    if (!values.empty() && family.series.size() >= kSeriesMax && !family.series.contains(values))
      values.assign(values.size(), "other");
    return values;
  }

  Cell* block(Shard::Memory& memory, const Family& wanted, std::initializer_list<std::string_view> labels,
              std::size_t cells) {
    const std::lock_guard lock(mutex);
    auto& state = family(wanted);
    auto key = values(state, labels);
    auto [it, fresh] = memory.blocks.try_emplace({state.family.name, key}, nullptr);
    if (fresh) {
      it->second = memory.take(cells);
      state.series[key].cells.push_back(it->second);
    }
    return it->second;
  }
};

Counter::Counter() noexcept : cell_(&nowhere) {}
Gauge::Gauge() noexcept : cell_(&nowhere) {}

Shard::Shard(Registry& registry) : registry_(registry), memory_(std::make_unique<Memory>()) {}
Shard::~Shard() = default;

Counter Shard::counter(const Family& family, std::initializer_list<std::string_view> labels) {
  TG_CHECK(family.type == Type::counter);
  return Counter(registry_.state_->block(*memory_, family, labels, 1));
}

Gauge Shard::gauge(const Family& family, std::initializer_list<std::string_view> labels) {
  TG_CHECK(family.type == Type::gauge);
  return Gauge(registry_.state_->block(*memory_, family, labels, 1));
}

Histogram Shard::histogram(const Family& family, std::initializer_list<std::string_view> labels) {
  TG_CHECK(family.type == Type::histogram);
  return {registry_.state_->block(*memory_, family, labels, family.bounds.size() + 2), family.bounds};
}

Registry::Registry() : state_(std::make_unique<State>()) {}
Registry::~Registry() = default;

Shard& Registry::new_shard() {
  const std::lock_guard lock(state_->mutex);
  state_->shards.push_back(std::unique_ptr<Shard>(new Shard(*this)));
  return *state_->shards.back();
}

void Registry::add_reader(const Family& family, std::initializer_list<std::string_view> labels,
                          std::function<std::int64_t()> read) {
  TG_CHECK(family.type != Type::histogram);
  const std::lock_guard lock(state_->mutex);
  auto& state = state_->family(family);
  auto& series = state.series[State::values(state, labels)];
  TG_CHECK(!series.read);  // two readers of one series: which is right?
  series.read = std::move(read);
}

namespace {

std::uint64_t sum(const Series& series, std::size_t offset) noexcept {
  std::uint64_t total = 0;
  for (const auto* cell : series.cells) total += cell[offset].load(std::memory_order_relaxed);
  return total;
}

void append_series(std::string& out, const Family& family, std::string_view suffix, const Labels& labels,
                   std::string_view le) {
  out += family.name;
  out += suffix;
  char before = '{';
  const auto label = [&](std::string_view name, std::string_view value) {
    out += before;
    out += name;
    out += "=\"";
    append_escaped(out, value, true);
    out += '"';
    before = ',';
  };
  for (std::size_t i = 0; i < labels.size(); ++i) label(family.labels[i], labels[i]);
  if (!le.empty()) label("le", le);
  if (before == ',') out += '}';
  out += ' ';
}

void append_histogram(std::string& out, const Family& family, const Labels& labels, const Series& series) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i <= family.bounds.size(); ++i) {
    count += sum(series, i);
    std::string le = "+Inf";
    if (i < family.bounds.size()) {
      le.clear();
      append_number(le, family.unit, family.bounds[i]);
    }
    append_series(out, family, "_bucket", labels, le);
    fmt::format_to(std::back_inserter(out), "{}\n", count);
  }
  append_series(out, family, "_sum", labels, {});
  append_number(out, family.unit, sum(series, family.bounds.size() + 1));
  out += '\n';
  append_series(out, family, "_count", labels,
                {});  // the +Inf bucket by construction, so that they agree while workers write
  fmt::format_to(std::back_inserter(out), "{}\n", count);
}

void append_family(std::string& out, const FamilyState& state) {
  constexpr std::string_view kTypes[] = {"counter", "gauge", "histogram"};
  const auto& family = state.family;
  fmt::format_to(std::back_inserter(out), "# HELP {} ", family.name);
  append_escaped(out, family.help, false);
  fmt::format_to(std::back_inserter(out), "\n# TYPE {} {}\n", family.name,
                 kTypes[static_cast<std::size_t>(family.type)]);
  for (const auto& [labels, series] : state.series) {
    if (family.type == Type::histogram) {
      append_histogram(out, family, labels, series);
      continue;
    }
    append_series(out, family, {}, labels, {});
    auto value = sum(series, 0);
    if (series.read) value += static_cast<std::uint64_t>(series.read());
    if (family.type == Type::gauge) {
      append_signed(out, family.unit, static_cast<std::int64_t>(value));
    } else {
      append_number(out, family.unit, value);
    }
    out += '\n';
  }
}

}  // namespace

std::string Registry::scrape() const {
  const std::lock_guard lock(state_->mutex);
  std::string out;
  for (const auto& [name, state] : state_->families)
    if (!state.series.empty()) append_family(out, state);
  return out;
}

}  // namespace tollgate::metrics
