#include "storage/record_stream.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>

#include <array>

#include "storage/group.h"
#include "switch/base/check.h"

namespace tollgate::storage {
namespace {

constexpr std::uint32_t kKindsMax = 128;       // field numbers of Record.body
constexpr std::uint32_t kLengthDelimited = 2;  // protobuf's wire type of a message

// The field number of the body when the record is plain: at most a time, then one body that fills the rest,
// as the writer writes them. 0 when it is not. (In any other record a body may displace an earlier one, and
// end as the kind that it began with.)
std::uint32_t kind_of(ByteView bytes) noexcept {
  std::size_t p = 0;
  const auto varint = [&]() -> std::uint64_t {
    std::uint64_t value = 0;
    for (unsigned shift = 0; p < bytes.size() && shift < 64; shift += 7) {
      const auto byte = bytes[p++];
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    return 0;
  };
  auto tag = varint();
  if (tag == (1U << 3)) {
    varint();
    tag = varint();
  }
  const auto number = tag >> 3;
  const auto length = varint();
  const bool fills = (tag & 7) == kLengthDelimited && length == bytes.size() - p;
  return fills && number < kKindsMax ? static_cast<std::uint32_t>(number) : 0;
}

}  // namespace

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

bool RecordCursor::next() noexcept {
  if (next_ >= payload_.size() || damaged_) {
    damaged_ = damaged_ || next_ > payload_.size();
    return false;
  }
  std::size_t p = next_;
  std::uint32_t length = 0;
  for (unsigned shift = 0;; shift += 7) {
    if (p == payload_.size() || shift > 28) return damaged_ = true, false;
    const auto byte = payload_[p++];
    length |= static_cast<std::uint32_t>(byte & 0x7F) << shift;
    if (byte < 0x80) break;
  }
  if (length > payload_.size() - p) return damaged_ = true, false;
  at_ = next_;
  record_ = payload_.subspan(p, length);
  next_ = static_cast<std::uint32_t>(p + length);
  return true;
}

struct RecordReader::Kept {
  struct Slot {
    std::unique_ptr<v1::Record> record;
    google::protobuf::Message* body = nullptr;  // inside record, of this slot's kind
  };
  std::array<Slot, kKindsMax> slots;
};

RecordReader::RecordReader() : kept_(std::make_unique<Kept>()) {}
RecordReader::~RecordReader() = default;

// Merging into a message whose body was cleared in place is parsing, without the body being freed and made
// again.
const v1::Record* RecordReader::parse(ByteView bytes) {
  const auto kind = kind_of(bytes);
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
