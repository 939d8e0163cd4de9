// What an estate document refers to, and what it lays over what is there.
#include <algorithm>

#include "switch/admin/estate_document.h"
#include "switch/admin/views.h"

namespace tollgate::admin {
namespace {

template <class Items>
void check_unique(const Items& items, FieldErrors& errors) {
  std::set<std::string> seen;
  for (const auto& item : items)
    if (!seen.insert(item.key).second)
      errors.push_back({item.pointer, "duplicate", item.key + " is in the document twice"});
}

struct Known {
  std::set<std::string, std::less<>> hosts, merchants, devices;
};

void check_hosts(const EstateDocument& d, const Known& known, FieldErrors& errors) {
  for (const auto& h : d.hosts) {
    if (known.hosts.contains(h.name)) continue;  // there already: what is absent stays
    if (!h.dialect) errors.push_back({h.pointer + "/dialect", "required", "a new host needs it"});
    if (!h.addresses) errors.push_back({h.pointer + "/addresses", "required", "a new host needs it"});
  }
  for (const auto& r : d.routes)
    for (int i = 0; i < r.route.to_size(); ++i) {
      const auto& host = r.route.to(i).host();
      const bool here = known.hosts.contains(host) ||
                        std::ranges::any_of(d.hosts, [&](const HostItem& h) { return h.name == host; });
      if (!here)
        errors.push_back(
            {r.pointer + "/to/" + std::to_string(i) + "/host", "unknown_reference", "no host " + host});
    }
}

void check_merchants(const EstateDocument& d, const Backend& backend, Known& known, FieldErrors& errors) {
  for (const auto& m : d.merchants) {
    const bool there = backend.merchant(m.merchant_code).has_value();
    known.merchants.insert(m.merchant_code);
    if (there) continue;
    if (!m.name) errors.push_back({m.pointer + "/name", "required", "a new merchant needs it"});
    if (!m.mcc) errors.push_back({m.pointer + "/mcc", "required", "a new merchant needs it"});
  }
}

void check_terminals(const EstateDocument& d, const Backend& backend, const ReferenceData& reference,
                     Known& known, FieldErrors& errors) {
  std::map<std::string, const TerminalItem*> by_serial;
  for (const auto& t : d.terminals) {
    if (!known.merchants.contains(t.merchant_code)) {
      if (backend.merchant(t.merchant_code))
        known.merchants.insert(t.merchant_code);
      else
        errors.push_back(
            {t.pointer + "/merchant_code", "unknown_reference", "no merchant " + t.merchant_code});
    }
    if (!t.serial_number) continue;
    const auto [it, fresh] = by_serial.try_emplace(*t.serial_number, &t);
    if (!fresh)
      errors.push_back({t.pointer + "/serial_number", "duplicate",
                        "the device is bound to " + it->second->key + " in this document"});
    const auto* device = device_of(reference, *t.serial_number);
    if (device == nullptr && !known.devices.contains(*t.serial_number)) {
      errors.push_back({t.pointer + "/serial_number", "unknown_reference", "no device " + *t.serial_number});
      continue;
    }
    if (device == nullptr || device->terminal() == 0) continue;
    const auto bound = backend.terminal(ObjectId(device->terminal()));
    const bool elsewhere =
        bound && (bound->terminal.tid() != t.tid || bound->terminal.merchant_code() != t.merchant_code) &&
        bound->terminal.serial_number() == *t.serial_number;
    if (elsewhere)
      errors.push_back(
          {t.pointer + "/serial_number", "duplicate",
           "the device is bound to tid:" + bound->terminal.tid() + "@" + bound->terminal.merchant_code()});
  }
}

void lay_labels(google::protobuf::Map<std::string, std::string>& into,
                const std::optional<std::map<std::string, std::string>>& labels) {
  if (!labels) return;
  into.clear();
  for (const auto& [key, value] : *labels) into[key] = value;
}

}  // namespace

bool EstateDocument::has(Kind kind) const noexcept {
  switch (kind) {
    case Kind::hosts:
      return !hosts.empty();
    case Kind::cards:
      return !cards.empty();
    case Kind::fee_schedules:
      return !fee_schedules.empty();
    case Kind::routes:
      return !routes.empty();
    case Kind::merchants:
      return !merchants.empty();
    case Kind::fee_assignments:
      return !fee_assignments.empty();
    case Kind::devices:
      return !devices.empty();
    case Kind::terminals:
      return !terminals.empty();
  }
  return false;
}

std::size_t EstateDocument::size() const noexcept {
  return hosts.size() + cards.size() + fee_schedules.size() + routes.size() + merchants.size() +
         fee_assignments.size() + devices.size() + terminals.size();
}

bool EstateDocument::has_lab_keys() const noexcept {
  return std::ranges::any_of(hosts, [](const HostItem& h) { return h.lab_zmk.has_value(); }) ||
         std::ranges::any_of(terminals, [](const TerminalItem& t) { return t.lab_tmk.has_value(); });
}

void HostItem::overlay(v1::Host& host) const {
  host.set_name(name);
  if (dialect) host.set_dialect(*dialect);
  if (addresses) host.mutable_addresses()->Assign(addresses->begin(), addresses->end());
  const auto number = [](std::optional<std::int64_t> v, std::uint32_t now, std::uint32_t fallback) {
    return v ? static_cast<std::uint32_t>(*v) : now != 0 ? now : fallback;
  };
  host.set_links(number(links, host.links(), 1));
  host.set_max_in_flight(number(max_in_flight, host.max_in_flight(), 500));
  host.set_timeout_ms(number(timeout_ms, host.timeout_ms(), 15'000));
  host.set_echo_interval_s(number(echo_interval_s, host.echo_interval_s(), 60));
  if (tls) host.set_tls(*tls);
  if (acquirer_code) host.set_acquirer_code(*acquirer_code);
}

void CardItem::overlay(v1::CardRange& card) const {
  card.set_prefix(prefix);
  if (brand) card.set_brand(*brand);
  if (funding) card.set_funding(*funding);
  if (region) card.set_region(*region);
  if (issuer) card.set_issuer(*issuer);
}

void MerchantItem::overlay(v1::Merchant& m) const {
  m.set_merchant_code(merchant_code);
  if (name) m.set_name(*name);
  if (mcc) m.set_mcc(*mcc);
  if (region) m.set_region(*region);
  if (unified_credit_code) m.set_unified_credit_code(*unified_credit_code);
  if (settlement_account) m.set_settlement_account(*settlement_account);
  if (settlement_cycle) m.set_settlement_cycle(*settlement_cycle);
  if (sponsor) m.set_sponsor(*sponsor);
  if (instant) m.set_instant(*instant);
  lay_labels(*m.mutable_labels(), labels);
}

void DeviceItem::overlay(v1::Device& d) const {
  d.set_serial_number(serial_number);
  if (model) d.set_model(*model);
  if (firmware_version) d.set_firmware_version(*firmware_version);
  if (certified_until) d.set_certified_until(*certified_until);
}

void TerminalItem::overlay(v1::Terminal& t) const {
  t.set_tid(tid);
  t.set_merchant_code(merchant_code);
  if (serial_number) t.set_serial_number(*serial_number);
  if (dialect) t.set_dialect(*dialect);
  if (location) *t.mutable_location() = *location;
  lay_labels(*t.mutable_labels(), labels);
}

FieldErrors check_estate(const EstateDocument& d, const Backend& backend) {
  FieldErrors errors;
  const auto reference = backend.reference();
  Known known;
  for (const auto& h : reference->hosts) known.hosts.insert(h.name());
  for (const auto& device : d.devices) known.devices.insert(device.serial_number);
  check_unique(d.hosts, errors);
  check_unique(d.cards, errors);
  check_unique(d.fee_schedules, errors);
  check_unique(d.routes, errors);
  check_unique(d.merchants, errors);
  check_unique(d.fee_assignments, errors);
  check_unique(d.devices, errors);
  check_unique(d.terminals, errors);
  check_hosts(d, known, errors);
  check_merchants(d, backend, known, errors);
  check_terminals(d, backend, *reference, known, errors);
  return errors;
}

}  // namespace tollgate::admin
