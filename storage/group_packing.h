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
  // Shorter than what was given, valid until the next call; nullopt when it does not become shorter. Nothing
  // of one call stays for the next: equal payloads, equal bytes.
  [[nodiscard]] std::optional<ByteView> pack(ByteView payload);

 private:
  struct Tables;  // of LZ4, kept from one call to the next
  std::unique_ptr<Tables> tables_;
  Bytes packed_;
};

// Into `room`, which becomes `size` long. False when these bytes cannot be so many; then little or no memory
// was taken. Trusts nothing.
[[nodiscard]] bool unpack(ByteView packed, std::size_t size, Bytes& room);

}  // namespace tollgate::storage
