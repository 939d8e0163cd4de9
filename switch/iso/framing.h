// Cuts a byte stream into frames by the dialect's length prefix. Pure: it looks at what was read, it reads
// nothing.
#pragma once

#include <cstddef>

#include "switch/base/bytes.h"
#include "switch/iso/dialect.h"

namespace tollgate::iso {

struct Cut {
  enum class Kind {
    frame,
    incomplete,
    refused
  };  // refused: length 0, above the dialect's maximum, or not a length
  Kind kind = Kind::incomplete;
  ByteView frame;            // without the prefix
  std::size_t consumed = 0;  // prefix + frame
  std::size_t wanted = 0;    // incomplete: bytes that the buffer must hold before another look makes sense
};

[[nodiscard]] Cut next_frame(const Framing& framing, ByteView buffer) noexcept;

}  // namespace tollgate::iso
