// What a fee costs: pricing (targets: 150 ns with 4 components and 20 rules, at most twice that with 1,000
// rules over every dimension, no allocation), publish-time checks (target: 1,000 rules in at most a second),
// the receipt and the price book.
#include <benchmark/benchmark.h>

#include <string>

#include "fees/engine.h"
#include "fees/price_book.h"
#include "fees/receipt.h"
#include "fees/report.h"
#include "switch/base/check.h"

namespace tollgate::fees {
namespace {

std::string quoted(const std::string& text) {
  return "\"" + text + "\"";
}

// 4 components of `per_component` rules each, the last one for the rest. `wide`: every dimension is named
// somewhere.
std::string price_list(int per_component, bool wide) {
  static const char* kChannels[] = {"CONTACT", "CONTACTLESS", "MAGSTRIPE", "ECOM"};
  static const char* kFundings[] = {"DEBIT", "CREDIT", "PREPAID"};
  static const char* kRegions[] = {"DOMESTIC", "INTRA", "INTER"};
  std::string out =
      R"({"schedule_id":"bench","version":1,"valid_from":"2026-01-01T00:00:00Z","currency":"CNY","time_zone":"Asia/Shanghai","components":[)";
  for (int c = 0; c < 4; ++c) {
    const bool cost = c == 3;
    out += std::string(c == 0 ? "" : ",") + R"({"id":"c)" + std::to_string(c) +
           (cost ? R"(","payer":"HOUSE","account":"5100","contra":"1100","rules":[)"
                 : R"(","account":"4100","rules":[)");
    for (int r = 0; r + 1 < per_component; ++r) {
      const auto n = std::to_string(r);
      std::string match =
          R"("channel":[)" + quoted(kChannels[r % 4]) + R"(],"funding":[)" + quoted(kFundings[r % 3]) + "]";
      if (wide) {
        match += R"(,"brand":["BRAND_)" + std::to_string(r % 16) + R"("],"tags":["TAG_)" +
                 std::to_string(r % 8) + R"("],"region":[)" + quoted(kRegions[r % 3]) +
                 R"(],"settlement":["T1","D0"],"currency":["CNY"],"mcc":[{"min":)" + std::to_string(r * 30) +
                 R"(,"max":)" + std::to_string(r * 30 + 29) + R"(}],"amount":{"min":)" +
                 std::to_string(r * 100) + R"(},"volume":{"max":)" + std::to_string(1'000'000'000 + r) +
                 R"(},"dates":[{"min":"2026-01-01","max":"2026-12-)" + std::to_string(10 + r % 20) +
                 R"("}],"weekdays":["MON","TUE","WED","THU","FRI"],"hours":[{"min":"06:00","max":"22:59"}])";
      } else {
        match += R"(,"amount":{"max":)" + std::to_string((r + 1) * 50'000) + "}";
      }
      out += R"({"id":"r)" + n + R"(","match":{)" + match + R"(},"rate":"0.00)" + std::to_string(1 + r % 9) +
             R"(","max":2000},)";
    }
    out += R"({"id":"rest","rate":"0.006"}]})";
  }
  return out + "]}";
}

SchedulePtr must_load(const std::string& text) {
  auto loaded = load_schedule(text);
  TG_CHECK(loaded.has_value());
  return *loaded;
}

Event card_sale() {
  Event event;
  event.amount_minor = 128'050;
  event.business_date = *parse_date("2026-03-04");
  event.local_minute = 780;
  event.facts.channel = Channel::contact;
  event.facts.brand = *Code::of("BRAND_3");
  event.facts.funding = Funding::debit;
  event.facts.region = Region::domestic;
  event.facts.settlement = Settlement::t1;
  event.facts.mcc = 5411;
  (void)event.facts.tags.add(*Code::of("TAG_3"));
  return event;
}

void assess_with(benchmark::State& state, const SchedulePtr& schedule) {
  Event event = card_sale();
  Assessment out;
  for (auto _ : state) {
    event.amount_minor ^= 1;  // so that nothing is priced once and for all
    assess(*schedule, event, {}, out);
    benchmark::DoNotOptimize(out.totals.merchant_net_minor);
    benchmark::ClobberMemory();
  }
}

void AssessFourComponentsTwentyRules(benchmark::State& state) {
  assess_with(state, must_load(price_list(5, false)));
}
BENCHMARK(AssessFourComponentsTwentyRules);

void AssessThousandRulesOverEveryDimension(benchmark::State& state) {
  assess_with(state, must_load(price_list(250, true)));
}
BENCHMARK(AssessThousandRulesOverEveryDimension);

void CheckAndCompileThousandRules(benchmark::State& state) {
  const auto text = price_list(250, true);
  for (auto _ : state) benchmark::DoNotOptimize(load_schedule(text));
}
BENCHMARK(CheckAndCompileThousandRules)->Unit(benchmark::kMillisecond);

void ReportOnThousandRules(benchmark::State& state) {
  const auto schedule = must_load(price_list(250, true));
  for (auto _ : state) benchmark::DoNotOptimize(report_on(*schedule));
}
BENCHMARK(ReportOnThousandRules)->Unit(benchmark::kMillisecond);

void WriteReceipt(benchmark::State& state) {
  const auto schedule = must_load(price_list(5, false));
  const Event event = card_sale();
  Assessment out;
  assess(*schedule, event, {}, out);
  WireWriter receipt;
  for (auto _ : state) {
    receipt.clear();
    write_receipt(*schedule, event, {}, {"10000001", "102290058120001", "agent_1"}, out, receipt);
    benchmark::DoNotOptimize(receipt.bytes().data());
  }
}
BENCHMARK(WriteReceipt);

void ResolveAmongTenThousandMerchants(benchmark::State& state) {
  PriceBook book;
  const auto schedule = must_load(price_list(5, false));
  (void)book.publish(schedule, {});
  for (int i = 0; i < 10'000; ++i) {
    Assignment a{"a" + std::to_string(i),
                 AssignmentLevel::merchant,
                 std::to_string(102'290'058'120'000 + i),
                 "bench",
                 schedule->text().valid_from,
                 {}};
    (void)book.assign(a, {});
  }
  const auto at = *parse_rfc3339("2026-11-21T08:00:00Z");
  for (auto _ : state) benchmark::DoNotOptimize(book.resolve(at, {"10000001", "102290058127777", ""}));
}
BENCHMARK(ResolveAmongTenThousandMerchants);

void BusinessMoment(benchmark::State& state) {
  const auto schedule = must_load(price_list(5, false));
  auto at = *parse_rfc3339("2026-11-21T08:00:00Z");
  for (auto _ : state) {
    at.us += 1'000'000;
    benchmark::DoNotOptimize(schedule->moment(at));
  }
}
BENCHMARK(BusinessMoment);

}  // namespace
}  // namespace tollgate::fees

BENCHMARK_MAIN();
