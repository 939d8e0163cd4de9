// Volume numbers: what each merchant of a partition sold, by fee component and month of business date, for
// rules and tiers that read it (reference "fees", 3.2). A fold of outcomes and owed reversals: the sum of the
// bases of the sales that priced the component; a mirror subtracts in the month of its sale, a refund does
// not.
//
// A receipt names a component by its place in one version of a schedule, the counter's key is the component's
// id. Counters are kept by version and place, so that the fold looks at nothing but records; ids are compared
// when a number is read, where the schedules are at hand.
//
// Two months are kept for each merchant, the newest that it sold in and the one before. What older months
// lose or gain later (a late mirror) changes nothing any more. Owner: the partition. Thread: its worker. Once
// a merchant has sold under a version in a month, counting and reading allocate nothing.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fees/engine.h"
#include "fees/price_book.h"
#include "fees/recurring.h"
#include "proto/records.h"
#include "proto/wire.h"
#include "switch/base/short_list.h"

namespace tollgate::core {

// What one sale added, for its mirror; of a void that mirrors, what it took back.
struct Counted {
  using Part = std::pair<std::uint16_t, std::int64_t>;  // component and its base
  std::uint64_t whole = 0;                              // a bit per component whose base was the whole amount
  std::int32_t month = 0;                               // fees::Month
  std::uint32_t schedule : 31 = 0;  // place among the known versions, plus one; 0: nothing was counted
  std::uint32_t taken_back : 1 = 0;
  ShortList<Part> parts;  // with another base that is not zero
};

// What the counters look at of a sale's receipt: which version priced it, when, and each line's base.
struct PricedBase {
  std::uint32_t component = 0;  // place in the schedule
  std::int64_t base_minor = 0;
  friend bool operator==(const PricedBase&, const PricedBase&) noexcept = default;
};
struct PricedSale {
  std::string_view schedule_id;
  std::uint32_t version = 0;
  std::string_view schedule_hash;
  BusinessDate business_date;
  std::span<const PricedBase> bases;
};

class VolumeCounters {
 public:
  // ---- the fold ----
  // `amount_minor` is the whole amount of the sale.
  [[nodiscard]] Counted count(std::uint32_t merchant, const PricedSale& sale, std::int64_t amount_minor);
  // Adds (+1) or subtracts (−1) what was counted; nothing when its month is gone.
  void move(std::uint32_t merchant, const Counted& counted, std::int64_t amount_minor, int direction);

  // ---- the decision ----
  // The number of every component of `schedule` that reads one, for a sale of that day; zeros elsewhere,
  // empty when none reads. Valid until the next call.
  [[nodiscard]] fees::Volumes numbers(std::uint32_t merchant, const fees::CompiledSchedule& schedule,
                                      BusinessDate day, const fees::PriceBook& prices);

  void save(v1::PartitionSnapshot& out) const;
  [[nodiscard]] bool load(const v1::PartitionSnapshot& in);

 private:
  struct Sums {  // of one version in one month
    std::int32_t month = 0;
    std::uint32_t schedule = 0;
    std::vector<std::int64_t> minor;  // by place of the component
  };
  struct Merchant {
    std::int32_t newest = std::numeric_limits<std::int32_t>::min();
    std::vector<Sums> sums;
  };
  struct Version {
    std::string schedule_id;
    std::uint32_t version = 0;
    Digest digest{};
  };
  // Places of the components of one version in another, by id.
  struct Translation {
    std::uint32_t from = 0;
    Digest to{};
    std::vector<std::uint16_t> place;  // by place in `to`; kNowhere
  };
  static constexpr std::uint16_t kNowhere = 0xFFFF;
  static constexpr std::size_t kTranslationsMax =
      256;  // then all are made anew; a version changes a few times a year

  [[nodiscard]] Merchant& merchant_at(std::uint32_t merchant);
  [[nodiscard]] std::uint32_t version_of(const PricedSale& sale);
  [[nodiscard]] Sums* find(Merchant& merchant, std::int32_t month, std::uint32_t version) noexcept;
  [[nodiscard]] Sums& open(Merchant& merchant, std::int32_t month, std::uint32_t version);
  [[nodiscard]] const std::vector<std::uint16_t>& translation(std::uint32_t from,
                                                              const fees::CompiledSchedule& to,
                                                              const fees::PriceBook& prices);
  [[nodiscard]] std::int32_t month_of(BusinessDate day) noexcept;
  static void add(Sums& sums, std::size_t component, std::int64_t minor);

  std::vector<Merchant> merchants_;  // by the partition's place
  std::vector<Version> versions_;
  std::vector<Translation> translations_;
  std::vector<std::int64_t> numbers_;
  BusinessDate day_;
  std::int32_t month_ = fees::Month::of(BusinessDate{}).index;
};

// As a v1.CountedSnapshot.
void write(const Counted& counted, WireWriter& out);
[[nodiscard]] bool read(std::span<const std::uint8_t> bytes, Counted& counted);  // false: it is none

}  // namespace tollgate::core
