#include "switch/admin/estate_export.h"

#include <map>

#include "switch/admin/json_out.h"
#include "switch/admin/record_reader.h"
#include "switch/admin/views.h"
#include "switch/base/money.h"

namespace tollgate::admin {
namespace {

constexpr std::size_t kPartSize = 64U << 10;

void put(JsonOut& out, std::string_view name, const std::string& text) {
  if (!text.empty()) out.field(name, text);
}

void write_item(JsonOut& out, const v1::Host& h) {
  out.begin_object().field("name", h.name()).field("dialect", h.dialect()).key("addresses").begin_array();
  for (const auto& a : h.addresses()) out.value(a);
  out.end_array()
      .field("links", h.links())
      .field("max_in_flight", h.max_in_flight())
      .field("timeout_ms", h.timeout_ms());
  out.field("echo_interval_s", h.echo_interval_s()).field("tls", h.tls());
  put(out, "acquirer_code", h.acquirer_code());
  out.end_object();
}

void write_item(JsonOut& out, const v1::CardRange& c) {
  out.begin_object().field("prefix", c.prefix());
  put(out, "brand", c.brand());
  put(out, "funding", c.funding());
  put(out, "region", c.region());
  put(out, "issuer", c.issuer());
  out.end_object();
}

void write_prefixes(JsonOut& out, std::string_view name,
                    const google::protobuf::RepeatedPtrField<v1::PrefixRange>& ranges) {
  if (ranges.empty()) return;
  out.key(name).begin_array();
  for (const auto& r : ranges) out.value(r.first() == r.last() ? r.first() : r.first() + "-" + r.last());
  out.end_array();
}

template <class List>
void write_texts(JsonOut& out, std::string_view name, const List& list) {
  if (list.empty()) return;
  out.key(name).begin_array();
  for (const auto& text : list) out.value(text);
  out.end_array();
}

void write_item(JsonOut& out, const v1::Route& r) {
  out.begin_object().field("name", r.name()).field("priority", r.priority()).key("match").begin_object();
  write_prefixes(out, "bin", r.bin());
  write_prefixes(out, "qr", r.qr());
  if (r.amount_min() != 0 || r.amount_max() != 0) {
    out.key("amount").begin_object();
    if (r.amount_min() != 0) out.field("min", r.amount_min());
    if (r.amount_max() != 0) out.field("max", r.amount_max());
    out.end_object();
  }
  write_texts(out, "kind", r.kinds());
  write_texts(out, "merchant", r.merchants());
  write_texts(out, "terminal", r.terminals());
  if (!r.currencies().empty()) {
    out.key("currency").begin_array();
    for (const auto c : r.currencies()) out.value(currency_code(Currency{static_cast<std::uint16_t>(c)}));
    out.end_array();
  }
  out.end_object().key("to").begin_array();
  for (const auto& t : r.to()) {
    out.begin_object().field("host", t.host());
    if (t.weight() > 1) out.field("weight", t.weight());
    out.end_object();
  }
  out.end_array().end_object();
}

void write_item(JsonOut& out, const v1::Device& d) {
  out.begin_object().field("serial_number", d.serial_number());
  put(out, "model", d.model());
  put(out, "firmware_version", d.firmware_version());
  put(out, "certified_until", d.certified_until());
  out.end_object();
}

void write_item(JsonOut& out, const v1::Merchant& m) {
  out.begin_object().field("merchant_code", m.merchant_code());
  put(out, "name", m.name());
  out.field("mcc", fmt::format("{:04}", m.mcc()));
  put(out, "region", m.region());
  put(out, "unified_credit_code", m.unified_credit_code());
  put(out, "settlement_account", m.settlement_account());
  put(out, "settlement_cycle", m.settlement_cycle());
  put(out, "sponsor", m.sponsor());
  if (m.instant()) out.field("instant", true);
  if (!m.labels().empty()) write_labels(out, m.labels());
  out.end_object();
}

void write_item(JsonOut& out, const core::TerminalView& view) {
  const auto& t = view.terminal;
  out.begin_object().field("tid", t.tid()).field("merchant_code", t.merchant_code());
  put(out, "serial_number", t.serial_number());
  put(out, "dialect", t.dialect());
  out.field("state", t.activated() ? "active" : "pending");
  if (t.has_location()) {
    const auto& l = t.location();
    out.key("location").begin_object().field("lat", l.lat()).field("lon", l.lon());
    put(out, "address", l.address());
    if (l.radius_m() != 0) out.field("radius_m", l.radius_m());
    out.end_object();
  }
  if (!t.labels().empty()) write_labels(out, t.labels());
  out.end_object();
}

template <class View>
NewestFirst<View> walk(const Backend& backend, typename NewestFirst<View>::Fetch fetch,
                       typename NewestFirst<View>::IdOf id_of) {
  return NewestFirst<View>(backend.facts().partitions, 0, std::move(fetch), std::move(id_of));
}

}  // namespace

EstateExport::EstateExport(const Backend& backend, std::set<Kind> kinds)
    : backend_(backend),
      kinds_(std::move(kinds)),
      merchants_(walk<core::MerchantView>(
          backend,
          [&backend](PartitionId p, ObjectId b, std::size_t n) { return backend.merchants(p, b, n); },
          [](const core::MerchantView& v) { return ObjectId(v.merchant.id()); })),
      terminals_(walk<core::TerminalView>(
          backend,
          [&backend](PartitionId p, ObjectId b, std::size_t n) { return backend.terminals(p, b, n); },
          [](const core::TerminalView& v) { return ObjectId(v.terminal.id()); })) {}

void EstateExport::write_reference(std::string& out) const {
  const auto reference = backend_.reference();
  JsonOut json(out);
  const auto all = [&](const auto& list) {
    for (const auto& item : list) write_item(json, item);
  };
  switch (static_cast<Kind>(at_)) {
    case Kind::hosts:
      return all(reference->hosts);
    case Kind::cards:
      return all(reference->cards);
    case Kind::routes:
      return all(reference->routes);
    case Kind::devices:
      return all(reference->devices);
    default:
      return;
  }
}

// Schedules and assignments as the journal of the house has them, the newest word on each.
Result<void> EstateExport::write_prices(std::string& out) const {
  std::map<std::pair<std::string, std::uint32_t>, std::string> schedules;
  std::map<std::string, std::string> assignments;
  storage::RecordReader records;
  Result<void> parsed;
  auto read = backend_.journal().read(kHouse, GroupNo{1}, [&](const storage::Group& group) {
    parsed = each_record(group, records, [&](const v1::Record& r) {
      if (r.has_schedule_published()) {
        const auto& s = r.schedule_published();
        schedules[{s.schedule_id(), s.version()}] = s.canonical();
      } else if (r.has_assignment_recorded()) {
        const auto& text = r.assignment_recorded().json();
        const auto parsed_json = parse_json(text);
        if (!parsed_json || !parsed_json->is_object()) return;
        const auto* id = parsed_json->get_object().if_contains("id");
        if (id != nullptr && id->is_string()) assignments[std::string(id->get_string())] = text;
      }
    });
    return parsed.has_value();
  });
  if (!read) return read;
  if (!parsed) return parsed;
  JsonOut json(out);
  if (static_cast<Kind>(at_) == Kind::fee_schedules) {
    for (const auto& [id, canonical] : schedules)
      json.begin_object().key("schedule").raw(canonical).field("publish", true).end_object();
  } else {
    for (const auto& [id, text] : assignments) json.raw(text);
  }
  return {};
}

void EstateExport::write_merchants(std::string& out) {
  while (out.size() < kPartSize) {
    const auto view = merchants_.next();
    if (!view) {
      in_kind_ = false;
      return;
    }
    if (!first_row_) out += ',';
    first_row_ = false;
    JsonOut json(out);
    write_item(json, view->merchant);
  }
}

void EstateExport::write_terminals(std::string& out) {
  while (out.size() < kPartSize) {
    const auto view = terminals_.next();
    if (!view) {
      in_kind_ = false;
      return;
    }
    if (!first_row_) out += ',';
    first_row_ = false;
    JsonOut json(out);
    write_item(json, *view);
  }
}

Result<void> EstateExport::write_kind(std::string& out) {
  const auto kind = static_cast<Kind>(at_);
  if (kind == Kind::merchants)
    write_merchants(out);
  else if (kind == Kind::terminals)
    write_terminals(out);
  else {
    in_kind_ = false;
    if (kind != Kind::fee_schedules && kind != Kind::fee_assignments)
      write_reference(out);
    else if (auto done = write_prices(out); !done)
      return done;
  }
  if (in_kind_) return {};
  out += ']';
  ++at_;
  return {};
}

Result<void> EstateExport::next(std::string& out) {
  if (ended_) return {};
  if (!begun_) out += "{\"estate\":1";
  begun_ = true;
  while (out.size() < kPartSize) {
    if (!in_kind_) {
      while (at_ < kKinds && !kinds_.contains(static_cast<Kind>(at_))) ++at_;
      if (at_ == kKinds) {
        out += '}';
        ended_ = true;
        return {};
      }
      out += ",\"" + std::string(name(static_cast<Kind>(at_))) + "\":[";
      in_kind_ = first_row_ = true;
    }
    if (auto done = write_kind(out); !done) return done;
  }
  return {};
}

}  // namespace tollgate::admin
