#include "switch/iso/tlv.h"

#include <array>

namespace tollgate::iso {
namespace {

// Tag and length of the object at p; false when they do not parse or the value does not fit before end.
inline bool head(const std::uint8_t* p, const std::uint8_t* end, std::uint32_t& tag,
                 const std::uint8_t*& value, std::size_t& size) noexcept {
  if (end - p < 2) return false;
  tag = *p++;
  if (tag == 0) return false;
  if ((tag & 0x1F) == 0x1F) {
    int more = 0;
    do {
      if (p == end || ++more > 2) return false;
      tag = tag << 8 | *p;
    } while ((*p++ & 0x80) != 0);
  }
  if (p == end) return false;
  size = *p++;
  if (size >= 0x80) {
    // 81 and 82 only: longer ones cannot be in a field; 80 would be the indefinite form.
    const std::size_t bytes = size & 0x7F;
    if (bytes < 1 || bytes > 2 || static_cast<std::size_t>(end - p) < bytes) return false;
    size = bytes == 1 ? p[0] : load_be16(p);
    p += bytes;
  }
  value = p;
  return size <= static_cast<std::size_t>(end - p);
}

constexpr bool is_constructed(std::uint8_t first) noexcept {
  return (first & 0x20) != 0;
}

}  // namespace

std::optional<Tlv> next_tlv(ByteView& rest) noexcept {
  Tlv found;
  const std::uint8_t* value = nullptr;
  std::size_t size = 0;
  if (!head(rest.data(), rest.data() + rest.size(), found.tag, value, size)) return std::nullopt;
  found.constructed = is_constructed(rest[0]);
  found.value = {value, size};
  rest = rest.subspan(static_cast<std::size_t>(value - rest.data()) + size);
  return found;
}

std::optional<std::size_t> broken_tlv(ByteView data) noexcept {
  const std::uint8_t* const begin = data.data();
  const std::uint8_t* p = begin;
  const std::uint8_t* end = begin + data.size();
  std::array<const std::uint8_t*, kTlvDepthMax> outer{};
  int depth = 0;  // open constructed objects
  int tags = 0;
  for (;;) {
    while (p == end) {
      if (depth == 0) return std::nullopt;
      end = outer[static_cast<std::size_t>(--depth)];
    }
    std::uint32_t tag = 0;
    const std::uint8_t* value = nullptr;
    std::size_t size = 0;
    if (!head(p, end, tag, value, size) || ++tags > kTlvTagsMax) return static_cast<std::size_t>(p - begin);
    if (is_constructed(*p)) {
      // The outermost level is the first of the four.
      if (depth + 1 >= kTlvDepthMax) return static_cast<std::size_t>(p - begin);
      outer[static_cast<std::size_t>(depth++)] = end;
      end = value + size;
      p = value;
    } else {
      p = value + size;
    }
  }
}

std::optional<ByteView> find_tlv(ByteView data, std::uint32_t tag) noexcept {
  while (!data.empty()) {
    const auto found = next_tlv(data);
    if (!found) return std::nullopt;
    if (found->tag == tag) return found->value;
  }
  return std::nullopt;
}

}  // namespace tollgate::iso
