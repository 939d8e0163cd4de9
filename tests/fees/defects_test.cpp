// Planted defects: a sound schedule with exactly one thing wrong must be refused with the right code, and a
// sound one never.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/fees/generate.h"

namespace tollgate::fees {
namespace {

namespace json = boost::json;
using testing::Generator;

struct Defect {
  std::string_view name;
  Reason reason;
  std::function<void(Generator&, json::object&)> plant;
};

json::object& first_component(json::object& s) {
  return s["components"].as_array()[0].as_object();
}
json::object& some_rule(Generator& g, json::object& s) {
  auto& components = s["components"].as_array();
  auto& rules = components[g.below(components.size())].as_object()["rules"].as_array();
  return rules[g.below(rules.size())].as_object();
}
json::array& list(json::object& s, std::string_view key) {
  if (!s.contains(key)) s[key] = json::array();
  return s[key].as_array();
}
json::object extra(std::string_view id) {
  return {
      {"id", id}, {"account", "4100"}, {"rules", json::array{json::object{{"id", "x"}, {"rate", "0.001"}}}}};
}
json::object recurring(std::string_view id) {
  return {{"id", id}, {"amount", 100}, {"cycle", "MONTH"}, {"account", "4130"}};
}
json::object cap(json::array members) {
  return {{"id", "planted"}, {"members", std::move(members)}, {"max", 10}};
}
json::object split(std::string_view of, json::array parties) {
  return {{"id", "planted"}, {"of", json::array{of}}, {"parties", std::move(parties)}};
}
json::object party(std::string_view id, std::string_view share, std::string_view from = "") {
  json::object p{{"party", id}, {"share", share}};
  if (!from.empty()) p["from"] = from;
  return p;
}
void append(json::object& s, json::object component) {
  s["components"].as_array().push_back(std::move(component));
}

// Fields, bounds and types.
std::vector<Defect> malformed() {
  return {
      {"unknown field in a rule", Reason::schema,
       [](Generator& g, json::object& s) { some_rule(g, s)["note"] = "x"; }},
      {"tenth decimal", Reason::schema,
       [](Generator& g, json::object& s) { some_rule(g, s)["discount"] = "0.0000000001"; }},
      {"rate above one", Reason::schema,
       [](Generator& g, json::object& s) { some_rule(g, s)["discount"] = "1.1"; }},
      {"amount of thirteen digits", Reason::schema,
       [](Generator& g, json::object& s) { some_rule(g, s)["fixed"] = 1'000'000'000'000; }},
      {"amount as text", Reason::schema,
       [](Generator& g, json::object& s) { some_rule(g, s)["fixed"] = "1"; }},
      {"currency that is none", Reason::schema, [](Generator&, json::object& s) { s["currency"] = "XXQ"; }},
      {"zone that is none", Reason::schema,
       [](Generator&, json::object& s) { s["time_zone"] = "Asia/Nowhere"; }},
      {"version zero", Reason::schema, [](Generator&, json::object& s) { s["version"] = 0; }},
      {"no rules", Reason::schema,
       [](Generator&, json::object& s) {
         append(s, {{"id", "p"}, {"account", "4100"}, {"rules", json::array()}});
       }},
  };
}

// Ids that are there twice or not at all.
std::vector<Defect> names() {
  return {
      {"component twice", Reason::duplicate_id, [](Generator&, json::object& s) { append(s, extra("c0")); }},
      {"component and recurring", Reason::duplicate_id,
       [](Generator&, json::object& s) { list(s, "recurring").push_back(recurring("c0")); }},
      {"rule twice", Reason::duplicate_id,
       [](Generator&, json::object& s) {
         auto& rules = first_component(s)["rules"].as_array();
         rules.insert(rules.begin(), json::object{{"id", rules[0].as_object()["id"]},
                                                  {"match", json::object{{"tags", json::array{"NEVER"}}}}});
       }},
      {"party twice", Reason::duplicate_id,
       [](Generator&, json::object& s) {
         append(s, extra("p"));
         list(s, "splits").push_back(split("p", {party("a", "0.1"), party("a", "0.2")}));
       }},
      {"cap over nobody", Reason::unknown_id,
       [](Generator&, json::object& s) { list(s, "caps").push_back(cap({"nobody"})); }},
      {"base that looks forward", Reason::unknown_id,
       [](Generator&, json::object& s) {
         auto c = extra("p");
         c["base"] = "FEES";
         c["base_of"] = json::array{"q"};
         append(s, std::move(c));
         append(s, extra("q"));
       }},
      {"split of nobody", Reason::unknown_id,
       [](Generator&, json::object& s) {
         list(s, "splits").push_back(split("nobody", {party("a", "0.1")}));
       }},
      {"share from a later party", Reason::unknown_id,
       [](Generator&, json::object& s) {
         append(s, extra("p"));
         list(s, "splits").push_back(split("p", {party("a", "0.1", "b"), party("b", "0.1")}));
       }},
      {"minimum over nobody", Reason::unknown_id,
       [](Generator&, json::object& s) {
         auto fee = recurring("m");
         fee["timing"] = "ARREARS";
         fee["less_fees"] = json::array{"nobody"};
         list(s, "recurring").push_back(std::move(fee));
       }},
  };
}

// Ranges and shares.
std::vector<Defect> bounds() {
  return {
      {"min above max", Reason::bad_range,
       [](Generator& g, json::object& s) {
         auto& r = some_rule(g, s);
         r["min"] = 500;
         r["max"] = 499;
       }},
      {"amount range upside down", Reason::bad_range,
       [](Generator& g, json::object& s) {
         auto& r = some_rule(g, s);
         r["match"] = json::object{{"amount", json::object{{"min", 5}, {"max", 4}}}};
       }},
      {"last tier closed", Reason::bad_range,
       [](Generator& g, json::object& s) {
         auto& r = some_rule(g, s);
         r.erase("rate");
         r["tiers"] = json::array{json::object{{"up_to", 5}, {"rate", "0.1"}}};
       }},
      {"tiers do not rise", Reason::bad_range,
       [](Generator& g, json::object& s) {
         auto& r = some_rule(g, s);
         r.erase("rate");
         r["tiers"] = json::array{json::object{{"up_to", 9}}, json::object{{"up_to", 8}},
                                  json::object{{"rate", "0.1"}}};
       }},
      {"cap without a bound", Reason::bad_range,
       [](Generator&, json::object& s) {
         auto c = cap({"c0"});
         c.erase("max");
         list(s, "caps").push_back(std::move(c));
       }},
      {"shares above the whole", Reason::bad_share,
       [](Generator&, json::object& s) {
         append(s, extra("p"));
         list(s, "splits").push_back(split("p", {party("a", "0.6"), party("b", "0.400000001")}));
       }},
      {"shares above a party's whole", Reason::bad_share,
       [](Generator&, json::object& s) {
         append(s, extra("p"));
         list(s, "splits")
             .push_back(split("p", {party("a", "0.6"), party("b", "0.6", "a"), party("c", "0.6", "a")}));
       }},
      {"shared and deducted", Reason::bad_share,
       [](Generator&, json::object& s) {
         append(s, extra("p"));
         auto sp = split("p", {party("a", "0.6")});
         sp["less"] = json::array{"p"};
         list(s, "splits").push_back(std::move(sp));
       }},
  };
}

// What cannot stand together.
std::vector<Defect> combinations() {
  return {
      {"rate beside tiers", Reason::bad_combination,
       [](Generator&, json::object& s) {
         auto c = extra("p");
         c["rules"].as_array()[0].as_object()["tiers"] = json::array{json::object{{"rate", "0.1"}}};
         append(s, std::move(c));
       }},
      {"FEES of nothing", Reason::bad_combination,
       [](Generator&, json::object& s) {
         auto c = extra("p");
         c["base"] = "FEES";
         append(s, std::move(c));
       }},
      {"contra of a merchant's fee", Reason::bad_combination,
       [](Generator&, json::object& s) {
         auto c = extra("p");
         c["contra"] = "1100";
         append(s, std::move(c));
       }},
      {"no account", Reason::bad_combination,
       [](Generator&, json::object& s) {
         auto c = extra("p");
         c.erase("account");
         append(s, std::move(c));
       }},
      {"charged and given back on a refund", Reason::bad_combination,
       [](Generator&, json::object& s) {
         auto c = extra("p");
         c["on"] = json::array{"SALE", "REFUND"};
         append(s, std::move(c));
       }},
      {"cardholder pays for a refund", Reason::bad_combination,
       [](Generator&, json::object& s) {
         auto c = extra("p");
         c["payer"] = "CARDHOLDER";
         c["on"] = json::array{"REFUND"};
         append(s, std::move(c));
       }},
      {"cap over two payers", Reason::bad_combination,
       [](Generator&, json::object& s) {
         auto c = extra("p");
         c["payer"] = "CARDHOLDER";
         append(s, std::move(c));
         list(s, "caps").push_back(cap({"c0", "p"}));
       }},
      {"minimum in advance", Reason::bad_combination,
       [](Generator&, json::object& s) {
         auto fee = recurring("m");
         fee["less_fees"] = json::array{"c0"};
         list(s, "recurring").push_back(std::move(fee));
       }},
      {"retroactive with tiers", Reason::bad_combination,
       [](Generator&, json::object& s) {
         auto c = extra("p");
         c["volume"] = "RETROACTIVE";
         c["tax_exempt"] = true;
         auto& rule = c["rules"].as_array()[0].as_object();
         rule.erase("rate");
         rule["tiers"] = json::array{json::object{{"rate", "0.1"}}};
         append(s, std::move(c));
       }},
  };
}

// Rules that never hold, and none for the rest.
std::vector<Defect> rules() {
  return {
      {"a rule behind an empty match", Reason::dead_rule,
       [](Generator&, json::object& s) {
         auto c = extra("p");
         c["rules"].as_array().push_back(json::object{{"id", "dead"}});
         append(s, std::move(c));
       }},
      {"a rule inside another", Reason::dead_rule,
       [](Generator& g, json::object& s) {
         auto c = extra("p");
         const auto low = static_cast<std::int64_t>(g.below(100));
         c["rules"].as_array().insert(c["rules"].as_array().begin(),
                                      {json::object{{"id", "wide"},
                                                    {"match",
                                                     {{"amount", {{"min", low}, {"max", low + 100}}},
                                                      {"funding", {"DEBIT", "CREDIT"}}}}},
                                       json::object{{"id", "dead"},
                                                    {"match",
                                                     {{"amount", {{"min", low + 1}, {"max", low + 100}}},
                                                      {"funding", json::array{"CREDIT"}},
                                                      {"mcc", json::array{json::object{{"max", 9}}}}}}}});
         append(s, std::move(c));
       }},
      {"nothing for the rest", Reason::uncovered,
       [](Generator&, json::object& s) {
         for (auto& c : s["components"].as_array()) {
           auto& last = c.as_object()["rules"].as_array().back().as_object();
           if (!last.contains("match")) last["match"] = json::object{{"tags", json::array{"ONLY", "THIS"}}};
         }
       }},
  };
}

const std::vector<Defect>& defects() {
  static const auto kAll = [] {
    std::vector<Defect> all;
    for (auto& list : {malformed(), names(), bounds(), combinations(), rules()})
      all.insert(all.end(), list.begin(), list.end());
    return all;
  }();
  return kAll;
}

TEST(PlantedDefects, EachIsFoundWithItsCode) {
  Generator g(100);
  int planted = 0;
  while (planted < 150) {
    const auto& defect = defects()[static_cast<std::size_t>(planted) % defects().size()];
    auto schedule = g.schedule({});
    if (testing::load_generated(schedule) == nullptr) continue;
    defect.plant(g, schedule);
    const auto loaded = load_schedule(json::serialize(schedule));
    ASSERT_FALSE(loaded) << defect.name << '\n' << json::serialize(schedule);
    EXPECT_EQ(reason_code(loaded.error().reason), reason_code(defect.reason))
        << defect.name << ": " << loaded.error().error().text() << '\n'
        << json::serialize(schedule);
    ++planted;
  }
}

TEST(PlantedDefects, ASoundScheduleRaisesNoAlarm) {
  Generator g(101);
  for (int i = 0; i < 1'000; ++i) {
    const auto schedule = g.schedule({});
    const auto loaded = load_schedule(json::serialize(schedule));
    ASSERT_TRUE(loaded) << loaded.error().error().text() << '\n' << json::serialize(schedule);
  }
}

}  // namespace
}  // namespace tollgate::fees
