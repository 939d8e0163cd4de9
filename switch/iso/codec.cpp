#include "switch/iso/codec.h"

#include <array>

#include "switch/iso/packing.h"

namespace tollgate::iso {
namespace {

constexpr std::array<std::string_view, 14> kRefusals = {
    "none",          "truncated",  "trailing", "bad_tpdu",      "bad_header", "bad_mti",   "bad_bitmap",
    "unknown_field", "bad_length", "too_long", "bad_character", "bad_tlv",    "too_large", "missing_value"};
static_assert(kRefusals.size() == static_cast<std::size_t>(Refusal::missing_value) + 1);

std::size_t prefix_size(const Dialect& dialect) noexcept {
  switch (dialect.framing().prefix) {
    case Framing::Prefix::none:
      return 0;
    case Framing::Prefix::binary2:
      return 2;
    case Framing::Prefix::ascii4:
      return 4;
  }
  return 0;
}

// Where the body (from the MTI) and the MAC of an encoded frame begin; size 0: it has none.
struct MacPlace {
  std::size_t body = 0, mac = 0, size = 0;
};

MacPlace locate(const Dialect& dialect, ByteView frame) noexcept {
  const std::size_t prefix = prefix_size(dialect);
  MacPlace place{.body = frame.size(), .mac = frame.size()};
  if (frame.size() < prefix) return place;
  MessageView view;
  if (!decode(dialect, frame.subspan(prefix), view).ok()) return place;
  const ByteView covered = view.mac_range();
  place.body = static_cast<std::size_t>(covered.data() - frame.data());
  place.mac = place.body + covered.size();
  const int field = dialect.mac_field(view.fields());
  if (field != 0 && view.has(field)) place.size = view.raw(field).size();
  return place;
}

// The usual case without decoding: the MAC field is the last one that the bitmap can name, so it ends the
// frame.
bool locate_last(const Dialect& dialect, ByteView frame, MacPlace& place) noexcept {
  const std::size_t body = prefix_size(dialect) + dialect.tpdu_size() + dialect.header_size();
  const std::size_t map = body + (dialect.bcd_mti() ? 2 : 4);
  if (dialect.hex_bitmap() || frame.size() < map + 8 || dialect.mac_field() != 64) return false;
  const std::uint64_t bits = load_be64(frame.data() + map);
  const std::size_t size = dialect.op(64).fixed_size;
  if ((bits >> 63) != 0 || (bits & 1) == 0 || frame.size() < map + 8 + size) return false;
  place = {.body = body, .mac = frame.size() - size, .size = size};
  return true;
}

MacPlace place_of(const Dialect& dialect, ByteView frame) noexcept {
  MacPlace place;
  return locate_last(dialect, frame, place) ? place : locate(dialect, frame);
}

}  // namespace

std::string_view name(Refusal refusal) noexcept {
  return kRefusals[static_cast<std::size_t>(refusal)];
}

ByteView mac_input(const Dialect& dialect, ByteView frame) noexcept {
  const MacPlace place = place_of(dialect, frame);
  return frame.subspan(place.body, place.mac - place.body);
}

MutableBytes mac_place(const Dialect& dialect, MutableBytes frame) noexcept {
  const MacPlace place = place_of(dialect, frame);
  return frame.subspan(place.mac, place.size);
}

}  // namespace tollgate::iso
