// What the floor costs: metrics on the path, hashes of the chains, a log line, ids.
#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include <string>

#include "switch/base/hash.h"
#include "switch/base/ids.h"
#include "switch/base/log.h"
#include "switch/base/metrics.h"
#include "switch/base/metrics_catalog.h"

namespace tollgate {
namespace {

void metrics_counter(benchmark::State& state) {
  metrics::Registry registry;
  auto counter = registry.new_shard().counter(metrics::catalog::kLedgerEntries);
  for (auto _ : state) {
    counter.add();
    benchmark::ClobberMemory();  // or the loop becomes one addition
  }
}
BENCHMARK(metrics_counter);

void metrics_histogram(benchmark::State& state) {
  metrics::Registry registry;
  auto histogram = registry.new_shard().histogram(metrics::catalog::kTransactionDuration);
  std::int64_t ns = 0;
  for (auto _ : state) {
    histogram.observe(Duration(ns));
    ns = (ns + 77'777) % 5'000'000;  // what most transactions take
  }
}
BENCHMARK(metrics_histogram);

void metrics_scrape(benchmark::State& state) {
  metrics::Registry registry;
  for (int worker = 0; worker < 4; ++worker) {
    auto& shard = registry.new_shard();
    for (int i = 0; i < 200; ++i)
      shard.counter(metrics::catalog::kResponseCodes, {"cup", std::to_string(i)}).add();
    (void)shard.histogram(metrics::catalog::kTransactionDuration);
  }
  for (auto _ : state) benchmark::DoNotOptimize(registry.scrape());
}
BENCHMARK(metrics_scrape);

void sha256(benchmark::State& state) {
  const Bytes data(static_cast<std::size_t>(state.range(0)), 0x5A);
  for (auto _ : state) benchmark::DoNotOptimize(Sha256::of(data));
}
BENCHMARK(sha256)->Arg(64)->Arg(400)->Arg(16'384);

// The same through EVP with a fetched digest and a context kept: what hash.cpp was chosen against.
void sha256_evp(benchmark::State& state) {
  const Bytes data(static_cast<std::size_t>(state.range(0)), 0x5A);
  EVP_MD* digest = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  Digest out;
  for (auto _ : state) {
    EVP_DigestInit_ex2(context, digest, nullptr);
    EVP_DigestUpdate(context, data.data(), data.size());
    EVP_DigestFinal_ex(context, out.data(), nullptr);
    benchmark::DoNotOptimize(out);
  }
  EVP_MD_CTX_free(context);
  EVP_MD_free(digest);
}
BENCHMARK(sha256_evp)->Arg(64)->Arg(400)->Arg(16'384);

void hmac(benchmark::State& state) {
  const Hmac mac(as_bytes("0123456789abcdef0123456789abcdef"));
  for (auto _ : state) benchmark::DoNotOptimize(mac.of(as_bytes("6222020000000000128")));
}
BENCHMARK(hmac);

void log_line(benchmark::State& state) {
  const log::Field fields[] = {{"listener", "pos"}, {"port", 8583}, {"txn", "txn_", ObjectId(42)}};
  for (auto _ : state)
    benchmark::DoNotOptimize(
        log::render_json({WallTime{1}, log::Level::info, "net", "listener ready", fields}));
}
BENCHMARK(log_line);

void id_text(benchmark::State& state) {
  for (auto _ : state)
    benchmark::DoNotOptimize(parse_id("txn_", format_id("txn_", ObjectId(0x123456789ABCDEF0))));
}
BENCHMARK(id_text);

}  // namespace
}  // namespace tollgate

BENCHMARK_MAIN();
