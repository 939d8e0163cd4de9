#include "switch/cli/fees_tools.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <optional>
#include <ostream>
#include <sstream>

#include "fees/explain.h"
#include "fees/fact_text.h"
#include "fees/schedule.h"
#include "fees/words.h"
#include "switch/cli/fees_cases.h"

namespace tollgate::cli {
namespace {

using namespace fees;

std::optional<std::string> read_file(const std::string& name) {
  std::ifstream in(name, std::ios::binary);
  if (!in) return std::nullopt;
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

std::optional<std::int64_t> parse_int(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

// "100.00" of a currency with two decimals; fewer decimals stand for zeros, more are refused.
std::optional<std::int64_t> parse_major(std::string_view text, Currency currency) {
  const auto exponent = static_cast<std::size_t>(currency_exponent(currency));
  const auto point = text.find('.');
  std::string digits(text.substr(0, point));
  std::string decimals(point == std::string_view::npos ? std::string_view() : text.substr(point + 1));
  if (digits.empty() || decimals.size() > exponent || (point != std::string_view::npos && decimals.empty()))
    return std::nullopt;
  decimals.resize(exponent, '0');
  const auto minor = parse_int(digits + decimals);
  return minor && *minor <= kAmountMax ? minor : std::nullopt;
}

int unusable(std::ostream& out, std::string_view what) {
  out << what << '\n';
  return 2;
}

struct Quote {
  Event event;
  std::vector<std::int64_t> volumes;
};

Result<Quote> quote_of(const FeesQuoteOptions& options, const CompiledSchedule& schedule) {
  const FeeSchedule& text = schedule.text();
  Quote quote;
  const auto amount = parse_major(options.amount, text.currency),
             tip = parse_major(options.tip, text.currency),
             cashback = parse_major(options.cashback, text.currency);
  if (!amount || !tip || !cashback || *tip + *cashback > *amount)
    return fail(ErrorCode::invalid,
                fmt::format("amounts are in {}, at most {}, tip and cashback inside the amount",
                            currency_code(text.currency), format_minor(kAmountMax, text.currency)),
                "amount");
  const auto kind = std::ranges::find(kEventWords, options.event);
  if (kind == kEventWords.end())
    return fail(ErrorCode::invalid, fmt::format("one of {}", fmt::join(kEventWords, ", ")), "event");
  const auto at = options.at.empty() ? std::optional(text.valid_from) : parse_rfc3339(options.at);
  if (!at) return fail(ErrorCode::invalid, "an instant such as 2026-01-31T16:00:00Z", "at");
  FactsPatch facts;
  for (const auto& [name, value] : options.facts)
    if (auto done = set_fact(name, value, facts); !done) return std::unexpected(done.error());
  quote.volumes.resize(text.components.size(), 0);
  for (const auto& [id, value] : options.volumes) {
    const auto component = std::ranges::find(text.components, id, &Component::id);
    const auto number = parse_int(value);
    if (component == text.components.end() || !number || *number > kVolumeMax)
      return fail(ErrorCode::invalid, "a component and its volume", "volume");
    quote.volumes[static_cast<std::size_t>(component - text.components.begin())] = *number;
  }
  const auto moment = schedule.moment(*at);
  quote.event.kind = static_cast<PricedEvent>(kind - kEventWords.begin());
  quote.event.amount_minor = *amount;
  quote.event.tip_minor = *tip;
  quote.event.cashback_minor = *cashback;
  quote.event.business_date = moment.business_date;
  quote.event.local_minute = moment.local_minute;
  quote.event.facts = facts.over({}).facts;
  return quote;
}

}  // namespace

int fees_check(const std::string& file, std::ostream& out) {
  const auto text = read_file(file);
  if (!text) return unusable(out, fmt::format("{}: cannot be read", file));
  const auto totals = run_fee_cases(*text, file, out);
  out << fmt::format("{} passed, {} failed\n", totals.passed, totals.failed);
  return totals.failed == 0 && totals.passed > 0 ? 0 : 1;
}

int fees_quote(const FeesQuoteOptions& options, std::ostream& out) {
  const auto text = read_file(options.schedule_file);
  if (!text) return unusable(out, fmt::format("{}: cannot be read", options.schedule_file));
  const auto schedule = load_schedule(*text, options.schedule_file);
  if (!schedule) return unusable(out, schedule.error().text());
  const auto quote = quote_of(options, **schedule);
  if (!quote) return unusable(out, quote.error().text());
  Assessment assessment;
  assess(**schedule, quote->event, {quote->volumes}, assessment);
  const auto language = options.chinese ? Language::zh : Language::en;
  for (const auto& line : explain(**schedule, assessment, language)) out << line << '\n';
  return 0;
}

}  // namespace tollgate::cli
