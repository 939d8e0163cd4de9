// Decoding and encoding, one message at a time, per dialect. The message is the chip sale of
// tests/iso/vectors/cup.json (280 bytes with its length prefix, field 55 of 20 tags), in cup as it stands and
// carried over into the others. Targets, one core: decode <= 300 ns, encode from canonical values <= 250 ns.
#include "switch/iso/codec.h"

#include <benchmark/benchmark.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "switch/base/bytes.h"
#include "switch/base/check.h"
#include "switch/iso/framing.h"

namespace {

using namespace tollgate;
using namespace tollgate::iso;

// The hex of one vector, found without a JSON library: the file is ours and flat.
Bytes vector_message(std::string_view id) {
  std::ifstream in(std::string(TOLLGATE_SOURCE_DIR) + "/tests/iso/vectors/cup.json", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  std::size_t at = text.find("\"" + std::string(id) + "\"");
  TG_CHECK(at != std::string::npos);
  at = text.find("\"hex\"", at);
  at = text.find('"', text.find(':', at)) + 1;
  const auto bytes = from_hex(std::string_view(text).substr(at, text.find('"', at) - at));
  TG_CHECK(bytes.has_value());
  return *bytes;
}

// The chip sale in a dialect, decoded, with its canonical values beside it.
struct Sample {
  std::shared_ptr<const Dialect> dialect;
  Bytes wire;  // with the length prefix
  MessageView view;
  std::vector<int> numbers;
  std::array<std::string, kFieldMax + 1> values;

  [[nodiscard]] ByteView frame() const { return ByteView(wire).subspan(2); }
};

Sample sample(std::string_view name) {
  Sample result;
  result.dialect = Dialect::builtin(name);
  result.wire = vector_message("c-0200-sale-chip");
  if (name != "cup") {
    MessageView cup;
    TG_CHECK(decode(*Dialect::builtin("cup"), ByteView(result.wire).subspan(2), cup).ok());
    MessageBuilder builder;
    builder.set_mti(cup.mti());
    for (int field = 2; field <= kFieldMax; ++field) {
      // 1993 has another field 22, and 53 in binary; the rest crosses as it is.
      if (name == "iso93-ascii" && (field == 22 || field == 25 || field == 26 || field == 53)) continue;
      builder.copy(field, cup);
    }
    Bytes out(4096);
    const auto encoded = encode(*result.dialect, builder, out);
    TG_CHECK(encoded.has_value());
    result.wire.assign(encoded->begin(), encoded->end());
  }
  TG_CHECK(decode(*result.dialect, result.frame(), result.view).ok());
  for (int field = 2; field <= kFieldMax; ++field) {
    if (!result.view.has(field)) continue;
    auto& value = result.values[static_cast<std::size_t>(field)];
    value.resize(result.view.length(field));
    TG_CHECK(result.view.value(field, value).size() == value.size());
    result.numbers.push_back(field);
  }
  return result;
}

void set_all(MessageBuilder& builder, const Sample& from) {
  builder.reset();
  builder.set_mti(from.view.mti());
  builder.set_tpdu(from.view.tpdu());
  builder.set_header(from.view.header());
  for (const int field : from.numbers)
    builder.set(field, std::string_view(from.values[static_cast<std::size_t>(field)]));
}

void bench_decode(benchmark::State& state, std::string_view name) {
  const Sample one = sample(name);
  MessageView view;
  for (auto _ : state) {
    const auto status = decode(*one.dialect, one.frame(), view);
    benchmark::DoNotOptimize(status);
    benchmark::ClobberMemory();
  }
  TG_CHECK(view.fields() == one.view.fields());
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * one.wire.size()));
}

void bench_encode(benchmark::State& state, std::string_view name) {
  const Sample one = sample(name);
  MessageBuilder builder;
  Bytes out(4096);
  std::size_t size = 0;
  for (auto _ : state) {
    set_all(builder, one);
    const auto encoded = encode(*one.dialect, builder, out);
    size = encoded->size();
    benchmark::ClobberMemory();
  }
  TG_CHECK(size == one.wire.size());
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * size));
}

// As a switch answers: most fields copied raw from the request.
void bench_encode_copied(benchmark::State& state) {
  const Sample one = sample("cup");
  MessageBuilder builder;
  Bytes out(4096);
  for (auto _ : state) {
    builder.reset();
    builder.set_mti(one.view.mti());
    builder.set_tpdu(one.view.tpdu());
    builder.set_header(one.view.header());
    for (const int field : one.numbers) builder.copy(field, one.view);
    const auto encoded = encode(*one.dialect, builder, out);
    TG_CHECK(encoded->size() == one.wire.size());
    benchmark::ClobberMemory();
  }
}

void bench_classify(benchmark::State& state) {
  const Sample one = sample("cup");
  for (auto _ : state) benchmark::DoNotOptimize(one.dialect->classify(one.view));
}

void bench_cut(benchmark::State& state) {
  const Sample one = sample("cup");
  for (auto _ : state) benchmark::DoNotOptimize(next_frame(one.dialect->framing(), one.wire));
}

void bench_mac_range(benchmark::State& state) {
  const Sample one = sample("cup");
  for (auto _ : state) {
    benchmark::DoNotOptimize(one.view.mac_range());
    benchmark::DoNotOptimize(mac_input(*one.dialect, one.wire));
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (const auto name : Dialect::builtin_names()) {
    benchmark::RegisterBenchmark(("decode/" + std::string(name)).c_str(), bench_decode, name);
    benchmark::RegisterBenchmark(("encode/" + std::string(name)).c_str(), bench_encode, name);
  }
  benchmark::RegisterBenchmark("encode_copied/cup", bench_encode_copied);
  benchmark::RegisterBenchmark("classify/cup", bench_classify);
  benchmark::RegisterBenchmark("next_frame/cup", bench_cut);
  benchmark::RegisterBenchmark("mac_range/cup", bench_mac_range);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
