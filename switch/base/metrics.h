// Metrics: counters, gauges and histograms that cost a worker one plain add, and their text for Prometheus
// (format 0.0.4).
//
// A Family says what is counted (name, help, labels, unit); the ones of Tollgate are in metrics_catalog.h. A
// worker asks the Registry for a Shard of its own at start, and the shard for a handle per label set. The
// shard's cells are written by that one thread only, with relaxed loads and stores and no locked instruction;
// a scrape from any thread adds up the cells of all shards that carry the same labels. Cells of two shards
// never share a cache line.
//
// Threads: a Shard and its handles belong to one thread at a time; Registry is free. Making a handle takes
// the registry's mutex: keep handles, do not look them up per message. Everything lives as long as the
// Registry.
//
// Bounds: a family has at most kSeriesMax label sets; past that, a handle still counts, under labels that all
// read "other". Refused (the process stops): a family that is not named as Prometheus wants, one name with
// two meanings, a label that could hold a terminal, a merchant or a card.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "switch/base/histogram.h"
#include "switch/base/time.h"

namespace tollgate::metrics {

enum class Type : std::uint8_t { counter, gauge, histogram };
// Cells hold whole numbers; the text shows them times this.
enum class Unit : std::uint8_t { one, nanoseconds /* shown as seconds */, millionths /* of a ratio */ };

struct Family {
  std::string_view
      name;  // tollgate_… or process_…; counters end in _total, nanoseconds in _seconds or _seconds_total
  std::string_view help;
  Type type = Type::counter;
  std::span<const std::string_view> labels = {};
  Unit unit = Unit::one;
  std::span<const std::uint64_t> bounds = {};  // histogram: upper bounds in cell units, rising, without +Inf
};

inline constexpr std::size_t kSeriesMax = 2000;
inline constexpr std::size_t kBoundsMax = 32;

using Cell = std::atomic<std::uint64_t>;

class Counter {
 public:
  Counter() noexcept;  // counts into nothing
  void add(std::uint64_t n = 1) noexcept {
    cell_->store(cell_->load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void add(Duration d) noexcept { add(d.count() > 0 ? static_cast<std::uint64_t>(d.count()) : 0); }

 private:
  friend class Shard;
  explicit Counter(Cell* cell) noexcept : cell_(cell) {}
  Cell* cell_;
};

// Signed. Shards add up: each sets its own part (connections of this worker), or one of them alone sets the
// whole.
class Gauge {
 public:
  Gauge() noexcept;  // sets nothing
  void set(std::int64_t value) noexcept {
    cell_->store(static_cast<std::uint64_t>(value), std::memory_order_relaxed);
  }
  void set(Duration d) noexcept { set(std::int64_t{d.count()}); }
  void add(std::int64_t n) noexcept {
    cell_->store(cell_->load(std::memory_order_relaxed) + static_cast<std::uint64_t>(n),
                 std::memory_order_relaxed);
  }

 private:
  friend class Shard;
  explicit Gauge(Cell* cell) noexcept : cell_(cell) {}
  Cell* cell_;
};

class Histogram {
 public:
  Histogram() noexcept = default;  // observes nothing
  void observe(std::uint64_t value) noexcept {
    std::size_t bucket = 0;
    while (bucket < bounds_.size() && value > bounds_[bucket])
      ++bucket;  // rising bounds: the usual value leaves early
    if (cells_ == nullptr) return;
    bump(cells_[bucket], 1);
    bump(cells_[bounds_.size() + 1], value);
  }
  void observe(Duration d) noexcept {
    observe(d.count() > 0 ? static_cast<std::uint64_t>(d.count()) : std::uint64_t{0});
  }
  // All that a log-linear histogram in this one's unit holds: for writers that keep such a one.
  void add(const tollgate::Histogram& recorded) noexcept {
    if (cells_ == nullptr) return;
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < bounds_.size(); ++i) {
      const auto up_to = recorded.count_up_to(bounds_[i]);
      bump(cells_[i], up_to - below);
      below = up_to;
    }
    bump(cells_[bounds_.size()], recorded.count() - below);
    bump(cells_[bounds_.size() + 1], recorded.sum());
  }

 private:
  friend class Shard;
  Histogram(Cell* cells, std::span<const std::uint64_t> bounds) noexcept : cells_(cells), bounds_(bounds) {}
  static void bump(Cell& cell, std::uint64_t n) noexcept {
    cell.store(cell.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  Cell* cells_ = nullptr;  // one a bucket, +Inf, sum
  std::span<const std::uint64_t> bounds_;
};

class Registry;

class Shard {
 public:
  // Label values in the family's order; asking twice gives the same cells. Values are shown as printable
  // ASCII.
  [[nodiscard]] Counter counter(const Family& family, std::initializer_list<std::string_view> labels = {});
  [[nodiscard]] Gauge gauge(const Family& family, std::initializer_list<std::string_view> labels = {});
  [[nodiscard]] Histogram histogram(const Family& family,
                                    std::initializer_list<std::string_view> labels = {});
  ~Shard();

 private:
  friend class Registry;
  struct Memory;
  explicit Shard(Registry& registry);
  Registry& registry_;
  std::unique_ptr<Memory> memory_;
};

class Registry {
 public:
  Registry();
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  [[nodiscard]] Shard& new_shard();
  // A gauge or counter whose value is read at each scrape, by the scraping thread.
  void add_reader(const Family& family, std::initializer_list<std::string_view> labels,
                  std::function<std::int64_t()> read);
  // The whole page, families by name, series by label values.
  [[nodiscard]] std::string scrape() const;

 private:
  friend class Shard;
  struct State;
  std::unique_ptr<State> state_;
};

inline constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

// process_* as Prometheus names them: CPU, memory, descriptors, start time; from /proc.
void add_process_metrics(Registry& registry);

}  // namespace tollgate::metrics
