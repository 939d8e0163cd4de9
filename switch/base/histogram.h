// A log-linear histogram of durations: 64 equal steps in every octave, exact below 128 ns. What percentile()
// gives is the middle of a step, so it is off by at most 0.8 % of the value (the step is 1/64 of it); count,
// max and sum are exact.
//
// For load generators, benches and metrics. record() is a shift, an add and two compares; nothing allocates
// after construction (30 KB). Thread: one writer, no concurrent reader: give each thread its own and merge()
// them at the end.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace tollgate {

class Histogram {
 public:
  Histogram() : buckets_(kBuckets, 0) {}

  // A negative duration (a clock that was read twice out of order) counts as zero.
  void record(std::int64_t ns) noexcept {
    const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(ns, 0));
    ++buckets_[index_of(value)];
    ++count_;
    sum_ += value;
    max_ = std::max(max_, value);
    min_ = std::min(min_, value);
  }

  void merge(const Histogram& other) noexcept {
    for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    sum_ += other.sum_;
    max_ = std::max(max_, other.max_);
    min_ = std::min(min_, other.min_);
  }

  void reset() noexcept {
    std::fill(buckets_.begin(), buckets_.end(), 0);
    count_ = sum_ = max_ = 0;
    min_ = UINT64_MAX;
  }

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t sum() const noexcept { return sum_; }
  [[nodiscard]] std::uint64_t max() const noexcept { return max_; }
  [[nodiscard]] std::uint64_t min() const noexcept { return count_ == 0 ? 0 : min_; }
  [[nodiscard]] std::uint64_t mean() const noexcept { return count_ == 0 ? 0 : sum_ / count_; }

  // The value that `per_million` of all records do not exceed: 500'000 is the median, 999'000 is p99.9. Zero
  // when empty.
  [[nodiscard]] std::uint64_t percentile(std::uint32_t per_million) const noexcept {
    if (count_ == 0) return 0;
    __extension__ using Wide = unsigned __int128;
    const auto wanted = static_cast<std::uint64_t>((Wide{count_} * per_million + 999'999) / 1'000'000);
    const auto rank = std::max<std::uint64_t>(wanted, 1);
    if (rank >= count_) return max_;
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      seen += buckets_[i];
      if (seen >= rank) return std::clamp(middle_of(i), min_, max_);
    }
    return max_;
  }

  // Records not above ns, by whole steps: for exporters that need cumulative buckets.
  [[nodiscard]] std::uint64_t count_up_to(std::uint64_t ns) const noexcept {
    std::uint64_t seen = 0;
    const auto last = index_of(ns);
    for (std::size_t i = 0; i <= last; ++i) seen += buckets_[i];
    return seen;
  }

 private:
  static constexpr int kStepBits = 6;
  static constexpr std::uint64_t kExact = 2U << kStepBits;                // below it a bucket holds one value
  static constexpr std::size_t kBuckets = (65 - kStepBits) << kStepBits;  // up to 2^64 - 1

  [[nodiscard]] static constexpr std::size_t index_of(std::uint64_t value) noexcept {
    if (value < kExact) return static_cast<std::size_t>(value);
    const int shift = std::bit_width(value) - (kStepBits + 1);
    return (static_cast<std::size_t>(shift) << kStepBits) + static_cast<std::size_t>(value >> shift);
  }
  [[nodiscard]] static constexpr std::uint64_t middle_of(std::size_t index) noexcept {
    if (index < kExact) return index;
    const auto shift = (index >> kStepBits) - 1;
    const auto low = ((index & ((1U << kStepBits) - 1)) + (1U << kStepBits)) << shift;
    return low + ((std::uint64_t{1} << shift) >> 1);
  }

  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0, sum_ = 0, max_ = 0, min_ = UINT64_MAX;
};

}  // namespace tollgate
