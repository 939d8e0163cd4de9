// PriceBook: every published version and every assignment, and which of them prices an event (reference
// "fees", 3.1 and 4).
//
// A value: the owner of reference data applies publish and assign to a copy and hands workers a
// shared_ptr<const PriceBook>; copies share the schedules. Reading is const, does not allocate and may happen
// on any thread. A refused change leaves the book as it was.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fees/model.h"
#include "fees/schedule.h"

namespace tollgate::fees {

// When a change is recorded. Until the store has priced its first event, schedules and assignments are taken
// as of their own valid_from (an existing price list brought into a new installation); from then on BACKDATED
// applies.
struct Recording {
  WallTime at;
  bool priced_before = false;
};

class PriceBook {
 public:
  // BAD_VERSION: versions of an id are gapless from 1, its currency and zone never change. BACKDATED.
  [[nodiscard]] Priced<void> publish(SchedulePtr schedule, Recording recording);
  // UNKNOWN_ID: no version in force at valid_from. BAD_RANGE: empty. BACKDATED, ASSIGNMENT_OVERLAP.
  // DUPLICATE_ID: the id is another assignment's. Recording an open one again with valid_to ends it;
  // recording the same again changes nothing.
  [[nodiscard]] Priced<void> assign(const Assignment& assignment, Recording recording);

  // The schedule that prices at that instant: the most specific assignment that holds it, then the highest
  // version with valid_from ≤ at. nullptr: NO_SCHEDULE. The pointer lives as long as any book that holds the
  // version.
  [[nodiscard]] const CompiledSchedule* resolve(WallTime at, const Parties& parties) const noexcept;
  [[nodiscard]] SchedulePtr resolve_shared(WallTime at, const Parties& parties) const noexcept;
  // The assignment that decided, or nullptr.
  [[nodiscard]] const Assignment* assignment_at(WallTime at, const Parties& parties) const noexcept;

  [[nodiscard]] SchedulePtr find(std::string_view schedule_id, std::int32_t version) const noexcept;
  [[nodiscard]] SchedulePtr find(const Digest& digest) const noexcept;
  // All versions by id, ascending; all assignments by id.
  [[nodiscard]] const std::map<std::string, std::vector<SchedulePtr>, std::less<>>& schedules()
      const noexcept {
    return schedules_;
  }
  [[nodiscard]] std::vector<Assignment> assignments() const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const noexcept { return std::hash<std::string_view>{}(s); }
  };
  // By subject; sorted by valid_from, never overlapping.
  using Level = std::unordered_map<std::string, std::vector<Assignment>, Hash, std::equal_to<>>;
  struct Place {
    AssignmentLevel level;
    std::string subject;
  };

  [[nodiscard]] const SchedulePtr* in_force(std::string_view schedule_id, WallTime at) const noexcept;
  [[nodiscard]] const SchedulePtr* resolved(WallTime at, const Parties& parties) const noexcept;
  [[nodiscard]] Priced<void> end_open(Assignment& known, const Assignment& again, Recording recording);

  std::map<std::string, std::vector<SchedulePtr>, std::less<>> schedules_;
  Level levels_[4];                                   // by AssignmentLevel
  std::map<std::string, Place, std::less<>> places_;  // by assignment id
};

}  // namespace tollgate::fees
