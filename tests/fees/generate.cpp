#include "tests/fees/generate.h"

#include <fmt/format.h>

#include <algorithm>

#include "fees/words.h"

namespace tollgate::fees::testing {
namespace {

namespace json = boost::json;

constexpr std::string_view kTags[] = {"DCC", "RANGE_A", "RANGE_B", "TICKET", "MOBILE"};
constexpr std::string_view kBrands[] = {"UNIONPAY", "VISA", "MASTERCARD", "WECHAT",
                                        "ALIPAY",   "B5",   "B6",         "B7"};
constexpr std::string_view kCurrencies[] = {"CNY", "USD", "EUR", "JPY"};

json::object range(std::int64_t min, std::int64_t max) {
  json::object out;
  out["min"] = min;
  out["max"] = max;
  return out;
}

}  // namespace

std::string Generator::rate() {
  if (one_in(12)) return "0";
  if (one_in(40)) return "1";
  static constexpr std::string_view kUsual[] = {"0.006",  "0.0038",   "0.005", "0.0055",
                                                "0.0035", "0.000325", "0.0060"};
  if (one_in(2)) return std::string(kUsual[below(std::size(kUsual))]);
  const auto digits = 3 + below(7);
  std::string out = one_in(6) ? "0." : "0.0";
  for (std::size_t i = out.size() - 2; i < digits; ++i) out += static_cast<char>('0' + below(10));
  return out;
}

std::int64_t Generator::amount() {
  static constexpr std::int64_t kTops[] = {10,      100,       1'000,       10'000,
                                           100'000, 1'000'000, 100'000'000, 1'000'000'000'000};
  const auto top = kTops[below(std::size(kTops))];
  if (one_in(20)) return std::min<std::int64_t>(top, kAmountMax);
  if (one_in(4))
    return static_cast<std::int64_t>(below(static_cast<std::uint64_t>(top) / 10)) * 10 / 4 % (kAmountMax + 1);
  return static_cast<std::int64_t>(below(static_cast<std::uint64_t>(top)));
}

std::int64_t Generator::volume() {
  return one_in(4) ? 0 : static_cast<std::int64_t>(below(one_in(3) ? 1U << 30 : 30'000));
}

// kind: the dimension that tells the rules of one component apart.
json::object Generator::match(std::size_t index, std::size_t kind, bool overlap) {
  json::object m;
  const auto i = static_cast<std::int64_t>(index);
  const auto own = [&](std::size_t k) { return !overlap && kind == k; };
  const auto maybe = [&] { return one_in(overlap ? 4 : 6); };
  if (own(0))
    m["brand"] = json::array{kBrands[index % 8]};
  else if (maybe())
    m["brand"] = json::array{kBrands[below(4)], kBrands[4 + below(4)]};
  if (own(1))
    m["amount"] = range(i * 5'000, i * 5'000 + 4'999);
  else if (maybe())
    m["amount"] =
        range(static_cast<std::int64_t>(below(3'000)), 3'000 + static_cast<std::int64_t>(below(200'000)));
  if (own(2))
    m["mcc"] = json::array{range(i * 1'000, i * 1'000 + 499), range(i * 1'000 + 600, i * 1'000 + 999)};
  else if (maybe())
    m["mcc"] = json::array{
        range(static_cast<std::int64_t>(below(5'000)), 5'000 + static_cast<std::int64_t>(below(5'000)))};
  if (own(3))
    m["dates"] = json::array{json::object{{"min", fmt::format("2026-{:02}-01", index + 1)},
                                          {"max", fmt::format("2026-{:02}-20", index + 1)}}};
  else if (maybe())
    m["dates"] = json::array{json::object{{"min", "2026-02-11"}}};
  if (own(4))
    m["hours"] = json::array{json::object{{"min", fmt::format("{:02}:00", index * 3)},
                                          {"max", fmt::format("{:02}:59", index * 3 + 1)}}};
  else if (maybe())
    m["hours"] = json::array{json::object{{"min", "22:00"}, {"max", "05:59"}}};
  if (own(5))
    m["volume"] = range(i * 4'000, i * 4'000 + 3'999);
  else if (maybe())
    m["volume"] = json::object{{"min", static_cast<std::int64_t>(below(20'000))}};
  if (maybe()) m["channel"] = json::array{kChannelWords[below(4)], kChannelWords[4 + below(3)]};
  if (maybe()) m["funding"] = json::array{kFundingWords[below(3)]};
  if (maybe()) m["region"] = json::array{kRegionWords[below(2)], "INTER"};
  if (maybe()) m["settlement"] = json::array{kSettlementWords[below(3)]};
  if (maybe())
    m["weekdays"] =
        json::array{kWeekdayWords[below(3)], kWeekdayWords[3 + below(2)], kWeekdayWords[5 + below(2)]};
  if (maybe()) m["tags"] = json::array{kTags[below(2)], kTags[2 + below(3)]};
  if (maybe()) m["currency"] = json::array{kCurrencies[below(2)], kCurrencies[2 + below(2)]};
  return m;
}

json::object Generator::rule(std::size_t index, bool tiers) {
  json::object r;
  r["id"] = fmt::format("r{}", index);
  if (tiers && one_in(3)) {
    json::array list;
    std::int64_t at = 0;
    for (std::uint64_t t = 0; t < below(4); ++t) {
      at += 1 + static_cast<std::int64_t>(below(one_in(2) ? 500 : 50'000));
      list.push_back(json::object{{"up_to", at}, {"rate", rate()}});
    }
    list.push_back(json::object{{"rate", rate()}});
    r["tiers"] = std::move(list);
  } else if (!one_in(8)) {
    r["rate"] = rate();
  }
  if (one_in(3)) r["fixed"] = static_cast<std::int64_t>(below(one_in(2) ? 5 : 400));
  if (one_in(4)) r["discount"] = one_in(2) ? "0.5" : rate();
  const auto low = static_cast<std::int64_t>(below(60));
  if (one_in(4)) r["min"] = low;
  if (one_in(4)) r["max"] = low + static_cast<std::int64_t>(below(3'000));
  if (one_in(5)) r["account"] = "4110";
  return r;
}

json::object Generator::component(std::size_t index, const GenerateOptions& options, bool total) {
  json::object c;
  c["id"] = fmt::format("c{}", index);
  const auto payer = index == 0 ? 0 : std::array{0, 0, 0, 1, 2, 3}[below(6)];
  if (payer != 0 || one_in(9)) c["payer"] = kPayerWords[static_cast<std::size_t>(payer)];
  if (payer != 3) c["account"] = payer == 2 ? "5100" : "4100";
  if (payer == 2) c["contra"] = "1100";
  const bool own_event = index > 0 && payer != 1 && one_in(4);
  if (own_event)
    c["on"] = json::array{kEventWords[1 + below(4)]};
  else if (payer != 1 && one_in(6))
    c["on"] = json::array{"SALE", "CHARGEBACK", "VERIFY"};
  if (!total && index > 0 && one_in(4)) {
    c["base"] = "FEES";
    json::array of{fmt::format("c{}", below(index))};
    if (index > 1 && of[0] != json::value("c0")) of.emplace_back("c0");
    c["base_of"] = std::move(of);
  } else if (one_in(4)) {
    c["base"] = kBaseWords[below(4)];
  }
  if (one_in(3)) c["volume"] = kVolumeWords[below(2)];
  if (!total && one_in(4)) c["rounding"] = kRoundingWords[below(5)];
  if (one_in(4)) c["refund"] = kRefundWords[1 + below(2)];
  if (one_in(5)) c["tax_exempt"] = one_in(2);
  json::array rules;
  const auto kind = below(6);
  const auto count = below(options.rules_max);
  for (std::size_t i = 0; i < count; ++i) {
    auto r = rule(i, true);
    auto m = match(i, kind, options.overlap);
    if (!m.empty()) r["match"] = std::move(m);
    rules.push_back(std::move(r));
  }
  if (index == 0 || rules.empty() || one_in(2)) rules.push_back(rule(count, true));
  c["rules"] = std::move(rules);
  return c;
}

// Cap groups of one payer each, splits without a component twice, tax.
void Generator::add_groups(json::object& s) {
  const auto& components = s["components"].as_array();
  const auto payer_of = [&](const json::value& c) {
    const auto* p = c.as_object().if_contains("payer");
    return p == nullptr ? std::string("MERCHANT") : std::string(p->as_string());
  };
  if (one_in(3)) {
    const auto payer = payer_of(components[below(components.size())]);
    json::array members;
    for (const auto& c : components)
      if (payer_of(c) == payer) members.push_back(c.as_object().at("id"));
    if (one_in(2)) std::ranges::reverse(members);
    json::object cap{{"id", "g"}, {"members", std::move(members)}};
    const auto low = static_cast<std::int64_t>(below(50));
    if (one_in(2)) cap["min"] = low;
    if (!cap.contains("min") || one_in(2)) cap["max"] = low + static_cast<std::int64_t>(below(1'000));
    s["caps"] = json::array{std::move(cap)};
  }
  json::array splits;
  for (std::size_t i = 0; i < components.size() && splits.size() < 3; ++i) {
    if (!one_in(2)) continue;
    json::object split{{"id", fmt::format("s{}", i)},
                       {"of", json::array{components[i].as_object().at("id")}}};
    if (i + 1 < components.size() && one_in(2))
      split["less"] = json::array{components[i + 1].as_object().at("id")};
    if (one_in(2)) split["method"] = "LARGEST_REMAINDER";
    json::array parties{json::object{{"party", "a"}, {"share", one_in(4) ? "1" : "0.125"}}};
    if (one_in(2)) parties.push_back(json::object{{"party", "b"}, {"share", "0.333333333"}, {"from", "a"}});
    if (one_in(2))
      parties.push_back(
          json::object{{"party", "c"}, {"share", "0.1"}, {"from", parties.size() == 2 ? "b" : "a"}});
    if (one_in(2) && parties[0].as_object().at("share") != json::value("1"))
      parties.push_back(json::object{{"party", "d"}, {"share", "0.6"}});
    split["parties"] = std::move(parties);
    splits.push_back(std::move(split));
  }
  if (!splits.empty()) s["splits"] = std::move(splits);
  if (one_in(3))
    s["tax"] = json::object{{"mode", kTaxModeWords[below(2)]},
                            {"rate", one_in(2) ? "0.06" : "0.13"},
                            {"level", kTaxLevelWords[below(2)]}};
}

json::object Generator::schedule(const GenerateOptions& options) {
  json::object s;
  s["schedule_id"] = "gen";
  s["version"] = 1;
  s["valid_from"] = "2026-01-01T00:00:00Z";
  s["currency"] = "CNY";
  s["time_zone"] = "UTC";
  if (one_in(3)) s["rounding"] = kRoundingWords[below(5)];
  if (one_in(8)) s["cutoff"] = "24:00";
  const bool total = one_in(4);
  if (total) s["round_at"] = "TOTAL";
  json::array components;
  const auto count = 1 + below(options.components_max);
  for (std::size_t i = 0; i < count; ++i) components.push_back(component(i, options, total));
  s["components"] = std::move(components);
  add_groups(s);
  // A component on SALE and REFUND at once would have to KEEP; the generator makes none, so nothing else is
  // left to mend.
  return s;
}

Event Generator::event(PricedEvent kind) {
  Event e;
  e.kind = kind;
  e.amount_minor = kind == PricedEvent::verify ? 0 : amount();
  if (kind == PricedEvent::sale && one_in(3)) {
    e.tip_minor = static_cast<std::int64_t>(below(static_cast<std::uint64_t>(e.amount_minor / 2 + 1)));
    if (one_in(2))
      e.cashback_minor = static_cast<std::int64_t>(below(static_cast<std::uint64_t>(e.amount_minor / 2 + 1)));
  }
  e.business_date = {20'454 + static_cast<std::int32_t>(below(300))};
  e.local_minute = static_cast<std::int32_t>(below(1'440));
  Facts& f = e.facts;
  const auto absent = [&] { return one_in(6); };
  if (!absent()) f.channel = static_cast<Channel>(1 + below(7));
  if (!absent()) f.funding = static_cast<Funding>(1 + below(3));
  if (!absent()) f.region = static_cast<Region>(1 + below(3));
  if (!absent()) f.settlement = static_cast<Settlement>(1 + below(3));
  if (!absent()) f.brand = *Code::of(kBrands[below(8)]);
  if (!absent()) f.mcc = static_cast<std::int32_t>(below(10'000));
  if (!absent()) f.currency = *currency_of(kCurrencies[below(4)]);
  for (const auto tag : kTags)
    if (one_in(5)) (void)f.tags.add(*Code::of(tag));
  return e;
}

SchedulePtr load_generated(const json::object& schedule, std::string* refused) {
  auto loaded = load_schedule(json::serialize(schedule));
  if (loaded) return *loaded;
  if (refused != nullptr && loaded.error().reason != Reason::dead_rule)
    *refused = loaded.error().error().text();
  return nullptr;
}

}  // namespace tollgate::fees::testing
