#include "storage/group_packing.h"

#include <lz4.h>

#include "switch/base/check.h"

namespace tollgate::storage {
namespace {

// Records as they come at full load, 14,000 bytes a group: 0.32 of their size at 0.43 us a sale with 1, 0.36 at
// 0.42 us with 4, 0.40 at 0.38 us with 8. With tables that are kept and reset: 0.37 at 0.57 us with 4.
constexpr int kAcceleration = 1;
constexpr std::size_t kSmallest = 64;        // what is shorter does not become shorter
constexpr std::size_t kMostOfOneByte = 255;  // LZ4 makes at most this many bytes of one

}  // namespace

struct Packer::Tables {
  LZ4_stream_t lz4;
};

Packer::Packer() : tables_(std::make_unique<Tables>()) {}

Packer::~Packer() = default;

std::optional<ByteView> Packer::pack(ByteView payload) {
  TG_CHECK(payload.size() <= LZ4_MAX_INPUT_SIZE);
  if (payload.size() < kSmallest) return std::nullopt;
  packed_.resize(payload.size() - 1);
  // Tables that are only reset would remember how much was packed before, and so would the bytes.
  const auto size = LZ4_compress_fast_extState(
      &tables_->lz4, reinterpret_cast<const char*>(payload.data()), reinterpret_cast<char*>(packed_.data()),
      static_cast<int>(payload.size()), static_cast<int>(packed_.size()), kAcceleration);
  if (size <= 0) return std::nullopt;
  return ByteView(packed_).first(static_cast<std::size_t>(size));
}

bool unpack(ByteView packed, std::size_t size, Bytes& room) {
  if (packed.size() > LZ4_MAX_INPUT_SIZE || size > LZ4_MAX_INPUT_SIZE) return false;
  if (size > packed.size() * kMostOfOneByte) return false;
  room.resize(size);
  const auto made =
      LZ4_decompress_safe(reinterpret_cast<const char*>(packed.data()), reinterpret_cast<char*>(room.data()),
                          static_cast<int>(packed.size()), static_cast<int>(size));
  return made >= 0 && static_cast<std::size_t>(made) == size;
}

}  // namespace tollgate::storage
