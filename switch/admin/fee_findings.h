// What was found in a fee schedule before its publication (fees/report.h) as JSON, in the reader's language;
// the same members in a refusal, in the answer to an estate document and in a version's own page:
//   "findings":[{"kind","segment","from_minor","to_minor","before_minor","after_minor","detail"}],
//   "findings_total", "findings_complete"
//
// Pure; any thread.
#pragma once

#include "fees/report.h"
#include "proto/records.h"
#include "switch/admin/catalog.h"
#include "switch/admin/json_out.h"

namespace tollgate::admin {

inline constexpr std::size_t kFindingsShown =
    128;  // as many as a record keeps; the total says what is left out

void write_findings(JsonOut& out, const fees::Examination& examined, Language language);
// As recorded with a publication of that schedule.
void write_findings(JsonOut& out, const v1::SchedulePublished& published,
                    const fees::CompiledSchedule& schedule, Language language);

}  // namespace tollgate::admin
