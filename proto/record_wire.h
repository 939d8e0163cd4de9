// The payload of a group where it lies: records, each a varint length and a serialised tollgate.v1.Record.
// Thread: any; nothing is shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace tollgate {

// Cuts a payload into records without reading them. Damaged when a length does not fit.
class RecordCursor {
 public:
  explicit RecordCursor(std::span<const std::uint8_t> payload, std::uint32_t offset = 0) noexcept
      : payload_(payload), next_(offset) {}
  // False at the end, and at damage: then damaged() is true.
  [[nodiscard]] bool next() noexcept {
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
  [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept { return record_; }
  [[nodiscard]] std::uint32_t offset() const noexcept { return at_; }
  [[nodiscard]] bool damaged() const noexcept { return damaged_; }

 private:
  std::span<const std::uint8_t> payload_, record_;
  std::uint32_t at_ = 0, next_;
  bool damaged_ = false;
};

// A record that is plain: at most a time, then one body that fills the rest, as the writer writes them. In any
// other one a body may displace an earlier one, and end as the kind that it began with: only protobuf reads
// those.
struct RecordView {
  static constexpr std::uint32_t kKindsMax = 128;  // field numbers of Record.body
  std::span<const std::uint8_t> bytes;             // all of it
  std::int64_t at_us = 0;
  std::uint32_t kind = 0;  // the body's field number; 0: the record is not plain, and the rest says nothing
  std::span<const std::uint8_t> body;

  [[nodiscard]] static RecordView of(std::span<const std::uint8_t> bytes) noexcept {
    constexpr std::uint64_t kTimeKey = 1U << 3, kLengthDelimited = 2;
    RecordView view{.bytes = bytes, .at_us = 0, .kind = 0, .body = {}};
    std::size_t p = 0;
    const auto varint = [&]() -> std::optional<std::uint64_t> {
      std::uint64_t value = 0;
      for (unsigned shift = 0; p < bytes.size() && shift < 64; shift += 7) {
        const auto byte = bytes[p++];
        value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
        if (byte < 0x80) return value;
      }
      return std::nullopt;
    };
    auto key = varint();
    if (key == kTimeKey) {
      const auto at_us = varint();
      if (!at_us) return view;
      view.at_us = static_cast<std::int64_t>(*at_us);
      key = varint();
    }
    const auto length = varint();
    if (!key || (*key & 7) != kLengthDelimited || length != bytes.size() - p || *key >> 3 >= kKindsMax)
      return view;
    view.kind = static_cast<std::uint32_t>(*key >> 3);
    view.body = bytes.subspan(p);
    return view;
  }
};

}  // namespace tollgate
