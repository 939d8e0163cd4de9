#include "switch/crypto/key_block.h"

#include <algorithm>
#include <array>
#include <optional>

#include "switch/crypto/primitives.h"

namespace tollgate::crypto {
namespace {

constexpr std::size_t kHeaderSize = 16;

std::unexpected<Error> refuse(const char* place, const char* what) {
  return fail(ErrorCode::invalid, what, place);
}

struct Version {
  char letter;
  Block block;
  std::size_t block_size;
  std::size_t mac_size;
  bool derived;  // B, D: keys by CMAC, MAC over the clear text, which is also the IV
};
constexpr std::array<Version, 4> kVersions{{{'A', Block::tdes, 8, 4, false},
                                            {'B', Block::tdes, 8, 8, true},
                                            {'C', Block::tdes, 8, 4, false},
                                            {'D', Block::aes, 16, 16, true}}};

const Version* version_of(char letter) noexcept {
  const auto* found = std::ranges::find(kVersions, letter, &Version::letter);
  return found == kVersions.end() ? nullptr : found;
}

bool is_hex(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); });
}

std::optional<std::size_t> number(std::string_view text, unsigned base) noexcept {
  std::size_t value = 0;
  if (text.empty() || text.size() > 8 || !is_hex(text)) return std::nullopt;
  for (const char c : text) {
    const auto digit = static_cast<unsigned>(c <= '9' ? c - '0' : c - 'A' + 10);
    if (digit >= base) return std::nullopt;
    value = value * base + digit;
  }
  return value;
}

struct Keys {
  SecretBytes encryption, authentication;
};

// Versions A and C: the KBPK XOR 'E' and XOR 'M' in every byte.
SecretBytes variant_of(ByteView kbpk, char letter) {
  SecretBytes key(kbpk);
  for (auto& byte : key.reveal()) byte ^= static_cast<std::uint8_t>(letter);
  return key;
}

Result<Keys> keys_of(const Version& version, ByteView kbpk) {
  if (!version.derived) {
    if (kbpk.size() != 16 && kbpk.size() != 24)
      return refuse("KBPK", "the protection key has a wrong length");
    return Keys{variant_of(kbpk, 'E'), variant_of(kbpk, 'M')};
  }
  auto encryption = key_block_derive(version.letter, kbpk, BlockKeyPurpose::encryption);
  if (!encryption) return std::unexpected(encryption.error());
  auto authentication = key_block_derive(version.letter, kbpk, BlockKeyPurpose::authentication);
  if (!authentication) return std::unexpected(authentication.error());
  return Keys{std::move(*encryption), std::move(*authentication)};
}

// MAC over the header as text and the body: clear text for B and D, cipher text for A and C.
Result<Bytes> mac_over(const Version& version, const Keys& keys, std::string_view header, ByteView body) {
  SecretBytes data(header.size() + body.size());
  std::copy(body.begin(), body.end(), std::copy(header.begin(), header.end(), data.reveal().begin()));
  if (version.derived) return cmac(version.block, keys.authentication.reveal(), data.reveal());
  auto mac = mac_9797_algorithm_1(keys.authentication.reveal(), data.reveal(), MacPadding::zeros);
  if (mac) mac->resize(version.mac_size);
  return mac;
}

// Contents that X9.143 defines as hexadecimal: check values, key serial number, initial key id and its like.
bool content_ok(std::string_view id, std::string_view content) noexcept {
  for (const std::string_view hex_id : {"KS", "KC", "KP", "IK", "AL", "HM", "WP"}) {
    if (id == hex_id) return is_hex(content) && !content.empty();
  }
  return std::ranges::all_of(content, [](char c) { return c >= ' ' && c <= '~'; });
}

// The end of the optional blocks, which is where the enciphered key begins.
Result<std::size_t> skip_optional_blocks(std::string_view text, std::size_t count) {
  std::size_t at = kHeaderSize;
  for (; count != 0; --count) {
    if (text.size() < at + 4) return refuse("OPTIONAL_BLOCK_LENGTH", "an optional block passes the end");
    auto length = number(text.substr(at + 2, 2), 16);
    std::size_t head = 4;
    if (length == 0U) {  // extended: the length of the length, then the length
      const auto digits = text.size() < at + 6 ? std::nullopt : number(text.substr(at + 4, 2), 16);
      if (!digits || *digits == 0 || *digits > 4 || text.size() < at + 6 + *digits)
        return refuse("OPTIONAL_BLOCK_LENGTH", "an extended length is not right");
      length = number(text.substr(at + 6, *digits), 16);
      head = 6 + *digits;
    }
    if (!length || *length < head || text.size() - at < *length)
      return refuse("OPTIONAL_BLOCK_LENGTH", "an optional block has a wrong length");
    if (!content_ok(text.substr(at, 2), text.substr(at + head, *length - head)))
      return refuse("OPTIONAL_BLOCK_CONTENT", "an optional block holds characters that it may not");
    at += *length;
  }
  return at;
}

Result<std::size_t> check_header(std::string_view text, const Version& version) {
  const auto declared = number(text.substr(1, 4), 10);
  if (!declared || *declared != text.size())
    return refuse("LENGTH_MISMATCH", "the header declares another length");
  if (text.size() % version.block_size != 0)
    return refuse("LENGTH_MISMATCH", "the length is not whole blocks");
  const auto head = text.substr(0, kHeaderSize);
  const auto printable = [](char c) { return c > ' ' && c <= '~'; };
  if (!std::ranges::all_of(head, printable)) return refuse("HEADER", "the header is not printable");
  if (std::string_view("ENS").find(head[11]) == std::string_view::npos)
    return refuse("HEADER", "exportability is E, N or S");
  const auto count = number(head.substr(12, 2), 10);
  if (!count) return refuse("HEADER", "the number of optional blocks is not a number");
  const auto end = skip_optional_blocks(text, *count);
  if (end && *count != 0 && *end % version.block_size != 0)
    return refuse("OPTIONAL_BLOCK_LENGTH", "header and optional blocks are not whole blocks");
  return end;
}

}  // namespace

Result<SecretBytes> key_block_derive(char version, ByteView kbpk, BlockKeyPurpose purpose) {
  const bool tdes = version == 'B';
  if (!tdes && version != 'D') return refuse("VERSION", "only versions B and D derive keys");
  const bool length_ok = kbpk.size() == 16 || kbpk.size() == 24 || (!tdes && kbpk.size() == 32);
  if (!length_ok) return refuse("KBPK", "the protection key has a wrong length");
  const auto algorithm = tdes ? kbpk.size() / 8 - 2 : kbpk.size() / 8;  // 0, 1; AES 2, 3, 4
  std::uint8_t data[8] = {0, 0, static_cast<std::uint8_t>(purpose == BlockKeyPurpose::authentication)};
  store_be16(data + 4, static_cast<std::uint16_t>(algorithm));
  store_be16(data + 6, static_cast<std::uint16_t>(kbpk.size() * 8));
  SecretBytes out(kbpk.size());
  for (std::size_t at = 0; at < out.size();) {
    ++data[0];
    auto part = cmac(tdes ? Block::tdes : Block::aes, kbpk, data);
    if (!part) return std::unexpected(part.error());
    const auto n = std::min(part->size(), out.size() - at);
    std::copy_n(part->begin(), n, out.reveal().begin() + static_cast<std::ptrdiff_t>(at));
    wipe(part->data(), part->size());
    at += n;
  }
  return out;
}

Result<UnwrappedKey> key_block_unwrap(ByteView kbpk, std::string_view text) {
  const auto* version = text.size() < kHeaderSize ? nullptr : version_of(text[0]);
  if (version == nullptr) return refuse("VERSION", "not a key block of version A to D");
  const auto header_end = check_header(text, *version);
  if (!header_end) return std::unexpected(header_end.error());
  const auto header = text.substr(0, *header_end);
  const auto rest = text.substr(*header_end);
  const auto mac_digits = 2 * version->mac_size;
  if (rest.size() <= mac_digits || (rest.size() - mac_digits) % (2 * version->block_size) != 0 ||
      !is_hex(rest))
    return refuse("KEY_DATA", "key and MAC are not whole blocks of upper-case hex");
  const auto body = *from_hex(rest.substr(0, rest.size() - mac_digits));
  const auto mac = *from_hex(rest.substr(rest.size() - mac_digits));

  const auto keys = keys_of(*version, kbpk);
  if (!keys) return std::unexpected(keys.error());
  const auto iv = version->derived ? ByteView(mac) : as_bytes(header.substr(0, 8));
  auto opened = cipher({version->block, Direction::decrypt, keys->encryption.reveal(), iv}, body);
  if (!opened) return std::unexpected(opened.error());
  SecretBytes clear(*opened);
  wipe(opened->data(), opened->size());
  const ByteView whole = clear.reveal();
  const auto expected = mac_over(*version, *keys, header, version->derived ? whole : ByteView(body));
  if (!expected || !equal_in_constant_time(*expected, mac))
    return refuse("MAC", "the key block does not verify");
  const std::size_t bits = load_be16(whole.data());
  if (bits == 0 || bits % 8 != 0 || 2 + bits / 8 > whole.size())
    return refuse("KEY_LENGTH", "the key's length does not fit its block");
  return UnwrappedKey{std::string(header), SecretBytes(whole.subspan(2, bits / 8)),
                      SecretBytes(whole.subspan(2 + bits / 8))};
}

Result<std::string> key_block_wrap(ByteView kbpk, const UnwrappedKey& key) {
  const auto* version = key.header.size() < kHeaderSize ? nullptr : version_of(key.header[0]);
  if (version == nullptr) return refuse("VERSION", "not a header of version A to D");
  SecretBytes clear(2 + key.key.size() + key.pad.size());
  if (clear.size() % version->block_size != 0) return refuse("KEY_DATA", "key and pad are not whole blocks");
  ByteWriter out(clear.reveal());
  store_be16(out.take(2), static_cast<std::uint16_t>(key.key.size() * 8));
  out.put(key.key.reveal());
  out.put(key.pad.reveal());
  const auto keys = keys_of(*version, kbpk);
  if (!keys) return std::unexpected(keys.error());
  Result<Bytes> mac, body;
  if (version->derived) {
    mac = mac_over(*version, *keys, key.header, clear.reveal());
    if (mac)
      body = cipher({version->block, Direction::encrypt, keys->encryption.reveal(), *mac}, clear.reveal());
  } else {
    const auto iv = as_bytes(key.header).first(8);
    body = cipher({version->block, Direction::encrypt, keys->encryption.reveal(), iv}, clear.reveal());
    if (body) mac = mac_over(*version, *keys, key.header, *body);
  }
  if (!body) return std::unexpected(body.error());
  if (!mac) return std::unexpected(mac.error());
  const auto text = key.header + to_hex(*body) + to_hex(*mac);
  if (number(std::string_view(text).substr(1, 4), 10) != text.size())
    return refuse("LENGTH_MISMATCH", "the header declares another length");
  return text;
}

}  // namespace tollgate::crypto
