#include "fees/price_book.h"

#include <algorithm>

namespace tollgate::fees {
namespace {

bool contains(const Assignment& a, WallTime at) noexcept {
  return a.valid_from <= at && (!a.valid_to || at < *a.valid_to);
}
bool overlap(const Assignment& a, const Assignment& b) noexcept {
  return (!a.valid_to || b.valid_from < *a.valid_to) && (!b.valid_to || a.valid_from < *b.valid_to);
}
bool same_but_end(const Assignment& a, const Assignment& b) noexcept {
  return a.level == b.level && a.subject == b.subject && a.schedule_id == b.schedule_id &&
         a.valid_from == b.valid_from;
}

}  // namespace

Priced<void> PriceBook::publish(SchedulePtr schedule, Recording recording) {
  const FeeSchedule& text = schedule->text();
  const auto known = schedules_.find(text.schedule_id);
  const std::int32_t latest = known == schedules_.end() ? 0 : known->second.back()->text().version;
  if (text.version != latest + 1)
    return refuse(Reason::bad_version, "the next version is " + std::to_string(latest + 1), "/version");
  if (latest > 0) {
    const FeeSchedule& first = known->second.front()->text();
    if (first.currency != text.currency)
      return refuse(Reason::bad_version, "the currency of a schedule never changes", "/currency");
    if (first.time_zone != text.time_zone)
      return refuse(Reason::bad_version, "the time zone of a schedule never changes", "/time_zone");
  }
  if (recording.priced_before && text.valid_from < recording.at)
    return refuse(Reason::backdated, "valid_from lies before its publication at " + format_utc(recording.at),
                  "/valid_from");
  schedules_[text.schedule_id].push_back(std::move(schedule));
  return {};
}

Priced<void> PriceBook::end_open(Assignment& known, const Assignment& again, Recording recording) {
  if (!same_but_end(known, again))
    return refuse(Reason::duplicate_id, "another assignment has this id", "/id");
  if (known.valid_to == again.valid_to) return {};
  if (known.valid_to || !again.valid_to)
    return refuse(Reason::duplicate_id, "this assignment has ended already", "/valid_to");
  if (*again.valid_to <= again.valid_from)
    return refuse(Reason::bad_range, "the assignment would be empty", "/valid_to");
  if (recording.priced_before && *again.valid_to < recording.at)
    return refuse(Reason::backdated, "the end lies in the past", "/valid_to");
  known.valid_to = again.valid_to;
  return {};
}

Priced<void> PriceBook::assign(const Assignment& assignment, Recording recording) {
  auto& level = levels_[static_cast<std::size_t>(assignment.level)];
  if (const auto place = places_.find(assignment.id); place != places_.end()) {
    auto& list = levels_[static_cast<std::size_t>(place->second.level)].find(place->second.subject)->second;
    return end_open(*std::ranges::find(list, assignment.id, &Assignment::id), assignment, recording);
  }
  if (in_force(assignment.schedule_id, assignment.valid_from) == nullptr)
    return refuse(Reason::unknown_id,
                  "no version of \"" + assignment.schedule_id + "\" is in force at valid_from",
                  "/schedule_id");
  if (assignment.valid_to && *assignment.valid_to <= assignment.valid_from)
    return refuse(Reason::bad_range, "the assignment is empty", "/valid_to");
  if (recording.priced_before && assignment.valid_from < recording.at)
    return refuse(Reason::backdated, "valid_from lies before " + format_utc(recording.at), "/valid_from");
  if (const auto list = level.find(assignment.subject); list != level.end())
    for (const auto& other : list->second)
      if (overlap(assignment, other))
        return refuse(Reason::assignment_overlap, "\"" + other.id + "\" holds a part of that time",
                      "/valid_from");
  auto& list = level[assignment.subject];
  list.insert(std::ranges::upper_bound(list, assignment.valid_from, {}, &Assignment::valid_from), assignment);
  places_.emplace(assignment.id, Place{assignment.level, assignment.subject});
  return {};
}

const SchedulePtr* PriceBook::in_force(std::string_view schedule_id, WallTime at) const noexcept {
  const auto known = schedules_.find(schedule_id);
  if (known == schedules_.end()) return nullptr;
  for (auto it = known->second.rbegin(); it != known->second.rend(); ++it)
    if ((*it)->text().valid_from <= at) return &*it;
  return nullptr;
}

const Assignment* PriceBook::assignment_at(WallTime at, const Parties& parties) const noexcept {
  const auto search = [&](AssignmentLevel level, std::string_view subject) -> const Assignment* {
    const auto& by_subject = levels_[static_cast<std::size_t>(level)];
    const auto list = by_subject.find(subject);
    if (list == by_subject.end()) return nullptr;
    for (auto it = list->second.rbegin(); it != list->second.rend(); ++it)
      if (contains(*it, at)) return &*it;
    return nullptr;
  };
  const Assignment* found = nullptr;
  if (!parties.terminal.empty()) found = search(AssignmentLevel::terminal, parties.terminal);
  if (found == nullptr && !parties.merchant.empty())
    found = search(AssignmentLevel::merchant, parties.merchant);
  if (found == nullptr && !parties.agent.empty()) found = search(AssignmentLevel::agent, parties.agent);
  return found != nullptr ? found : search(AssignmentLevel::by_default, {});
}

const SchedulePtr* PriceBook::resolved(WallTime at, const Parties& parties) const noexcept {
  const auto* assignment = assignment_at(at, parties);
  return assignment == nullptr ? nullptr : in_force(assignment->schedule_id, at);
}

const CompiledSchedule* PriceBook::resolve(WallTime at, const Parties& parties) const noexcept {
  const auto* schedule = resolved(at, parties);
  return schedule == nullptr ? nullptr : schedule->get();
}

SchedulePtr PriceBook::resolve_shared(WallTime at, const Parties& parties) const noexcept {
  const auto* schedule = resolved(at, parties);
  return schedule == nullptr ? nullptr : *schedule;
}

SchedulePtr PriceBook::find(std::string_view schedule_id, std::int32_t version) const noexcept {
  const auto known = schedules_.find(schedule_id);
  if (known == schedules_.end() || version < 1 || static_cast<std::size_t>(version) > known->second.size())
    return nullptr;
  return known->second[static_cast<std::size_t>(version) - 1];
}

SchedulePtr PriceBook::find(const Digest& digest) const noexcept {
  for (const auto& [id, versions] : schedules_)
    for (const auto& schedule : versions)
      if (schedule->digest() == digest) return schedule;
  return nullptr;
}

std::vector<Assignment> PriceBook::assignments() const {
  std::vector<Assignment> all;
  for (const auto& [id, place] : places_) {
    const auto& list = levels_[static_cast<std::size_t>(place.level)].find(place.subject)->second;
    all.push_back(*std::ranges::find(list, id, &Assignment::id));
  }
  return all;
}

}  // namespace tollgate::fees
