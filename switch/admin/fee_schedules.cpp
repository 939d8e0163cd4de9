// GET /v1/fee-schedules, GET /v1/fee-schedules/{s}/versions/{n}, POST …/publish: price lists with what was
// found in them and who overrode it. Who published and why stands in the records of the house, so they are
// read there.
#include <algorithm>
#include <charconv>
#include <map>

#include "fees/explain.h"
#include "fees/price_book.h"
#include "fees/words.h"
#include "storage/record_stream.h"
#include "switch/admin/api.h"
#include "switch/admin/binder.h"
#include "switch/admin/call.h"
#include "switch/admin/fee_findings.h"
#include "switch/admin/record_reader.h"
#include "switch/admin/views.h"

namespace tollgate::admin {
namespace {

struct Version {  // a draft, or published
  fees::SchedulePtr schedule;
  v1::ScheduleDrafted draft;
  v1::SchedulePublished published;
  bool is_published = false;
  WallTime at;  // of the record
};
using Versions = std::map<std::string, std::map<std::int32_t, Version>>;

// Published versions and the drafts that still wait, as the records say.
std::expected<Versions, Problem> read_versions(const Backend& backend) {
  Versions all;
  storage::RecordReader records;
  Result<void> parsed;
  const auto read = backend.journal().read(kHouse, GroupNo{1}, [&](const storage::Group& group) {
    parsed = each_record(group, records, [&](const v1::Record& r) {
      if (r.has_schedule_drafted()) {
        const auto& draft = r.schedule_drafted();
        auto& version = all[draft.schedule_id()][static_cast<std::int32_t>(draft.version())];
        version.draft = draft;
        version.at = WallTime{r.at_us()};
      } else if (r.has_schedule_published()) {
        const auto& published = r.schedule_published();
        auto& version = all[published.schedule_id()][static_cast<std::int32_t>(published.version())];
        version.published = published;
        version.is_published = true;
        version.at = WallTime{r.at_us()};
      }
    });
    return parsed.has_value();
  });
  if (!read) return refuse("internal", read.error().text());
  if (!parsed) return refuse("internal", parsed.error().text());
  return all;
}

std::expected<void, Problem> load(Version& version, const Backend& backend) {
  if (version.is_published) {
    const auto prices = backend.reference()->prices;
    if (prices != nullptr)
      version.schedule = prices->find(version.published.schedule_id(),
                                      static_cast<std::int32_t>(version.published.version()));
  }
  if (version.schedule != nullptr) return {};
  auto loaded =
      fees::load_schedule(version.is_published ? version.published.canonical() : version.draft.canonical());
  if (!loaded) return refuse("internal", loaded.error().error().text());
  version.schedule = std::move(*loaded);
  return {};
}

std::string_view state_of(const std::map<std::int32_t, Version>& versions, const Version& version,
                          WallTime now) {
  if (!version.is_published) return "draft";
  if (version.schedule->text().valid_from > now) return "scheduled";
  for (const auto& [number, other] : versions)
    if (number > version.schedule->text().version && other.is_published &&
        other.schedule->text().valid_from <= now)
      return "superseded";
  return "in_force";
}

void write_override(JsonOut& out, const v1::SchedulePublished& published) {
  out.key("override");
  if (published.override_reason().empty())
    out.null();
  else
    out.begin_object()
        .field("reason", published.override_reason())
        .field("by", published.override_by())
        .end_object();
}

void write_head(JsonOut& out, const Version& version, std::string_view state, const Clock& clock) {
  const auto& text = version.schedule->text();
  out.field("version", text.version).field("state", state).field("hash", version.schedule->content_hash());
  out.field("valid_from", clock.text(text.valid_from));
  const auto& drafted_by = version.is_published ? version.published.drafted_by() : version.draft.by();
  out.field_or_null("drafted_by", drafted_by);
  if (version.is_published)
    out.field("published_by", version.published.published_by()).field("published_at", clock.text(version.at));
  else
    out.field("drafted_at", clock.text(version.at));
}

void write_assignments(JsonOut& out, const Backend& backend, std::string_view schedule_id,
                       const Clock& clock) {
  out.key("assignments").begin_array();
  const auto prices = backend.reference()->prices;
  if (prices != nullptr)
    for (const auto& a : prices->assignments()) {
      if (a.schedule_id != schedule_id) continue;
      out.begin_object().field("id", a.id);
      out.field("level", fees::kLevelWords[static_cast<std::size_t>(a.level)]);
      out.field_or_null("subject", a.subject).field("valid_from", clock.text(a.valid_from));
      out.field_or_null("valid_to", a.valid_to ? clock.text(*a.valid_to) : "").end_object();
    }
  out.end_array();
}

Outcome list_schedules(Call& call) {
  const auto ids = call.query.take_list("schedule_id");
  // A few rows: always all.
  if (const auto limit = call.query.take_limit(); !limit) return std::unexpected(limit.error());
  if (auto done = call.query.done(); !done) return std::unexpected(done.error());
  auto all = read_versions(call.backend);
  if (!all) return std::unexpected(all.error());
  const Clock clock(call.backend.facts().time_zone);
  std::vector<std::string> rows;
  for (auto& [id, versions] : *all) {
    if (!ids.empty() && std::ranges::find(ids, id) == ids.end()) continue;
    for (auto& [number, version] : versions)
      if (auto loaded = load(version, call.backend); !loaded) return std::unexpected(loaded.error());
    const auto& text = versions.rbegin()->second.schedule->text();
    JsonOut out(rows.emplace_back());
    out.begin_object().field("object", "fee_schedule").field("schedule_id", id);
    out.field("currency", currency_code(text.currency)).field("time_zone", text.time_zone);
    out.key("versions").begin_array();
    for (const auto& [number, version] : versions) {
      out.begin_object();
      write_head(out, version, state_of(versions, version, call.backend.now().wall), clock);
      if (version.is_published) out.field("findings_total", version.published.findings_total());
      write_override(out, version.published);
      out.end_object();
    }
    out.end_array();
    write_assignments(out, call.backend, id, clock);
    out.end_object();
  }
  return list_response(rows, "");
}

std::expected<std::int32_t, Problem> version_of(const Call& call) {
  const auto& text = call.parameter("n");
  std::int32_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size() || number < 1)
    return refuse("invalid_parameter", "a version is a number from 1");
  return number;
}

Problem unknown(const Call& call) {
  return {"not_found", "no fee schedule " + call.parameter("s") + "@" + call.parameter("n")};
}

// Every rule as a sentence, in the order in which they are looked at.
void write_rules(JsonOut& out, const fees::CompiledSchedule& schedule, Language language) {
  const auto words = language == Language::zh ? fees::Language::zh : fees::Language::en;
  out.key("rules").begin_array();
  for (const auto& component : schedule.text().components)
    for (const auto& rule : component.rules)
      out.begin_object()
          .field("component", component.id)
          .field("rule", rule.id)
          .field("text", fees::describe_rule(schedule, component, rule, words))
          .end_object();
  out.end_array();
}

Outcome get_version(Call& call) {
  if (auto done = call.query.done(); !done) return std::unexpected(done.error());
  const auto number = version_of(call);
  if (!number) return std::unexpected(number.error());
  auto all = read_versions(call.backend);
  if (!all) return std::unexpected(all.error());
  const auto schedule = all->find(call.parameter("s"));
  if (schedule == all->end() || !schedule->second.contains(*number)) return std::unexpected(unknown(call));
  auto& versions = schedule->second;
  for (auto& [n, version] : versions)
    if (auto loaded = load(version, call.backend); !loaded) return std::unexpected(loaded.error());
  const auto& version = versions.at(*number);
  const Clock clock(call.backend.facts().time_zone);
  std::string body;
  JsonOut out(body);
  out.begin_object().field("object", "fee_schedule_version").field("schedule_id", schedule->first);
  write_head(out, version, state_of(versions, version, call.backend.now().wall), clock);
  const auto before = versions.find(*number - 1);
  out.field_or_null("previous_hash", before == versions.end() ? "" : before->second.schedule->content_hash());
  if (version.is_published) {
    write_findings(out, version.published, *version.schedule, call.language);
  } else if (const auto examined = fees::Examination::of(version.draft.canonical())) {
    write_findings(out, **examined, call.language);
  }
  write_override(out, version.published);
  write_rules(out, *version.schedule, call.language);
  out.key("schedule").raw(version.schedule->canonical_json());
  write_assignments(out, call.backend, schedule->first, clock);
  out.end_object();
  return json_response(std::move(body));
}

// {"override": "why, in words", "hash": "of what was looked at"}; nothing at all when there is nothing to
// say.
struct Publication {
  std::string reason, hash;
};
std::expected<Publication, Problem> read_publication(const Call& call) {
  if (call.request.body.empty()) return Publication();
  const auto parsed = parse_json(call.request.body);
  if (!parsed) return std::unexpected(parsed.error());
  FieldErrors errors;
  Binder body(*parsed, "", errors);
  Publication out{body.text("override", {1, 512}).value_or(""), body.text("hash", {64, 64}).value_or("")};
  body.done();
  if (!errors.empty()) return std::unexpected(problem_of(std::move(errors)));
  return out;
}

Outcome publish_version(Call& call) {
  if (auto done = call.query.done(); !done) return std::unexpected(done.error());
  const auto number = version_of(call);
  if (!number) return std::unexpected(number.error());
  const auto said = read_publication(call);
  if (!said) return std::unexpected(said.error());
  auto all = read_versions(call.backend);
  if (!all) return std::unexpected(all.error());
  const auto schedule = all->find(call.parameter("s"));
  if (schedule == all->end() || !schedule->second.contains(*number)) return std::unexpected(unknown(call));
  const auto& version = schedule->second.at(*number);
  if (!version.is_published && !said->hash.empty() && said->hash != version.draft.hash())
    return std::unexpected(
        Problem{"version_mismatch", "the draft is another one than was looked at: " + version.draft.hash()});
  core::PublishDraft what{schedule->first, *number, said->reason, !call.backend.facts().lab(), nullptr};
  if (!version.is_published)
    if (auto examined = fees::Examination::of(version.draft.canonical())) what.examined = *examined;
  const auto render = [id = schedule->first, n = *number, reason = said->reason, by = call.principal.name,
                       language = call.language](const core::CommandResult& result) {
    std::string body;
    JsonOut out(body);
    out.begin_object().field("object", "fee_schedule_version").field("schedule_id", id).field("version", n);
    out.field("state", "published").field("change", result.change == "unchanged" ? "unchanged" : "published");
    if (result.examined != nullptr) {
      out.field("hash", result.examined->schedule()->content_hash());
      write_findings(out, *result.examined, language);
      v1::SchedulePublished overridden;
      if (!result.examined->report().findings.empty()) overridden.set_override_reason(reason);
      overridden.set_override_by(by);
      write_override(out, overridden);
    }
    out.end_object();
    return std::pair<std::uint32_t, std::string>(200, std::move(body));
  };
  return order_and_answer(call, {kHouse, {}, core::HouseCommand(std::move(what))}, render);
}

}  // namespace

void add_fee_schedule_routes(Router& router) {
  router.add({"GET", "/v1/fee-schedules", kViewer, {}, list_schedules});
  router.add({"GET", "/v1/fee-schedules/{s}/versions/{n}", kViewer, {}, get_version});
  router.add({"POST",
              "/v1/fee-schedules/{s}/versions/{n}/publish",
              RoleSet{Role::pricing, Role::supervisor},
              {.effect = true},
              publish_version});
}

}  // namespace tollgate::admin
