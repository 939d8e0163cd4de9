#include "fees/schedule_reader.h"

#include <algorithm>

#include "fees/json_reader.h"
#include "fees/words.h"

namespace tollgate::fees {
namespace {

using namespace reading;

bool is_id(std::string_view s) {
  return !s.empty() && s.size() <= 32 && s[0] >= 'a' && s[0] <= 'z' && std::ranges::all_of(s, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}
bool is_name(std::string_view s) {
  const auto lower = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !s.empty() && s.size() <= 64 && lower(s[0]) &&
         std::ranges::all_of(s, [&](char c) { return lower(c) || c == '_' || c == '.' || c == '-'; });
}
// Terminals and merchants are named by fields 41 and 42, which may hold capitals.
bool is_subject(std::string_view s) {
  return !s.empty() && s.size() <= 64 && std::ranges::all_of(s, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  });
}

Leaf id(std::string& out) {
  return text(out, is_id, "an id: a lower-case letter, then at most 31 of a-z, 0-9 and _");
}
Leaf name(std::string& out) {
  return text(out, is_name, "a name: at most 64 of a-z, 0-9, _ . -");
}
Leaf ids(std::vector<std::string>& out, std::size_t min = 0) {
  return list({min, 64, true}, [&out](Context& context, const json::value& value) {
    out.emplace_back();
    return id(out.back())(context, value);
  });
}
Leaf money(std::int64_t& out) {
  return integer(out, 0, kAmountMax);
}
Leaf money(std::optional<std::int64_t>& out) {
  return [&out](Context& context, const json::value& value) {
    return integer(out.emplace(), 0, kAmountMax)(context, value);
  };
}

template <class Enum, std::size_t N>
Leaf word(Enum& out, const std::array<Words, N>& words) {
  return choice([&out](std::size_t i) { out = static_cast<Enum>(i); }, Choices(words.begin(), words.end()));
}
// A list of words as bits; bit = index + shift (facts begin with "absent").
template <std::size_t N>
Leaf word_bits(std::uint32_t& bits, const std::array<Words, N>& words, unsigned shift) {
  return list({0, 64, true}, choice([&bits, shift](std::size_t i) { bits |= 1U << (i + shift); },
                                    Choices(words.begin(), words.end())));
}

// Text of another form, turned into a value by `parse` (an optional).
template <class Out, class Parse>
Leaf parsed(Out& out, Parse parse_text, std::string_view expected) {
  return [&out, parse_text, expected](Context& context, const json::value& value) -> std::string {
    const auto* string = value.if_string();
    const auto got = string == nullptr ? decltype(parse_text(std::string_view())){}
                                       : parse_text(std::string_view(*string));
    if (!got) {
      context.refuse("expected " + std::string(expected));
      return {};
    }
    out = *got;
    return quoted(std::string_view(*string));
  };
}

std::optional<WallTime> parse_instant(std::string_view s) {
  if (s.size() != 20 || s[10] != 'T' || s[19] != 'Z') return std::nullopt;
  return parse_rfc3339(s);
}
Leaf instant(WallTime& out) {
  return parsed(out, parse_instant, "an instant such as \"2026-01-31T16:00:00Z\"");
}

std::optional<std::uint16_t> parse_account(std::string_view s) {
  if (s.size() != 4 || !std::ranges::all_of(s, [](char c) { return c >= '0' && c <= '9'; }) || s == "0000")
    return std::nullopt;
  return static_cast<std::uint16_t>((s[0] - '0') * 1000 + (s[1] - '0') * 100 + (s[2] - '0') * 10 +
                                    (s[3] - '0'));
}
Leaf account(std::uint16_t& out) {
  return parsed(out, parse_account, "an account of four digits");
}

std::optional<std::int64_t> parse_minute(std::string_view s) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (s.size() != 5 || s[2] != ':' || !digit(s[0]) || !digit(s[1]) || !digit(s[3]) || !digit(s[4]))
    return std::nullopt;
  const std::int64_t hour = (s[0] - '0') * 10 + (s[1] - '0'), minute = (s[3] - '0') * 10 + (s[4] - '0');
  if (minute > 59 || hour > 24 || (hour == 24 && minute > 0)) return std::nullopt;
  return hour * 60 + minute;
}
std::optional<std::int64_t> parse_hour(std::string_view s) {
  const auto minute = parse_minute(s);
  return minute && *minute < 1440 ? minute : std::nullopt;
}
std::optional<std::int32_t> parse_cutoff(std::string_view s) {
  const auto minute = parse_minute(s);
  if (!minute || *minute < 720) return std::nullopt;
  return static_cast<std::int32_t>(*minute);
}
std::optional<std::int64_t> parse_day(std::string_view s) {
  const auto date = parse_date(s);
  return date ? std::optional<std::int64_t>(date->days) : std::nullopt;
}

// {"min", "max"}: each end is read by `end`.
template <class End>
std::string read_range(Context& context, const json::value& value, Range& out, End end, bool both) {
  ObjectReader o(context, value);
  if (both) {
    o.required("min", end(out.min));
    o.required("max", end(out.max));
  } else {
    o.optional("min", end(out.min));
    o.optional("max", end(out.max));
  }
  return o.finish();
}
template <class End>
Leaf ranges(std::vector<Range>& out, End end, bool both = false) {
  return list({0, 64, false}, [&out, end, both](Context& context, const json::value& value) {
    out.emplace_back();
    return read_range(context, value, out.back(), end, both);
  });
}
Leaf range(Range& out, std::int64_t high) {
  return [&out, high](Context& context, const json::value& value) {
    return read_range(
        context, value, out, [high](std::int64_t& end) { return integer(end, 0, high); }, false);
  };
}
Leaf codes(std::vector<Code>& out) {
  return list({0, 64, true}, [&out](Context& context, const json::value& value) {
    return parsed(
        out.emplace_back(), [](std::string_view s) { return Code::of(s); },
        "a code: at most 32 of A-Z, 0-9 and _")(context, value);
  });
}

std::string read_match(Context& context, const json::value& value, Match& m) {
  ObjectReader o(context, value);
  const auto field = [&](std::string_view key, Dimension dimension, const Leaf& leaf) {
    o.optional(key, [&](Context& c, const json::value& v) {
      auto canonical = leaf(c, v);
      if (canonical != "[]" && canonical != "{}")
        m.given |= static_cast<std::uint16_t>(1U << static_cast<unsigned>(dimension));
      return canonical;
    });
  };
  field("channel", Dimension::channel, word_bits(m.channels, kChannelWords, 1));
  field("brand", Dimension::brand, codes(m.brands));
  field("tags", Dimension::tags, codes(m.tags));
  field("funding", Dimension::funding, word_bits(m.fundings, kFundingWords, 1));
  field("region", Dimension::region, word_bits(m.regions, kRegionWords, 1));
  field("settlement", Dimension::settlement, word_bits(m.settlements, kSettlementWords, 1));
  field("currency", Dimension::currency, list({0, 64, true}, [&m](Context& c, const json::value& v) {
          return parsed(
              m.currencies.emplace_back(), [](std::string_view s) { return currency_of(s); },
              "an ISO 4217 code")(c, v);
        }));
  field("mcc", Dimension::mcc, ranges(m.mcc, [](std::int64_t& end) { return integer(end, 0, 9999); }));
  field("amount", Dimension::amount, range(m.amount, kAmountMax));
  field("volume", Dimension::volume, range(m.volume, kVolumeMax));
  field("dates", Dimension::dates, ranges(m.dates, [](std::int64_t& end) {
          return parsed(end, parse_day, "a date such as \"2026-01-31\"");
        }));
  field("weekdays", Dimension::weekdays, word_bits(m.weekdays, kWeekdayWords, 0));
  field(
      "hours", Dimension::hours,
      ranges(
          m.hours,
          [](std::int64_t& end) { return parsed(end, parse_hour, "a time of day, \"00:00\" to \"23:59\""); },
          true));
  return o.finish();
}

std::string read_rule(Context& context, const json::value& value, Rule& rule) {
  ObjectReader o(context, value);
  o.required("id", id(rule.id));
  o.optional("match", [&](Context& c, const json::value& v) { return read_match(c, v, rule.match); });
  o.optional("rate", rate(rule.rate_nano), "\"0\"");
  o.optional("tiers", list({0, kTiersMax, false}, [&](Context& c, const json::value& v) {
               Tier& tier = rule.tiers.emplace_back();
               ObjectReader t(c, v);
               t.optional("up_to", integer(tier.up_to, 0, kVolumeMax));
               t.optional("rate", rate(tier.rate_nano), "\"0\"");
               return t.finish();
             }));
  o.optional("fixed", money(rule.fixed_minor), "0");
  o.optional("discount", rate(rule.discount_nano), "\"0\"");
  o.optional("min", money(rule.min_minor));
  o.optional("max", money(rule.max_minor));
  o.optional("account", account(rule.account));
  return o.finish();
}

std::string read_component(Context& context, const json::value& value, Component& c) {
  ObjectReader o(context, value);
  std::uint32_t on = 0;
  o.required("id", id(c.id));
  o.optional("on", word_bits(on, kEventWords, 0), "[\"SALE\"]");
  if (on != 0) c.on = on;
  o.optional("payer", word(c.payer, kPayerWords), "\"MERCHANT\"");
  o.optional("base", word(c.base, kBaseWords), "\"AMOUNT\"");
  o.optional("base_of", ids(c.base_of));
  o.optional("volume", word(c.volume, kVolumeWords), "\"PREVIOUS\"");
  o.optional("rounding", [&](Context& cx, const json::value& v) {
    return word(c.rounding.emplace(), kRoundingWords)(cx, v);
  });
  o.optional("refund", word(c.refund, kRefundWords), "\"PROPORTIONAL\"");
  o.optional("tax_exempt", boolean(c.tax_exempt), "false");
  o.optional("account", account(c.account));
  o.optional("contra", account(c.contra));
  o.required("rules", list({1, kRulesMax, false}, [&](Context& cx, const json::value& v) {
               return read_rule(cx, v, c.rules.emplace_back());
             }));
  return o.finish();
}

std::string read_cap(Context& context, const json::value& value, CapGroup& cap) {
  ObjectReader o(context, value);
  o.required("id", id(cap.id));
  o.required("members", ids(cap.members, 1));
  o.optional("max", money(cap.max_minor));
  o.optional("min", money(cap.min_minor));
  return o.finish();
}

std::string read_split(Context& context, const json::value& value, Split& split) {
  ObjectReader o(context, value);
  o.required("id", id(split.id));
  o.required("of", ids(split.of, 1));
  o.optional("less", ids(split.less));
  o.optional("method", word(split.method, kSplitWords), "\"DOWN\"");
  o.required("parties", list({1, kPartiesMax, false}, [&](Context& c, const json::value& v) {
               Party& party = split.parties.emplace_back();
               ObjectReader p(c, v);
               p.required("party", id(party.party));
               p.required("share", rate(party.share_nano));
               p.optional("from", id(party.from));
               return p.finish();
             }));
  return o.finish();
}

std::string read_recurring(Context& context, const json::value& value, RecurringFee& fee) {
  ObjectReader o(context, value);
  std::int64_t free_days = 0;
  o.required("id", id(fee.id));
  o.required("amount", money(fee.amount_minor));
  o.required("cycle", word(fee.cycle, kCycleWords));
  o.optional("per", word(fee.per, kPerWords), "\"TERMINAL\"");
  o.optional("anchor", word(fee.anchor, kAnchorWords), "\"ACTIVATION\"");
  o.optional("free_days", integer(free_days, 0, 3660), "0");
  o.optional("timing", word(fee.timing, kTimingWords), "\"ADVANCE\"");
  o.optional("proration", word(fee.proration, kProrationWords), "\"NONE\"");
  o.optional("waive_from", [&](Context& c, const json::value& v) {
    return integer(fee.waive_from.emplace(), 0, kVolumeMax)(c, v);
  });
  o.optional("less_fees", ids(fee.less_fees));
  o.optional("collect", word(fee.collect, kCollectWords), "\"NET\"");
  o.optional("tax_exempt", boolean(fee.tax_exempt), "false");
  o.required("account", account(fee.account));
  fee.free_days = static_cast<std::int32_t>(free_days);
  return o.finish();
}

std::string read_tax(Context& context, const json::value& value, Tax& tax) {
  ObjectReader o(context, value);
  o.required("mode", word(tax.mode, kTaxModeWords));
  o.required("rate", rate(tax.rate_nano));
  o.required("level", word(tax.level, kTaxLevelWords));
  return o.finish();
}

std::string read_reserve(Context& context, const json::value& value, Reserve& reserve) {
  ObjectReader o(context, value);
  std::int64_t days = 0;
  o.required("rate", rate(reserve.rate_nano));
  o.required("days", integer(days, 1, 3660));
  reserve.days = static_cast<std::int32_t>(days);
  return o.finish();
}

template <class T, class Read>
Leaf each(std::vector<T>& out, ListBounds bounds, Read read) {
  return list(bounds,
              [&out, read](Context& c, const json::value& v) { return read(c, v, out.emplace_back()); });
}

std::string read_root(Context& context, const json::value& value, FeeSchedule& s) {
  ObjectReader o(context, value);
  std::int64_t version = 0;
  o.required("schedule_id", name(s.schedule_id));
  o.required("version", integer(version, 1, 1'000'000));
  o.required("valid_from", instant(s.valid_from));
  o.required("currency",
             parsed(
                 s.currency, [](std::string_view t) { return currency_of(t); }, "an ISO 4217 code"));
  o.required("time_zone", parsed(
                              s.time_zone,
                              [](std::string_view t) {
                                return TimeZone::load(t) ? std::optional<std::string>(t) : std::nullopt;
                              },
                              "an IANA time zone"));
  o.optional("cutoff", parsed(s.cutoff_minute, parse_cutoff, "\"12:00\" to \"24:00\""), "\"24:00\"");
  o.optional("rounding", word(s.rounding, kRoundingWords), "\"HALF_UP\"");
  o.optional("round_at", word(s.round_at, kRoundAtWords), "\"COMPONENT\"");
  o.required("components", each(s.components, {1, kComponentsMax, false}, read_component));
  o.optional("caps", each(s.caps, {0, kGroupsMax, false}, read_cap));
  o.optional("splits", each(s.splits, {0, kGroupsMax, false}, read_split));
  o.optional("tax", [&](Context& c, const json::value& v) { return read_tax(c, v, s.tax.emplace()); });
  o.optional("reserve",
             [&](Context& c, const json::value& v) { return read_reserve(c, v, s.reserve.emplace()); });
  o.optional("recurring", each(s.recurring, {0, kRecurringMax, false}, read_recurring));
  s.version = static_cast<std::int32_t>(version);
  return o.finish();
}

}  // namespace

Priced<ReadSchedule> read_schedule(std::string_view json) {
  Context context;
  ReadSchedule read;
  const auto value = parse(context, json);
  if (value) read.canonical = read_root(context, *value, read.schedule);
  if (context.failed()) return std::unexpected(context.take());
  return read;
}

Priced<Assignment> read_assignment(std::string_view json) {
  Context context;
  Assignment a;
  const auto value = parse(context, json);
  if (value) {
    ObjectReader o(context, *value);
    o.required("id", id(a.id));
    o.required("level", word(a.level, kLevelWords));
    o.optional("subject", text(a.subject, is_subject, "an id of a terminal, a merchant or an agent"));
    o.required("schedule_id", name(a.schedule_id));
    o.required("valid_from", instant(a.valid_from));
    o.optional("valid_to",
               [&](Context& c, const json::value& v) { return instant(a.valid_to.emplace())(c, v); });
    (void)o.finish();
    if ((a.level == AssignmentLevel::by_default) != a.subject.empty())
      context.refuse("a subject belongs to every level but DEFAULT");
  }
  if (context.failed()) return std::unexpected(context.take());
  return a;
}

}  // namespace tollgate::fees
