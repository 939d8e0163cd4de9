// mac.h promises that a MAC allocates nothing, in our code and in OpenSSL's.
#include <openssl/crypto.h>

#include <cstdlib>
#include <new>

#include "tests/crypto/vectors.h"

namespace {

std::size_t allocations = 0;

void* count_malloc(std::size_t size, const char*, int) {
  ++allocations;
  return std::malloc(size);
}
void* count_realloc(void* memory, std::size_t size, const char*, int) {
  ++allocations;
  return std::realloc(memory, size);
}
void plain_free(void* memory, const char*, int) {
  std::free(memory);
}

// Before OpenSSL allocates anything, or it refuses.
const bool installed = CRYPTO_set_mem_functions(count_malloc, count_realloc, plain_free) == 1;

}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace tollgate::crypto {
namespace {

TEST(MacAllocation, HappensWhenAKeyIsMadeAndNeverInAMac) {
  ASSERT_TRUE(installed);
  const Bytes data(200, 0x42);
  for (const auto algorithm :
       {MacAlgorithm::cup_ecb, MacAlgorithm::cup_sm4, MacAlgorithm::x919, MacAlgorithm::chanjet}) {
    const auto key = import_clear_mac_key(algorithm, Bytes(16, 1)).value();
    EXPECT_GT(allocations, 0U) << "the control: making Bytes counts";
    std::array<std::uint8_t, kField64Size> mac;
    bool verified = true;
    const auto before = allocations;
    for (int i = 0; i < 10; ++i) {
      mac_generate(key, data, mac);
      verified = mac_verify(key, data, mac) && verified;
    }
    const auto after = allocations;
    EXPECT_EQ(after, before) << mac_algorithm_name(algorithm);
    EXPECT_TRUE(verified);
  }
}

TEST(MacAllocation, CounterSeesOpenSsl) {
  const auto before = allocations;
  OPENSSL_free(OPENSSL_malloc(8));
  EXPECT_EQ(allocations, before + 1);
}

}  // namespace
}  // namespace tollgate::crypto
