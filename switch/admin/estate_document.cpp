// Reading: one function per kind.
#include "switch/admin/estate_document.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "fees/schedule.h"
#include "switch/admin/http_server.h"
#include "switch/base/money.h"
#include "switch/crypto/lab.h"
#include "switch/iso/kind.h"

namespace tollgate::admin {
namespace {

constexpr std::array<std::string_view, kKinds> kNames = {
    "hosts", "cards", "fee_schedules", "routes", "merchants", "fee_assignments", "devices", "terminals"};
constexpr std::array<std::string_view, kKinds> kSingular = {
    "host", "card", "fee_schedule", "route", "merchant", "fee_assignment", "device", "terminal"};
constexpr std::size_t kObjectsMax = 200'000;

bool is_upper_code(char c) {
  return is_digit_char(c) || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_upper_alnum(char c) {
  return is_digit_char(c) || (c >= 'A' && c <= 'Z');
}
bool is_word(char c) {
  return is_key_char(c) || (c >= 'A' && c <= 'Z');
}
bool is_decimal(char c) {
  return is_digit_char(c) || c == '.' || c == '-';
}

constexpr TextRule kMerchantCode{15, 15, is_code_char};
constexpr TextRule kTid{8, 8, is_code_char};
constexpr TextRule kSerial{1, 32, is_code_char};

struct Reading {
  const Facts& facts;
  FieldErrors& errors;
  EstateDocument& document;
};

void read_common(Binder& o, Item& item) {
  item.pointer = o.pointer();
  if (const auto version = o.integer("version", 0, INT64_MAX))
    item.version = static_cast<std::uint64_t>(*version);
}

// A published test key: 32 hexadecimal digits that make a TMK or zone key.
std::optional<Bytes> read_lab_key(Binder& o, std::string_view name) {
  const auto* keys = o.object("lab_keys");
  if (keys == nullptr) return std::nullopt;
  Binder k(*keys, o.pointer("lab_keys"), o.errors());
  const auto text = k.text(name, {32, 32});
  k.done();
  if (!text) return std::nullopt;
  auto bytes = from_hex(*text);
  if (!bytes || !crypto::import_clear_tmk(*bytes)) {
    k.error(name, "invalid_value", "not a key of 16 bytes in hexadecimal digits");
    return std::nullopt;
  }
  return bytes;
}

// Outside lab an address is written as an IP address, and not one of this machine or link: names are resolved
// too late to be checked, and other spellings of 127.0.0.1 are how such lists are passed by.
void check_address(Binder& o, std::size_t index, const std::string& address, const Facts& facts) {
  const auto complain = [&](std::string detail) {
    o.errors().push_back({o.pointer("addresses", index), "invalid_address", std::move(detail)});
  };
  const auto parts = http::split_address(address);
  if (!parts || parts->port == 0) return complain("an address and a port are expected: 192.0.2.1:9583");
  if (facts.lab()) return;
  in_addr v4{};
  in6_addr v6{};
  if (inet_pton(AF_INET, parts->host.c_str(), &v4) == 1) {
    const auto ip = ntohl(v4.s_addr);
    if (ip >> 24 == 127 || ip >> 16 == 0xA9FE || ip >> 24 == 0 || ip >> 28 >= 14)
      complain("loopback, link-local, multicast and unspecified addresses are refused");
  } else if (inet_pton(AF_INET6, parts->host.c_str(), &v6) == 1) {
    if (IN6_IS_ADDR_LOOPBACK(&v6) || IN6_IS_ADDR_LINKLOCAL(&v6) || IN6_IS_ADDR_UNSPECIFIED(&v6) ||
        IN6_IS_ADDR_MULTICAST(&v6) || IN6_IS_ADDR_V4MAPPED(&v6) || IN6_IS_ADDR_V4COMPAT(&v6))
      complain("loopback, link-local, mapped, multicast and unspecified addresses are refused");
  } else {
    complain("an IP address is expected");
  }
}

void read_host(Binder& o, Reading& r) {
  HostItem item;
  read_common(o, item);
  item.key = item.name = o.need_text("name", kNameRule);
  item.dialect = o.text("dialect", kNameRule);
  if (item.dialect && std::ranges::find(r.facts.dialects, *item.dialect) == r.facts.dialects.end())
    o.error("dialect", "unknown_reference", "no such dialect");
  if (o.has("addresses")) {
    item.addresses = o.texts("addresses", 16, {3, 128});
    for (std::size_t i = 0; i < item.addresses->size(); ++i)
      check_address(o, i, (*item.addresses)[i], r.facts);
    if (item.addresses->empty()) o.error("addresses", "invalid_length", "at least one");
  }
  item.links = o.integer("links", 1, 64);
  item.max_in_flight = o.integer("max_in_flight", 1, 100'000);
  item.timeout_ms = o.integer("timeout_ms", 100, 300'000);
  item.echo_interval_s = o.integer("echo_interval_s", 0, 86'400);
  item.tls = o.flag("tls");
  if (item.tls.value_or(false)) o.error("tls", "not_supported", "TLS towards hosts is not in this release");
  item.acquirer_code = o.text("acquirer_code", {1, 11, is_digit_char});
  item.lab_zmk = read_lab_key(o, "zmk");
  r.document.hosts.push_back(std::move(item));
}

void read_card(Binder& o, Reading& r) {
  CardItem item;
  read_common(o, item);
  item.key = item.prefix = o.need_text("prefix", {1, 12, is_digit_char});
  item.brand = o.text("brand", {1, 32, is_upper_code});
  item.funding = o.one_of("funding", {"DEBIT", "CREDIT", "PREPAID"});
  item.region = o.one_of("region", {"DOMESTIC", "INTRA", "INTER"});
  item.issuer = o.text("issuer", {1, 32, is_word});
  r.document.cards.push_back(std::move(item));
}

// "62", or "10-15": both ends have the same number of digits.
void read_prefixes(Binder& match, std::string_view name,
                   google::protobuf::RepeatedPtrField<v1::PrefixRange>& into) {
  const auto all = match.texts(name, 1000, {1, 40});
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto dash = all[i].find('-');
    const auto first = all[i].substr(0, dash);
    const auto last = dash == std::string::npos ? first : all[i].substr(dash + 1);
    const bool digits = !first.empty() && std::ranges::all_of(first + last, is_digit_char);
    if (!digits || first.size() != last.size() || last < first) {
      match.errors().push_back(
          {match.pointer(name, i), "invalid_value", "a prefix of digits, or a range of equally long ones"});
      continue;
    }
    auto* range = into.Add();
    range->set_first(first);
    range->set_last(last);
  }
}

void read_match(Binder& o, v1::Route& route) {
  const auto* value = o.object("match");
  if (value == nullptr) return;
  Binder m(*value, o.pointer("match"), o.errors());
  read_prefixes(m, "bin", *route.mutable_bin());
  read_prefixes(m, "qr", *route.mutable_qr());
  if (const auto* amount = m.object("amount")) {
    Binder a(*amount, m.pointer("amount"), o.errors());
    route.set_amount_min(a.integer("min", 0, kAmountMax).value_or(0));
    route.set_amount_max(a.integer("max", 1, kAmountMax).value_or(0));
    if (route.amount_max() != 0 && route.amount_max() < route.amount_min())
      a.error("max", "out_of_range", "it lies below min");
    a.done();
  }
  const auto kinds = m.texts("kind", 64, {1, 32});
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (!iso::kind_of(kinds[i]))
      o.errors().push_back({m.pointer("kind", i), "invalid_value", "no such kind of transaction"});
    route.add_kinds(kinds[i]);
  }
  for (const auto& code : m.texts("merchant", 1000, kMerchantCode)) route.add_merchants(code);
  for (const auto& tid : m.texts("terminal", 1000, kTid)) route.add_terminals(tid);
  const auto currencies = m.texts("currency", 64, {3, 3});
  for (std::size_t i = 0; i < currencies.size(); ++i) {
    const auto currency = currency_of(currencies[i]);
    if (!currency)
      o.errors().push_back({m.pointer("currency", i), "invalid_value", "no such currency"});
    else
      route.add_currencies(currency->number);
  }
  m.done();
}

void read_route(Binder& o, Reading& r) {
  RouteItem item;
  read_common(o, item);
  item.key = o.need_text("name", kNameRule);
  item.route.set_name(item.key);
  item.route.set_priority(static_cast<std::uint32_t>(o.need_integer("priority", 0, 1'000'000)));
  read_match(o, item.route);
  const auto* to = o.array("to", 8);
  if (to == nullptr || to->empty()) o.error("to", "required", "at least one host");
  for (std::size_t i = 0; to != nullptr && i < to->size(); ++i) {
    Binder t((*to)[i], o.pointer("to", i), r.errors);
    auto* target = item.route.add_to();
    target->set_host(t.need_text("host", kNameRule));
    target->set_weight(static_cast<std::uint32_t>(t.integer("weight", 1, 1000).value_or(1)));
    t.done();
  }
  r.document.routes.push_back(std::move(item));
}

void read_schedule(Binder& o, Reading& r) {
  ScheduleItem item;
  read_common(o, item);
  item.file = o.text("file", {1, 256}).value_or("");
  item.publish = o.flag("publish").value_or(false);
  const auto* schedule = o.object("schedule");
  if (schedule == nullptr) {
    o.error("schedule", "required",
            item.file.empty() ? "it is missing"
                              : "the client puts the content of file here; `tollgate apply` does");
    return;
  }
  item.json = json::serialize(*schedule);
  if (const auto loaded = fees::load_schedule(item.json); loaded) {
    item.key = (*loaded)->label();
    item.schedule_id = (*loaded)->text().schedule_id;
  } else {
    const auto& refusal = loaded.error();
    r.errors.push_back({o.pointer("schedule") + refusal.where, std::string(fees::reason_code(refusal.reason)),
                        (item.file.empty() ? "" : item.file + ": ") + refusal.what});
  }
  item.override_reason = o.text("override", {1, 512}).value_or("");
  if (!item.publish && !item.override_reason.empty())
    o.error("override", "invalid_value", "a draft is overridden when it is published");
  r.document.fee_schedules.push_back(std::move(item));
}

void read_merchant(Binder& o, Reading& r) {
  MerchantItem item;
  read_common(o, item);
  item.merchant_code = o.need_text("merchant_code", kMerchantCode);
  item.key = "mc:" + item.merchant_code;
  item.name = o.text("name", {1, 128});
  if (const auto mcc = o.text("mcc", {4, 4, is_digit_char})) {
    std::uint32_t n = 0;
    std::from_chars(mcc->data(), mcc->data() + 4, n);
    item.mcc = n;
  }
  item.region = o.text("region", {2, 9, is_digit_char});
  item.unified_credit_code = o.text("unified_credit_code", {15, 18, is_upper_alnum});
  item.settlement_account = o.text("settlement_account", {1, 64, is_word});
  item.settlement_cycle = o.text("settlement_cycle", {2, 3, is_upper_alnum});
  item.sponsor = o.text("sponsor", {1, 64, is_word});
  item.instant = o.flag("instant");
  item.labels = o.labels("labels");
  r.document.merchants.push_back(std::move(item));
}

void read_device(Binder& o, Reading& r) {
  DeviceItem item;
  read_common(o, item);
  item.serial_number = o.need_text("serial_number", kSerial);
  item.key = "sn:" + item.serial_number;
  item.model = o.text("model", {1, 32, is_word});
  item.firmware_version = o.text("firmware_version", {1, 32, is_word});
  item.certified_until = o.text("certified_until", {10, 10});
  if (item.certified_until && !parse_date(*item.certified_until))
    o.error("certified_until", "invalid_date", "a date is expected: 2029-12-31");
  r.document.devices.push_back(std::move(item));
}

std::optional<v1::Location> read_location(Binder& o) {
  const auto* value = o.object("location");
  if (value == nullptr) return std::nullopt;
  Binder l(*value, o.pointer("location"), o.errors());
  v1::Location location;
  location.set_lat(l.need_text("lat", {1, 12, is_decimal}));
  location.set_lon(l.need_text("lon", {1, 12, is_decimal}));
  location.set_address(l.text("address", {1, 256}).value_or(""));
  location.set_radius_m(static_cast<std::uint32_t>(l.integer("radius_m", 1, 100'000).value_or(500)));
  l.done();
  return location;
}

void read_terminal(Binder& o, Reading& r) {
  TerminalItem item;
  read_common(o, item);
  item.tid = o.need_text("tid", kTid);
  item.merchant_code = o.need_text("merchant_code", kMerchantCode);
  item.key = "tid:" + item.tid + "@" + item.merchant_code;
  item.serial_number = o.text("serial_number", kSerial);
  item.dialect = o.text("dialect", kNameRule);
  if (item.dialect && std::ranges::find(r.facts.dialects, *item.dialect) == r.facts.dialects.end())
    o.error("dialect", "unknown_reference", "no such dialect");
  if (const auto state = o.one_of("state", {"pending", "active"})) item.active = *state == "active";
  item.location = read_location(o);
  item.labels = o.labels("labels");
  item.lab_tmk = read_lab_key(o, "tmk");
  if (o.has("tmk_block")) o.error("tmk_block", "not_supported", "TR-31 blocks are not in this release");
  r.document.terminals.push_back(std::move(item));
}

void read_assignment(const json::value& value, std::string pointer, Reading& r) {
  AssignmentItem item;
  item.pointer = std::move(pointer);
  if (!value.is_object()) {
    r.errors.push_back({item.pointer, "invalid_type", "an object is expected"});
    return;
  }
  auto text = value.get_object();
  text.erase("kind");
  const auto parsed = fees::parse_assignment(json::serialize(text));
  if (!parsed) {
    r.errors.push_back({item.pointer + parsed.error().where,
                        std::string(fees::reason_code(parsed.error().reason)), parsed.error().what});
    return;
  }
  item.json = fees::assignment_json(*parsed);
  item.key = parsed->id;
  item.schedule_id = parsed->schedule_id;
  r.document.fee_assignments.push_back(std::move(item));
}

void read_item(Kind kind, const json::value& value, std::string pointer, bool with_kind, Reading& r) {
  if (kind == Kind::fee_assignments)
    return read_assignment(value, std::move(pointer), r);  // fees knows its members
  Binder o(value, std::move(pointer), r.errors);
  if (with_kind) static_cast<void>(o.has("kind"));
  switch (kind) {
    case Kind::hosts:
      read_host(o, r);
      break;
    case Kind::cards:
      read_card(o, r);
      break;
    case Kind::fee_schedules:
      read_schedule(o, r);
      break;
    case Kind::routes:
      read_route(o, r);
      break;
    case Kind::merchants:
      read_merchant(o, r);
      break;
    case Kind::devices:
      read_device(o, r);
      break;
    case Kind::terminals:
      read_terminal(o, r);
      break;
    case Kind::fee_assignments:
      break;
  }
  o.done();
}

std::expected<void, Problem> read_whole(std::string_view text, Reading& r) {
  const auto parsed = parse_json(text);
  if (!parsed) return std::unexpected(parsed.error());
  Binder root(*parsed, "", r.errors);
  static_cast<void>(root.need_integer("estate", 1, 1));
  for (const auto* later : {"calendars", "firmware_policies"})
    if (root.has(later)) root.error(later, "not_supported", "not in this release");
  for (std::size_t k = 0; k < kKinds; ++k)
    if (const auto* list = root.array(kNames[k], kObjectsMax))
      for (std::size_t i = 0; i < list->size(); ++i)
        read_item(static_cast<Kind>(k), (*list)[i], root.pointer(kNames[k], i), false, r);
  root.done();
  return {};
}

std::expected<void, Problem> read_lines(std::string_view text, Reading& r) {
  for (std::size_t line = 0; !text.empty(); ++line) {
    const auto feed = text.find('\n');
    const auto one = text.substr(0, feed);
    text = feed == std::string_view::npos ? std::string_view() : text.substr(feed + 1);
    if (one.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (line >= kObjectsMax) return refuse("body_too_large", "too many lines");
    auto parsed = parse_json(one);
    const auto pointer = "/" + std::to_string(line);
    if (!parsed) {
      parsed.error().detail = "line " + std::to_string(line + 1) + ": " + parsed.error().detail;
      return std::unexpected(parsed.error());
    }
    const auto* object = parsed->if_object();
    if (object != nullptr && object->contains("estate"))
      continue;  // a first line that says which format this is
    const auto* kind = object == nullptr ? nullptr : object->if_contains("kind");
    const auto known =
        kind != nullptr && kind->is_string() ? kind_of(std::string_view(kind->get_string())) : std::nullopt;
    if (!known)
      r.errors.push_back({pointer + "/kind", "invalid_value", "each line names its kind: host, terminal …"});
    else
      read_item(*known, *parsed, pointer, true, r);
  }
  return {};
}

}  // namespace

std::string_view name(Kind kind) noexcept {
  return kNames[static_cast<std::size_t>(kind)];
}
std::string_view singular(Kind kind) noexcept {
  return kSingular[static_cast<std::size_t>(kind)];
}

std::optional<Kind> kind_of(std::string_view text) noexcept {
  for (std::size_t k = 0; k < kKinds; ++k)
    if (kNames[k] == text || kSingular[k] == text) return static_cast<Kind>(k);
  return std::nullopt;
}

std::expected<EstateDocument, Problem> read_estate(std::string_view text, bool lines, const Facts& facts) {
  EstateDocument document;
  FieldErrors errors;
  Reading reading{facts, errors, document};
  const auto read = lines ? read_lines(text, reading) : read_whole(text, reading);
  if (!read) return std::unexpected(read.error());
  if (!errors.empty()) return std::unexpected(problem_of(std::move(errors)));
  return document;
}

}  // namespace tollgate::admin
