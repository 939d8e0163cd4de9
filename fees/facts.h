// Facts: what is known about one transaction when it is priced (reference "fees", section 2, Match). Plain
// values, cheap to fill and to copy; an absent fact fails every rule that asks for it. Codes are held inline,
// so there is no table of names to own or to lock, and the same code is the same bytes on every machine.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "switch/base/money.h"
#include "switch/base/time.h"

namespace tollgate::fees {

enum class Channel : std::uint8_t {
  absent,
  contact,
  contactless,
  magstripe,
  manual,
  ecom,
  qr_merchant_presented,
  qr_customer_presented
};
enum class Funding : std::uint8_t { absent, debit, credit, prepaid };
enum class Region : std::uint8_t { absent, domestic, intra, inter };
enum class Settlement : std::uint8_t { absent, t1, d0, instant };

// [A-Z0-9_]{1,32}: a brand or a tag. The default is "absent".
class Code {
 public:
  static constexpr std::size_t kMax = 32;

  constexpr Code() noexcept = default;
  // nullopt for another alphabet or length.
  [[nodiscard]] static constexpr std::optional<Code> of(std::string_view text) noexcept {
    if (text.empty() || text.size() > kMax) return std::nullopt;
    Code code;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')) return std::nullopt;
      code.text_[i] = c;
    }
    return code;
  }
  [[nodiscard]] constexpr bool absent() const noexcept { return text_[0] == '\0'; }
  [[nodiscard]] constexpr std::string_view text() const noexcept {
    std::size_t size = 0;
    while (size < kMax && text_[size] != '\0') ++size;
    return {text_.data(), size};
  }
  // For tables inside a compiled schedule; equal codes give equal numbers.
  [[nodiscard]] std::uint64_t mixed() const noexcept {
    std::array<std::uint64_t, 4> words;
    std::memcpy(words.data(), text_.data(), kMax);
    const std::uint64_t sum = words[0] * 0x9E3779B97F4A7C15ULL + words[1] * 0xC2B2AE3D27D4EB4FULL +
                              words[2] * 0x165667B19E3779F9ULL + words[3] * 0xD6E8FEB86659FD93ULL;
    // Codes differ in their last letters, which only the upper bits of the sum see.
    const std::uint64_t folded = (sum ^ sum >> 32) * 0xFF51AFD7ED558CCDULL;
    return folded ^ folded >> 32;
  }
  friend constexpr auto operator<=>(const Code&, const Code&) noexcept = default;
  friend constexpr bool operator==(const Code& a, const Code& b) noexcept {
    if
      consteval {
        return a.text_ == b.text_;
      }
    std::array<std::uint64_t, 4> x, y;  // four words instead of a call of memcmp
    std::memcpy(x.data(), a.text_.data(), kMax);
    std::memcpy(y.data(), b.text_.data(), kMax);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3])) == 0;
  }

 private:
  std::array<char, kMax> text_{};  // padded with zeros
};

inline constexpr std::size_t kTagsMax = 16;  // facts of one transaction; a list in a schedule may hold 64

// The tags of one transaction. Copies and fills only what it holds.
class Tags {
 public:
  Tags() noexcept {}  // NOLINT(modernize-use-equals-default): codes_ stays unset on purpose
  Tags(const Tags& other) noexcept { *this = other; }
  Tags& operator=(const Tags& other) noexcept {
    count_ = other.count_;
    for (std::size_t i = 0; i < count_; ++i) slot(i) = other[i];
    return *this;
  }
  // False when it is full; nothing changes then.
  [[nodiscard]] bool add(const Code& code) noexcept {
    if (count_ == kTagsMax) return false;
    slot(count_++) = code;
    return true;
  }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] const Code& operator[](std::size_t i) const noexcept {
    return reinterpret_cast<const Code*>(raw_)[i];
  }
  friend bool operator==(const Tags& a, const Tags& b) noexcept {
    if (a.count_ != b.count_) return false;
    for (std::size_t i = 0; i < a.count_; ++i)
      if (a[i] != b[i]) return false;
    return true;
  }

 private:
  Code& slot(std::size_t i) noexcept { return reinterpret_cast<Code*>(raw_)[i]; }

  std::uint8_t count_ = 0;
  alignas(Code) unsigned char raw_[kTagsMax * sizeof(Code)];
};

inline constexpr std::int32_t kNoMcc = -1;

struct Facts {
  Channel channel = Channel::absent;
  Funding funding = Funding::absent;
  Region region = Region::absent;
  Settlement settlement = Settlement::absent;
  Currency currency;          // of the transaction; 0: the schedule's
  std::int32_t mcc = kNoMcc;  // 0 … 9999
  Code brand;
  Tags tags;

  friend bool operator==(const Facts&, const Facts&) noexcept = default;
};

// Who is priced: decides which schedule is in force. Empty means unknown.
struct Parties {
  std::string_view terminal;
  std::string_view merchant;
  std::string_view agent;
};

}  // namespace tollgate::fees
