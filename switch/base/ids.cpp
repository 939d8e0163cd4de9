#include "switch/base/ids.h"

namespace tollgate {
namespace {
constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";  // Crockford: no I, L, O, U
constexpr std::size_t kDigits = 13;                                         // 65 bits hold 64
}  // namespace

std::string format_id(std::string_view prefix, ObjectId id) {
  std::string text(prefix);
  text.resize(prefix.size() + kDigits);
  auto raw = id.raw();
  for (std::size_t i = kDigits; i-- > 0; raw >>= 5) text[prefix.size() + i] = kAlphabet[raw & 31];
  return text;
}

std::optional<ObjectId> parse_id(std::string_view prefix, std::string_view text) {
  if (!text.starts_with(prefix) || text.size() != prefix.size() + kDigits) return std::nullopt;
  text.remove_prefix(prefix.size());
  std::uint64_t raw = 0;
  for (const char c : text) {
    const auto digit = kAlphabet.find(c);
    if (digit == std::string_view::npos || raw >> 59 != 0) return std::nullopt;
    raw = raw << 5 | digit;
  }
  return ObjectId(raw);
}

}  // namespace tollgate
