#include "switch/sim/host.h"

#include <fmt/format.h>

#include <algorithm>

#include "switch/base/check.h"
#include "switch/sim/log_text.h"

namespace tollgate::sim {
namespace {

// Copied into every reply, of those that the request has.
constexpr std::array<int, 12> kEcho{3, 4, 7, 11, 12, 13, 32, 33, 37, 41, 42, 49};
constexpr std::string_view kBalance = "1002156C000000123456";  // current account, available, 1234.56 CNY
constexpr std::array<std::uint8_t, 12> kIssuerAuthentication{0x91, 10,   0x11, 0x22, 0x33, 0x44,
                                                             0x55, 0x66, 0x77, 0x88, 0x30, 0x30};
constexpr std::int64_t kChinaOffset_s = 8 * 3600;

template <std::size_t N>
void keep(std::array<char, N>& to, const iso::MessageView& from, int field) noexcept {
  std::array<char, 32> room;
  const auto text = from.value(field, room);
  std::ranges::fill(to, ' ');
  std::copy_n(text.begin(), std::min(text.size(), N), to.begin());
}

template <std::size_t N>
std::string_view text_of(const std::array<char, N>& from) noexcept {
  return {from.data(), N};
}

HostKey key_of(const iso::MessageView& request) noexcept {
  HostKey key;
  key.transmitted = request.number(7).value_or(0);
  key.stan = static_cast<std::uint32_t>(request.number(11).value_or(0));
  keep(key.tid, request, 41);
  return key;
}

// Field 90: MTI n4, STAN n6, transmitted n10, acquirer n11, forwarder n11.
std::optional<HostKey> original_of(const iso::MessageView& reversal) noexcept {
  std::array<char, 48> room;
  const auto text = reversal.value(90, room);
  if (text.size() < 20) return std::nullopt;
  HostKey key;
  for (std::size_t i = 4; i < 20; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    const auto digit = static_cast<unsigned>(text[i] - '0');
    if (i < 10) {
      key.stan = key.stan * 10 + digit;
    } else {
      key.transmitted = key.transmitted * 10 + digit;
    }
  }
  keep(key.tid, reversal, 41);
  return key;
}

std::string_view act_name(HostAct act) noexcept {
  constexpr std::array<std::string_view, 6> kNames{"approve", "decline", "drop",
                                                   "late",    "twice",   "disconnect"};
  return kNames[static_cast<std::size_t>(act)];
}

}  // namespace

SimHost::SimHost(HostOptions options, HostScript script, std::shared_ptr<const iso::Dialect> dialect)
    : options_(std::move(options)),
      script_(std::move(script)),
      dialect_(std::move(dialect)),
      books_(options_.books_max),
      chance_(options_.seed),
      institutions_(fmt::format("{:<11.11}{:<11.11}", options_.issuer, options_.issuer)) {}

Result<SimHost> SimHost::make(HostOptions options, HostScript script) {
  auto dialect = iso::Dialect::builtin(options.dialect);
  if (dialect == nullptr) return fail(ErrorCode::not_found, "there is no such dialect", options.dialect);
  return SimHost(std::move(options), std::move(script), std::move(dialect));
}

HostStep SimHost::receive(ByteView frame, WallTime now) {
  iso::MessageView request;
  const bool readable = iso::decode(*dialect_, frame, request).ok();
  const auto function = request.mti().bcd >> 4 & 0xF;  // 0 request, 2 advice; 1 and 3 are replies
  if (!readable || (function != 0 && function != 2)) {
    ++books_.totals().unreadable;
    return {};
  }
  if ((request.mti().bcd >> 8 & 0xF) == 8) return on_network(request);
  if ((request.mti().bcd >> 8 & 0xF) == 4) return on_reversal(request, now);
  return on_money(request, now);
}

HostEntry SimHost::book(const iso::MessageView& request, const HostKey& key, HostAnswer& answer) {
  std::array<char, 40> pan;
  HostQuestion question{
      .mti = request.mti(), .amount_minor = request.number(4), .pan = {}, .tid = text_of(key.tid)};
  question.pan = request.value(request.has(2) ? 2 : 35, pan);
  answer = script_.decide(question);
  if (answer.act == HostAct::approve && options_.decline_ppm != 0 && moves_money(request.mti()) &&
      chance_.below(1'000'000) < options_.decline_ppm) {
    answer.act = HostAct::decline;
    answer.code = {'0', '5'};
  }
  HostEntry entry;
  entry.key = key;
  entry.mti = request.mti();
  entry.processing_code = static_cast<std::uint32_t>(request.number(3).value_or(0));
  entry.amount_minor = static_cast<std::int64_t>(question.amount_minor.value_or(0));
  keep(entry.rrn, request, 37);
  keep(entry.merchant, request, 42);
  entry.code = answer.code;
  entry.approved = answer.act != HostAct::decline;
  entry.auth = entry.approved ? next_auth_++ : 0;
  auto& totals = books_.totals();
  ++(entry.approved ? totals.approved : totals.declined);
  if (answer.act == HostAct::drop || answer.act == HostAct::disconnect) ++totals.unanswered;
  if (answer.act == HostAct::late) ++totals.late;
  if (answer.act == HostAct::twice) ++totals.twice;
  return entry;
}

HostStep SimHost::on_money(const iso::MessageView& request, WallTime now) {
  const auto key = key_of(request);
  HostAnswer answer;
  if (auto* known = books_.find(key)) {
    if (known->tombstone &&
        known->mti == iso::Mti{}) {  // its reversal overtook it (cup-dialect 11: refused with 12)
      ++books_.totals().late_originals;
      known->mti = request.mti();
      known->code = {'1', '2'};
    } else {
      ++books_.totals().repeats;
      ++known->repeats;
    }
    if (known->silent) answer.act = HostAct::drop;
    if (options_.log)
      log_entry(known->repeats == 0 ? "late_original" : "repeat", *known, HostAct::approve, now);
    return answer_with(request, *known, answer, now);
  }
  ++books_.totals().requests;
  auto& entry = books_.add(book(request, key, answer));
  entry.silent = answer.act == HostAct::drop;
  if (options_.log) log_entry("request", entry, answer.act, now);
  return answer_with(request, entry, answer, now);
}

HostStep SimHost::on_reversal(const iso::MessageView& request, WallTime now) {
  auto& totals = books_.totals();
  ++totals.reversals;
  std::array<char, 40> pan;
  auto key = original_of(request);
  auto answer = script_.decide({request.mti(), request.number(4), request.value(2, pan), {}});
  HostEntry entry;
  if (!key) {
    entry.key = key_of(request);
    entry.code = {'3', '0'};
  } else if (answer.act == HostAct::decline) {
    entry.key = *key;
    entry.code = answer.code;
  } else if (auto* known = books_.find(*key)) {
    if (!known->reversed && !known->tombstone) ++totals.reversed;
    known->reversed = !known->tombstone;
    ++known->reversals;
    entry = *known;
    entry.code = {'0', '0'};
    if (known->tombstone) std::copy_n(script_.unknown_reversal().begin(), 2, entry.code.begin());
  } else {
    ++totals.unknown_reversals;
    entry.key = *key;
    entry.tombstone = true;
    entry.reversals = 1;
    books_.add(entry);
    std::copy_n(script_.unknown_reversal().begin(), 2, entry.code.begin());
  }
  if (options_.log) log_entry("reversal", entry, answer.act, now);
  entry.approved = false;  // a reversal's reply carries no authorisation
  return answer_with(request, entry, answer, now);
}

HostStep SimHost::on_network(const iso::MessageView& request) {
  ++books_.totals().network;
  iso::MessageBuilder reply;
  reply.set_mti({static_cast<std::uint16_t>((request.mti().bcd & 0xFFF0) + 0x10)});
  for (const int field : {7, 11, 12, 13, 32, 33, 37, 41, 42, 70}) reply.copy(field, request);
  reply.set(39, std::string_view("00"));
  return send(reply, script_.decide({request.mti(), std::nullopt, {}, {}}));
}

HostStep SimHost::answer_with(const iso::MessageView& request, const HostEntry& entry, HostAnswer answer,
                              WallTime now) {
  iso::MessageBuilder reply;
  reply.set_mti({static_cast<std::uint16_t>((request.mti().bcd & 0xFFF0) + 0x10)});
  for (const int field : kEcho) reply.copy(field, request);
  reply.set(39, text_of(entry.code));
  if (entry.code == std::array{'0', '0'}) reply.set(15, settlement_date(now));
  std::array<char, 6> auth{'A', '0', '0', '0', '0', '0'};
  if (entry.approved) {
    auto rest = entry.auth;
    for (std::size_t i = 5; i > 0; --i, rest /= 10) auth[i] = static_cast<char>('0' + rest % 10);
    reply.set(38, text_of(auth));
    reply.set(44, institutions_);
    if (entry.processing_code / 10'000 == 31) reply.set(54, kBalance);
    if (request.has(55)) reply.set(55, ByteView(kIssuerAuthentication));
  }
  return send(reply, answer);
}

HostStep SimHost::send(const iso::MessageBuilder& reply, const HostAnswer& answer) {
  HostStep step;
  if (answer.act == HostAct::drop) return step;
  if (answer.act == HostAct::disconnect) {
    step.disconnect = true;
    return step;
  }
  const auto encoded = iso::encode(*dialect_, reply, frame_);
  if (!encoded) {  // a dialect that lacks one of these fields: no answer is better than a broken one, and it
                   // is counted
    ++books_.totals().unreadable;
    return step;
  }
  step.reply = *encoded;
  step.copies = answer.act == HostAct::twice ? 2 : 1;
  step.delay = options_.latency + std::chrono::milliseconds(answer.delay_ms);
  if (answer.act == HostAct::late) step.delay += 2 * options_.timeout;
  return step;
}

std::string_view SimHost::settlement_date(WallTime now) {
  const auto day = (now.us / 1'000'000 + kChinaOffset_s) / 86'400;
  if (day != day_) {
    day_ = day;
    const auto date = calendar({static_cast<std::int32_t>(day)});
    fmt::format_to_n(settlement_date_.data(), 4, "{:02}{:02}", date.month, date.day);
  }
  return text_of(settlement_date_);
}

void SimHost::log_entry(std::string_view event, const HostEntry& entry, HostAct act, WallTime now) {
  fmt::format_to(
      std::back_inserter(log_),
      R"({{"at":"{}","event":"{}","mti":"{:04x}","stan":"{:06}","transmitted":"{:010}","tid":"{}",)"
      R"("merchant":"{}","rrn":"{}","processing":"{:06}","amount":{},"code":"{}","approved":{},)"
      R"("reversed":{},"tombstone":{},"act":"{}"}})"
      "\n",
      format_utc(now), event, entry.mti.bcd, entry.key.stan, entry.key.transmitted,
      log_text(text_of(entry.key.tid)), log_text(text_of(entry.merchant)), log_text(text_of(entry.rrn)),
      entry.processing_code, entry.amount_minor, log_text(text_of(entry.code)), entry.approved,
      entry.reversed, entry.tombstone, act_name(act));
}

}  // namespace tollgate::sim
