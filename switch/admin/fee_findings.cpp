#include "switch/admin/fee_findings.h"

#include <algorithm>

namespace tollgate::admin {
namespace {

fees::Language words(Language language) {
  return language == Language::zh ? fees::Language::zh : fees::Language::en;
}

void write_one(JsonOut& out, const fees::Finding& finding, const fees::CompiledSchedule& schedule,
               Language language) {
  out.begin_object().field("kind", fees::finding_code(finding.kind)).field("segment", finding.segment);
  out.field("from_minor", finding.from_minor).field("to_minor", finding.to_minor);
  out.field("before_minor", finding.before_minor).field("after_minor", finding.after_minor);
  out.field("detail", finding.text(schedule, words(language))).end_object();
}

void write_counts(JsonOut& out, std::size_t total, bool complete) {
  out.field("findings_total", total).field("findings_complete", complete);
}

}  // namespace

void write_findings(JsonOut& out, const fees::Examination& examined, Language language) {
  const auto& report = examined.report();
  out.key("findings").begin_array();
  for (std::size_t i = 0; i < std::min(report.findings.size(), kFindingsShown); ++i)
    write_one(out, report.findings[i], *examined.schedule(), language);
  out.end_array();
  write_counts(out, report.findings.size(), report.complete);
}

void write_findings(JsonOut& out, const v1::SchedulePublished& published,
                    const fees::CompiledSchedule& schedule, Language language) {
  out.key("findings").begin_array();
  for (const auto& f : published.findings())
    if (const auto kind = fees::finding_kind(f.kind()))
      write_one(out, {*kind, f.segment(), f.from_minor(), f.to_minor(), f.before_minor(), f.after_minor()},
                schedule, language);
  out.end_array();
  write_counts(out, published.findings_total(), !published.findings_incomplete());
}

}  // namespace tollgate::admin
