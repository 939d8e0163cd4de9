// Cost of what a message pays for cryptography: MAC by algorithm over 200 bytes, PIN translation, token,
// sealed batch.
#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include "switch/crypto/lab.h"
#include "switch/crypto/vault.h"

namespace tollgate::crypto {
namespace {

const Bytes kData(200, 0x42);

MacKey key_of(MacAlgorithm algorithm, std::size_t size) {
  Bytes key(size);
  for (std::size_t i = 0; i < size; ++i) key[i] = static_cast<std::uint8_t>(i * 17 + 1);
  return import_clear_mac_key(algorithm, key).value();
}

void generate(benchmark::State& state, MacAlgorithm algorithm, std::size_t size) {
  const auto key = key_of(algorithm, size);
  std::array<std::uint8_t, kField64Size> mac;
  for (auto _ : state) {
    mac_generate(key, kData, mac);
    benchmark::DoNotOptimize(mac);
  }
}
void verify(benchmark::State& state, MacAlgorithm algorithm, std::size_t size) {
  const auto key = key_of(algorithm, size);
  std::array<std::uint8_t, kField64Size> mac;
  mac_generate(key, kData, mac);
  for (auto _ : state) {
    if (!mac_verify(key, kData, mac)) state.SkipWithError("the MAC does not verify");
  }
}
BENCHMARK_CAPTURE(generate, cup_ecb_8, MacAlgorithm::cup_ecb, 8);
BENCHMARK_CAPTURE(generate, cup_ecb_16, MacAlgorithm::cup_ecb, 16);
BENCHMARK_CAPTURE(generate, cup_sm4, MacAlgorithm::cup_sm4, 16);
BENCHMARK_CAPTURE(generate, x919, MacAlgorithm::x919, 16);
BENCHMARK_CAPTURE(generate, chanjet, MacAlgorithm::chanjet, 16);
BENCHMARK_CAPTURE(verify, cup_ecb_8, MacAlgorithm::cup_ecb, 8);
BENCHMARK_CAPTURE(verify, cup_ecb_16, MacAlgorithm::cup_ecb, 16);
BENCHMARK_CAPTURE(verify, cup_sm4, MacAlgorithm::cup_sm4, 16);
BENCHMARK_CAPTURE(verify, x919, MacAlgorithm::x919, 16);
BENCHMARK_CAPTURE(verify, chanjet, MacAlgorithm::chanjet, 16);

// The candidate that was not taken: both blocks of the CUP MAC by a prepared EVP context, single DES as
// two-key TDES with equal halves (the default provider has no DES). Without fold and hex, so a lower bound of
// what it would cost.
void evp_two_blocks(benchmark::State& state) {
  EVP_CIPHER* fetched = EVP_CIPHER_fetch(nullptr, "DES-EDE-ECB", nullptr);
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  const Bytes key(16, 0x23);
  if (EVP_EncryptInit_ex2(context, fetched, key.data(), nullptr, nullptr) != 1)
    state.SkipWithError("EVP refused");
  EVP_CIPHER_CTX_set_padding(context, 0);
  std::array<std::uint8_t, 8> block{};
  int n = 0;
  for (auto _ : state) {
    for (int i = 0; i < 2; ++i) {
      if (EVP_EncryptUpdate(context, block.data(), &n, block.data(), 8) != 1)
        state.SkipWithError("EVP refused");
    }
  }
  EVP_CIPHER_CTX_free(context);
  EVP_CIPHER_free(fetched);
}
BENCHMARK(evp_two_blocks);

// As many keys as a busy partition has terminals, one after another: the schedules come from memory, not from
// L1.
void generate_many_keys(benchmark::State& state) {
  std::vector<MacKey> keys;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    Bytes key(8);
    store_be64(key.data(), static_cast<std::uint64_t>(i) * 0x9E3779B97F4A7C15ULL);
    keys.push_back(import_clear_mac_key(MacAlgorithm::cup_ecb, key).value());
  }
  std::array<std::uint8_t, kField64Size> mac;
  std::size_t at = 0;
  for (auto _ : state) {
    mac_generate(keys[at], kData, mac);
    benchmark::DoNotOptimize(mac);
    at = (at + 7919) % keys.size();
  }
}
BENCHMARK(generate_many_keys)->Arg(100)->Arg(20'000);

void translate_pin(benchmark::State& state) {
  const auto pik = import_clear_pin_key(*from_hex("2A8A4C6D0E1F315891A2B3C4D5E6F708")).value();
  const auto zone = import_clear_zone_key(*from_hex("C1D3E3F404162638495B6B7C8C9EAEB0")).value();
  constexpr std::string_view kPan = "6222021234567890128";
  const auto block = make_pin_block(pik, PinFormat::with_pan, "123456", kPan).value();
  for (auto _ : state) {
    const PinTranslation request{pik, PinFormat::with_pan, zone, PinFormat::with_pan, block.reveal(), kPan};
    if (!pin_translate(request)) state.SkipWithError("the PIN does not translate");
  }
}
BENCHMARK(translate_pin);

void token(benchmark::State& state) {
  const PanTokenizer tokenizer(Bytes(64, 7));
  for (auto _ : state) benchmark::DoNotOptimize(tokenizer.token("6222021234567890128"));
}
BENCHMARK(token);

void digest_200(benchmark::State& state) {
  const PanTokenizer tokenizer(Bytes(64, 7));
  for (auto _ : state) benchmark::DoNotOptimize(tokenizer.digest(kData));
}
BENCHMARK(digest_200);

std::vector<SealedPan> pairs_of(std::int64_t count) {
  std::vector<SealedPan> pairs(static_cast<std::size_t>(count));
  for (auto& pair : pairs) {
    pair.id = TxnId(static_cast<std::uint64_t>(&pair - pairs.data()));
    pair.pan.reveal().assign(as_bytes("6222021234567890128"));
  }
  return pairs;
}

void seal_batch(benchmark::State& state) {
  SeededChance chance(1);
  const auto day = KeyVault::from_kek(Bytes(32, 1)).create_day_key({20'778}, chance);
  const auto pairs = pairs_of(state.range(0));
  Bytes out;
  for (auto _ : state) {
    out.clear();
    day.key.seal("pan/3/17", pairs, chance, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(seal_batch)->Arg(1)->Arg(256);

void open_batch(benchmark::State& state) {
  SeededChance chance(1);
  const auto day = KeyVault::from_kek(Bytes(32, 1)).create_day_key({20'778}, chance);
  Bytes sealed;
  day.key.seal("pan/3/17", pairs_of(state.range(0)), chance, sealed);
  for (auto _ : state) {
    if (!day.key.open("pan/3/17", sealed)) state.SkipWithError("the batch does not open");
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(open_batch)->Arg(1)->Arg(256);

void sign_in(benchmark::State& state) {
  SeededChance chance(1);
  const auto vault = KeyVault::from_kek(Bytes(32, 1));
  const auto tmk = import_clear_tmk(Bytes(16, 0x11)).value();
  for (auto _ : state) benchmark::DoNotOptimize(vault.sign_in(tmk, {}, "wk/10000001/1", chance));
}
BENCHMARK(sign_in);

void restore_working_keys(benchmark::State& state) {
  SeededChance chance(1);
  const auto vault = KeyVault::from_kek(Bytes(32, 1));
  const auto tmk = import_clear_tmk(Bytes(16, 0x11)).value();
  const auto signed_in = vault.sign_in(tmk, {}, "wk/10000001/1", chance).value();
  for (auto _ : state) {
    if (!vault.restore_working_keys("wk/10000001/1", signed_in.sealed))
      state.SkipWithError("the cell does not open");
  }
}
BENCHMARK(restore_working_keys);

}  // namespace
}  // namespace tollgate::crypto

BENCHMARK_MAIN();
