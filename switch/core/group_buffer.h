// What a partition (or the house) has decided and not yet made durable: records in their wire form, sealed cells, and what may
// happen once they are durable. One group gathers while the one before it is on its way to the journal; effects run in the
// order in which they were decided (P1: nothing leaves before its record).
//
// Thread: the worker.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "proto/records.h"
#include "storage/journal.h"
#include "switch/base/check.h"
#include "switch/base/sensitive.h"
#include "switch/core/links.h"
#include "switch/core/outside.h"
#include "switch/core/txn_table.h"
#include "switch/crypto/sealed_batch.h"

namespace tollgate::core {

struct After {
  enum class Kind : std::uint8_t { send_request, send_reversal, reply, call } kind = Kind::reply;
  std::uint32_t call = 0;                     // call: index in calls
  std::uint32_t offset = 0, size = 0;         // send_request, reply: where the frame lies
  Place place;                                // send_request
  TxnIndex txn = kNoTxn;                      // send_reversal
  ConnRef connection;                         // reply
  Instant received;
};

struct GroupBuffer {
  static constexpr std::size_t kFrameMax = 4096;

  Bytes payload;
  std::uint32_t records = 0;
  std::vector<storage::CellWrite> cells;
  std::vector<crypto::SealedPan> pans;
  std::vector<After> after;
  WipedBytes frames;                          // the first frame_bytes of it
  std::size_t frame_bytes = 0;
  std::vector<std::function<void()>> calls;

  [[nodiscard]] bool empty() const noexcept { return records == 0 && cells.empty() && after.empty(); }

  // Appends Record{at_us, body} without building the outer message: field numbers are those of records.proto. The body is
  // a message, or the bytes of one.
  template <class Body>
  void append(std::int64_t at_us, int field, const Body& body) {
    auto* const at = open_record(at_us, field, body.ByteSizeLong());
    TG_CHECK(body.SerializeWithCachedSizesToArray(at) == payload.data() + payload.size());
  }
  void append(std::int64_t at_us, int field, ByteView body) {
    std::memcpy(open_record(at_us, field, body.size()), body.data(), body.size());
  }

  // Where the next frame may be written; it stays once it is given to add_frame().
  [[nodiscard]] MutableBytes room_for_frame() {
    if (frames.size() - frame_bytes < kFrameMax) frames.resize(2 * frames.size() + kFrameMax);
    return MutableBytes(frames).subspan(frame_bytes, kFrameMax);
  }
  // `effect` is to send what was written there.
  void add_frame(After& effect, ByteView frame) {
    TG_CHECK(frame.data() == frames.data() + frame_bytes && frame.size() <= kFrameMax);
    effect.offset = static_cast<std::uint32_t>(frame_bytes);
    effect.size = static_cast<std::uint32_t>(frame.size());
    frame_bytes += frame.size();
    after.push_back(effect);
  }
  [[nodiscard]] ByteView frame_of(const After& effect) const { return ByteView(frames).first(frame_bytes).subspan(effect.offset, effect.size); }

  void clear() {
    payload.clear();
    records = 0;
    cells.clear();
    pans.clear();
    after.clear();
    wipe(frames.data(), frame_bytes);  // they carry card numbers and enciphered keys
    frame_bytes = 0;
    calls.clear();
  }

 private:
  // Everything of a record but its body; where that begins.
  [[nodiscard]] std::uint8_t* open_record(std::int64_t at_us, int field, std::size_t body_size) {
    using google::protobuf::io::CodedOutputStream;
    const auto tag = static_cast<std::uint32_t>(field) << 3 | 2U;
    const auto inner = 1 + CodedOutputStream::VarintSize64(static_cast<std::uint64_t>(at_us)) + CodedOutputStream::VarintSize32(tag) +
                       CodedOutputStream::VarintSize32(static_cast<std::uint32_t>(body_size)) + body_size;
    const auto start = payload.size();
    payload.resize(start + CodedOutputStream::VarintSize32(static_cast<std::uint32_t>(inner)) + inner);
    auto* at = payload.data() + start;
    at = CodedOutputStream::WriteVarint32ToArray(static_cast<std::uint32_t>(inner), at);
    *at++ = 0x08;  // at_us = 1, varint
    at = CodedOutputStream::WriteVarint64ToArray(static_cast<std::uint64_t>(at_us), at);
    at = CodedOutputStream::WriteVarint32ToArray(tag, at);
    ++records;
    return CodedOutputStream::WriteVarint32ToArray(static_cast<std::uint32_t>(body_size), at);
  }
};

}  // namespace tollgate::core
