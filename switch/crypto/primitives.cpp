#include "switch/crypto/primitives.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/params.h>

#include <array>
#include <memory>
#include <string>

#include "switch/base/check.h"
#include "switch/crypto/engine.h"
#include "switch/crypto/secret_bytes.h"

namespace tollgate::crypto {
namespace {

template <auto Free>
struct Releases {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
template <class T, auto Free>
using Owned = std::unique_ptr<T, Releases<Free>>;

using FetchedCipher = Owned<EVP_CIPHER, EVP_CIPHER_free>;
using PkeyContext = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;

std::unexpected<Error> wrong(const char* what) {
  return fail(ErrorCode::invalid, what);
}

struct Algorithm {
  const char* name = nullptr;  // OpenSSL's, without the mode
  std::size_t block_size = 0;
};

Algorithm algorithm_of(Block block, std::size_t key_size) noexcept {
  switch (block) {
    case Block::des:
      return key_size == 8 ? Algorithm{"DES-EDE", 8} : Algorithm{};
    case Block::tdes:
      return key_size == 16   ? Algorithm{"DES-EDE", 8}
             : key_size == 24 ? Algorithm{"DES-EDE3", 8}
                              : Algorithm{};
    case Block::aes:
      if (key_size == 16) return {"AES-128", 16};
      if (key_size == 24) return {"AES-192", 16};
      return key_size == 32 ? Algorithm{"AES-256", 16} : Algorithm{};
    case Block::sm4:
      return key_size == 16 ? Algorithm{"SM4", 16} : Algorithm{};
  }
  return {};
}

// A DES key written twice is the same cipher as two-key TDES.
SecretBytes as_openssl_key(Block block, ByteView key) {
  SecretBytes out(block == Block::des ? 2 * key.size() : key.size());
  std::copy(key.begin(), key.end(), out.reveal().begin());
  if (block == Block::des) std::copy(key.begin(), key.end(), out.reveal().begin() + 8);
  return out;
}

FetchedCipher fetch(const std::string& name) {
  FetchedCipher found(EVP_CIPHER_fetch(Engine::get().library, name.c_str(), nullptr));
  TG_CHECK(found != nullptr);
  return found;
}

}  // namespace

Result<Bytes> cipher(const CipherCall& call, ByteView data) {
  const auto algorithm = algorithm_of(call.block, call.key.size());
  if (algorithm.name == nullptr) return wrong("the key has a length that the cipher does not take");
  if (data.size() % algorithm.block_size != 0) return wrong("data must be whole blocks");
  if (!call.iv.empty() && call.iv.size() != algorithm.block_size) return wrong("the IV must be one block");
  const auto fetched = fetch(std::string(algorithm.name) + (call.iv.empty() ? "-ECB" : "-CBC"));
  const auto key = as_openssl_key(call.block, call.key);
  CipherContext context(EVP_CIPHER_CTX_new());
  TG_CHECK(context != nullptr);
  const int encrypt = call.direction == Direction::encrypt ? 1 : 0;
  const auto* iv = call.iv.empty() ? nullptr : call.iv.data();
  TG_CHECK(EVP_CipherInit_ex2(context.get(), fetched.get(), key.reveal().data(), iv, encrypt, nullptr) == 1);
  TG_CHECK(EVP_CIPHER_CTX_set_padding(context.get(), 0) == 1);
  Bytes out(data.size());
  int n = 0;
  if (!data.empty()) {
    const int done =
        EVP_CipherUpdate(context.get(), out.data(), &n, data.data(), static_cast<int>(data.size()));
    TG_CHECK(done == 1 && static_cast<std::size_t>(n) == data.size());
  }
  return out;
}

Result<Bytes> aes_gcm_encrypt(const GcmCall& call, ByteView data) {
  if (call.key.size() != 32) return wrong("AES-256-GCM takes a key of 32 bytes");
  if (call.nonce.size() != kGcmNonceSize) return wrong("the nonce must have 12 bytes");
  Bytes out(data.size() + kGcmTagSize);
  gcm_seal(new_gcm_context(call.key).get(), {call.nonce, call.aad, {}, data}, out.data());
  return out;
}

Result<Bytes> aes_key_wrap(ByteView kek, ByteView data, WrapPadding padding) {
  const auto algorithm = algorithm_of(Block::aes, kek.size());
  if (algorithm.name == nullptr) return wrong("the key-encrypting key has a wrong length");
  const bool pad = padding == WrapPadding::rfc5649;
  if (data.empty() || (!pad && (data.size() < 16 || data.size() % 8 != 0)))
    return wrong("key wrap takes whole blocks of 8, two at least");
  const auto fetched = fetch(std::string(algorithm.name) + (pad ? "-WRAP-PAD" : "-WRAP"));
  CipherContext context(EVP_CIPHER_CTX_new());
  TG_CHECK(context != nullptr);
  EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  TG_CHECK(EVP_EncryptInit_ex2(context.get(), fetched.get(), kek.data(), nullptr, nullptr) == 1);
  Bytes out(data.size() + 16);
  int n = 0, last = 0;
  TG_CHECK(EVP_EncryptUpdate(context.get(), out.data(), &n, data.data(), static_cast<int>(data.size())) == 1);
  TG_CHECK(EVP_EncryptFinal_ex(context.get(), out.data() + n, &last) == 1);
  out.resize(static_cast<std::size_t>(n + last));
  return out;
}

Result<Bytes> cmac(Block block, ByteView key, ByteView data) {
  const auto algorithm = algorithm_of(block, key.size());
  if (algorithm.name == nullptr) return wrong("the key has a length that the cipher does not take");
  const Owned<EVP_MAC, EVP_MAC_free> mac(EVP_MAC_fetch(Engine::get().library, "CMAC", nullptr));
  TG_CHECK(mac != nullptr);
  const Owned<EVP_MAC_CTX, EVP_MAC_CTX_free> context(EVP_MAC_CTX_new(mac.get()));
  TG_CHECK(context != nullptr);
  auto name = std::string(algorithm.name) + "-CBC";
  // CMAC in OpenSSL takes three-key TDES only: a two-key one is K1, K2, K1.
  SecretBytes three(key.size() == 16 && block == Block::tdes ? 24 : 0);
  if (three.size() != 0) {
    std::copy(key.begin(), key.end(), three.reveal().begin());
    std::copy(key.begin(), key.begin() + 8, three.reveal().begin() + 16);
    name = "DES-EDE3-CBC";
    key = three.reveal();
  }
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, name.data(), 0),
                               OSSL_PARAM_construct_end()};
  TG_CHECK(EVP_MAC_init(context.get(), key.data(), key.size(), params) == 1);
  TG_CHECK(EVP_MAC_update(context.get(), data.data(), data.size()) == 1);
  Bytes out(algorithm.block_size);
  std::size_t size = 0;
  TG_CHECK(EVP_MAC_final(context.get(), out.data(), &size, out.size()) == 1 && size == out.size());
  return out;
}

Result<Bytes> pad_9797(ByteView data, MacPadding padding, std::size_t block_size) {
  Bytes out;
  if (padding == MacPadding::length) {
    out.resize(block_size);
    store_be64(out.data() + block_size - 8, std::uint64_t{data.size()} * 8);
  }
  out.insert(out.end(), data.begin(), data.end());
  if (padding == MacPadding::bit) out.push_back(0x80);
  if (padding == MacPadding::none) {
    if (out.empty() || out.size() % block_size != 0)
      return wrong("without padding the data must be whole blocks");
    return out;
  }
  if (out.empty()) out.push_back(0);
  out.resize((out.size() + block_size - 1) / block_size * block_size);
  return out;
}

Result<Bytes> mac_9797_algorithm_1(ByteView key, ByteView data, MacPadding padding) {
  const auto padded = pad_9797(data, padding);
  if (!padded) return std::unexpected(padded.error());
  const std::array<std::uint8_t, 8> zero{};
  const auto block = key.size() == 8 ? Block::des : Block::tdes;
  const auto chain = cipher({block, Direction::encrypt, key, zero}, *padded);
  if (!chain) return std::unexpected(chain.error());
  return Bytes(chain->end() - 8, chain->end());
}

Result<Bytes> mac_9797_algorithm_3(ByteView key, ByteView data, MacPadding padding) {
  if (key.size() != 16) return wrong("the retail MAC takes a key of 16 bytes");
  const auto first = key.first(8), second = key.last(8);
  const auto chain = mac_9797_algorithm_1(first, data, padding);
  if (!chain) return std::unexpected(chain.error());
  const auto middle = cipher({Block::des, Direction::decrypt, second, {}}, *chain);
  if (!middle) return std::unexpected(middle.error());
  return cipher({Block::des, Direction::encrypt, first, {}}, *middle);
}

Bytes sm3(ByteView data) {
  Bytes out(32);
  std::size_t size = 0;
  TG_CHECK(EVP_Q_digest(Engine::get().library, "SM3", nullptr, data.data(), data.size(), out.data(), &size) ==
           1);
  TG_CHECK(size == out.size());
  return out;
}

namespace {

// DER of SEQUENCE { r INTEGER, s INTEGER }.
Bytes der_signature(ByteView r, ByteView s) {
  Bytes body;
  for (auto number : {r, s}) {
    while (number.size() > 1 && number[0] == 0) number = number.subspan(1);
    const bool sign = !number.empty() && number[0] >= 0x80;
    body.push_back(0x02);
    body.push_back(static_cast<std::uint8_t>(number.size() + (sign ? 1 : 0)));
    if (sign) body.push_back(0);
    body.insert(body.end(), number.begin(), number.end());
  }
  Bytes der{0x30, static_cast<std::uint8_t>(body.size())};
  der.insert(der.end(), body.begin(), body.end());
  return der;
}

}  // namespace

Result<bool> sm2_verify(const Sm2Signature& signature, ByteView message) {
  for (const auto part : {signature.public_x, signature.public_y, signature.r, signature.s}) {
    if (part.size() != 32) return wrong("SM2 numbers have 32 bytes");
  }
  Bytes point{0x04};
  point.insert(point.end(), signature.public_x.begin(), signature.public_x.end());
  point.insert(point.end(), signature.public_y.begin(), signature.public_y.end());
  char group[] = "SM2";
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
      OSSL_PARAM_construct_end()};
  auto* library = Engine::get().library;
  const PkeyContext maker(EVP_PKEY_CTX_new_from_name(library, "SM2", nullptr));
  TG_CHECK(maker != nullptr && EVP_PKEY_fromdata_init(maker.get()) == 1);
  EVP_PKEY* raw = nullptr;
  if (EVP_PKEY_fromdata(maker.get(), &raw, EVP_PKEY_PUBLIC_KEY, params) != 1)
    return wrong("the public key is not a point of the curve");
  const Owned<EVP_PKEY, EVP_PKEY_free> key(raw);
  const Owned<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  TG_CHECK(context != nullptr);
  const PkeyContext verifier(EVP_PKEY_CTX_new_from_pkey(library, key.get(), nullptr));
  TG_CHECK(verifier != nullptr);
  // Without the distinguishing id SM2 signatures do not verify (security 6).
  TG_CHECK(EVP_PKEY_CTX_set1_id(verifier.get(), signature.distinguishing_id.data(),
                                signature.distinguishing_id.size()) == 1);
  EVP_MD_CTX_set_pkey_ctx(context.get(), verifier.get());
  TG_CHECK(EVP_DigestVerifyInit_ex(context.get(), nullptr, "SM3", library, nullptr, key.get(), nullptr) == 1);
  const auto der = der_signature(signature.r, signature.s);
  return EVP_DigestVerify(context.get(), der.data(), der.size(), message.data(), message.size()) == 1;
}

Bytes xor_fold(ByteView data, std::size_t block_size) {
  Bytes fold(block_size);
  for (std::size_t i = 0; i < data.size(); ++i) fold[i % block_size] ^= data[i];
  return fold;
}

}  // namespace tollgate::crypto
