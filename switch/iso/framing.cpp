#include "switch/iso/framing.h"

#include "switch/iso/packing.h"

namespace tollgate::iso {
namespace {

constexpr Cut refused() noexcept {
  return {Cut::Kind::refused, {}, 0, 0};
}
constexpr Cut incomplete(std::size_t wanted) noexcept {
  return {Cut::Kind::incomplete, {}, 0, wanted};
}

Cut cut_after(std::size_t prefix, std::size_t size, const Framing& framing, ByteView buffer) noexcept {
  if (size == 0 || size > framing.maximum) return refused();
  if (buffer.size() < prefix + size) return incomplete(prefix + size);
  return {Cut::Kind::frame, buffer.subspan(prefix, size), prefix + size, 0};
}

}  // namespace

Cut next_frame(const Framing& framing, ByteView buffer) noexcept {
  switch (framing.prefix) {
    case Framing::Prefix::none:
      // What was read is one message: datagrams and files.
      return buffer.empty() ? incomplete(1) : cut_after(0, buffer.size(), framing, buffer);
    case Framing::Prefix::binary2:
      return buffer.size() < 2 ? incomplete(2) : cut_after(2, load_be16(buffer.data()), framing, buffer);
    case Framing::Prefix::ascii4: {
      if (buffer.size() < 4) return incomplete(4);
      if (!packing::digits_ok(buffer.data(), 4)) return refused();
      const auto digit = [&](std::size_t i) { return static_cast<std::size_t>(buffer[i] - '0'); };
      return cut_after(4, digit(0) * 1000 + digit(1) * 100 + digit(2) * 10 + digit(3), framing, buffer);
    }
  }
  return refused();
}

}  // namespace tollgate::iso
