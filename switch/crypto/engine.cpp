#include "switch/crypto/engine.h"

#include <openssl/provider.h>

#include "switch/base/check.h"
#include "switch/base/sensitive.h"

namespace tollgate::crypto {
namespace {

Engine* load() {
  auto* engine = new Engine{};
  engine->library = OSSL_LIB_CTX_new();
  TG_CHECK(engine->library != nullptr);
  TG_CHECK(OSSL_PROVIDER_load(engine->library, "default") != nullptr);
  engine->aes_256_gcm = EVP_CIPHER_fetch(engine->library, "AES-256-GCM", nullptr);
  engine->sm4_ecb = EVP_CIPHER_fetch(engine->library, "SM4-ECB", nullptr);
  TG_CHECK(engine->aes_256_gcm != nullptr && engine->sm4_ecb != nullptr);
  return engine;
}

void add_aad(EVP_CIPHER_CTX* context, bool encrypt, ByteView aad) {
  if (aad.empty()) return;
  int n = 0;
  const auto size = static_cast<int>(aad.size());
  const int done = encrypt ? EVP_EncryptUpdate(context, nullptr, &n, aad.data(), size)
                           : EVP_DecryptUpdate(context, nullptr, &n, aad.data(), size);
  TG_CHECK(done == 1);
}

}  // namespace

const Engine& Engine::get() {
  static const Engine* const engine = load();
  return *engine;
}

CipherContext new_gcm_context(ByteView key32) {
  TG_CHECK(key32.size() == 32);
  CipherContext context(EVP_CIPHER_CTX_new());
  TG_CHECK(context != nullptr);
  TG_CHECK(EVP_CipherInit_ex2(context.get(), Engine::get().aes_256_gcm, key32.data(), nullptr, 1, nullptr) ==
           1);
  return context;
}

void gcm_seal(EVP_CIPHER_CTX* context, const GcmParts& parts, std::uint8_t* out) {
  TG_CHECK(parts.nonce.size() == kGcmNonceSize);
  TG_CHECK(EVP_EncryptInit_ex2(context, nullptr, nullptr, parts.nonce.data(), nullptr) == 1);
  add_aad(context, true, parts.aad_first);
  add_aad(context, true, parts.aad_second);
  int n = 0;
  const auto size = static_cast<int>(parts.data.size());
  if (size != 0) TG_CHECK(EVP_EncryptUpdate(context, out, &n, parts.data.data(), size) == 1 && n == size);
  TG_CHECK(EVP_EncryptFinal_ex(context, out + size, &n) == 1);
  TG_CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kGcmTagSize, out + size) == 1);
}

bool gcm_open(EVP_CIPHER_CTX* context, const GcmParts& parts, std::uint8_t* out) {
  TG_CHECK(parts.nonce.size() == kGcmNonceSize);
  if (parts.data.size() < kGcmTagSize) return false;
  TG_CHECK(EVP_DecryptInit_ex2(context, nullptr, nullptr, parts.nonce.data(), nullptr) == 1);
  add_aad(context, false, parts.aad_first);
  add_aad(context, false, parts.aad_second);
  int n = 0;
  const auto size = static_cast<int>(parts.data.size() - kGcmTagSize);
  if (size != 0) TG_CHECK(EVP_DecryptUpdate(context, out, &n, parts.data.data(), size) == 1 && n == size);
  std::uint8_t tag[kGcmTagSize];
  std::memcpy(tag, parts.data.data() + size, kGcmTagSize);
  TG_CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kGcmTagSize, tag) == 1);
  if (EVP_DecryptFinal_ex(context, out + size, &n) == 1) return true;
  if (size != 0) wipe(out, static_cast<std::size_t>(size));
  return false;
}

}  // namespace tollgate::crypto
