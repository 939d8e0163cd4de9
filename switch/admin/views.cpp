#include "switch/admin/views.h"

#include <algorithm>
#include <array>
#include <map>

namespace tollgate::admin {
namespace {

constexpr std::array<std::string_view, 6> kStates = {"pending",   "active",        "suspended",
                                                     "replacing", "deregistering", "deregistered"};

void write_registration(JsonOut& out, const core::TerminalView& view, const TerminalContext& context) {
  const auto& t = view.terminal;
  const bool merchant = context.merchant != nullptr;
  const std::string credit = merchant ? context.merchant->unified_credit_code() : "";
  const std::string account = merchant ? context.merchant->settlement_account() : "";
  out.key("registration").begin_object();
  out.field_or_null("serial_number", t.serial_number()).field("acquirer_code", context.facts->acquirer_code);
  out.field("merchant_code", t.merchant_code()).field_or_null("unified_credit_code", credit);
  out.field_or_null("settlement_account", account);
  out.key("location");
  if (t.has_location()) {
    const auto& l = t.location();
    out.begin_object().field("lat", l.lat()).field("lon", l.lon()).field("address", l.address());
    out.field("radius_m", l.radius_m()).end_object();
  } else {
    out.null();
  }
  const bool complete = !t.serial_number().empty() && !credit.empty() && !account.empty() && t.has_location();
  out.field("complete", complete).key("reported_at").null().end_object();
}

void write_device_of(JsonOut& out, const v1::Terminal& t, const v1::Device* device) {
  out.key("device");
  if (t.serial_number().empty()) {
    out.null();
    return;
  }
  out.begin_object();
  if (device != nullptr) out.field("id", format_id("dev_", ObjectId(device->id())));
  out.field("serial_number", t.serial_number());
  // What the terminal itself reported comes first; what the estate file says stands in.
  const auto first = [](const std::string& a, const std::string& b) -> const std::string& {
    return a.empty() ? b : a;
  };
  static const std::string kNone;
  out.field_or_null("model", first(t.model(), device != nullptr ? device->model() : kNone));
  out.field_or_null("firmware_version",
                    first(t.firmware_version(), device != nullptr ? device->firmware_version() : kNone));
  out.field_or_null("state", device != nullptr ? device->state() : kNone).end_object();
}

}  // namespace

std::string_view state_name(core::TerminalState state) noexcept {
  return kStates[static_cast<std::size_t>(state)];
}

std::optional<core::TerminalState> state_of(std::string_view name) noexcept {
  const auto it = std::ranges::find(kStates, name);
  if (it == kStates.end()) return std::nullopt;
  return static_cast<core::TerminalState>(it - kStates.begin());
}

Clock::Clock(std::string_view time_zone) : zone_(TimeZone::load(time_zone).value_or(TimeZone::utc())) {}

std::string Clock::text(WallTime time) const {
  return time.us == 0 ? std::string() : zone_.format(time);
}

const v1::Device* device_of(const ReferenceData& reference, std::string_view serial) noexcept {
  if (serial.empty()) return nullptr;
  const auto it = std::ranges::lower_bound(
      reference.devices, serial, {}, [](const v1::Device& d) { return std::string_view(d.serial_number()); });
  return it == reference.devices.end() || it->serial_number() != serial ? nullptr : &*it;
}

void write_hold(JsonOut& out, const core::HoldView& hold, const Clock& clock) {
  out.begin_object()
      .field("id", format_id("hold_", hold.id))
      .field("scope", hold.scope)
      .field("reason", hold.reason);
  out.field_or_null("note", hold.note).field_or_null("evidence", hold.evidence);
  out.field_or_null("since", clock.text(hold.since)).field_or_null("until", clock.text(hold.until));
  out.field("by", hold.by).key("operation").null().end_object();
}

void write_holds(JsonOut& out, std::string_view name, const std::vector<core::HoldView>& holds,
                 std::string_view time_zone) {
  const Clock clock(time_zone);
  out.key(name).begin_array();
  for (const auto& h : holds) write_hold(out, h, clock);
  out.end_array();
}

void write_labels(JsonOut& out, const google::protobuf::Map<std::string, std::string>& labels) {
  const std::map<std::string_view, std::string_view> sorted(labels.begin(),
                                                            labels.end());  // protobuf's order is chance
  out.key("labels").begin_object();
  for (const auto& [key, value] : sorted) out.field(key, value);
  out.end_object();
}

void write_terminal(JsonOut& out, const core::TerminalView& view, const TerminalContext& context,
                    const Clock& clock) {
  const auto& t = view.terminal;
  out.begin_object().field("id", format_id("term_", ObjectId(t.id()))).field("object", "terminal");
  out.field("version", t.version()).field("tid", t.tid());
  out.key("merchant");
  if (view.merchant)
    out.value(format_id("mer_", view.merchant));
  else
    out.null();
  out.field("merchant_code", t.merchant_code()).field("state", state_name(view.state));
  out.field_or_null("state_since", clock.text({t.state_since_us()}));
  out.key("accepts")
      .begin_object()
      .field("financial", view.accepts.financial)
      .field("reversal", view.accepts.reversal);
  out.field("advice", view.accepts.advice).field("batch_upload", view.accepts.batch_upload);
  out.field("management", view.accepts.management).end_object();
  out.key("holds").begin_array();
  for (const auto& h : view.holds) write_hold(out, h, clock);
  out.end_array();
  write_registration(out, view, context);
  write_device_of(out, t, context.device);
  out.key("keys").begin_object().field("scheme", "mk_sk").key("tmk");
  if (t.tmk_kcv().empty())
    out.null();
  else
    out.begin_object().field("generation", t.tmk_generation()).field("kcv", t.tmk_kcv()).end_object();
  out.field("working_key_generation", view.key_generation)
      .field_or_null("signed_on_at", clock.text(view.signed_on_at))
      .end_object();
  out.key("batch")
      .begin_object()
      .field("no", fmt::format("{:06}", view.batch))
      .field("open_count", view.batch_count);
  out.field("total_minor", std::to_string(view.batch_total_minor)).field("currency", "CNY").end_object();
  out.field_or_null("last_seen_at", clock.text(view.last_seen_at));
  out.field_or_null("last_transaction_at", clock.text(view.last_transaction_at));
  static const std::string kNone;
  out.field_or_null("region", context.merchant != nullptr ? context.merchant->region() : kNone);
  out.field_or_null("sponsor", context.merchant != nullptr ? context.merchant->sponsor() : kNone);
  out.field_or_null("dialect", t.dialect());
  write_labels(out, t.labels());
  out.key("pending_operation").null().key("allowed_actions").begin_array();
  for (const auto& a : view.allowed_actions) out.value(a);
  out.end_array().end_object();
}

void write_merchant(JsonOut& out, const core::MerchantView& view, const Clock& clock) {
  const auto& m = view.merchant;
  out.begin_object()
      .field("id", format_id("mer_", ObjectId(m.id())))
      .field("object", "merchant")
      .field("version", m.version());
  out.field("merchant_code", m.merchant_code()).field("name", m.name());
  out.field("state", m.closed() ? "closed" : view.suspended ? "suspended" : "active");
  out.key("holds").begin_array();
  for (const auto& h : view.holds) write_hold(out, h, clock);
  out.end_array();
  out.field("mcc", fmt::format("{:04}", m.mcc())).field_or_null("region", m.region());
  out.field_or_null("unified_credit_code", m.unified_credit_code())
      .field_or_null("settlement_account", m.settlement_account());
  out.field_or_null("settlement_cycle", m.settlement_cycle())
      .field_or_null("sponsor", m.sponsor())
      .field("instant", m.instant());
  out.field("terminals", view.terminals);
  write_labels(out, m.labels());
  out.key("allowed_actions").begin_array();
  if (!m.closed()) out.value("suspend");
  if (view.suspended) out.value("activate");
  out.end_array().end_object();
}

void write_host(JsonOut& out, const HostStatus& s, const v1::Host* host) {
  const auto us = [](Duration d) { return d / std::chrono::microseconds(1); };
  out.begin_object().field("object", "host").field("name", s.name);
  if (host != nullptr) {
    out.field("version", host->version()).field("dialect", host->dialect()).key("addresses").begin_array();
    for (const auto& a : host->addresses()) out.value(a);
    out.end_array().field("timeout_ms", host->timeout_ms()).field("tls", host->tls());
  }
  out.field("state", s.state)
      .key("links")
      .begin_object()
      .field("up", s.links_up)
      .field("configured", s.links)
      .end_object();
  out.field("in_flight", s.in_flight).field("max_in_flight", s.max_in_flight);
  out.field("sent", s.sent).field("answered", s.answered).field("approved", s.approved);
  out.field("timeouts", s.timeouts).field("late", s.late);
  const auto ppm = s.answered == 0 ? 0 : s.approved * 1'000'000 / s.answered;
  out.field("approved_ppm", ppm).field("p50_us", us(s.p50)).field("p99_us", us(s.p99));
  out.key("last_echo_age_ms");
  if (s.last_echo_age.count() > 0)
    out.value(s.last_echo_age / std::chrono::milliseconds(1));
  else
    out.null();
  out.key("keys");
  if (host != nullptr && !host->zmk_kcv().empty())
    out.begin_object().key("zmk").begin_object().field("kcv", host->zmk_kcv()).end_object().end_object();
  else
    out.null();
  out.end_object();
}

}  // namespace tollgate::admin
