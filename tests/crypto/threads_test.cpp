// One vault, many threads: what vault.h promises. Run under the thread sanitizer.
#include <atomic>
#include <thread>

#include "tests/crypto/vectors.h"

namespace tollgate::crypto {
namespace {

TEST(VaultThreads, SealAndOpenTogether) {
  const auto vault = test_vault();
  SeededChance first(1);
  const auto tokenizer = vault.open_tokenizer("t", vault.create_tokenizer_key("t", first)).value();
  const auto tmk = import_clear_tmk(Bytes(16, 0x11)).value();
  const auto expected = tokenizer.token("6222021234567890128");
  std::atomic<int> good = 0;
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      threads.emplace_back([&, seed] {
        SeededChance chance(seed + 100);
        for (int i = 0; i < 50; ++i) {
          const auto signed_in = vault.sign_in(tmk, {}, "wk", chance);
          const auto restored = vault.restore_working_keys("wk", signed_in->sealed);
          const bool same = restored && restored->mac.check_value() == signed_in->keys.mac.check_value();
          const auto sm4 =
              import_clear_mac_key(MacAlgorithm::cup_sm4, Bytes(16, static_cast<std::uint8_t>(seed)));
          const auto mac = generate(*sm4, hex("0200"));
          good += same && mac_verify(*sm4, hex("0200"), as_bytes(mac)) &&
                  tokenizer.token("6222021234567890128") == expected;
        }
      });
    }
  }
  EXPECT_EQ(good, 200);
}

}  // namespace
}  // namespace tollgate::crypto
