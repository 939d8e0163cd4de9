// What a message that passed the gate asks for. Checks in the order of the cup dialect, section 9: amount, original, card;
// then the route, and the PIN for the host that it leads to; then the intent.
#include <fmt/format.h>

#include <algorithm>

#include "switch/base/check.h"
#include "switch/core/host_request.h"
#include "switch/core/partition.h"
#include "switch/iso/private_fields.h"

namespace tollgate::core {
namespace {

// First digits of a payer's code (cup dialect, section 14). Empty: no wallet of ours.
std::string_view wallet_of(std::string_view code) noexcept {
  if (code.size() < 2) return {};
  const int prefix = (code[0] - '0') * 10 + (code[1] - '0');
  if (prefix == 62 && code.size() == 19) return "UNIONPAY";
  if (prefix >= 10 && prefix <= 15 && code.size() == 18) return "WECHAT";
  if (prefix >= 25 && prefix <= 30 && code.size() >= 16 && code.size() <= 24) return "ALIPAY";
  return {};
}

fees::Channel channel_of(std::uint32_t entry_mode, bool qr) noexcept {
  if (qr) return fees::Channel::qr_customer_presented;
  switch (entry_mode / 10) {  // first two digits (cup dialect, section 3)
    case 1: return fees::Channel::manual;
    case 2: case 90: return fees::Channel::magstripe;
    case 3: return fees::Channel::qr_customer_presented;
    case 5: case 95: return fees::Channel::contact;
    case 7: case 91: case 96: case 98: return fees::Channel::contactless;
    default: return fees::Channel::absent;
  }
}

fees::Code code_of(std::string_view text) noexcept { return fees::Code::of(text).value_or(fees::Code{}); }

}  // namespace

void Partition::decide(Incoming& m) {
  switch (m.rules->kind) {
    case iso::Kind::reversal: return decide_reversal(m);
    case iso::Kind::sign_in: return decide_sign_in(m);
    case iso::Kind::sign_out: return decide_sign_out(m);
    case iso::Kind::echo: return decide_served(m);
    default: return decide_upstream(m);
  }
}

std::string_view Partition::check_amount(const Incoming& m) const {
  if (!m.rules->amount) return {};
  const auto field = m.in.message.number(4);
  return field && *field > 0 ? std::string_view{} : "13";
}

std::string_view Partition::check_original(Incoming& m) {
  if (!m.rules->original) return {};
  const auto field = iso::field_61(m.in.message);
  if (!field) return "30";
  const auto key = TxnTable::key_of(m.terminal, field->batch, field->stan);
  const auto index = txns_.find_original(key);
  if (index == kNoTxn || &txns_[index] == txns_.leaving()) return "25";  // the void itself would push it out
  const auto& original = txns_[index];
  if (rules_of(original.kind).effect != Effect::sale || !original.approved) return "25";
  if (const auto rrn = m.in.message.number(37); rrn && *rrn != original.rrn) return "25";
  if (original.voided || original.resolving || original.state != TxnState::completed) return "12";
  if (original.amount_minor != m.amount_minor) return "64";
  m.original = index;
  return {};
}

std::string_view Partition::check_card(Incoming& m) {
  const auto& reference = *w_.reference;
  if (m.original != kNoTxn && m.rules->qr) return {};  // routed as its original was
  if (m.rules->qr) {
    const auto code = iso::text_tlv(m.in.message, 59, "A3");
    if (!code || code->size() > m.wallet_store.size()) return "30";
    std::copy(code->begin(), code->end(), m.wallet_store.begin());
    m.wallet = {m.wallet_store.data(), code->size()};
    m.brand = wallet_of(m.wallet);
    return m.brand.empty() ? "14" : "";
  }
  if (m.pan.empty()) return "14";
  m.card = reference.card(m.pan);
  if (m.card == nullptr) return "14";
  m.brand = m.card->brand;
  return {};
}

// Finds a route and takes a place on a link of one of its hosts.
std::string_view Partition::find_route(Incoming& m, std::uint32_t slot) {
  const auto& reference = *w_.reference;
  const auto& terminal = *terminals_[m.terminal];
  RouteQuery query;
  query.pan = m.pan;
  query.qr = m.wallet;
  query.amount_minor = m.amount_minor;
  query.kind = iso::name(m.rules->kind);
  query.merchant_code = terminal.merchant_code.view();
  query.tid = terminal.tid.view();
  query.currency = m.currency;
  std::array<std::uint16_t, 8> hosts;
  std::size_t count = 0;
  if (m.original != kNoTxn) {  // the host that approved it undoes it
    if (const auto host = reference.host_index(hosts_[txns_[m.original].host])) hosts[count++] = *host;
    m.route = "original";
  } else {
    const auto match = reference.route(query, turn_++, hosts);
    count = match.hosts;
    if (match.route != nullptr) m.route = match.route->name();
  }
  const Waiter waiter{position_, false, slot, slots_[slot].generation, m.id};
  for (std::size_t i = 0; i < count; ++i) {
    if (auto passage = w_.links.reserve(hosts[i], waiter, terminal.tid.view(), w_.now)) {
      m.host = hosts[i];
      m.passage = *passage;
      return {};
    }
  }
  return count == 0 ? "92" : "91";
}

void Partition::decide_upstream(Incoming& m) {
  if (const auto code = check_amount(m); !code.empty()) return refuse(m, code, true);
  if (const auto code = check_original(m); !code.empty()) return refuse(m, code, true);
  if (const auto code = check_card(m); !code.empty()) return refuse(m, code, true);
  const bool full = slots_.full(m.in.connection) || !txns_.has_room() || owed_.size() >= w_.config.reversals_owed_max;
  if (full || w_.draining || w_.storage_full) return refuse(m, "96", false);
  const auto& terminal = *terminals_[m.terminal];
  const auto& merchant = merchants_[terminal.merchant]->merchant;
  if (m.rules->effect == Effect::sale) {
    m.schedule = w_.reference->prices().resolve_shared(w_.now.wall, {terminal.tid.view(), terminal.merchant_code.view(), merchant.sponsor()});
    if (m.schedule == nullptr) return refuse(m, "96", false);
  }
  const auto slot = slots_.take(m.in.connection);
  m.id = take_id();
  if (const auto code = find_route(m, slot); !code.empty()) {
    slots_.release(slot);
    return refuse(m, code, false);
  }
  if (const auto code = write_request(m); !code.empty()) {
    w_.links.release(m.passage.place);
    slots_.release(slot);
    return refuse(m, code, true);
  }
  open_intent(m, slot);
}

// What will go to the host once its intent is durable: written now, while all that it is made of is at hand.
std::string_view Partition::write_request(Incoming& m) {
  const auto& message = m.in.message;
  const auto& terminal = *terminals_[m.terminal];
  crypto::PinBlock pin;
  const bool has_pin = message.has(52);
  if (has_pin) {
    const auto& zone_key = w_.reference->hosts()[m.host].zone_key;
    if (zone_key == nullptr || terminal.keys == nullptr) return "99";
    std::array<char, 16> control;
    const bool with_pan = message.value(53, control).starts_with('2');
    const auto format = with_pan ? crypto::PinFormat::with_pan : crypto::PinFormat::without_pan;
    auto translated = crypto::pin_translate(
        {.from = terminal.keys->pin, .from_format = format, .to = *zone_key, .block = message.raw(52), .pan = m.pan});
    if (!translated) return "99";
    pin = std::move(*translated);
  }
  const auto original = m.original != kNoTxn ? original_data(txns_[m.original], w_.config.acquirer_code) : std::string();
  build_request({.request = message, .rules = *m.rules, .rrn = take_rrn(), .local = local_time(), .pan = m.pan, .acquirer = w_.config.acquirer_code,
                 .merchant_category = merchants_[terminal.merchant]->category.view(), .pin = has_pin ? &pin : nullptr, .original_data = original},
                scratch_.builder);
  const auto room = gathering_.room_for_frame();
  const auto frame = w_.links.encode(m.passage, scratch_.builder, room);
  if (!frame) {  // the host's dialect cannot carry it
    wipe(room.data(), room.size());
    return "30";
  }
  m.request = *frame;
  return {};
}

// What the schedule looks at, as it is when the terminal asks.
fees::Facts Partition::fee_facts(const Incoming& m, bool instant) const {
  const auto& merchant = merchants_[terminals_[m.terminal]->merchant]->merchant;
  fees::Facts facts;
  facts.channel = channel_of(static_cast<std::uint32_t>(m.in.message.number(22).value_or(0)), m.rules->qr);
  facts.currency = Currency{m.currency};
  facts.mcc = static_cast<std::int32_t>(merchant.mcc());
  facts.settlement = instant ? fees::Settlement::instant : merchant.settlement_cycle() == "D0" ? fees::Settlement::d0 : fees::Settlement::t1;
  facts.brand = code_of(m.brand);
  if (m.card != nullptr) {
    const auto& card = *m.card;
    facts.funding = card.funding == "DEBIT" ? fees::Funding::debit : card.funding == "CREDIT" ? fees::Funding::credit
                    : card.funding == "PREPAID" ? fees::Funding::prepaid : fees::Funding::absent;
    facts.region = card.region == "DOMESTIC" ? fees::Region::domestic : card.region == "INTRA" ? fees::Region::intra
                   : card.region == "INTER" ? fees::Region::inter : fees::Region::absent;
  }
  return facts;
}

void Partition::open_intent(Incoming& m, std::uint32_t slot_index) {
  auto& slot = slots_[slot_index];
  const auto& terminal = *terminals_[m.terminal];
  const auto id = m.id;
  IntentFacts intent;
  intent.txn = id;
  intent.request = request_facts(m);
  if (m.rules->kind == iso::Kind::sale && merchants_[terminal.merchant]->merchant.instant()) intent.request.instant = true;
  intent.routing = {.host = w_.reference->hosts()[m.host].host.name(),
                    .link = m.passage.place.link.value,
                    .stan = m.passage.place.stan,
                    .transmitted = m.passage.transmitted.view(),
                    .route = m.route};
  intent.rrn = take_rrn();
  intent.business_date = today();
  intent.local = local_time();
  if (m.schedule != nullptr) intent.schedule_hash = as_text(m.schedule->digest());
  record(10, intent);

  slot.txn = txns_.newest();
  TG_CHECK(txns_[slot.txn].id == id);
  txns_[slot.txn].slot = slot_index;
  slot.terminal = m.terminal;
  slot.listener = m.in.listener_index;
  slot.row = m.row;
  slot.received = w_.now.instant;
  slot.place = m.passage.place;
  const auto frame = m.in.message.frame();
  slot.frame.assign(frame.begin(), frame.end());
  slot.message = m.in.message;
  slot.message.rebase(slot.frame);
  slot.pan.reveal().assign(as_bytes(m.pan));
  if (m.schedule != nullptr) slot.facts = fee_facts(m, intent.request.instant);
  slot.schedule = std::move(m.schedule);
  if (!m.pan.empty()) {
    SecretPan pan;
    pan.reveal().assign(as_bytes(m.pan));
    gathering_.pans.push_back({id, std::move(pan)});
  }
  After after;
  after.kind = After::Kind::send_request;
  after.place = m.passage.place;
  gathering_.add_frame(after, m.request);
}

// The guard's entry of a message that asks no host: its answer, for when it comes again.
TxnIndex Partition::record_served(Incoming& m, std::string_view code) {
  TombstoneFacts tombstone;
  tombstone.request = request_facts(m);
  tombstone.rrn = take_rrn();
  tombstone.local = local_time();
  tombstone.response_code = code;
  tombstone.txn = take_id();
  record(20, tombstone);
  return txns_.newest();
}

// ---- reversal (cup dialect, section 11) ------------------------------------------------------------------------------

void Partition::decide_reversal(Incoming& m) {
  const auto index = txns_.find_original(m.key);
  if (!txns_.has_room()) return refuse(m, "96", false);
  if (index == kNoTxn || &txns_[index] == txns_.leaving()) return answer_reversal(m, "25", kNoTxn);  // gone, or about to go
  const auto& original = txns_[index];
  const auto& rules = rules_of(original.kind);
  if (rules.effect == Effect::none) return answer_reversal(m, "12", index);  // nothing of it can be undone
  if (m.in.message.has(4) && m.amount_minor != original.amount_minor) return answer_reversal(m, "64", index);
  switch (original.state) {
    case TxnState::refused: return answer_reversal(m, "00", index);
    case TxnState::reversing:
    case TxnState::reversed: return answer_reversal(m, "00", index);  // again: 00, nothing posted
    case TxnState::authorizing: return reverse_original(m, index);
    case TxnState::completed: break;
  }
  if (!original.approved) return answer_reversal(m, "00", index);
  if (original.voided || original.resolving) return answer_reversal(m, "12", index);
  reverse_original(m, index);
}

void Partition::reverse_original(Incoming& m, TxnIndex index) {
  auto& original = txns_[index];
  if (original.state == TxnState::authorizing && original.slot != kNone) {
    // In flight: marked, undone upstream whatever the host says; its terminal has given up on it, and hears 98.
    const auto slot = original.slot;
    owe(index, v1::ReversalOwed::TERMINAL, "98", m.pan);
    reply_from_slot(slot, txns_[index]);
  } else {
    owe(index, v1::ReversalOwed::TERMINAL, {}, m.pan);
  }
  answer_reversal(m, "00", index);
}

void Partition::answer_reversal(Incoming& m, std::string_view code, TxnIndex original) {
  m.original = original;
  const auto& txn = txns_[record_served(m, code)];
  auto answer = reply_of(txn, m.row, m.in.message);
  answer.pan = m.pan;
  reply(m.in.connection, m.in.dialect, m.in.message, answer, w_.now.instant);
}

// ---- management ------------------------------------------------------------------------------------------------------

void Partition::decide_sign_in(Incoming& m) {
  auto& terminal = *terminals_[m.terminal];
  const auto field = iso::field_60(m.in.message);
  const auto scheme_text = fmt::format("{:03}", field ? field->management.value_or(0) : 0);
  const auto scheme = crypto::sign_in_scheme_of(scheme_text);
  if (!scheme || *scheme == crypto::SignInScheme::sm4_005) return refuse(m, "40", true);
  if (terminal.tmk == nullptr) return refuse(m, "96", false);
  if (!txns_.has_room()) return refuse(m, "96", false);
  const auto generation = terminal.key_generation + 1;
  const auto context = fmt::format("wk/{}/{}", terminal.id.raw(), generation);
  auto made = w_.vault.sign_in(*terminal.tmk, {.scheme = *scheme}, context, w_.chance);
  if (!made) return refuse(m, "96", false);

  // First the guard's entry, then the session: both in one group.
  const auto served = record_served(m, "00");
  v1::SignedOn signed_on;
  signed_on.set_terminal(terminal.id.raw());
  signed_on.set_batch(terminal.batch);
  signed_on.set_key_generation(generation);
  signed_on.set_scheme(scheme_text);
  signed_on.set_pin_kcv(made->keys.pin.check_value().hex());
  signed_on.set_mac_kcv(made->keys.mac.check_value().hex());
  if (made->keys.track) signed_on.set_track_kcv(made->keys.track->check_value().hex());
  if (const auto serial = iso::sign_in_serial(m.in.message)) signed_on.set_serial_number(serial->data(), serial->size());
  signed_on.set_txn(txns_[served].id.raw());
  signed_on.set_rrn(txns_[served].rrn);
  signed_on.set_local(local_time());
  signed_on.set_stan(m.stan);
  record(17, signed_on);
  terminal.keys = std::make_unique<crypto::WorkingKeys>(std::move(made->keys));
  terminal.sealed_keys = made->sealed;
  gathering_.cells.push_back({fmt::format("wk/{}", terminal.id.raw()), std::move(made->sealed)});

  auto answer = reply_of(txns_[served], m.row, m.in.message);
  answer.keys = made->field_62.reveal().view();
  answer.batch = terminal.batch;
  reply(m.in.connection, m.in.dialect, m.in.message, answer, w_.now.instant);
}

void Partition::decide_sign_out(Incoming& m) {
  if (!txns_.has_room()) return refuse(m, "96", false);
  const auto served = record_served(m, "00");
  v1::SignedOff signed_off;
  signed_off.set_terminal(terminals_[m.terminal]->id.raw());
  record(18, signed_off);
  auto answer = reply_of(txns_[served], m.row, m.in.message);
  reply(m.in.connection, m.in.dialect, m.in.message, answer, w_.now.instant);
}

// Echo: answered with an RRN of its own, changes nothing.
void Partition::decide_served(Incoming& m) {
  v1::Served served;
  served.set_terminal(terminals_[m.terminal]->id.raw());
  served.set_kind(m.rules->stored);
  served.set_rrn(take_rrn());
  served.set_local(local_time());
  record(19, served);
  Reply answer;
  answer.row = m.row;
  answer.code = "00";
  answer.rrn = served.rrn();
  answer.local = served.local();
  answer.acquirer = w_.config.acquirer_code;
  reply(m.in.connection, m.in.dialect, m.in.message, answer, w_.now.instant);
}

}  // namespace tollgate::core
