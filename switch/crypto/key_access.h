// How files of this folder reach into handles. Nobody else includes it (tests/tidy.py).
#pragma once

#include <new>

#include "switch/base/check.h"
#include "switch/crypto/des.h"
#include "switch/crypto/keys.h"
#include "switch/crypto/mac.h"
#include "switch/crypto/secret_bytes.h"

namespace tollgate::crypto {

// What a DesKeyHandle's storage holds.
struct DesMaterial {
  DesKeys keys;
  std::uint8_t clear[16];    // kept where the vault must be able to seal the key again
  std::uint32_t clear_size;  // 0 where it is not kept
  bool ready;                // false once moved from
};

struct KeyAccess {
  enum class Keep : bool { schedules_only, clear_too };

  // 8 or 16 bytes; another size stops the process: importers check first.
  template <class Usage>
  [[nodiscard]] static DesKeyHandle<Usage> make(ByteView key, Keep keep) noexcept {
    DesKeyHandle<Usage> handle;
    static_assert(sizeof(DesMaterial) <= sizeof handle.material_.bytes_);
    auto* material = new (handle.material_.bytes_.data()) DesMaterial;
    des_prepare(key, material->keys);
    material->clear_size = 0;
    if (keep == Keep::clear_too) {
      std::memcpy(material->clear, key.data(), key.size());
      material->clear_size = static_cast<std::uint32_t>(key.size());
    }
    material->ready = true;
    handle.check_value_ = check_value(material->keys);
    return handle;
  }

  template <class Usage>
  [[nodiscard]] static const DesMaterial& material(const DesKeyHandle<Usage>& handle) noexcept {
    const auto* material = std::launder(reinterpret_cast<const DesMaterial*>(handle.material_.bytes_.data()));
    TG_CHECK(material->ready);
    return *material;
  }
  template <class Usage>
  [[nodiscard]] static const DesKeys& keys(const DesKeyHandle<Usage>& handle) noexcept {
    return material(handle).keys;
  }
  template <class Usage>
  [[nodiscard]] static ByteView clear(const DesKeyHandle<Usage>& handle) noexcept {
    const auto& m = material(handle);
    TG_CHECK(m.clear_size != 0);
    return {m.clear, m.clear_size};
  }

  // The key's length must suit the algorithm (mac_key_size_ok); otherwise the process stops.
  [[nodiscard]] static MacKey make_mac(MacAlgorithm algorithm, ByteView key);
  [[nodiscard]] static const DesKeys& mac_schedules(const MacKey& key) noexcept {
    return *std::launder(reinterpret_cast<const DesKeys*>(key.schedules_.bytes_.data()));
  }
  [[nodiscard]] static void* sm4_context(const MacKey& key) noexcept { return key.sm4_; }
  [[nodiscard]] static bool ready(const MacKey& key) noexcept { return key.ready_; }
  [[nodiscard]] static bool double_length(const MacKey& key) noexcept { return key.double_length_; }

  [[nodiscard]] static CheckValue check_value(const DesKeys& keys) noexcept {
    std::uint8_t block[kDesBlock];
    store_block(block, tdes_encrypt(keys, 0));
    CheckValue value;
    std::memcpy(value.bytes.data(), block, value.bytes.size());
    return value;
  }
};

[[nodiscard]] constexpr bool mac_key_size_ok(MacAlgorithm algorithm, std::size_t size) noexcept {
  return size == 16 || (size == 8 && algorithm != MacAlgorithm::cup_sm4);
}

}  // namespace tollgate::crypto
