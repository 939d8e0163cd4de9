// OpenSSL behind the crypto module; for files of this folder and its tools only, never included by a header
// that others see. One private library context with the default provider loaded by name (security 6: loading
// any provider by name in the global context switches the automatic default off); every algorithm is fetched
// once, at first use. Thread: the engine is immutable; contexts belong to their maker.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <string_view>

#include "switch/base/bytes.h"

namespace tollgate::crypto {

struct Engine {
  OSSL_LIB_CTX* library;
  EVP_CIPHER* aes_256_gcm;
  EVP_CIPHER* sm4_ecb;

  // Lives until the process ends: handles in static objects may outlast any order of destruction.
  [[nodiscard]] static const Engine& get();
};

struct FreeCipherContext {
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }  // wipes its keys
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeCipherContext>;

inline constexpr std::size_t kGcmNonceSize = 12;
inline constexpr std::size_t kGcmTagSize = 16;

// A context keyed once for AES-256-GCM; each operation sets its own nonce.
[[nodiscard]] CipherContext new_gcm_context(ByteView key32);

struct GcmParts {
  ByteView nonce;      // 12
  ByteView aad_first;  // additional data in two parts, so that nobody joins strings for it
  ByteView aad_second;
  ByteView data;
};
// out: cipher text, then 16 bytes of tag (data.size() + 16). data may lie at out.
void gcm_seal(EVP_CIPHER_CTX* context, const GcmParts& parts, std::uint8_t* out);
// data: cipher text and tag. out: data.size() - 16 bytes, wiped when the answer is false.
[[nodiscard]] bool gcm_open(EVP_CIPHER_CTX* context, const GcmParts& parts, std::uint8_t* out);

}  // namespace tollgate::crypto
