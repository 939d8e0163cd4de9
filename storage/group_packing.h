// Payloads made smaller with LZ4 where they become smaller. Private to group.*, which alone knows where the
// two sizes stand.
#pragma once

#include <memory>
#include <optional>

#include "switch/base/bytes.h"

namespace tollgate::storage {

// Thread: one at a time.
class Packer {
 public:
  Packer();
  ~Packer();
  // Shorter than what was given, valid until the next call; nullopt when it does not become shorter. Equal
  // payloads, equal bytes, whatever was packed before.
  [[nodiscard]] std::optional<ByteView> pack(ByteView payload);

 private:
  struct Tables;  // room for LZ4, made anew by each call
  std::unique_ptr<Tables> tables_;
  Bytes packed_;
};

// Into `room`, which becomes `size` long. False when these bytes do not unpack to so many. Trusts nothing;
// takes at most 255 times the memory that was given.
[[nodiscard]] bool unpack(ByteView packed, std::size_t size, Bytes& room);

}  // namespace tollgate::storage
