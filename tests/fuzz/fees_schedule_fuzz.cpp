// Any bytes as a schedule: load_schedule refuses or gives a schedule that is its own canonical form and
// prices without breaking a promise of its own.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fees/engine.h"
#include "fees/report.h"
#include "fees/schedule.h"
#include "switch/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tollgate::fees;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)parse_assignment(text);
  const auto loaded = load_schedule(text);
  if (!loaded) return 0;
  const auto again = load_schedule((*loaded)->canonical_json());
  TG_CHECK(again.has_value() && (*again)->content_hash() == (*loaded)->content_hash());
  Assessment out;
  for (const std::int64_t amount :
       {std::int64_t{0}, std::int64_t{1}, std::int64_t{84}, std::int64_t{12'345}, tollgate::kAmountMax})
    for (int kind = 0; kind < 5; ++kind) {
      Event event;
      event.kind = static_cast<PricedEvent>(kind);
      event.amount_minor = amount;
      event.tip_minor = amount / 3;
      event.facts.channel = static_cast<Channel>(size % 8);
      event.facts.mcc = static_cast<std::int32_t>(size % 10'000);
      assess(**loaded, event, {}, out);
      for (const auto& line : out.lines()) TG_CHECK(line.amount_minor >= 0);
    }
  if (size < 2'000) (void)report_on(**loaded);
  return 0;
}
