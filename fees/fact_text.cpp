#include "fees/fact_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "fees/words.h"

namespace tollgate::fees {
namespace {

template <class Enum, std::size_t N>
Result<void> set_word(const std::array<Words, N>& words, std::string_view name, std::string_view value,
                      Enum& out) {
  const auto found = fact_of<Enum>(words, value);
  if (!found)
    return fail(ErrorCode::invalid, fmt::format("{} is one of {}", name, fmt::join(words, ", ")),
                std::string(name));
  out = *found;
  return {};
}

Result<void> set_code(std::string_view name, std::string_view value, Code& out) {
  const auto code = Code::of(value);
  if (!code)
    return fail(ErrorCode::invalid, fmt::format("{} is at most 32 of A-Z, 0-9 and _", name),
                std::string(name));
  out = *code;
  return {};
}

Result<void> set_mcc(std::string_view value, std::int32_t& out) {
  std::int32_t mcc = 0;
  const auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), mcc);
  if (ec != std::errc{} || end != value.data() + value.size() || mcc < 0 || mcc > 9999)
    return fail(ErrorCode::invalid, "mcc is 0 to 9999", "mcc");
  out = mcc;
  return {};
}

constexpr std::array<std::string_view, 11> kNames = {"merchant_id", "terminal_id", "agent_id", "channel",
                                                     "brand",       "funding",     "region",   "settlement",
                                                     "mcc",         "currency",    "tags"};

}  // namespace

Result<void> set_tags(std::span<const std::string> tags, FactsPatch& out) {
  Tags list;
  for (const auto& text : tags) {
    Code code;
    if (auto done = set_code("tags", text, code); !done) return done;
    if (!list.add(code)) return fail(ErrorCode::full, fmt::format("at most {} tags", kTagsMax), "tags");
  }
  out.value.facts.tags = list;
  out.give(Fact::tags);
  return {};
}

Result<void> set_fact(std::string_view name, std::string_view value, FactsPatch& out) {
  const auto it = std::ranges::find(kNames, name);
  if (it == kNames.end())
    return fail(ErrorCode::invalid, fmt::format("the facts are {}", fmt::join(kNames, ", ")),
                std::string(name));
  const auto fact = static_cast<Fact>(it - kNames.begin());
  Facts& facts = out.value.facts;
  Result<void> done;
  switch (fact) {
    case Fact::merchant:
      out.value.merchant = value;
      break;
    case Fact::terminal:
      out.value.terminal = value;
      break;
    case Fact::agent:
      out.value.agent = value;
      break;
    case Fact::channel:
      done = set_word(kChannelWords, name, value, facts.channel);
      break;
    case Fact::funding:
      done = set_word(kFundingWords, name, value, facts.funding);
      break;
    case Fact::region:
      done = set_word(kRegionWords, name, value, facts.region);
      break;
    case Fact::settlement:
      done = set_word(kSettlementWords, name, value, facts.settlement);
      break;
    case Fact::brand:
      done = set_code(name, value, facts.brand);
      break;
    case Fact::mcc:
      done = set_mcc(value, facts.mcc);
      break;
    case Fact::currency: {
      const auto currency = currency_of(value);
      if (!currency) return fail(ErrorCode::invalid, "currency is an ISO 4217 code", "currency");
      facts.currency = *currency;
      break;
    }
    case Fact::tags: {
      std::vector<std::string> tags;
      for (std::size_t from = 0; from < value.size();) {
        const auto to = std::min(value.find(',', from), value.size());
        tags.emplace_back(value.substr(from, to - from));
        from = to + 1;
      }
      return set_tags(tags, out);
    }
  }
  if (done) out.give(fact);
  return done;
}

std::string fact_text(const Facts& facts, Fact fact) {
  switch (fact) {
    case Fact::channel:
      return std::string(fact_word(kChannelWords, facts.channel));
    case Fact::funding:
      return std::string(fact_word(kFundingWords, facts.funding));
    case Fact::region:
      return std::string(fact_word(kRegionWords, facts.region));
    case Fact::settlement:
      return std::string(fact_word(kSettlementWords, facts.settlement));
    case Fact::brand:
      return std::string(facts.brand.text());
    case Fact::mcc:
      return facts.mcc == kNoMcc ? std::string() : fmt::format("{:04}", facts.mcc);
    case Fact::currency:
      return std::string(currency_code(facts.currency));
    case Fact::tags: {
      std::string text;
      for (std::size_t i = 0; i < facts.tags.size(); ++i)
        text.append(i == 0 ? "" : ",").append(facts.tags[i].text());
      return text;
    }
    case Fact::merchant:
    case Fact::terminal:
    case Fact::agent:
      break;
  }
  return {};
}

}  // namespace tollgate::fees
