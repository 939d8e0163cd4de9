#include "storage/record_stream.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>

#include <array>

#include "storage/group.h"
#include "switch/base/check.h"

namespace tollgate::storage {
void append_record(Bytes& payload, const v1::Record& record) {
  using google::protobuf::io::CodedOutputStream;
  const auto size = record.ByteSizeLong();
  TG_CHECK(size <= kGroupPayloadMax);
  const auto length = static_cast<std::uint32_t>(size);
  const auto at = payload.size();
  payload.resize(at + CodedOutputStream::VarintSize32(length) + size);
  auto* p = CodedOutputStream::WriteVarint32ToArray(length, payload.data() + at);
  record.SerializeWithCachedSizesToArray(p);
}

struct RecordReader::Kept {
  struct Slot {
    std::unique_ptr<v1::Record> record;
    google::protobuf::Message* body = nullptr;  // inside record, of this slot's kind
  };
  std::array<Slot, RecordView::kKindsMax> slots;
};

RecordReader::RecordReader() : kept_(std::make_unique<Kept>()) {}
RecordReader::~RecordReader() = default;

// Merging into a message whose body was cleared in place is parsing, without the body being freed and made
// again.
const v1::Record* RecordReader::parse(ByteView bytes) {
  const auto kind = RecordView::of(bytes).kind;
  auto& slot = kept_->slots[kind];
  const bool warm = slot.body != nullptr;
  if (warm) {
    slot.body->Clear();
    slot.record->set_at_us(0);
  } else {
    slot.record = std::make_unique<v1::Record>();
  }
  auto& record = *slot.record;
  const google::protobuf::StringPiece text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const bool parsed = record.ParseFrom<google::protobuf::MessageLite::kMerge>(text);
  const bool plain = parsed && kind != 0 && record.body_case() == static_cast<int>(kind);
  if (!plain) {
    slot.body = nullptr;  // the next one of this kind starts from a new message
  } else if (!warm) {
    const auto* field = v1::Record::descriptor()->FindFieldByNumber(static_cast<int>(kind));
    slot.body = record.GetReflection()->MutableMessage(&record, field);
  }
  return parsed ? &record : nullptr;
}

Result<bool> RecordReader::read(const Group& group, const RecordVisit& visit) {
  RecordCursor cursor(group.payload);
  std::uint32_t count = 0;
  Position position{group.partition, group.group, 0};
  while (cursor.next()) {
    position.offset = cursor.offset();
    const auto* record = parse(cursor.bytes());
    if (record == nullptr) {
      return fail(ErrorCode::damaged, fmt::format("the record at offset {} does not parse", position.offset),
                  group_place(group.partition, group.group));
    }
    ++count;
    ++records_;
    if (!visit(*record, position)) return false;
  }
  if (cursor.damaged() || count != group.records) {
    return fail(ErrorCode::damaged,
                fmt::format("the group holds {} whole records, its header says {}", count, group.records),
                group_place(group.partition, group.group));
  }
  return true;
}

}  // namespace tollgate::storage
