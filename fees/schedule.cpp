#include "fees/schedule.h"

#include <algorithm>

#include "fees/checks.h"
#include "fees/program.h"
#include "fees/schedule_reader.h"
#include "fees/words.h"
#include "switch/base/bytes.h"

namespace tollgate::fees {
namespace {

std::string lower_hex(const Digest& digest) {
  std::string hex = to_hex(digest);
  std::ranges::transform(hex, hex.begin(),
                         [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
  return hex;
}

}  // namespace

CompiledSchedule::CompiledSchedule(FeeSchedule text, std::string canonical, BusinessClock clock)
    : text_(std::move(text)),
      label_(text_.schedule_id + "@" + std::to_string(text_.version)),
      canonical_(std::move(canonical)),
      digest_(Sha256::of(as_bytes(canonical_))),
      clock_(std::move(clock)),
      program_(std::make_unique<const Program>(text_)) {
  hash_ = lower_hex(digest_);
  for (const auto& component : program_->components)
    if (component.reads_volume) volume_readers_.push_back(component.index);
}

CompiledSchedule::~CompiledSchedule() = default;

const Component* CompiledSchedule::component(std::string_view id) const noexcept {
  const auto it = std::ranges::find(text_.components, id, &Component::id);
  return it == text_.components.end() ? nullptr : &*it;
}

Priced<SchedulePtr> load_schedule(std::string_view json) {
  if (json.size() > kScheduleTextMax)
    return refuse(Reason::schema, "the text is longer than " + std::to_string(kScheduleTextMax) + " bytes");
  auto read = read_schedule(json);
  if (!read) return std::unexpected(std::move(read.error()));
  if (auto found = check_schedule(read->schedule)) return std::unexpected(std::move(*found));
  auto clock = BusinessClock::load(read->schedule.time_zone, read->schedule.cutoff_minute);
  if (!clock) return refuse(Reason::schema, clock.error().what, "/time_zone");
  return SchedulePtr(
      new CompiledSchedule(std::move(read->schedule), std::move(read->canonical), std::move(*clock)));
}

Result<SchedulePtr> load_schedule(std::string_view json, std::string_view file) {
  auto loaded = load_schedule(json);
  if (!loaded) return std::unexpected(loaded.error().error(file));
  return std::move(*loaded);
}

Priced<Assignment> parse_assignment(std::string_view json) {
  return read_assignment(json);
}

std::string assignment_json(const Assignment& assignment) {
  // Ids, names and instants hold nothing that JSON escapes.
  std::string out = "{\"id\":\"" + assignment.id + "\",\"level\":\"";
  out += kLevelWords[static_cast<std::size_t>(assignment.level)];
  out += "\",\"schedule_id\":\"" + assignment.schedule_id;
  if (!assignment.subject.empty()) out += "\",\"subject\":\"" + assignment.subject;
  out += "\",\"valid_from\":\"" + format_utc(assignment.valid_from);
  if (assignment.valid_to) out += "\",\"valid_to\":\"" + format_utc(*assignment.valid_to);
  return out + "\"}";
}

}  // namespace tollgate::fees
