// Schedules and assignments: drafts, publication with what was found and who overrode it, and the fold of both.
#include <fmt/format.h>

#include <algorithm>

#include "switch/base/check.h"
#include "switch/core/house.h"

namespace tollgate::core {
namespace {

constexpr std::size_t kDraftsMax = 256;     // that wait at once
constexpr std::size_t kFindingsKept = 128;  // in the record; the total is there too

void refuse(CommandResult& result, const fees::Refusal& refusal, std::string_view file) {
  result.problem = "validation_failed";
  result.detail = refusal.error(file).text();
  result.checks.push_back({std::string(fees::reason_code(refusal.reason)), false, refusal.where});
}

void refuse(CommandResult& result, std::string problem, std::string detail) {
  result.problem = std::move(problem);
  result.detail = std::move(detail);
}

// What was made of exactly this text, or made now.
fees::Priced<std::shared_ptr<const fees::Examination>> examination_of(const std::string& json, const std::shared_ptr<const fees::Examination>& made) {
  if (made != nullptr) return made;
  return fees::Examination::of(json);
}

void write_findings(const fees::Report& report, v1::SchedulePublished& published) {
  published.set_findings_total(static_cast<std::uint32_t>(report.findings.size()));
  published.set_findings_incomplete(!report.complete);
  for (std::size_t i = 0; i < std::min(report.findings.size(), kFindingsKept); ++i) {
    const auto& finding = report.findings[i];
    auto& out = *published.add_findings();
    out.set_kind(std::string(fees::finding_code(finding.kind)));
    out.set_segment(finding.segment);
    out.set_from_minor(finding.from_minor);
    out.set_to_minor(finding.to_minor);
    out.set_before_minor(finding.before_minor);
    out.set_after_minor(finding.after_minor);
  }
}

}  // namespace

// ---- the fold --------------------------------------------------------------------------------------------------------

void House::apply(const v1::SchedulePublished& published, std::int64_t at_us) {
  auto schedule = fees::load_schedule(published.canonical());
  TG_CHECK(schedule.has_value());  // it passed when it was recorded
  TG_CHECK((*schedule)->content_hash() == published.hash());
  TG_CHECK(prices_.publish(*schedule, {.at = WallTime{at_us}, .priced_before = false}).has_value());
  drafts_.erase({published.schedule_id(), published.version()});
  schedules_.emplace_back(published, at_us);
  ++version_;
}

void House::apply(const v1::ScheduleDrafted& drafted, std::int64_t) {
  drafts_[{drafted.schedule_id(), drafted.version()}] = drafted;
  ++version_;
}

void House::apply(const v1::AssignmentRecorded& recorded, std::int64_t at_us) {
  auto assignment = fees::parse_assignment(recorded.json());
  TG_CHECK(assignment.has_value());
  TG_CHECK(prices_.assign(*assignment, {.at = WallTime{at_us}, .priced_before = false}).has_value());
  assignments_.emplace_back(recorded, at_us);
  ++version_;
}

// ---- orders ----------------------------------------------------------------------------------------------------------

void House::run(const PublishSchedule& what, CommandResult& result, const Caller& caller) {
  auto examined = examination_of(what.json, what.examined);
  if (!examined) return refuse(result, examined.error(), what.file);
  publish({std::move(*examined), what.override_reason, what.file, {}}, result, caller);
}

void House::publish(Publication&& what, CommandResult& result, const Caller& caller) {
  const auto& schedule = what.examined->schedule();
  const auto& text = schedule->text();
  if (const auto known = prices_.find(text.schedule_id, text.version); known != nullptr) {
    if (known->content_hash() != schedule->content_hash())
      return refuse(result, "already_exists", schedule->label() + " is published with another content; publish a new version");
    result.change = "unchanged";
    return;
  }
  result.examined = what.examined;
  auto trial = prices_;
  if (auto published = trial.publish(schedule, {.at = w_.now.wall, .priced_before = priced_}); !published) return refuse(result, published.error(), what.file);
  const auto& report = what.examined->report();
  const bool clean = report.findings.empty() && report.complete;
  if (!clean && what.override_reason.empty())
    return refuse(result, "override_required",
                  fmt::format("{} is published only with a written override: {} found{}", schedule->label(), report.findings.size(),
                              report.complete ? "" : ", and not every combination was looked at"));
  result.change = "create";
  if (caller.dry_run) return;
  v1::SchedulePublished published;
  published.set_schedule_id(text.schedule_id);
  published.set_version(static_cast<std::uint32_t>(text.version));
  published.set_hash(schedule->content_hash());
  published.set_canonical(schedule->canonical_json());
  published.set_published_by(caller.principal);
  published.set_drafted_by(what.drafted_by);
  write_findings(report, published);
  if (!clean) {
    published.set_override_reason(what.override_reason);
    published.set_override_by(caller.principal);
  }
  record(53, published);
}

void House::run(const DraftSchedule& what, CommandResult& result, const Caller& caller) {
  auto examined = examination_of(what.json, what.examined);
  if (!examined) return refuse(result, examined.error(), what.file);
  const auto& schedule = *(*examined)->schedule();
  const auto& text = schedule.text();
  const auto published = prices_.find(text.schedule_id, text.version);
  const auto it = drafts_.find({text.schedule_id, static_cast<std::uint32_t>(text.version)});
  if (published != nullptr && published->content_hash() != schedule.content_hash())
    return refuse(result, "already_exists", schedule.label() + " is published with another content; draft a new version");
  if (published != nullptr || (it != drafts_.end() && it->second.hash() == schedule.content_hash())) {
    result.change = "unchanged";
    return;
  }
  if (it == drafts_.end() && drafts_.size() >= kDraftsMax)
    return refuse(result, "blast_radius_exceeded", fmt::format("{} drafts wait; publish some first", kDraftsMax));
  result.examined = *examined;
  result.change = it == drafts_.end() ? "create" : "update";
  if (caller.dry_run) return;
  v1::ScheduleDrafted drafted;
  drafted.set_schedule_id(text.schedule_id);
  drafted.set_version(static_cast<std::uint32_t>(text.version));
  drafted.set_hash(schedule.content_hash());
  drafted.set_canonical(schedule.canonical_json());
  drafted.set_by(caller.principal);
  record(58, drafted);
}

void House::run(const PublishDraft& what, CommandResult& result, const Caller& caller) {
  const auto it = drafts_.find({what.schedule_id, static_cast<std::uint32_t>(what.version)});
  if (it == drafts_.end()) {
    if (prices_.find(what.schedule_id, what.version) == nullptr)
      return refuse(result, "not_found", fmt::format("there is no draft {}@{}", what.schedule_id, what.version));
    result.change = "unchanged";
    return;
  }
  const auto draft = it->second;  // publishing takes it off the list
  if (what.second_person && draft.by() == caller.principal)
    return refuse(result, "self_approval", fmt::format("{} drafted it; another person publishes it", draft.by()));
  if (what.examined != nullptr && what.examined->schedule()->content_hash() != draft.hash())
    return refuse(result, "version_mismatch", fmt::format("the draft {}@{} was replaced meanwhile; look at it again", what.schedule_id, what.version));
  auto examined = examination_of(draft.canonical(), what.examined);
  TG_CHECK(examined.has_value());  // it passed when it was drafted
  publish({std::move(*examined), what.override_reason, {}, draft.by()}, result, caller);
}

void House::run(const Assign& what, CommandResult& result, const Caller& caller) {
  auto assignment = fees::parse_assignment(what.json);
  if (!assignment) return refuse(result, assignment.error(), {});
  if (std::ranges::any_of(assignments_, [&](const auto& known) { return known.first.json() == what.json; })) {
    result.change = "unchanged";
    return;
  }
  auto trial = prices_;
  if (auto assigned = trial.assign(*assignment, {.at = w_.now.wall, .priced_before = priced_}); !assigned) return refuse(result, assigned.error(), {});
  result.change = "create";
  if (caller.dry_run) return;
  v1::AssignmentRecorded recorded;
  recorded.set_json(what.json);
  recorded.set_by(caller.principal);
  record(54, recorded);
}

}  // namespace tollgate::core
