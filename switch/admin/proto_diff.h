// What changed between two versions of a record, field by field, as an estate document's answer shows it:
// pointer, old, new. By reflection, so that a field added to the proto shows up here by itself. Cold path
// only.
//
// Pure; any thread.
#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <vector>

namespace tollgate::admin {

struct FieldChange {
  std::string pointer;             // "/location/lat"
  std::string old_json, new_json;  // "null" where the field is not set
};

// Differences of all fields but id and version, in field order; empty when there are none.
[[nodiscard]] std::vector<FieldChange> diff(const google::protobuf::Message& before,
                                            const google::protobuf::Message& after);
// The message as JSON: fields that are set, under their proto names.
[[nodiscard]] std::string to_json(const google::protobuf::Message& message);

}  // namespace tollgate::admin
