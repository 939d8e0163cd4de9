#include "switch/admin/proto_diff.h"

#include <map>

#include "switch/admin/json_out.h"

namespace tollgate::admin {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

void write_value(JsonOut& out, const Message& m, const FieldDescriptor* f, int index) {
  const auto* r = m.GetReflection();
  const bool repeated = index >= 0;
  switch (f->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      out.value(repeated ? r->GetRepeatedString(m, f, index) : r->GetString(m, f));
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      out.value(repeated ? r->GetRepeatedBool(m, f, index) : r->GetBool(m, f));
      break;
    case FieldDescriptor::CPPTYPE_INT32:
      out.value(repeated ? r->GetRepeatedInt32(m, f, index) : r->GetInt32(m, f));
      break;
    case FieldDescriptor::CPPTYPE_INT64:
      out.value(repeated ? r->GetRepeatedInt64(m, f, index) : r->GetInt64(m, f));
      break;
    case FieldDescriptor::CPPTYPE_UINT32:
      out.value(repeated ? r->GetRepeatedUInt32(m, f, index) : r->GetUInt32(m, f));
      break;
    case FieldDescriptor::CPPTYPE_UINT64:
      out.value(repeated ? r->GetRepeatedUInt64(m, f, index) : r->GetUInt64(m, f));
      break;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      out.raw(to_json(repeated ? r->GetRepeatedMessage(m, f, index) : r->GetMessage(m, f)));
      break;
    default:
      out.null();  // reference data has no enumerations and no floating point
  }
}

std::string map_json(const Message& m, const FieldDescriptor* f) {
  const auto* r = m.GetReflection();
  std::map<std::string, std::string> sorted;
  for (int i = 0; i < r->FieldSize(m, f); ++i) {
    const auto& pair = r->GetRepeatedMessage(m, f, i);
    const auto* d = pair.GetDescriptor();
    sorted[pair.GetReflection()->GetString(pair, d->map_key())] =
        pair.GetReflection()->GetString(pair, d->map_value());
  }
  std::string text;
  JsonOut out(text);
  out.begin_object();
  for (const auto& [key, value] : sorted) out.field(key, value);
  out.end_object();
  return text;
}

std::string field_json(const Message& m, const FieldDescriptor* f) {
  const auto* r = m.GetReflection();
  if (f->is_map()) return r->FieldSize(m, f) == 0 ? "null" : map_json(m, f);
  std::string text;
  JsonOut out(text);
  if (f->is_repeated()) {
    if (r->FieldSize(m, f) == 0) return "null";
    out.begin_array();
    for (int i = 0; i < r->FieldSize(m, f); ++i) write_value(out, m, f, i);
    out.end_array();
  } else if (f->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !r->HasField(m, f)) {
    out.null();
  } else {
    write_value(out, m, f, -1);
  }
  return text == "\"\"" ? "null" : text;
}

void compare(const Message& before, const Message& after, const std::string& path,
             std::vector<FieldChange>& changes) {
  const auto* descriptor = before.GetDescriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const auto* f = descriptor->field(i);
    if (path.empty() && (f->name() == "id" || f->name() == "version")) continue;
    const auto* r = before.GetReflection();
    const bool nested = !f->is_repeated() && f->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (nested && r->HasField(before, f) && r->HasField(after, f)) {
      compare(r->GetMessage(before, f), r->GetMessage(after, f), path + "/" + f->name(), changes);
      continue;
    }
    auto old_json = field_json(before, f), new_json = field_json(after, f);
    if (old_json != new_json)
      changes.push_back({path + "/" + f->name(), std::move(old_json), std::move(new_json)});
  }
}

}  // namespace

std::string to_json(const Message& message) {
  std::string text;
  JsonOut out(text);
  out.begin_object();
  const auto* descriptor = message.GetDescriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const auto* f = descriptor->field(i);
    const auto json = field_json(message, f);
    if (json != "null") out.key(f->name()).raw(json);
  }
  out.end_object();
  return text;
}

std::vector<FieldChange> diff(const Message& before, const Message& after) {
  std::vector<FieldChange> changes;
  compare(before, after, "", changes);
  return changes;
}

}  // namespace tollgate::admin
