// What an estate document would change: each object of it laid over what is there, before anything is
// written. A unit is what one order does: one object, or all cards, or all routes (which are one record
// each).
//
// Thread: its request's. A unit holds everything by value, because an engine's thread renders its answer.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "switch/admin/backend.h"
#include "switch/admin/estate_document.h"
#include "switch/admin/proto_diff.h"

namespace tollgate::admin {

struct PlannedRow {
  Kind kind = Kind::hosts;
  std::string key, pointer, id;
  std::string result;  // create, update, unchanged, refused
  std::vector<FieldChange> changes;
  std::string code, detail, note;
  std::string override_reason;  // of a schedule in which something was found
};
// As JSON; a refusal of the engine overrides what was planned.
[[nodiscard]] std::string row_json(const PlannedRow& row, const core::CommandResult* result,
                                   Language language);

struct Unit {
  Kind kind = Kind::hosts;
  std::string name;  // of its idempotency record: "terminals/tid:…@…"
  PartitionId partition;
  std::vector<PlannedRow> rows;
  std::optional<std::variant<core::PartitionCommand, core::HouseCommand>> order;  // none: nothing to do
  bool blind = false;  // refers to what the same document creates: a dry run cannot ask the engine
};

// In the order in which they are applied.
[[nodiscard]] std::vector<Unit> plan_estate(const EstateDocument& document, const Backend& backend);

}  // namespace tollgate::admin
