// CompiledSchedule: one published version of a price list, checked, hashed and made ready to price. It is
// immutable and shared by all threads through a pointer that is read once per event (reference "fees", 3.1
// and 4).
//
// load_schedule is the only way to get one, so whoever holds a CompiledSchedule holds a schedule that passed
// every check that needs no other version; the PriceBook adds those that do (price_book.h). The content hash
// is the SHA-256 of the canonical JSON: two texts that say the same have one hash, and a receipt names its
// schedule by it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fees/business_clock.h"
#include "fees/model.h"
#include "fees/refusal.h"
#include "switch/base/hash.h"

namespace tollgate::fees {

class Program;  // the compiled rules; program.h, inside this module only

class CompiledSchedule {
 public:
  ~CompiledSchedule();
  CompiledSchedule(const CompiledSchedule&) = delete;
  CompiledSchedule& operator=(const CompiledSchedule&) = delete;

  [[nodiscard]] const FeeSchedule& text() const noexcept { return text_; }
  [[nodiscard]] const std::string& label() const noexcept { return label_; }  // "retail_cny@1"
  [[nodiscard]] const std::string& canonical_json() const noexcept { return canonical_; }
  [[nodiscard]] const Digest& digest() const noexcept { return digest_; }
  [[nodiscard]] const std::string& content_hash() const noexcept {
    return hash_;
  }  // the digest, lower-case hex
  [[nodiscard]] BusinessClock::Moment moment(WallTime time) const noexcept { return clock_.at(time); }
  // nullptr when no component has that id.
  [[nodiscard]] const Component* component(std::string_view id) const noexcept;
  // Components with a rule or a tier that reads their volume number, ascending; the others are priced
  // without.
  [[nodiscard]] const std::vector<std::uint16_t>& volume_readers() const noexcept { return volume_readers_; }
  [[nodiscard]] const Program& program() const noexcept { return *program_; }

 private:
  friend Priced<std::shared_ptr<const CompiledSchedule>> load_schedule(std::string_view);
  CompiledSchedule(FeeSchedule text, std::string canonical, BusinessClock clock);

  FeeSchedule text_;
  std::string label_, canonical_, hash_;
  Digest digest_;
  BusinessClock clock_;
  std::unique_ptr<const Program> program_;
  std::vector<std::uint16_t> volume_readers_;
};

using SchedulePtr = std::shared_ptr<const CompiledSchedule>;

inline constexpr std::size_t kScheduleTextMax =
    4U << 20;  // bytes; 1,000 rules over every dimension are a tenth of it

// Parses, checks and compiles. Refuses with the code of the first check that fails, in the order of the
// reference, and the JSON pointer of its place: SCHEMA, DUPLICATE_ID, UNKNOWN_ID, BAD_RANGE, BAD_SHARE,
// BAD_COMBINATION, DEAD_RULE, UNCOVERED.
[[nodiscard]] Priced<SchedulePtr> load_schedule(std::string_view json);
// The same with the house's error: "file#/pointer: CODE: sentence".
[[nodiscard]] Result<SchedulePtr> load_schedule(std::string_view json, std::string_view file);

// An assignment as the reference describes it: {"id", "level", "subject", "schedule_id", "valid_from",
// "valid_to"}.
[[nodiscard]] Priced<Assignment> parse_assignment(std::string_view json);
// Its canonical JSON.
[[nodiscard]] std::string assignment_json(const Assignment& assignment);

}  // namespace tollgate::fees
