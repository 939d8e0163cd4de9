#include "switch/cli/fees_cases.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <set>

#include "fees/book.h"
#include "fees/fact_text.h"
#include "switch/cli/fees_case_json.h"

namespace tollgate::cli {
namespace {

namespace json = boost::json;
using namespace fees;

constexpr std::string_view kFormat = "tollgate-fee-cases/1";

// A case file that cannot be run: its own fault, told apart from a wrong result.
struct Unreadable {
  std::string what;
};
template <class T>
using Read = std::expected<T, Unreadable>;
std::unexpected<Unreadable> unreadable(std::string what) {
  return std::unexpected(Unreadable{std::move(what)});
}

std::string text_of(const json::object& from, std::string_view key) {
  const auto* value = from.if_contains(key);
  const auto* string = value == nullptr ? nullptr : value->if_string();
  return string == nullptr ? std::string() : std::string(string->data(), string->size());
}
Read<std::int64_t> number_of(const json::object& from, std::string_view key) {
  const auto* value = from.if_contains(key);
  if (value == nullptr) return 0;
  const auto* number = value->if_int64();
  if (number == nullptr) return unreadable(fmt::format("\"{}\" is not an integer", key));
  return *number;
}
Read<WallTime> instant_of(const json::object& step) {
  const auto at = parse_rfc3339(text_of(step, "at"));
  if (!at) return unreadable("\"at\" is not an instant");
  return *at;
}

Read<FactsPatch> facts_of(const json::value* value) {
  FactsPatch patch;
  if (value == nullptr) return patch;
  const auto* object = value->if_object();
  if (object == nullptr) return unreadable("facts are an object");
  for (const auto& [name, fact] : *object) {
    Result<void> done;
    if (const auto* string = fact.if_string()) {
      done = set_fact(name, std::string_view(*string), patch);
    } else if (const auto* number = fact.if_int64()) {
      done = set_fact(name, std::to_string(*number), patch);
    } else if (const auto* list = fact.if_array(); list != nullptr && name == "tags") {
      std::vector<std::string> tags;
      for (const auto& tag : *list) {
        if (!tag.is_string()) return unreadable("a tag is a string");
        tags.emplace_back(tag.get_string());
      }
      done = set_tags(tags, patch);
    } else {
      return unreadable(fmt::format("fact \"{}\" has the wrong type", std::string_view(name)));
    }
    if (!done) return unreadable(done.error().text());
  }
  return patch;
}

Read<Month> month_of(const json::object& step) {
  const auto first = parse_date(text_of(step, "month") + "-01");
  if (!first) return unreadable("\"month\" is not yyyy-mm");
  return Month::of(*first);
}
Read<Per> level_of(const json::object& step) {
  const auto text = text_of(step, "level");
  if (text == "TERMINAL") return Per::terminal;
  if (text == "MERCHANT") return Per::merchant;
  return unreadable("\"level\" is TERMINAL or MERCHANT");
}

json::object refused(const Refusal& refusal) {
  json::object out;
  out["error"] = reason_code(refusal.reason);
  return out;
}
json::object dated(BusinessDate date) {
  json::object out;
  out["business_date"] = format_date(date);
  return out;
}

// One step of a case, with what it needs of the case.
struct Step {
  const json::object& in;
  WallTime at;
  EventFacts defaults;
  FactsPatch own;
  [[nodiscard]] EventFacts who() const { return own.over(defaults); }
};
using Answer = Read<json::object>;

constexpr std::string_view kTxnEvents[] = {"sale",          "completion", "preauth", "refund",
                                           "chargeback",    "reversal",   "void",    "release",
                                           "representment", "verify",     "decline"};

Answer transaction(Book& book, const Step& step, EventType type, const std::string& id) {
  TxnEvent event;
  event.type = type;
  event.id = id;
  event.ref = text_of(step.in, "ref");
  event.at = step.at;
  event.defaults = step.defaults;
  event.own = step.own;
  const auto amount = number_of(step.in, "amount"), tip = number_of(step.in, "tip"),
             cashback = number_of(step.in, "cashback"), replacement = number_of(step.in, "replacement");
  if (!amount || !tip || !cashback || !replacement) return unreadable("an amount is not an integer");
  event.amount_minor = *amount;
  event.tip_minor = *tip;
  event.cashback_minor = *cashback;
  if (step.in.contains("replacement")) event.replacement_minor = *replacement;
  const auto result = book.apply(event);
  return result ? to_json(*result) : refused(result.error());
}

Answer publish(Book& book, const Step& step) {
  const auto* schedule = step.in.if_contains("schedule");
  if (schedule == nullptr) return unreadable("\"schedule\" is missing");
  const auto published = book.publish(json::serialize(*schedule), step.at);
  if (!published) return refused(published.error());
  json::object out;
  out["content_hash"] = (*published)->content_hash();
  return out;
}
Answer assign(Book& book, const Step& step) {
  const auto* text = step.in.if_contains("assignment");
  if (text == nullptr) return unreadable("\"assignment\" is missing");
  const auto assignment = parse_assignment(json::serialize(*text));
  if (!assignment) return refused(assignment.error());
  const auto done = book.assign(*assignment, step.at);
  return done ? json::object{} : refused(done.error());
}
Answer volume(Book& book, const Step& step) {
  const auto month = month_of(step.in);
  const auto amount = number_of(step.in, "amount");
  if (!month || !amount) return unreadable("month or amount");
  book.set_volume(step.who(), text_of(step.in, "component"), *month, *amount);
  return json::object{};
}
Answer activate(Book& book, const Step& step) {
  const auto level = level_of(step.in);
  if (!level) return std::unexpected(level.error());
  const auto date = book.activate(*level, step.who(), step.at);
  return date ? dated(*date) : refused(date.error());
}
Answer deposit(Book& book, const Step& step) {
  const auto amount = number_of(step.in, "amount");
  if (!amount) return std::unexpected(amount.error());
  const auto date = book.deposit(*amount, step.who(), step.at);
  return date ? dated(*date) : refused(date.error());
}
Answer recurring(Book& book, const Step& step) {
  const auto result = book.charge_recurring(step.who(), step.at);
  return result ? to_json(*result, false) : refused(result.error());
}
Answer close(Book& book, const Step& step) {
  const auto level = level_of(step.in);
  if (!level) return std::unexpected(level.error());
  const auto result = book.close(*level, step.who(), step.at);
  return result ? to_json(*result, true) : refused(result.error());
}
Answer recognise(Book& book, const Step& step) {
  const auto result = book.recognise(step.who(), step.at);
  return result ? to_json(*result) : refused(result.error());
}
Answer period_close(Book& book, const Step& step) {
  const auto month = month_of(step.in);
  if (!month) return std::unexpected(month.error());
  const auto result = book.close_period(*month, step.who(), step.at);
  return result ? to_json(*result, text_of(step.in, "month")) : refused(result.error());
}
Answer settle(Book& book, const Step& step) {
  const auto result = book.settle(step.who(), step.at);
  return result ? to_json(*result) : refused(result.error());
}

Answer run_step(Book& book, const Step& step, const std::string& event, const std::string& id) {
  for (std::size_t i = 0; i < std::size(kTxnEvents); ++i)
    if (event == kTxnEvents[i]) return transaction(book, step, static_cast<EventType>(i), id);
  using Do = Answer (*)(Book&, const Step&);
  static const std::map<std::string, Do> kOthers = {
      {"publish", publish},           {"assign", assign},       {"volume", volume}, {"activate", activate},
      {"deposit", deposit},           {"recurring", recurring}, {"close", close},   {"recognise", recognise},
      {"period_close", period_close}, {"settle", settle}};
  const auto found = kOthers.find(event);
  if (found == kOthers.end()) return unreadable(fmt::format("unknown event \"{}\"", event));
  return found->second(book, step);
}

const std::set<std::string_view> kStepFields = {
    "event",    "id",         "at",        "ref",   "amount", "tip",    "cashback", "replacement", "facts",
    "schedule", "assignment", "component", "month", "level",  "repeat", "expect",   "note",        "title"};

// Differences between two values, one line each.
class Differ {
 public:
  Differ(std::ostream& out, std::string at) : out_(out), at_(std::move(at)) {}
  void compare(const json::value& expected, const json::value& got, const std::string& path) {
    if (expected == got) return;
    if (expected.is_object() && got.is_object()) {
      for (const auto& [key, value] : expected.get_object()) {
        const auto* other = got.get_object().if_contains(key);
        const auto where = path + "/" + std::string(key);
        if (other == nullptr)
          say(where, json::serialize(value), "nothing");
        else
          compare(value, *other, where);
      }
      for (const auto& [key, value] : got.get_object())
        if (!expected.get_object().contains(key))
          say(path + "/" + std::string(key), "nothing", json::serialize(value));
      return;
    }
    if (expected.is_array() && got.is_array() && expected.get_array().size() == got.get_array().size()) {
      for (std::size_t i = 0; i < expected.get_array().size(); ++i)
        compare(expected.get_array()[i], got.get_array()[i], fmt::format("{}/{}", path, i));
      return;
    }
    say(path, json::serialize(expected), json::serialize(got));
  }
  void say(const std::string& path, const std::string& expected, const std::string& got) {
    same_ = false;
    out_ << fmt::format("{}{}: expected {}, got {}\n", at_, path, expected, got);
  }
  [[nodiscard]] bool same() const noexcept { return same_; }

 private:
  std::ostream& out_;
  std::string at_;
  bool same_ = true;
};

bool fault(std::ostream& out, const std::string& at, const std::string& what) {
  out << at << ": cannot be run: " << what << '\n';
  return false;
}

bool run_one_step(Book& book, const json::object& step, const EventFacts& defaults, const std::string& at,
                  std::ostream& out) {
  for (const auto& member : step)
    if (!kStepFields.contains(std::string_view(member.key())))
      return fault(out, at, fmt::format("unknown field \"{}\"", std::string_view(member.key())));
  const auto* expect = step.if_contains("expect");
  const auto time = instant_of(step);
  const auto own = facts_of(step.if_contains("facts"));
  const auto repeat = number_of(step, "repeat");
  if (expect == nullptr) return fault(out, at, "\"expect\" is missing");
  if (!time) return fault(out, at, time.error().what);
  if (!own) return fault(out, at, own.error().what);
  if (!repeat || *repeat < 0 || (step.contains("repeat") && *repeat == 0))
    return fault(out, at, "\"repeat\" is not a positive integer");
  const std::string id = text_of(step, "id");
  for (std::int64_t n = 1; n <= std::max<std::int64_t>(1, *repeat); ++n) {
    const std::string name = *repeat == 0 ? id : fmt::format("{}-{}", id, n);
    const auto got = run_step(book, {step, *time, defaults, *own}, text_of(step, "event"), name);
    if (!got) return fault(out, at, got.error().what);
    Differ differ(out, *repeat == 0 ? at : fmt::format("{} {}", at, name));
    differ.compare(*expect, *got, "");
    if (!differ.same()) return false;
  }
  return true;
}

bool run_case(const json::value& value, std::ostream& out) {
  const auto* c = value.if_object();
  if (c == nullptr) return fault(out, "case", "it is not an object");
  const std::string id = text_of(*c, "id");
  const auto facts = facts_of(c->if_contains("facts"));
  const auto* schedule = c->if_contains("schedule");
  const auto* steps = c->if_contains("steps");
  if (!facts) return fault(out, id, facts.error().what);
  if (schedule == nullptr || steps == nullptr || !steps->is_array() || steps->get_array().empty())
    return fault(out, id, "schedule or steps are missing");
  const EventFacts defaults = facts->over({});
  Book book;
  const auto first = load_schedule(json::serialize(*schedule));
  if (!first) return fault(out, id, first.error().error().text());
  const FeeSchedule& text = (*first)->text();
  if (const auto published = book.publish(json::serialize(*schedule), text.valid_from); !published)
    return fault(out, id, published.error().error().text());
  Assignment assignment;
  assignment.id = "default";
  assignment.schedule_id = text.schedule_id;
  assignment.valid_from = text.valid_from;
  if (const auto done = book.assign(assignment, text.valid_from); !done)
    return fault(out, id, done.error().error().text());
  bool good = true;
  if (const auto hash = text_of(*c, "content_hash"); hash != (*first)->content_hash()) {
    Differ(out, id).say("/content_hash", hash, (*first)->content_hash());
    good = false;
  }
  for (std::size_t i = 0; i < steps->get_array().size(); ++i) {
    const auto& step = steps->get_array()[i];
    const auto at = fmt::format("{} step {}", id, i + 1);
    if (!step.is_object()) return fault(out, at, "it is not an object");
    const auto& object = step.get_object();
    good &= run_one_step(book, object, defaults,
                         fmt::format("{} {} {}", at, text_of(object, "event"), text_of(object, "id")), out);
  }
  return good;
}

// ---- booking flows: entries that balance, and what they leave
// -------------------------------------------------

using Sub = std::pair<std::string, std::string>;

bool read_entry(const json::object& entry, const json::object& accounts, const std::string& at,
                std::map<Sub, Int128>& balances, std::ostream& out) {
  const auto* lines = entry.if_contains("lines");
  if (lines == nullptr || !lines->is_array() || lines->get_array().size() < 2)
    return fault(out, at, "an entry has two lines or more");
  Int128 debits = 0, credits = 0;
  for (const auto& value : lines->get_array()) {
    if (!value.is_object()) return fault(out, at, "a line is an object");
    const auto& line = value.get_object();
    const auto debit = number_of(line, "debit"), credit = number_of(line, "credit");
    const auto account = text_of(line, "account");
    if (!debit || !credit || !accounts.contains(account))
      return fault(out, at, "a line needs a known account, debit and credit");
    if (*debit < 0 || *credit < 0 || (*debit == 0) == (*credit == 0))
      return fault(out, at, "a line has one side above zero");
    debits += *debit;
    credits += *credit;
    balances[{account, text_of(line, "sub")}] += Int128{*debit} - *credit;
  }
  if (debits == credits) return true;
  Differ(out, at).say("/lines", "debits " + to_decimal(Balance{debits}),
                      "credits " + to_decimal(Balance{credits}));
  return false;
}

bool run_flow(const json::value& value, const json::object& accounts, std::ostream& out) {
  const auto* flow = value.if_object();
  const auto* entries = flow == nullptr ? nullptr : flow->if_contains("entries");
  const auto* ending = flow == nullptr ? nullptr : flow->if_contains("ending_balances");
  if (entries == nullptr || ending == nullptr || !entries->is_array() || entries->get_array().empty())
    return fault(out, "flow", "entries or ending_balances are missing");
  const std::string id = text_of(*flow, "id");
  std::map<Sub, Int128> balances;  // sorted by account and sub
  for (std::size_t i = 0; i < entries->get_array().size(); ++i) {
    const auto& entry = entries->get_array()[i];
    if (!entry.is_object() ||
        !read_entry(entry.get_object(), accounts, fmt::format("{} entry {}", id, i + 1), balances, out))
      return false;
  }
  json::array got;
  for (const auto& [sub, debit] : balances) {
    if (debit == 0) continue;
    const auto* account = accounts.at(sub.first).if_object();
    json::object one;
    one["account"] = sub.first;
    one["sub"] = sub.second;
    one["balance"] = static_cast<std::int64_t>(
        account != nullptr && text_of(*account, "normal") == "credit" ? -debit : debit);
    got.push_back(std::move(one));
  }
  Differ differ(out, id);
  differ.compare(*ending, got, "/ending_balances");
  return differ.same();
}

void count(bool good, CaseTotals& totals) {
  ++(good ? totals.passed : totals.failed);
}

}  // namespace

CaseTotals run_fee_cases(const std::string& text, const std::string& name, std::ostream& out) {
  CaseTotals totals;
  boost::system::error_code ec;
  const auto value = json::parse(text, ec);
  const auto* file = ec ? nullptr : value.if_object();
  if (file == nullptr || text_of(*file, "format") != kFormat) {
    count(fault(out, name, ec ? ec.message() : fmt::format("its format is not {}", kFormat)), totals);
    return totals;
  }
  const auto* cases = file->if_contains("cases");
  if (cases != nullptr && cases->is_array())
    for (const auto& one : cases->get_array()) count(run_case(one, out), totals);
  const auto* flows = file->if_contains("flows");
  const auto* accounts = file->if_contains("accounts");
  if (flows != nullptr && flows->is_array())
    for (const auto& one : flows->get_array())
      count(accounts != nullptr && accounts->is_object() ? run_flow(one, accounts->get_object(), out)
                                                         : fault(out, name, "accounts are missing"),
            totals);
  return totals;
}

}  // namespace tollgate::cli
