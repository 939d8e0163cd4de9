// POST /v1/fee-quotes: what an event would cost now, by the path that books it (fees::assess), with the
// derivation in words. Nothing is written.
#include <algorithm>

#include "fees/engine.h"
#include "fees/explain.h"
#include "fees/fact_text.h"
#include "fees/price_book.h"
#include "fees/words.h"
#include "switch/admin/api.h"
#include "switch/admin/binder.h"
#include "switch/admin/call.h"

namespace tollgate::admin {
namespace {

// What was asked, read from the body; the schedule and the merchant's own facts come from the books.
struct Asked {
  std::string merchant, terminal, schedule_id;
  std::optional<std::int64_t> version;
  fees::Event event;
  WallTime at;
  fees::FactsPatch facts;
  std::vector<std::pair<std::string, std::int64_t>> volumes;
};

struct Subject {
  fees::SchedulePtr schedule;
  fees::Facts facts;  // that the merchant itself gives
};

// Facts by name: a word, a list of tags, or a number for mcc.
void read_facts(Binder& body, Asked& asked) {
  const auto* object = body.object("facts");
  if (object == nullptr) return;
  for (const auto& [name, value] : object->as_object()) {
    Result<void> done;
    if (name == "tags" && value.is_array()) {
      std::vector<std::string> tags;
      for (const auto& tag : value.as_array()) tags.emplace_back(tag.is_string() ? tag.as_string() : "");
      done = fees::set_tags(tags, asked.facts);
    } else if (value.is_string()) {
      done = fees::set_fact(name, value.as_string(), asked.facts);
    } else if (name == "mcc" && value.is_int64()) {
      done = fees::set_fact(name, std::to_string(value.as_int64()), asked.facts);
    } else {
      done = fail(ErrorCode::invalid, "a word");
    }
    if (!done) body.errors().push_back({"/facts/" + std::string(name), "invalid_value", done.error().what});
  }
}

void read_volumes(Binder& body, Asked& asked) {
  const auto* object = body.object("volumes");
  if (object == nullptr) return;
  for (const auto& [component, value] : object->as_object()) {
    if (value.is_int64() && value.as_int64() >= 0 && value.as_int64() <= fees::kVolumeMax)
      asked.volumes.emplace_back(component, value.as_int64());
    else
      body.errors().push_back(
          {"/volumes/" + std::string(component), "out_of_range", "a volume of the month in minor units"});
  }
}

std::expected<Asked, Problem> read_body(const Call& call) {
  const auto parsed = parse_json(call.request.body);
  if (!parsed) return std::unexpected(parsed.error());
  FieldErrors errors;
  Binder body(*parsed, "", errors);
  Asked asked;
  asked.merchant = body.text("merchant", {1, 64}).value_or("");
  asked.terminal = body.text("terminal", {1, 64}).value_or("");
  asked.schedule_id = body.text("schedule_id", {1, 64}).value_or("");
  asked.version = body.integer("version", 1, 1'000'000);
  if (asked.merchant.empty() == asked.schedule_id.empty())
    body.error("merchant", "required", "either a merchant or a schedule_id");
  if (asked.schedule_id.empty() && asked.version)
    body.error("version", "invalid_value", "only with a schedule_id");
  if (asked.merchant.empty() && !asked.terminal.empty())
    body.error("terminal", "invalid_value", "only with a merchant");
  auto& event = asked.event;
  event.amount_minor = body.need_integer("amount_minor", 0, kAmountMax);
  event.tip_minor = body.integer("tip_minor", 0, kAmountMax).value_or(0);
  event.cashback_minor = body.integer("cashback_minor", 0, kAmountMax).value_or(0);
  if (event.tip_minor + event.cashback_minor > event.amount_minor)
    body.error("amount_minor", "AMOUNT_RANGE", "tip and cashback are inside the amount");
  const auto kind =
      body.one_of("event", {"SALE", "VERIFY", "DECLINE", "REFUND", "CHARGEBACK"}).value_or("SALE");
  event.kind =
      static_cast<fees::PricedEvent>(std::ranges::find(fees::kEventWords, kind) - fees::kEventWords.begin());
  asked.at = body.time("at").value_or(call.backend.now().wall);
  read_facts(body, asked);
  read_volumes(body, asked);
  body.done();
  if (!errors.empty()) return std::unexpected(problem_of(std::move(errors)));
  return asked;
}

Problem no_schedule(std::string pointer, std::string detail) {
  return problem_of(FieldErrors{{std::move(pointer), "NO_SCHEDULE", std::move(detail)}});
}

// As the switch finds it for a sale at that instant: the merchant's own facts too.
std::expected<Subject, Problem> of_merchant(const Call& call, const Asked& asked,
                                            const fees::PriceBook& prices) {
  const auto view = find_merchant(call.backend, asked.merchant);
  if (!view) return std::unexpected(view.error());
  const auto& merchant = view->merchant;
  Subject subject;
  subject.schedule =
      prices.resolve_shared(asked.at, {asked.terminal, merchant.merchant_code(), merchant.sponsor()});
  if (subject.schedule == nullptr)
    return std::unexpected(no_schedule("/merchant", "no assignment holds at that instant"));
  subject.facts.mcc = static_cast<std::int32_t>(merchant.mcc());
  subject.facts.settlement =
      merchant.settlement_cycle() == "D0" ? fees::Settlement::d0 : fees::Settlement::t1;
  return subject;
}

std::expected<Subject, Problem> of_schedule(const Asked& asked, const fees::PriceBook& prices) {
  const auto& all = prices.schedules();
  const auto it = all.find(asked.schedule_id);
  if (it == all.end()) return std::unexpected(no_schedule("/schedule_id", "no such schedule"));
  if (asked.version) {
    auto found = prices.find(asked.schedule_id, static_cast<std::int32_t>(*asked.version));
    if (found == nullptr) return std::unexpected(no_schedule("/version", "no such version"));
    return Subject{std::move(found), {}};
  }
  const auto in_force = std::find_if(it->second.rbegin(), it->second.rend(), [&](const fees::SchedulePtr& s) {
    return s->text().valid_from <= asked.at;
  });
  if (in_force == it->second.rend())
    return std::unexpected(no_schedule("/schedule_id", "no version is in force at that instant"));
  return Subject{*in_force, {}};
}

void write_lines(JsonOut& out, const fees::CompiledSchedule& schedule, const fees::Assessment& a) {
  out.key("components").begin_array();
  for (const auto& line : a.lines()) {
    const auto& component = schedule.text().components[line.component];
    out.begin_object().field("component", component.id);
    out.field_or_null("rule", line.rule == fees::kNoRule ? "" : component.rules[line.rule].id);
    out.field("payer", fees::kPayerWords[static_cast<std::size_t>(line.payer)]);
    out.field("base_minor", line.base_minor).field("amount_minor", line.amount_minor);
    out.field("exact", to_decimal(Balance{line.exact}));  // over 10^18
    out.key("flags").begin_array();
    static constexpr std::pair<std::uint16_t, std::string_view> kFlags[] = {
        {fees::flag::kMin, "MIN"},
        {fees::flag::kMax, "MAX"},
        {fees::flag::kTie, "TIE"},
        {fees::flag::kGroupMin, "GROUP_MIN"},
        {fees::flag::kGroupMax, "GROUP_MAX"}};
    for (const auto& [flag, name] : kFlags)
      if ((line.flags & flag) != 0) out.value(name);
    out.end_array().end_object();
  }
  out.end_array();
  out.key("splits").begin_array();
  for (const auto& line : a.splits()) {
    const auto& split = schedule.text().splits[line.split];
    out.begin_object().field("split", split.id).field("house_minor", line.house_minor);
    out.key("parties").begin_array();
    for (std::size_t p = 0; p < line.parties; ++p)
      out.begin_object()
          .field("party", split.parties[p].party)
          .field("amount_minor", line.party_minor[p])
          .end_object();
    out.end_array().end_object();
  }
  out.end_array();
}

http::Response answer(const Call& call, const fees::CompiledSchedule& schedule, const fees::Event& event,
                      const fees::Assessment& a) {
  std::string body;
  JsonOut out(body);
  const auto& text = schedule.text();
  const auto& totals = a.totals;
  out.begin_object().field("object", "fee_quote");
  out.key("schedule").begin_object().field("schedule_id", text.schedule_id).field("version", text.version);
  out.field("hash", schedule.content_hash()).end_object();
  out.field("event", fees::kEventWords[static_cast<std::size_t>(event.kind)]);
  out.field("business_date", format_date(event.business_date))
      .field("currency", currency_code(text.currency));
  out.field("amount_minor", event.amount_minor).field("fee_minor", totals.fee_minor);
  const bool priced = a.line_count > 0 && a.lines()[0].rule != fees::kNoRule;
  out.field_or_null("rule",
                    priced ? text.components[a.lines()[0].component].rules[a.lines()[0].rule].id : "");
  out.field("tax_minor", totals.tax_minor).field("cardholder_fee_minor", totals.cardholder_fee_minor);
  out.field("cost_minor", totals.cost_minor).field("merchant_net_minor", totals.merchant_net_minor);
  write_lines(out, schedule, a);
  out.key("explain").begin_array();
  const auto language = call.language == Language::zh ? fees::Language::zh : fees::Language::en;
  for (const auto& line : fees::explain(schedule, a, language)) out.value(line);
  out.end_array().end_object();
  return json_response(std::move(body));
}

Outcome quote(Call& call) {
  if (auto done = call.query.done(); !done) return std::unexpected(done.error());
  const auto asked = read_body(call);
  if (!asked) return std::unexpected(asked.error());
  const auto prices = call.backend.reference()->prices;
  if (prices == nullptr) return std::unexpected(no_schedule("", "no schedule was ever published"));
  const auto subject =
      asked->merchant.empty() ? of_schedule(*asked, *prices) : of_merchant(call, *asked, *prices);
  if (!subject) return std::unexpected(subject.error());
  const auto& schedule = *subject->schedule;
  fees::Event event = asked->event;
  const auto moment = schedule.moment(asked->at);
  event.business_date = moment.business_date;
  event.local_minute = moment.local_minute;
  fees::EventFacts own;
  own.facts = subject->facts;
  event.facts = asked->facts.over(std::move(own)).facts;
  std::vector<std::int64_t> numbers(schedule.text().components.size(), 0);
  for (const auto& [id, number] : asked->volumes) {
    const auto* component = schedule.component(id);
    if (component == nullptr)
      return std::unexpected(problem_of(FieldErrors{{"/volumes/" + id, "not_found", "no such component"}}));
    numbers[static_cast<std::size_t>(component - schedule.text().components.data())] = number;
  }
  fees::Assessment assessment;
  fees::assess(schedule, event, {numbers}, assessment);
  return answer(call, schedule, event, assessment);
}

}  // namespace

void add_fee_quote_routes(Router& router) {
  router.add({"POST", "/v1/fee-quotes", kViewer, {}, quote});
}

}  // namespace tollgate::admin
