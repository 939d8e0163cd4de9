#include "fees/checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>

#include "fees/cover.h"

namespace tollgate::fees {
namespace {

using Found = std::optional<Refusal>;

Found found(Reason reason, std::string where, std::string what) {
  return Refusal{reason, std::move(where), std::move(what)};
}

const Component* find(const FeeSchedule& s, std::string_view id) {
  const auto it = std::ranges::find(s.components, id, &Component::id);
  return it == s.components.end() ? nullptr : &*it;
}
bool contains(const std::vector<std::string>& list, std::string_view id) {
  return std::ranges::find(list, id) != list.end();
}

// Calls look(component, pointer) and look(component, rule, pointer) until one finds something.
template <class Look>
Found each_component(const FeeSchedule& s, Look look) {
  for (std::size_t i = 0; i < s.components.size(); ++i)
    if (auto f = look(s.components[i], i, fmt::format("/components/{}", i))) return f;
  return {};
}
template <class Look>
Found each_rule(const FeeSchedule& s, Look look) {
  return each_component(s, [&](const Component& c, std::size_t, const std::string& at) -> Found {
    for (std::size_t r = 0; r < c.rules.size(); ++r)
      if (auto f = look(c, c.rules[r], fmt::format("{}/rules/{}", at, r))) return f;
    return {};
  });
}

// ---- DUPLICATE_ID
// ---------------------------------------------------------------------------------------------

template <class List, class Id>
Found repeated(std::set<std::string, std::less<>>& seen, const List& list, Id id, std::string_view at) {
  for (std::size_t i = 0; i < list.size(); ++i)
    if (!seen.insert(id(list[i])).second)
      return found(Reason::duplicate_id, fmt::format("{}/{}", at, i),
                   fmt::format("\"{}\" stands twice", id(list[i])));
  return {};
}

Found duplicate_ids(const FeeSchedule& s) {
  const auto id = [](const auto& item) { return item.id; };
  std::set<std::string, std::less<>> fees, caps, splits;
  if (auto f = repeated(fees, s.components, id, "/components")) return f;
  if (auto f = repeated(fees, s.recurring, id, "/recurring")) return f;
  if (auto f = repeated(caps, s.caps, id, "/caps")) return f;
  if (auto f = repeated(splits, s.splits, id, "/splits")) return f;
  if (auto f = each_component(s, [&](const Component& c, std::size_t, const std::string& at) {
        std::set<std::string, std::less<>> rules;
        return repeated(rules, c.rules, id, at + "/rules");
      }))
    return f;
  for (std::size_t i = 0; i < s.splits.size(); ++i) {
    std::set<std::string, std::less<>> parties;
    if (auto f = repeated(
            parties, s.splits[i].parties, [](const Party& p) { return p.party; },
            fmt::format("/splits/{}/parties", i)))
      return f;
  }
  return {};
}

// ---- UNKNOWN_ID
// -----------------------------------------------------------------------------------------------

Found unknown_in(const FeeSchedule& s, const std::vector<std::string>& list, const std::string& at,
                 std::size_t before = SIZE_MAX) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto* component = find(s, list[i]);
    if (component != nullptr && static_cast<std::size_t>(component - s.components.data()) < before) continue;
    return found(Reason::unknown_id, fmt::format("{}/{}", at, i),
                 component == nullptr ? fmt::format("no component \"{}\"", list[i])
                                      : fmt::format("\"{}\" does not stand before this component", list[i]));
  }
  return {};
}

Found unknown_ids(const FeeSchedule& s) {
  if (auto f = each_component(s, [&](const Component& c, std::size_t i, const std::string& at) {
        return unknown_in(s, c.base_of, at + "/base_of", i);
      }))
    return f;
  for (std::size_t i = 0; i < s.caps.size(); ++i)
    if (auto f = unknown_in(s, s.caps[i].members, fmt::format("/caps/{}/members", i))) return f;
  for (std::size_t i = 0; i < s.splits.size(); ++i) {
    const auto& split = s.splits[i];
    if (auto f = unknown_in(s, split.of, fmt::format("/splits/{}/of", i))) return f;
    if (auto f = unknown_in(s, split.less, fmt::format("/splits/{}/less", i))) return f;
    for (std::size_t p = 0; p < split.parties.size(); ++p) {
      const auto& from = split.parties[p].from;
      const auto earlier = std::span(split.parties).first(p);
      if (!from.empty() && std::ranges::find(earlier, from, &Party::party) == earlier.end())
        return found(Reason::unknown_id, fmt::format("/splits/{}/parties/{}/from", i, p),
                     fmt::format("no earlier party \"{}\"", from));
    }
  }
  for (std::size_t i = 0; i < s.recurring.size(); ++i)
    if (auto f = unknown_in(s, s.recurring[i].less_fees, fmt::format("/recurring/{}/less_fees", i))) return f;
  return {};
}

// ---- BAD_RANGE
// ------------------------------------------------------------------------------------------------

Found bad_tiers(const Rule& rule, const std::string& at) {
  for (std::size_t t = 0; t < rule.tiers.size(); ++t) {
    const bool last = t + 1 == rule.tiers.size();
    const bool closed = rule.tiers[t].up_to != INT64_MAX;
    if (last && closed)
      return found(Reason::bad_range, fmt::format("{}/tiers/{}", at, t), "the last tier has an end");
    if (!last && (!closed || (t > 0 && rule.tiers[t].up_to <= rule.tiers[t - 1].up_to)))
      return found(Reason::bad_range, fmt::format("{}/tiers/{}", at, t), "tiers do not rise");
  }
  return {};
}

Found bad_match(const Match& m, const std::string& at) {
  const auto upside_down = [](const Range& r) { return r.min > r.max; };
  if (upside_down(m.amount)) return found(Reason::bad_range, at + "/amount", "min is above max");
  if (upside_down(m.volume)) return found(Reason::bad_range, at + "/volume", "min is above max");
  for (std::size_t i = 0; i < m.mcc.size(); ++i)
    if (upside_down(m.mcc[i]))
      return found(Reason::bad_range, fmt::format("{}/mcc/{}", at, i), "min is above max");
  for (std::size_t i = 0; i < m.dates.size(); ++i)
    if (upside_down(m.dates[i]))
      return found(Reason::bad_range, fmt::format("{}/dates/{}", at, i), "min is above max");
  return {};
}

Found bad_ranges(const FeeSchedule& s) {
  if (auto f = each_rule(s, [](const Component&, const Rule& rule, const std::string& at) -> Found {
        if (rule.min_minor && rule.max_minor && *rule.min_minor > *rule.max_minor)
          return found(Reason::bad_range, at, "min is above max");
        if (auto bad = bad_match(rule.match, at + "/match")) return bad;
        return bad_tiers(rule, at);
      }))
    return f;
  for (std::size_t i = 0; i < s.caps.size(); ++i) {
    const auto& cap = s.caps[i];
    if (!cap.max_minor && !cap.min_minor)
      return found(Reason::bad_range, fmt::format("/caps/{}", i), "neither min nor max");
    if (cap.max_minor && cap.min_minor && *cap.min_minor > *cap.max_minor)
      return found(Reason::bad_range, fmt::format("/caps/{}", i), "min is above max");
  }
  return {};
}

// ---- BAD_SHARE
// ------------------------------------------------------------------------------------------------

Found bad_shares(const FeeSchedule& s) {
  std::set<std::string, std::less<>> shared;
  for (std::size_t i = 0; i < s.splits.size(); ++i) {
    const auto& split = s.splits[i];
    const auto at = fmt::format("/splits/{}", i);
    for (const auto& id : split.of) {
      if (!shared.insert(id).second)
        return found(Reason::bad_share, at + "/of", fmt::format("\"{}\" is shared by two splits", id));
      if (contains(split.less, id))
        return found(Reason::bad_share, at + "/less", fmt::format("\"{}\" is shared and deducted", id));
    }
    const auto out_of = [&](const std::string& node) {
      std::int64_t sum = 0;
      for (const auto& p : split.parties) sum += p.from == node ? p.share_nano : 0;
      return sum;
    };
    if (out_of("") > kNano)
      return found(Reason::bad_share, at + "/parties", "shares out of the house are above 1");
    for (const auto& p : split.parties)
      if (out_of(p.party) > kNano)
        return found(Reason::bad_share, at + "/parties",
                     fmt::format("shares out of \"{}\" are above 1", p.party));
  }
  return {};
}

// ---- BAD_COMBINATION
// ------------------------------------------------------------------------------------------

constexpr std::uint32_t only(PricedEvent event) noexcept {
  return 1U << static_cast<unsigned>(event);
}

// RETROACTIVE is priced again alone at the end of the month, so nothing else may hang on it.
Found bad_retroactive(const FeeSchedule& s, const Component& c, const std::string& at) {
  const auto bad = [&](std::string what) {
    return found(Reason::bad_combination, at + "/volume", "RETROACTIVE " + std::move(what));
  };
  if (c.payer != Payer::merchant || c.on != only(PricedEvent::sale))
    return bad("needs payer MERCHANT on SALE alone");
  if (s.round_at == RoundAt::total) return bad("cannot stand with round_at TOTAL");
  if (s.tax && s.tax->level == TaxLevel::transaction && !c.tax_exempt)
    return bad("cannot carry tax per transaction");
  if (std::ranges::any_of(c.rules, [](const Rule& r) { return !r.tiers.empty(); }))
    return bad("cannot have tiers");
  for (const auto& cap : s.caps)
    if (contains(cap.members, c.id)) return bad("cannot stand in a cap group");
  for (const auto& split : s.splits)
    if (contains(split.of, c.id) || contains(split.less, c.id)) return bad("cannot stand in a split");
  for (const auto& other : s.components)
    if (contains(other.base_of, c.id)) return bad("cannot be the base of another component");
  return {};
}

Found bad_component(const FeeSchedule& s, const Component& c, const std::string& at) {
  const auto bad = [&](std::string_view field, std::string what) {
    return found(Reason::bad_combination, fmt::format("{}/{}", at, field), std::move(what));
  };
  for (std::size_t r = 0; r < c.rules.size(); ++r)
    if (c.rules[r].rate_nano != 0 && !c.rules[r].tiers.empty())
      return bad(fmt::format("rules/{}", r), "a rate beside tiers");
  if ((c.base == Base::fees) == c.base_of.empty())
    return bad("base_of", "base FEES and base_of belong together");
  if (s.round_at == RoundAt::total && c.rounding) return bad("rounding", "round_at TOTAL has one mode");
  if (s.round_at == RoundAt::total && c.base == Base::fees)
    return bad("base", "FEES needs rounded components, round_at is TOTAL");
  if ((c.payer == Payer::house) != (c.contra != 0))
    return bad("contra", "payer HOUSE and contra belong together");
  if (c.payer != Payer::none && c.account == 0) return bad("account", "an account is needed");
  if (c.prices(PricedEvent::sale) && c.prices(PricedEvent::refund) && c.refund != RefundPolicy::keep)
    return bad("on", "on SALE and REFUND it would be charged and given back at once; refund must be KEEP");
  if (c.payer == Payer::cardholder && c.on != only(PricedEvent::sale))
    return bad("on", "the cardholder pays on SALE only");
  if (c.volume == VolumeMode::retroactive) return bad_retroactive(s, c, at);
  return {};
}

Found bad_combinations(const FeeSchedule& s) {
  if (auto f = each_component(
          s, [&](const Component& c, std::size_t, const std::string& at) { return bad_component(s, c, at); }))
    return f;
  for (std::size_t i = 0; i < s.caps.size(); ++i) {
    const auto& members = s.caps[i].members;
    const Payer payer = find(s, members.front())->payer;
    if (std::ranges::any_of(members, [&](const auto& id) { return find(s, id)->payer != payer; }))
      return found(Reason::bad_combination, fmt::format("/caps/{}/members", i), "members with two payers");
  }
  for (std::size_t i = 0; i < s.recurring.size(); ++i) {
    const auto& fee = s.recurring[i];
    if (fee.less_fees.empty()) continue;
    const auto at = fmt::format("/recurring/{}/less_fees", i);
    if (fee.timing == Timing::advance)
      return found(Reason::bad_combination, at, "a minimum is charged in ARREARS");
    if (std::ranges::any_of(fee.less_fees,
                            [&](const auto& id) { return find(s, id)->payer != Payer::merchant; }))
      return found(Reason::bad_combination, at, "a minimum counts what the merchant pays");
  }
  return {};
}

// ---- DEAD_RULE, UNCOVERED
// -------------------------------------------------------------------------------------

Found dead_rules(const FeeSchedule& s) {
  return each_component(s, [](const Component& c, std::size_t, const std::string& at) -> Found {
    const std::vector<Coverage> sets = coverage_of(c.rules);
    for (std::size_t later = 1; later < sets.size(); ++later)
      for (std::size_t earlier = 0; earlier < later; ++earlier)
        if (sets[earlier].holds(sets[later]))
          return found(Reason::dead_rule, fmt::format("{}/rules/{}", at, later),
                       fmt::format("rule \"{}\" takes everything that \"{}\" would", c.rules[earlier].id,
                                   c.rules[later].id));
    return {};
  });
}

Found uncovered(const FeeSchedule& s) {
  for (const auto& c : s.components)
    if (c.payer == Payer::merchant && c.prices(PricedEvent::sale) && c.rules.back().match.given == 0)
      return {};
  return found(Reason::uncovered, "/components",
               "no MERCHANT component on SALE ends with a rule that matches everything");
}

// ---- static bounds
// --------------------------------------------------------------------------------------------

// FEES on FEES can double at every step. Amounts must stay inside 62 bits, so that no intermediate leaves
// 128.
Found out_of_bounds(const FeeSchedule& s) {
  constexpr Int128 kBound = Int128{1} << 60;
  std::vector<Int128> largest;
  Int128 sum = 0;
  for (std::size_t i = 0; i < s.components.size(); ++i) {
    const auto& c = s.components[i];
    Int128 base = kAmountMax;
    if (c.base == Base::fees) {
      base = 0;
      for (const auto& id : c.base_of)
        base += largest[static_cast<std::size_t>(find(s, id) - s.components.data())];
    }
    Int128 most = 0;
    for (const auto& r : c.rules) {
      std::int64_t top = r.rate_nano;
      for (const auto& t : r.tiers) top = std::max(top, t.rate_nano);
      Int128 value = base * top / kNano + r.fixed_minor + 1;
      if (r.max_minor) value = std::min(value, Int128{*r.max_minor});
      most = std::max({most, value, Int128{r.min_minor.value_or(0)}});
    }
    largest.push_back(most);
    sum += most;
    if (sum > kBound)
      return found(Reason::schema, fmt::format("/components/{}", i),
                   "fees on fees could leave the range of amounts");
  }
  return {};
}

}  // namespace

std::optional<Refusal> check_schedule(const FeeSchedule& schedule) {
  using Check = Found (*)(const FeeSchedule&);
  for (const Check check : {duplicate_ids, unknown_ids, bad_ranges, bad_shares, bad_combinations, dead_rules,
                            uncovered, out_of_bounds})
    if (auto f = check(schedule)) return f;
  return {};
}

}  // namespace tollgate::fees
