#include "switch/base/sensitive.h"

#include <openssl/crypto.h>

namespace tollgate {

bool equal_in_constant_time(ByteView a, ByteView b) noexcept {
  return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

MaskedPan MaskedPan::of(std::string_view pan) noexcept {
  MaskedPan masked;
  const bool readable = pan.size() >= 13 && pan.size() <= 19 && std::ranges::all_of(pan, [](char c) { return c >= '0' && c <= '9'; });
  if (!readable) {
    masked.text_.fill('*');
    masked.size_ = 4;  // "****": says that something was there, not how long it was
    return masked;
  }
  masked.size_ = static_cast<std::uint8_t>(pan.size());
  for (std::size_t i = 0; i < pan.size(); ++i) masked.text_[i] = i < 6 || i + 4 >= pan.size() ? pan[i] : '*';
  return masked;
}

}  // namespace tollgate
