#include <algorithm>

#include "switch/base/check.h"
#include "switch/iso/private_fields.h"
#include "switch/sim/terminal.h"

// Replies: what a terminal checks (cup-dialect 10), and what it writes down.
namespace tollgate::sim {
namespace {

bool is_approval(std::string_view code) noexcept {
  constexpr std::array<std::string_view, 7> kApprovals{"00", "10", "11", "A2", "A4", "A5", "A6"};
  return std::ranges::find(kApprovals, code) != kApprovals.end();
}

bool same(const iso::MessageView& a, const iso::MessageView& b, int field) noexcept {
  return std::ranges::equal(a.raw(field), b.raw(field));
}

std::string text_of(const iso::MessageView& message, int field) {
  std::array<char, 64> room;
  return std::string(message.value(field, room));
}

bool can_be_reversed(iso::Kind kind) noexcept {
  using enum iso::Kind;
  return kind == sale || kind == instant_sale || kind == qr_sale || kind == void_sale || kind == qr_void;
}

bool is_financial(iso::Kind kind) noexcept {
  return can_be_reversed(kind) || kind == iso::Kind::balance || kind == iso::Kind::qr_query;
}

}  // namespace

std::string_view name(PromiseState state) noexcept {
  switch (state) {
    case PromiseState::in_flight:
      return "in_flight";
    case PromiseState::approved:
      return "approved";
    case PromiseState::declined:
      return "declined";
    case PromiseState::unanswered:
      return "unanswered";
    case PromiseState::reversed:
      return "reversed";
    case PromiseState::voided:
      return "voided";
  }
  return "";
}

std::string_view name(ReplyFault fault) noexcept {
  switch (fault) {
    case ReplyFault::none:
      return "none";
    case ReplyFault::unreadable:
      return "unreadable";
    case ReplyFault::unexpected:
      return "unexpected";
    case ReplyFault::wrong_mti:
      return "wrong_mti";
    case ReplyFault::wrong_echo:
      return "wrong_echo";
    case ReplyFault::wrong_mac:
      return "wrong_mac";
    case ReplyFault::bad_keys:
      return "bad_keys";
    case ReplyFault::not_the_same:
      return "not_the_same";
  }
  return "";
}

bool SimTerminal::mac_holds(const iso::MessageView& reply) const noexcept {
  return reply.has(64) && crypto::mac_verify(keys_->mac, reply.mac_range(), reply.raw(64));
}

Verdict SimTerminal::check(const iso::MessageView& reply, Verdict verdict) const {
  iso::MessageView request;
  TG_CHECK(iso::decode(*dialect_, ByteView(frame_).subspan(2, frame_size_ - 2), request).ok());
  const auto wrong = [&](ReplyFault fault, int field) {
    verdict.fault = fault;
    verdict.field = static_cast<std::uint8_t>(field);
    return verdict;
  };
  if (reply.mti() != request.mti().reply()) return wrong(ReplyFault::wrong_mti, 0);
  for (const int field : {3, 11, 41}) {
    if (request.has(field) && !same(request, reply, field)) return wrong(ReplyFault::wrong_echo, field);
  }
  const auto code = text_of(reply, 39);
  if (code.size() != 2) return wrong(ReplyFault::unreadable, 39);
  std::copy(code.begin(), code.end(), verdict.rc.begin());
  if (code == "00" && !same(request, reply, 42)) return wrong(ReplyFault::wrong_echo, 42);
  if (request.has(4) && reply.has(4) && code != "10" && !same(request, reply, 4)) {
    return wrong(ReplyFault::wrong_echo, 4);
  }
  verdict.answered = true;
  verdict.approved = is_approval(code);
  if (mac_expected_ && code == "00" && !mac_holds(reply)) {
    verdict.approved = false;
    return wrong(ReplyFault::wrong_mac, 64);
  }
  return verdict;
}

Verdict SimTerminal::receive(ByteView frame) {
  Verdict verdict;
  iso::MessageView reply;
  if (!iso::decode(*dialect_, frame, reply).ok()) {
    verdict.fault = ReplyFault::unreadable;
    return verdict;
  }
  if (!busy()) {
    verdict.fault = ReplyFault::unexpected;
    return verdict;
  }
  const auto digit = reply.header()[2] & 0x0F;  // digits 5 and 6 of the header are its third byte
  verdict.requirement = static_cast<char>(digit < 10 ? '0' + digit : 'a' + digit - 10);
  verdict = check(reply, verdict);
  if (!verdict.answered) return verdict;
  if (!last_reply_.empty()) {  // a retransmission of what was answered before: it must bring the same, and
                               // changes nothing
    if (!std::ranges::equal(last_reply_, frame)) verdict.fault = ReplyFault::not_the_same;
    in_flight_ = iso::Kind::unknown;
    return verdict;
  }
  last_reply_.assign(frame.begin(), frame.end());
  if (in_flight_ == iso::Kind::sign_in && verdict.approved && !accept_keys(reply)) {
    verdict.fault = ReplyFault::bad_keys;
    verdict.approved = false;
  }
  if (verdict.fault == ReplyFault::wrong_mac) {
    no_answer("A0");
  } else {
    settle(reply, verdict);
    in_flight_ = iso::Kind::unknown;
  }
  return verdict;
}

bool SimTerminal::accept_keys(const iso::MessageView& reply) {
  auto keys = crypto::accept_field_62(tmk_, reply.raw(62));
  const auto field_60 = iso::field_60(reply);
  if (!keys || !field_60) return false;
  keys_ = std::move(*keys);
  keys_->scheme = scheme_;
  batch_ = field_60->batch;
  date_ = text_of(reply, 13);
  return true;
}

void SimTerminal::settle(const iso::MessageView& reply, const Verdict& verdict) {
  if (in_flight_ == iso::Kind::sign_out && verdict.approved) keys_.reset();
  if (in_flight_ == iso::Kind::reversal) settle_reversal(verdict);
  if (!is_financial(in_flight_)) return;
  auto& promise = journal_.back();
  promise.rc = verdict.code();
  promise.rrn = text_of(reply, 37);
  promise.date = text_of(reply, 13);
  if (reply.has(38)) promise.auth_code = text_of(reply, 38);
  promise.state = verdict.approved ? PromiseState::approved : PromiseState::declined;
  if (verdict.approved && promise.voids != 0) {
    if (auto* original = find(promise.batch, promise.voids, false)) original->state = PromiseState::voided;
  }
}

// 0410 with 00, 12 or 25 ends a reversal; anything else leaves it owed (cup-dialect 11).
void SimTerminal::settle_reversal(const Verdict& verdict) {
  TG_CHECK(owed_.has_value());
  const auto code = verdict.code();
  if (code != "00" && code != "12" && code != "25") return;
  const auto& original = owed_->original;
  if (auto* promise = find(original.batch, original.stan, original.voids != 0)) {
    promise->state = PromiseState::reversed;
    promise->rc = code;
  }
  owed_.reset();
}

void SimTerminal::no_answer(std::string_view reason) {
  if (can_be_reversed(in_flight_)) {
    auto& promise = journal_.back();
    promise.state = PromiseState::unanswered;
    owed_ = Owed{promise, std::string(reason)};
  } else if (is_financial(in_flight_)) {
    journal_.back().state = PromiseState::declined;  // nothing moves on a balance or a query
  }
  in_flight_ = iso::Kind::unknown;
}

void SimTerminal::withdraw() {
  if (is_financial(in_flight_)) {
    next_stan_ = journal_.back().stan;
    journal_.pop_back();
  }
  in_flight_ = iso::Kind::unknown;
}

Promise* SimTerminal::find(std::uint32_t batch, std::uint32_t stan, bool a_void) noexcept {
  const auto at = std::find_if(journal_.rbegin(), journal_.rend(), [&](const Promise& promise) {
    return promise.batch == batch && promise.stan == stan && (promise.voids != 0) == a_void;
  });
  return at == journal_.rend() ? nullptr : &*at;
}

const Promise* SimTerminal::last_promise() const noexcept {
  if (last_kind_ == iso::Kind::reversal) return &*undoing_;
  return is_financial(last_kind_) ? &journal_.back() : nullptr;
}

const Promise* SimTerminal::voidable() const noexcept {
  using enum iso::Kind;
  const auto at = std::find_if(journal_.rbegin(), journal_.rend(), [&](const Promise& promise) {
    const bool a_sale = promise.kind == sale || promise.kind == instant_sale || promise.kind == qr_sale;
    return a_sale && promise.batch == batch_ && promise.state == PromiseState::approved;
  });
  return at == journal_.rend() ? nullptr : &*at;
}

}  // namespace tollgate::sim
