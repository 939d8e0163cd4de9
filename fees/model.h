// FeeSchedule: a price list as it is published, field by field as the reference "fees", section 2, names
// them. Plain data, filled only by load_schedule, which checks it; programs price with the CompiledSchedule
// that holds it (schedule.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fees/facts.h"
#include "fees/number.h"
#include "switch/base/money.h"
#include "switch/base/time.h"

namespace tollgate::fees {

inline constexpr std::size_t kComponentsMax = 64;
inline constexpr std::size_t kRulesMax = 256;
inline constexpr std::size_t kTiersMax = 16;
inline constexpr std::size_t kGroupsMax = 16;  // cap groups; splits too
inline constexpr std::size_t kPartiesMax = 16;
inline constexpr std::size_t kRecurringMax = 32;

enum class PricedEvent : std::uint8_t { sale, verify, decline, refund, chargeback };
enum class Payer : std::uint8_t { merchant, cardholder, house, none };
enum class Base : std::uint8_t { amount, goods, tip, cashback, fees };
enum class VolumeMode : std::uint8_t { previous, running, retroactive };
enum class RefundPolicy : std::uint8_t { proportional, keep, full_only };
enum class RoundAt : std::uint8_t { component, total };
enum class TaxMode : std::uint8_t { inclusive, exclusive };
enum class TaxLevel : std::uint8_t { transaction, period };
enum class SplitMethod : std::uint8_t { down, largest_remainder };
enum class Cycle : std::uint8_t { month, year };
enum class Per : std::uint8_t { terminal, merchant };
enum class Anchor : std::uint8_t { activation, calendar };
enum class Timing : std::uint8_t { advance, arrears };
enum class Proration : std::uint8_t { none, daily };
enum class Collect : std::uint8_t { net, invoice };

enum class Dimension : std::uint8_t {
  channel,
  brand,
  tags,
  funding,
  region,
  settlement,
  currency,
  mcc,
  amount,
  volume,
  dates,
  weekdays,
  hours
};
inline constexpr std::size_t kDimensions = 13;

// Inclusive at both ends; an absent end is the smallest or largest number.
struct Range {
  std::int64_t min = INT64_MIN;
  std::int64_t max = INT64_MAX;
  friend bool operator==(const Range&, const Range&) noexcept = default;
};

struct Match {
  std::uint16_t given = 0;     // a bit per Dimension that the rule names
  std::uint32_t channels = 0;  // a bit per value of the enumeration
  std::uint32_t fundings = 0;
  std::uint32_t regions = 0;
  std::uint32_t settlements = 0;
  std::uint32_t weekdays = 0;  // bit 0 is Monday
  std::vector<Code> brands, tags;
  std::vector<Currency> currencies;
  std::vector<Range> mcc;    // 0 … 9999
  std::vector<Range> dates;  // days since 1970-01-01
  std::vector<Range> hours;  // minutes of the day; min above max wraps midnight
  Range amount, volume;

  [[nodiscard]] bool names(Dimension d) const noexcept {
    return (given >> static_cast<unsigned>(d) & 1U) != 0;
  }
};

struct Tier {
  std::int64_t up_to = INT64_MAX;  // inclusive
  std::int64_t rate_nano = 0;
};

struct Rule {
  std::string id;
  Match match;
  std::int64_t rate_nano = 0;
  std::vector<Tier> tiers;
  std::int64_t fixed_minor = 0;
  std::int64_t discount_nano = 0;
  std::optional<std::int64_t> min_minor, max_minor;
  std::uint16_t account = 0;  // 0: the component's
};

struct Component {
  std::string id;
  std::uint32_t on = 1U << static_cast<unsigned>(PricedEvent::sale);  // a bit per PricedEvent
  Payer payer = Payer::merchant;
  Base base = Base::amount;
  std::vector<std::string> base_of;
  VolumeMode volume = VolumeMode::previous;
  std::optional<Rounding> rounding;
  RefundPolicy refund = RefundPolicy::proportional;
  bool tax_exempt = false;
  std::uint16_t account = 0, contra = 0;  // four digits; 0: none
  std::vector<Rule> rules;

  [[nodiscard]] bool prices(PricedEvent event) const noexcept {
    return (on >> static_cast<unsigned>(event) & 1U) != 0;
  }
};

struct CapGroup {
  std::string id;
  std::vector<std::string> members;
  std::optional<std::int64_t> max_minor, min_minor;
};
struct Tax {
  TaxMode mode = TaxMode::inclusive;
  std::int64_t rate_nano = 0;
  TaxLevel level = TaxLevel::transaction;
};
struct Party {
  std::string party;
  std::int64_t share_nano = 0;
  std::string from;  // empty: the house
};
struct Split {
  std::string id;
  std::vector<std::string> of, less;
  SplitMethod method = SplitMethod::down;
  std::vector<Party> parties;
};
struct RecurringFee {
  std::string id;
  std::int64_t amount_minor = 0;
  Cycle cycle = Cycle::month;
  Per per = Per::terminal;
  Anchor anchor = Anchor::activation;
  std::int32_t free_days = 0;
  Timing timing = Timing::advance;
  Proration proration = Proration::none;
  std::optional<std::int64_t> waive_from;
  std::vector<std::string> less_fees;
  Collect collect = Collect::net;
  bool tax_exempt = false;
  std::uint16_t account = 0;
};
struct Reserve {
  std::int64_t rate_nano = 0;
  std::int32_t days = 0;
};

struct FeeSchedule {
  std::string schedule_id;
  std::int32_t version = 0;
  WallTime valid_from;
  Currency currency;
  std::string time_zone;
  std::int32_t cutoff_minute = 24 * 60;
  Rounding rounding = Rounding::half_up;
  RoundAt round_at = RoundAt::component;
  std::vector<Component> components;
  std::vector<CapGroup> caps;
  std::vector<Split> splits;
  std::optional<Tax> tax;
  std::optional<Reserve> reserve;
  std::vector<RecurringFee> recurring;
};

enum class AssignmentLevel : std::uint8_t { by_default, agent, merchant, terminal };

struct Assignment {
  std::string id;
  AssignmentLevel level = AssignmentLevel::by_default;
  std::string subject;  // empty for by_default
  std::string schedule_id;
  WallTime valid_from;
  std::optional<WallTime> valid_to;  // half-open
};

}  // namespace tollgate::fees
