// A terminal's message, in the order of checks of the cup dialect, section 9: readable, terminal known, merchant, state,
// signed on, MAC, repeat. What passes is decided in partition_request.cpp.
#include <algorithm>

#include "switch/core/partition.h"
#include "switch/iso/private_fields.h"

namespace tollgate::core {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// Refusals before the MAC was found right; its content says nothing about what the terminal sends next.
bool unauthenticated(std::string_view code) { return code == "77" || code == "A0" || code == "30"; }

}  // namespace

Standing Partition::standing_of(const Terminal& terminal) const {
  const auto& merchant = *merchants_[terminal.merchant];
  if (!terminal.activated) {
    if (merchant.merchant.closed() || !merchant.holds.empty()) return Standing::merchant_suspended;
    return Standing::pending;
  }
  bool lost = false, maintenance = false;
  for (const auto id : terminal.holds) {
    const auto& reason = holds_.at(id).reason();
    lost = lost || reason == "lost_stolen";
    maintenance = maintenance || reason == "planned_maintenance";
  }
  if (lost) return Standing::suspended_lost;
  if (merchant.merchant.closed() || !merchant.holds.empty()) return Standing::merchant_suspended;  // 03 before 58
  if (terminal.holds.empty()) return Standing::active;
  return maintenance && terminal.holds.size() == 1 ? Standing::maintenance : Standing::suspended;
}

std::uint32_t Partition::find(const iso::MessageView& message) const noexcept {
  std::array<char, 32> tid, code;
  const auto key = TerminalKey::of(message.value(41, tid), message.value(42, code));
  const auto it = key ? terminal_by_key_.find(*key) : terminal_by_key_.end();
  if (it == terminal_by_key_.end()) return kNone;
  terminals_[it->second]->expect();
  return it->second;
}

void Partition::expect(std::uint32_t terminal, bool with_pin) const noexcept {
  const auto& t = *terminals_[terminal];
  if (t.keys != nullptr) prefetch_for_writing(&t.keys->mac, sizeof(t.keys->mac));
  if (t.keys != nullptr && with_pin) prefetch_for_writing(&t.keys->pin, sizeof(t.keys->pin));
  merchants_[t.merchant]->expect();
}

Standing Partition::standing_of(const Incoming& m) const {
  if (m.terminal != kNone) return standing_of(*terminals_[m.terminal]);
  std::array<char, 32> tid;
  return w_.directory->knows(trimmed(m.in.message.value(41, tid))) ? Standing::unknown_merchant : Standing::unknown_terminal;
}

void Partition::read_facts(Incoming& m) {
  const auto& message = m.in.message;
  m.has_stan = message.has(11);
  m.stan = static_cast<std::uint32_t>(message.number(11).value_or(0));
  m.amount_minor = static_cast<std::int64_t>(message.number(4).value_or(0));
  std::array<char, 4> currency;
  if (const auto text = message.value(49, currency); text.size() == 3 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; }))
    m.currency = static_cast<std::uint16_t>((text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0'));
  if (const auto field = iso::field_60(message)) m.batch = field->batch;
  m.pan = pan_of(message, m.pan_store);
}

void Partition::on_message(const Inbound& in) {
  Incoming m{.in = in};
  read_facts(m);
  m.terminal = in.terminal;
  if (!in.decoded.ok()) {  // unreadable past some field; 41 and 42 came early enough
    ++w_.counters.decode_errors;
    return refuse(m, "30", false);
  }
  m.row = in.dialect.classify(in.message);
  m.rules = &rules_of(m.row != nullptr ? m.row->kind : iso::Kind::unknown);
  const auto standing = standing_of(m);
  if (m.terminal != kNone) {
    txns_.expect(TxnTable::key_of(m.terminal, m.batch, m.stan));
    slots_.expect();
  }
  if (m.row != nullptr && m.row->missing(in.message) != 0) return refuse(m, "30", false);
  const auto cls = m.row != nullptr ? m.row->cls : iso::KindClass::financial;
  const auto kind = m.row != nullptr ? m.row->kind : iso::Kind::unknown;
  if (const auto verdict = admit(standing, cls, kind); !verdict.allowed) return refuse(m, verdict.code, false);
  if (!check_gate(m) || !check_repeat(m)) return;
  if (!m.rules->served) return refuse(m, "40", true);
  decide(m);
}

bool Partition::check_gate(Incoming& m) {
  const auto& terminal = *terminals_[m.terminal];
  m.key = TxnTable::key_of(m.terminal, m.batch, m.stan);
  const bool needs_session = m.row == nullptr || m.row->signed_on;
  if (needs_session && (!terminal.signed_on || m.batch != terminal.batch)) {
    refuse(m, "77", false);
    return false;
  }
  const bool needs_mac = (m.row == nullptr || m.row->mac) && m.in.listener.mac_required;
  if (!needs_mac) return true;
  const auto& message = m.in.message;
  const auto field = message.raw(m.in.dialect.mac_field());
  if (terminal.keys != nullptr && crypto::mac_verify(terminal.keys->mac, message.mac_range(), field)) return true;
  ++w_.counters.mac_failures;
  refuse(m, terminal.keys == nullptr ? "77" : "A0", false);
  return false;
}

// Its reversal was answered before it came, or after it was refused: the terminal has done with it (cup dialect, section 11).
bool Partition::refuse_late_original(Incoming& m) {
  const auto reversal = txns_.find(m.key, 0x0400);
  if (reversal == kNoTxn) return false;
  const auto code = txns_[reversal].code.view();
  if (code != "00" && code != "25" && code != "12") return false;
  const auto original = txns_.find_original(m.key);
  const bool binding = original != kNoTxn && txns_[original].state != TxnState::refused;
  if (binding || (original != kNoTxn && txns_[original].digest == m.digest && !unauthenticated(txns_[original].code.view()))) return false;
  refuse(m, "12", true);
  return true;
}

// A STAN at or before one whose transaction has left the table: new, or a very late repeat that must not be charged twice.
// Nobody can tell, so it is taken for the repeat. Numbers go round: half of them lie before, half behind.
bool Partition::refuse_forgotten(Incoming& m) {
  const auto last = terminals_[m.terminal]->forgotten_stan;
  const bool financial = m.row != nullptr && m.row->cls == iso::KindClass::financial;
  if (!financial || last == 0 || stan_follows(m.stan, last)) return false;
  refuse(m, "94", true);
  return true;
}

bool Partition::check_repeat(Incoming& m) {
  if (!m.has_stan) return true;
  m.digest = w_.reference->tokenizer()->digest(m.in.message.mac_range());
  if (w_.config.test.skip_replay_guard) return true;
  // New, unless its like may have been forgotten. What stands under the key by itself (a reversal, something that was
  // never authenticated) says nothing about a sale that has left.
  if (txns_.find(m.key) == kNoTxn) return !refuse_forgotten(m);
  const bool financial = m.row != nullptr && m.row->cls == iso::KindClass::financial;
  if (financial && refuse_late_original(m)) return false;
  const auto index = txns_.find(m.key, m.in.message.mti().bcd);
  if (index == kNoTxn) return !refuse_forgotten(m);
  auto& txn = txns_[index];
  const bool same = txn.digest == m.digest;
  if (m.row != nullptr && m.row->cls == iso::KindClass::management) {
    // A repeated sign-in gets its keys again only while they are the terminal's newest.
    if (!same || (m.rules->kind == iso::Kind::sign_in && terminals_[m.terminal]->sign_in_txn != txn.id)) return true;
  } else if (txn.state == TxnState::refused) {
    // The same refusal again, for the terminal may have gone by it: approved now, the sale would stand in the books alone.
    // Judged anew: what was never authenticated, and what must get through in the end (reversals, advices).
    if (!financial || !same || unauthenticated(txn.code.view())) return !refuse_forgotten(m);
  } else if (m.row != nullptr && m.row->cls == iso::KindClass::reversal && !same) {
    return true;  // another 0400 for the same original: answered by what the original is now
  } else if (!same) {
    refuse(m, "94", true);
    return false;
  }
  ++w_.counters.repeated;
  if (txn.state == TxnState::authorizing) {  // no second routing, one reply, to the newest connection
    if (txn.slot != kNone) slots_.move(txn.slot, m.in.connection);
    return false;
  }
  answer_again(m, index);
  return false;
}

void Partition::answer_again(Incoming& m, TxnIndex index) {
  const auto& txn = txns_[index];
  auto answer = reply_of(txn, m.row, m.in.message);
  answer.pan = m.pan;
  crypto::Field62 keys;
  const auto& terminal = *terminals_[m.terminal];
  if (txn.kind == iso::Kind::sign_in && approves(txn.code.view())) {
    const auto context = "wk/" + std::to_string(terminal.terminal.id()) + "/" + std::to_string(terminal.key_generation);
    if (auto again = w_.vault.field_62_again(*terminal.tmk, context, terminal.sealed_keys)) keys = std::move(*again);
    answer.keys = keys.reveal().view();
    answer.batch = terminal.batch;
  }
  reply(m.in.connection, m.in.dialect, m.in.message, answer, w_.now.instant);
}

void Partition::refuse(Incoming& m, std::string_view code, bool binding) {
  ++w_.counters.refused;
  w_.counters.refusals.add(code);
  const bool keyed = m.has_stan && m.terminal != kNone && m.in.decoded.ok();
  if (keyed && w_.reference->tokenizer() != nullptr) {
    m.key = TxnTable::key_of(m.terminal, m.batch, m.stan);
    m.digest = w_.reference->tokenizer()->digest(m.in.message.mac_range());
    // The same message, refused for the same reason as before: the same bytes, and nothing new in the journal.
    if (const auto index = txns_.find(m.key, m.in.message.mti().bcd); index != kNoTxn) {
      const auto& txn = txns_[index];
      if (txn.digest == m.digest && txn.code.view() == code && txn.state != TxnState::authorizing) return answer_again(m, index);
    }
  }
  TxnId id;
  if (keyed && txns_.has_room()) {
    // Under a key that is taken by something binding (94), the refusal must not stand in its place.
    const auto index = txns_.find(m.key, m.in.message.mti().bcd);
    if (index == kNoTxn || txns_[index].state == TxnState::refused) id = take_id();
  }
  if (!id && w_.reference->tokenizer() != nullptr) {
    m.digest = w_.reference->tokenizer()->digest(m.in.message.frame());
    if (const auto* before = refusals_.find(m.digest); before != nullptr && before->code.view() == code) {
      ++w_.counters.repeated;
      return answer_refusal(m, code, before->rrn, before->local.view());
    }
  }
  RefusalFacts refusal;
  refusal.request = request_facts(m);
  refusal.response_code = code;
  refusal.rrn = take_rrn();
  refusal.local = local_time();
  refusal.binding = binding;
  refusal.txn = id;
  std::array<char, 32> tid, merchant;
  if (m.terminal == kNone) {
    refusal.tid = m.in.message.value(41, tid);
    refusal.merchant_code = m.in.message.value(42, merchant);
  }
  record(12, refusal);
  answer_refusal(m, code, refusal.rrn, refusal.local);
}

void Partition::answer_refusal(const Incoming& m, std::string_view code, std::uint64_t rrn, std::string_view local) {
  Reply answer;
  answer.row = m.row;
  answer.code = code;
  answer.rrn = rrn;
  answer.local = local;
  answer.acquirer = w_.config.acquirer_code;
  answer.pan = m.terminal != kNone ? m.pan : std::string_view{};  // told to terminals that are known
  answer.requirement = code == "77" ? '3' : '0';
  reply(m.in.connection, m.in.dialect, m.in.message, answer, w_.now.instant);
}

RequestFacts Partition::request_facts(Incoming& m) const {
  RequestFacts request;
  if (m.terminal != kNone) request.terminal = terminals_[m.terminal]->id;
  request.kind = m.rules != nullptr ? m.rules->stored : 0;
  request.mti = m.in.message.mti().bcd;
  request.stan = m.stan;
  request.batch = m.batch;
  request.digest = as_text(m.digest.bytes);
  request.amount_minor = m.amount_minor;
  request.currency = m.currency;
  request.processing_code = static_cast<std::uint32_t>(m.in.message.number(3).value_or(0));
  request.entry_mode = static_cast<std::uint32_t>(m.in.message.number(22).value_or(0));
  request.condition = static_cast<std::uint32_t>(m.in.message.number(25).value_or(0));
  if (!m.pan.empty() && w_.reference->tokenizer() != nullptr) {
    m.token = w_.reference->tokenizer()->token(m.pan);
    request.pan_token = as_text(m.token.bytes);
    m.masked = MaskedPan::of(m.pan);
    request.pan_masked = m.masked.text();
  }
  request.brand = m.brand;
  if (m.original != kNoTxn) request.original = txns_[m.original].id;
  request.instant = m.rules != nullptr && m.rules->instant;
  return request;
}

Reply Partition::reply_of(const Txn& txn, const iso::KindRow* row, const iso::MessageView& request) const {
  (void)request;
  Reply answer;
  answer.row = row;
  answer.code = txn.code.view();
  answer.rrn = txn.rrn;
  answer.local = txn.local.view();
  answer.auth_code = txn.auth_code.view();
  answer.extras = {txn.extras.data(), txn.extras.size()};
  answer.acquirer = w_.config.acquirer_code;
  answer.requirement = txn.code.view() == "77" ? '3' : '0';
  if (txn.terminal != kNone && terminals_[txn.terminal]->keys != nullptr) answer.mac = &terminals_[txn.terminal]->keys->mac;
  return answer;
}

template <class Body>
void Partition::record(int field, const Body& body) {
  if constexpr (requires { write(body, scratch_.record); }) {
    scratch_.record.clear();
    write(body, scratch_.record);
    gathering_.append(w_.now.wall.us, field, scratch_.record.bytes());
  } else {
    gathering_.append(w_.now.wall.us, field, body);
  }
  apply(body, next_group_, w_.now.wall.us);
}

// The other files of this class use record() with these bodies.
template void Partition::record(int, const IntentFacts&);
template void Partition::record(int, const OutcomeFacts&);
template void Partition::record(int, const v1::ReversalOwed&);
template void Partition::record(int, const v1::ReversalSent&);
template void Partition::record(int, const v1::ReversalSettled&);
template void Partition::record(int, const v1::LateReply&);
template void Partition::record(int, const TombstoneFacts&);
template void Partition::record(int, const v1::SignedOn&);
template void Partition::record(int, const v1::SignedOff&);
template void Partition::record(int, const v1::Served&);
template void Partition::record(int, const v1::MerchantSet&);
template void Partition::record(int, const v1::TerminalSet&);
template void Partition::record(int, const v1::TerminalActivated&);
template void Partition::record(int, const v1::HoldOpened&);
template void Partition::record(int, const v1::HoldReleased&);
template void Partition::record(int, const v1::Idempotency&);

}  // namespace tollgate::core
