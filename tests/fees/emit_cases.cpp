// Prices for the oracle: random schedules and events with what the engine made of them, a line of JSON per
// schedule. With
// --plant the engine gets another schedule than the one that is written down, so that the oracle has
// something to find.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <numeric>
#include <string_view>

#include "fees/change.h"
#include "fees/fact_text.h"
#include "fees/words.h"
#include "tests/fees/generate.h"

namespace {

namespace json = boost::json;
using namespace tollgate;
using namespace tollgate::fees;
using tollgate::fees::testing::Generator;

struct Options {
  std::uint64_t seed = 1;
  std::size_t events = 2'000;
  std::string_view plant;
};

json::object facts_json(const Facts& facts) {
  json::object out;
  static constexpr std::pair<std::string_view, Fact> kTexts[] = {
      {"channel", Fact::channel}, {"brand", Fact::brand},           {"funding", Fact::funding},
      {"region", Fact::region},   {"settlement", Fact::settlement}, {"currency", Fact::currency}};
  for (const auto& [name, fact] : kTexts)
    if (auto text = fact_text(facts, fact); !text.empty()) out[name] = text;
  if (facts.mcc != kNoMcc) out["mcc"] = facts.mcc;
  json::array tags;
  for (std::size_t i = 0; i < facts.tags.size(); ++i) tags.emplace_back(facts.tags[i].text());
  if (!tags.empty()) out["tags"] = std::move(tags);
  return out;
}

json::object result_json(const CompiledSchedule& schedule, const Assessment& a) {
  json::array lines, splits;
  for (const Line& l : a.lines()) {
    const Component& c = schedule.text().components[l.component];
    lines.push_back({c.id, l.rule == kNoRule ? std::string() : c.rules[l.rule].id,
                     to_decimal(Balance{l.exact}), l.base_minor, l.cap_delta_minor, l.amount_minor, l.flags,
                     l.account, l.contra});
  }
  for (const SplitLine& s : a.splits()) {
    json::array parties;
    for (std::size_t p = 0; p < s.parties; ++p) parties.emplace_back(s.party_minor[p]);
    splits.push_back({schedule.text().splits[s.split].id, std::move(parties), s.house_minor});
  }
  const Totals& t = a.totals;
  return {{"lines", std::move(lines)},
          {"splits", std::move(splits)},
          {"totals",
           {t.gross_minor, t.fee_minor, t.cardholder_fee_minor, t.cost_minor, t.tax_minor,
            t.merchant_net_minor}}};
}

// A sale refunded in random parts until nothing is left, or earlier.
json::array refunds_json(Generator& g, const CompiledSchedule& schedule, const Event& sale,
                         const Assessment& a, const std::vector<std::int64_t>& numbers) {
  json::array out;
  Standing standing = standing_of(a, sale.amount_minor);
  for (int i = 0; i < 4 && standing.left_minor() > 0; ++i) {
    Event event = sale;
    event.kind = PricedEvent::refund;
    event.tip_minor = event.cashback_minor = 0;
    event.amount_minor =
        i == 3 || g.one_in(4)
            ? standing.left_minor()
            : 1 + static_cast<std::int64_t>(g.below(static_cast<std::uint64_t>(standing.left_minor())));
    Assessment change;
    refund(schedule, standing, event, {numbers}, change);
    apply_refund(schedule, change, event.amount_minor, 1, standing);
    auto one = result_json(schedule, change);
    one["amount"] = event.amount_minor;
    out.push_back(std::move(one));
  }
  return out;
}

json::object event_json(Generator& g, const CompiledSchedule& schedule, PricedEvent kind) {
  const Event event = g.event(kind);
  std::vector<std::int64_t> numbers(schedule.text().components.size());
  for (auto& n : numbers) n = g.volume();
  Assessment a;
  assess(schedule, event, {numbers}, a);
  json::object out{{"kind", kEventWords[static_cast<std::size_t>(kind)]},
                   {"amount", event.amount_minor},
                   {"tip", event.tip_minor},
                   {"cashback", event.cashback_minor},
                   {"facts", facts_json(event.facts)},
                   {"date", format_date(event.business_date)},
                   {"minute", event.local_minute},
                   {"volumes", json::array(numbers.begin(), numbers.end())},
                   {"result", result_json(schedule, a)}};
  if (kind == PricedEvent::sale && g.one_in(2)) out["refunds"] = refunds_json(g, schedule, event, a, numbers);
  return out;
}

// What the engine is given instead of what is written down.
json::object planted(json::object schedule, std::string_view plant) {
  if (plant == "rounding") schedule["rounding"] = "HALF_DOWN";
  if (plant == "order")
    for (auto& component : schedule["components"].as_array()) {
      auto& rules = component.as_object()["rules"].as_array();
      std::reverse(rules.begin(), rules.end() - 1);
    }
  return schedule;
}

int emit(const Options& options) {
  Generator g(options.seed);
  std::size_t done = 0;
  while (done < options.events) {
    const auto text = g.schedule({.overlap = g.one_in(2)});
    std::string refused;
    const auto real = testing::load_generated(text, &refused);
    if (!refused.empty()) {
      std::cerr << "a sound schedule was refused: " << refused << '\n' << json::serialize(text) << '\n';
      return 1;
    }
    const auto used = options.plant.empty() ? real : testing::load_generated(planted(text, options.plant));
    if (real == nullptr || used == nullptr) continue;
    json::array events;
    for (int i = 0; i < 20; ++i, ++done) {
      const auto kind = g.one_in(5) ? static_cast<PricedEvent>(g.below(5)) : PricedEvent::sale;
      events.push_back(event_json(g, *used, kind));
    }
    std::cout << json::serialize(json::object{
                     {"text", text}, {"hash", real->content_hash()}, {"events", std::move(events)}})
              << '\n';
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--seed")
      options.seed = std::strtoull(argv[i + 1], nullptr, 10);
    else if (name == "--events")
      options.events = std::strtoull(argv[i + 1], nullptr, 10);
    else if (name == "--plant")
      options.plant = argv[i + 1];
    else
      return 2;
  }
  return emit(options);
}
