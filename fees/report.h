// What is reported of a schedule before it is published, without refusing it (reference "fees", section 4,
// last paragraph): it may be meant, so a person overrides it in writing. Everything is found at the break
// points of the piecewise-linear fee, on exact values; no amount is sampled.
//
// A segment is a set of facts that the rules do not tell apart. Up to kSegmentPoints combinations of the
// values that rules name are looked at; beyond that one for each rule, and `complete` is false. Tags are
// taken one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fees/explain.h"
#include "fees/schedule.h"

namespace tollgate::fees {

inline constexpr std::size_t kSegmentPoints = 4096;

enum class FindingKind : std::uint8_t {
  net_falls,  // one unit more of sale leaves the merchant less, exactly: from → to, net before → net after
  fee_above_amount,  // fee and tax on top exceed the sale: the largest such ticket is `to`
  free_ticket,       // no fee at all: the largest such ticket is `to`
  negative_margin  // fees of the merchant below the house's costs, from … to; value is the lowest margin at
                   // its ends
};

struct Finding {
  FindingKind kind = FindingKind::net_falls;
  std::string segment;  // "funding DEBIT, settlement INSTANT"; "any" when the rules name nothing
  std::int64_t from_minor = 0, to_minor = 0;
  std::int64_t before_minor = 0,
               after_minor = 0;  // net_falls: net at from and at to; negative_margin: margin at from and to

  // As a sentence with amounts of the currency.
  [[nodiscard]] std::string text(const CompiledSchedule& schedule, Language language = Language::en) const;
};
[[nodiscard]] std::string_view finding_code(FindingKind kind) noexcept;  // "net_falls"
[[nodiscard]] std::optional<FindingKind> finding_kind(std::string_view code) noexcept;

struct Report {
  std::vector<Finding> findings;
  std::size_t segments = 0;  // that differ in their rules
  bool complete = true;
};

[[nodiscard]] Report report_on(const CompiledSchedule& schedule);

// A schedule with its report: what a publication is decided on. It takes tens of milliseconds for a thousand
// rules, so whoever asks for a publication makes it on a thread of his own. Immutable; any thread.
class Examination {
 public:
  // Refuses as load_schedule does.
  [[nodiscard]] static Priced<std::shared_ptr<const Examination>> of(std::string_view json);

  [[nodiscard]] const SchedulePtr& schedule() const noexcept { return schedule_; }
  [[nodiscard]] const Report& report() const noexcept { return report_; }

 private:
  explicit Examination(SchedulePtr schedule)
      : schedule_(std::move(schedule)), report_(report_on(*schedule_)) {}
  SchedulePtr schedule_;
  Report report_;
};

}  // namespace tollgate::fees
