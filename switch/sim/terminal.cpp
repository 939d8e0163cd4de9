#include "switch/sim/terminal.h"

#include <fmt/format.h>

#include <algorithm>

#include "switch/base/check.h"
#include "switch/crypto/lab.h"
#include "switch/iso/private_fields.h"

// Requests. What becomes of replies is in terminal_reply.cpp.
namespace tollgate::sim {
namespace {

constexpr std::uint32_t kStanMax = 999'999;
constexpr iso::Mti kFinancial{0x0200}, kReversal{0x0400}, kManagement{0x0800}, kManagementNotice{0x0820};
constexpr std::array<std::uint8_t, 6> kHeader{0x60, 0x31, 0, 0, 0, 0}, kChipHeader{0x61, 0x31, 0, 0, 0, 0};
constexpr std::array<std::uint8_t, 8> kMacToCome{'0', '0', '0', '0', '0', '0', '0', '0'};

bool is_chip(Entry entry) noexcept {
  return entry == Entry::chip || entry == Entry::contactless;
}

std::string_view first_two(Entry entry) noexcept {
  switch (entry) {
    case Entry::magstripe:
      return "02";
    case Entry::chip:
      return "05";
    case Entry::contactless:
      return "07";
    case Entry::qr:
      break;
  }
  return "03";
}

// 60.4 and 60.5, and 60.6 where a terminal tells it.
std::string reader_tail(Entry entry, const std::string& capability) {
  switch (entry) {
    case Entry::magstripe:
      return capability;
    case Entry::chip:
      return "50";
    case Entry::contactless:
      return "60";
    case Entry::qr:
      break;
  }
  return "60";
}

// Chip values that nobody verifies but everybody carries: spread over TID and STAN, so that no two messages
// are alike.
ChipData made_up_chip(const std::string& tid, std::uint32_t stan) {
  ChipData chip;
  std::uint64_t mix = stan * 0x9E3779B97F4A7C15ULL;
  for (const char c : tid) mix = (mix ^ static_cast<std::uint8_t>(c)) * 0xBF58476D1CE4E5B9ULL;
  store_be64(chip.cryptogram.data(), mix ^ mix >> 31);
  store_be32(chip.unpredictable.data(), static_cast<std::uint32_t>(mix >> 17));
  chip.counter = static_cast<std::uint16_t>(stan);
  return chip;
}

}  // namespace

SimTerminal::SimTerminal(TerminalConfig config, crypto::Tmk tmk)
    : config_(std::move(config)), tmk_(std::move(tmk)), dialect_(iso::Dialect::builtin("cup")) {
  TG_CHECK(dialect_ != nullptr);
  tpdu_ = from_hex(config_.tpdu).value_or(Bytes{});
}

Result<SimTerminal> SimTerminal::make(TerminalConfig config) {
  if (config.tid.size() != 8)
    return fail(ErrorCode::invalid, "a terminal number has 8 characters", config.tid);
  if (config.merchant_code.size() != 15) {
    return fail(ErrorCode::invalid, "a merchant code has 15 characters", config.tid);
  }
  if (const auto tpdu = from_hex(config.tpdu); !tpdu || tpdu->size() != 5) {
    return fail(ErrorCode::invalid, "a TPDU has 10 hexadecimal digits", config.tid);
  }
  const auto key = from_hex(config.tmk);
  if (!key) return fail(ErrorCode::invalid, "the TMK is not hexadecimal", config.tid);
  auto tmk = crypto::import_clear_tmk(*key);
  if (!tmk) return fail(ErrorCode::invalid, tmk.error().what, config.tid);
  return SimTerminal(std::move(config), std::move(*tmk));
}

bool SimTerminal::may_start(bool online) const noexcept {
  return !busy() && next_stan_ <= kStanMax && (!online || (signed_in() && !owes_reversal()));
}

void SimTerminal::begin(iso::MessageBuilder& message, iso::Mti mti, bool chip) const {
  message.set_mti(mti);
  message.set_tpdu(tpdu_);
  message.set_header(chip ? kChipHeader : kHeader);
  message.set(41, config_.tid);
  message.set(42, config_.merchant_code);
}

ByteView SimTerminal::finish(const iso::MessageBuilder& message, iso::Kind kind, bool mac) {
  const auto encoded = iso::encode(*dialect_, message, frame_);
  TG_CHECK(encoded.has_value());  // every value above has the length of its field
  frame_size_ = encoded->size();
  const MutableBytes frame(frame_.data(), frame_size_);
  if (mac) {
    std::array<std::uint8_t, crypto::kField64Size> code{};
    crypto::mac_generate(keys_->mac, iso::mac_input(*dialect_, frame), code);
    std::copy(code.begin(), code.end(), iso::mac_place(*dialect_, frame).begin());
  }
  in_flight_ = last_kind_ = kind;
  mac_expected_ = mac;
  last_reply_.clear();
  return frame;
}

ByteView SimTerminal::management(iso::Mti mti, iso::Kind kind, std::string_view management_code) {
  if (!may_start(false)) return {};
  iso::MessageBuilder message;
  begin(message, mti);
  message.set_copy(60, fmt::format("00{:06}{}", batch_, management_code));
  if (kind != iso::Kind::echo) message.set_number(11, next_stan_++, 6);
  if (kind == iso::Kind::sign_in) {
    if (!config_.serial.empty()) {
      const auto serial = config_.licence + config_.serial;
      message.set_copy(62, fmt::format("Sequence No{:02}{}", serial.size(), serial));
    }
    if (!config_.operator_id.empty()) message.set(63, config_.operator_id);
  }
  return finish(message, kind, false);
}

ByteView SimTerminal::sign_in(crypto::SignInScheme scheme) {
  using enum crypto::SignInScheme;
  const auto code = scheme == single_001 ? "001" : scheme == double_tdk_004 ? "004" : "003";
  scheme_ = scheme;
  return management(kManagement, iso::Kind::sign_in, code);
}

ByteView SimTerminal::sign_out() {
  return management(kManagementNotice, iso::Kind::sign_out, "002");
}

ByteView SimTerminal::echo() {
  return management(kManagementNotice, iso::Kind::echo, "301");
}

void SimTerminal::put_common(iso::MessageBuilder& message, const Promise& promise) const {
  message.set_copy(3, promise.processing_code);
  if (promise.kind != iso::Kind::balance && promise.kind != iso::Kind::qr_query) {
    message.set_number(4, static_cast<std::uint64_t>(promise.amount.minor()), 12);
  }
  message.set_number(11, promise.stan, 6);
  message.set_copy(22, promise.entry_mode);
  message.set(25, std::string_view("00"));
  message.set(49, std::string_view("156"));
  message.set_copy(60, promise.field_60);
}

void SimTerminal::put_card(iso::MessageBuilder& message, const Promise& promise, bool whole) const {
  const bool chip = is_chip(promise.entry);
  if (chip) {
    message.set_copy(2, promise.card.pan);
    message.set_copy(14, promise.card.expiry);
    message.set_copy(23, promise.card.sequence);
    message.set_copy(55, as_text(whole ? chip_sale_data(promise.chip) : chip_reversal_data(promise.chip)));
  }
  if (!whole) return;
  auto track = promise.card.track2();
  if (chip) track[promise.card.pan.size() + 5] = '6';  // service code of a card that has a chip
  message.set_copy(35, track);
}

bool SimTerminal::put_pin(iso::MessageBuilder& message, const Card& card) const {
  if (card.pin.empty()) return false;
  const auto block = crypto::make_pin_block(keys_->pin, crypto::PinFormat::with_pan, card.pin, card.pan);
  if (!block) return false;
  message.set(26, config_.pin_max);
  message.set_copy(52, as_text(block->reveal()));
  const bool one_key = keys_->scheme == crypto::SignInScheme::single_001;
  message.set(53, std::string_view(one_key ? "2000000000000000" : "2600000000000000"));
  return true;
}

void SimTerminal::remember(Promise promise) {
  next_stan_ = promise.stan + 1;
  if (journal_.size() >= config_.journal_max && !journal_.empty()) journal_.pop_front();
  journal_.push_back(std::move(promise));
}

ByteView SimTerminal::sale(const SaleOrder& order) {
  if (!may_start(true)) return {};
  const bool qr = order.entry == Entry::qr;
  Promise promise;
  promise.kind = qr ? iso::Kind::qr_sale : order.instant ? iso::Kind::instant_sale : iso::Kind::sale;
  promise.entry = order.entry;
  promise.batch = batch_;
  promise.stan = next_stan_;
  promise.amount = order.amount;
  promise.processing_code = order.instant ? "280000" : "000000";
  promise.entry_mode = fmt::format("{}{}", first_two(order.entry), order.card.pin.empty() || qr ? '2' : '1');
  promise.field_60 = fmt::format("22{:06}000{}", batch_, reader_tail(order.entry, config_.capability));
  promise.card = order.card;
  promise.chip = order.chip.value_or(made_up_chip(config_.tid, next_stan_));
  promise.chip.amount_minor = static_cast<std::uint64_t>(order.amount.minor());
  promise.chip.transaction = promise.stan;
  if (!order.chip) {
    const auto date = from_hex(config_.year + (date_.empty() ? "0101" : date_)).value_or(Bytes(3));
    std::ranges::copy_n(date.begin(), 3, promise.chip.date.begin());
    const auto device = fmt::format("TG{}", config_.tid.substr(2));
    std::copy(device.begin(), device.end(), promise.chip.device.begin());
  }
  iso::MessageBuilder message;
  begin(message, kFinancial, is_chip(order.entry));
  put_common(message, promise);
  if (qr) {
    message.set_copy(59, fmt::format("A3{:03}{}", order.code.size(), order.code));
  } else {
    put_card(message, promise, true);
    if (!promise.card.pin.empty() && !put_pin(message, promise.card)) return {};
  }
  if (!config_.operator_id.empty()) message.set(63, config_.operator_id);
  message.set(64, kMacToCome);
  const auto kind = promise.kind;
  remember(std::move(promise));
  return finish(message, kind, true);
}

ByteView SimTerminal::balance(const Card& card) {
  if (!may_start(true)) return {};
  Promise promise;
  promise.kind = iso::Kind::balance;
  promise.batch = batch_;
  promise.stan = next_stan_;
  promise.processing_code = "310000";
  promise.entry_mode = card.pin.empty() ? "022" : "021";
  promise.field_60 = fmt::format("01{:06}000{}", batch_, config_.capability);
  promise.card = card;
  iso::MessageBuilder message;
  begin(message, kFinancial);
  put_common(message, promise);
  put_card(message, promise, true);
  if (!card.pin.empty() && !put_pin(message, card)) return {};
  message.set(64, kMacToCome);
  remember(std::move(promise));
  return finish(message, iso::Kind::balance, true);
}

ByteView SimTerminal::void_sale(std::uint32_t stan) {
  const auto* original = find(batch_, stan, false);
  if (!may_start(true) || original == nullptr || original->state != PromiseState::approved) return {};
  const bool qr = original->kind == iso::Kind::qr_sale;
  Promise promise;
  promise.kind = qr ? iso::Kind::qr_void : iso::Kind::void_sale;
  promise.entry = qr ? Entry::qr : Entry::magstripe;  // a void needs no chip data
  promise.batch = batch_;
  promise.stan = next_stan_;
  promise.amount = original->amount;
  promise.processing_code = "200000";
  promise.entry_mode = qr ? "032" : "012";
  promise.field_60 = fmt::format("23{:06}000{}", batch_, qr ? "60" : "");
  promise.card = original->card;
  promise.auth_code = original->auth_code;
  promise.voids = stan;
  iso::MessageBuilder message;
  begin(message, kFinancial);
  put_common(message, promise);
  if (!qr) {
    message.set_copy(2, original->card.pan);
    if (!original->auth_code.empty()) message.set_copy(38, original->auth_code);
    message.set(53, std::string_view("0600000000000000"));
  }
  message.set_copy(37, original->rrn);
  message.set_copy(61, fmt::format("{:06}{:06}{}", original->batch, original->stan, original->date));
  if (!qr && !config_.operator_id.empty()) message.set(63, config_.operator_id);
  message.set(64, kMacToCome);
  const auto kind = promise.kind;
  remember(std::move(promise));
  return finish(message, kind, true);
}

ByteView SimTerminal::qr_query(std::uint32_t stan) {
  const auto* original = find(batch_, stan, false);
  if (!may_start(true) || original == nullptr || original->kind != iso::Kind::qr_sale) return {};
  Promise promise;
  promise.kind = iso::Kind::qr_query;
  promise.entry = Entry::qr;
  promise.batch = batch_;
  promise.stan = next_stan_;
  promise.processing_code = "730000";
  promise.entry_mode = "032";
  promise.field_60 = fmt::format("01{:06}00060", batch_);
  iso::MessageBuilder message;
  begin(message, kFinancial);
  put_common(message, promise);
  if (!original->rrn.empty()) message.set_copy(37, original->rrn);
  message.set_copy(61, fmt::format("{:06}{:06}{}", original->batch, original->stan, original->date));
  message.set(64, kMacToCome);
  remember(std::move(promise));
  return finish(message, iso::Kind::qr_query, true);
}

ByteView SimTerminal::reversal() {
  if (busy() || !owed_ || !signed_in()) return {};
  undoing_ = owed_->original;
  const auto& original = *undoing_;
  iso::MessageBuilder message;
  begin(message, kReversal, is_chip(original.entry));
  put_common(message, original);
  put_card(message, original, false);
  message.set_copy(39, owed_->reason);
  if (original.voids != 0) {
    if (!original.card.pan.empty()) message.set_copy(2, original.card.pan);
    if (!original.auth_code.empty()) message.set_copy(38, original.auth_code);
    message.set_copy(61, fmt::format("{:06}{:06}", original.batch, original.stan));
  }
  message.set(64, kMacToCome);
  return finish(message, iso::Kind::reversal, true);
}

ByteView SimTerminal::retransmit() {
  if (frame_size_ == 0 || (!busy() && last_reply_.empty())) return {};  // given up: a reversal comes next
  in_flight_ = last_kind_;
  return {frame_.data(), frame_size_};
}

}  // namespace tollgate::sim
