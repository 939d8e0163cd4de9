#include "switch/admin/record_reader.h"

namespace tollgate::admin {

Result<void> each_record(const storage::Group& group, storage::RecordReader& scratch,
                         const VisitRecord& visit) {
  const auto read = scratch.read(group, [&](const v1::Record& record, const storage::Position&) {
    visit(record);
    return true;
  });
  if (!read) return std::unexpected(read.error());
  return {};
}

const google::protobuf::RepeatedPtrField<std::string>* entries_of(const v1::Record& record) noexcept {
  if (record.has_outcome() && record.outcome().entries_size() != 0) return &record.outcome().entries();
  if (record.has_reversal_owed() && record.reversal_owed().entries_size() != 0)
    return &record.reversal_owed().entries();
  return nullptr;
}

}  // namespace tollgate::admin
