// Enciphered tracks (cup-dialect 8, "tracks"): where the 16 digits lie, and their way through the TDK.
#include <algorithm>

#include "switch/crypto/key_access.h"
#include "switch/crypto/lab.h"

namespace tollgate::crypto {
namespace {

constexpr std::size_t kDigits = 16;

int digit_of(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Digits behind the block: the last one of an odd count, the last two of an even one.
std::size_t tail_of(std::size_t count) noexcept {
  return count % 2 == 1 ? 1 : 2;
}

bool track_block(const DesKeys& keys, bool encrypt, std::span<char, kDigits> digits) noexcept {
  std::uint8_t block[kDesBlock];
  for (std::size_t i = 0; i < kDesBlock; ++i) {
    const int high = digit_of(digits[2 * i]), low = digit_of(digits[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    block[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  tdes_ecb(keys, encrypt, block, block);
  write_hex(block, digits.data());
  wipe(block, sizeof block);
  return true;
}

}  // namespace

std::optional<std::size_t> decrypt_track(const TrackKey& key, std::span<char> track) noexcept {
  const auto tail = tail_of(track.size());
  if (track.size() < kDigits + tail) {
    if (!track.empty()) wipe(track.data(), track.size());
    return std::nullopt;
  }
  const auto at = track.size() - tail - kDigits;
  const bool readable = track_block(KeyAccess::keys(key), false, track.subspan(at).first<kDigits>());
  std::size_t fill = 0;  // F on the left, only where the block begins the track
  if (at == 0)
    fill = static_cast<std::size_t>(std::ranges::find_if(track, [](char c) { return c != 'F'; }) -
                                    track.begin());
  const auto clear = track.subspan(fill);
  const bool is_track =
      readable && std::ranges::all_of(clear, [](char c) { return (c >= '0' && c <= '9') || c == 'D'; });
  if (!is_track) {
    wipe(track.data(), track.size());
    return std::nullopt;
  }
  std::copy(clear.begin(), clear.end(), track.begin());
  std::fill(track.end() - static_cast<std::ptrdiff_t>(fill), track.end(), '\0');
  return clear.size();
}

Result<std::string> encrypt_track(const TrackKey& key, std::string_view track) {
  const auto tail = tail_of(track.size());
  if (track.size() <= tail) return fail(ErrorCode::invalid, "a track needs more digits", "track");
  std::string sent(track);
  const auto before = track.size() - tail;
  if (before < kDigits) sent.insert(0, kDigits - before, 'F');
  const auto at = sent.size() - tail - kDigits;
  if (!track_block(KeyAccess::keys(key), true, std::span(sent).subspan(at).first<kDigits>()))
    return fail(ErrorCode::invalid, "a track holds digits and D", "track");
  return sent;
}

}  // namespace tollgate::crypto
