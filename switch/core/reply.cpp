#include "switch/core/reply.h"

#include <algorithm>
#include <array>

#include "switch/base/check.h"
#include "switch/base/sensitive.h"

namespace tollgate::core {
namespace {

constexpr std::size_t kExtraHead = 3;
constexpr std::array<std::string_view, 7> kApproving = {"00", "10", "11", "A2", "A4", "A5", "A6"};

// What the switch says itself, by field; empty when it has nothing to say.
struct OwnFields {
  const iso::MessageView& request;
  const Reply& reply;
  std::array<char, 40> store{};

  std::string_view value(int field) {
    switch (field) {
      case 2: return reply.pan;
      case 12: return reply.local.substr(0, 6);
      case 13: return reply.local.substr(6, 4);
      case 32: return request.has(11) ? reply.acquirer : std::string_view{};
      case 38: return reply.auth_code;
      case 39: return reply.code;
      case 62: return as_text(reply.keys);
      default: return extra(reply.extras, field);
    }
  }
};

void put_field(iso::MessageBuilder& builder, OwnFields& own, int field) {
  if (field == 64 || builder.has(field)) return;
  if (field == 37) {
    builder.set_number(37, own.reply.rrn, 12);
    return;
  }
  if (const auto value = own.value(field); !value.empty()) builder.set(field, value);
}

// Field 60 of a sign-in reply carries the batch that is now the terminal's.
void set_batch(iso::MessageBuilder& builder, const iso::MessageView& request, std::uint32_t batch) {
  std::array<char, 32> text;
  const auto field = request.value(60, text);
  if (field.size() < 8) return;
  std::string changed(field);
  for (std::size_t i = 7; i >= 2; --i, batch /= 10) changed[i] = static_cast<char>('0' + batch % 10);
  builder.set_copy(60, changed);
}

void set_envelope(iso::MessageBuilder& builder, const iso::MessageView& request, char requirement, std::array<std::uint8_t, 16>& store) {
  const auto tpdu = request.tpdu();
  if (tpdu.size() == 5) {  // 60, destination, source: the reply swaps the two
    store = {tpdu[0], tpdu[3], tpdu[4], tpdu[1], tpdu[2]};
    builder.set_tpdu({store.data(), 5});
  }
  const auto header = request.header();
  if (header.size() == 6) {
    std::copy(header.begin(), header.end(), store.begin() + 5);
    store[7] = static_cast<std::uint8_t>((store[7] & 0xF0) | (requirement - '0'));
    builder.set_header({store.data() + 5, 6});
  }
}

}  // namespace

void set_extras(ShortList<char>& extras, std::span<const Extra> fields) {
  std::size_t size = 0;
  for (const auto& [field, value] : fields) size += value.empty() ? 0 : kExtraHead + value.size();
  extras.resize(size, boost::container::default_init);
  auto* at = extras.data();
  for (const auto& [field, value] : fields) {
    if (value.empty()) continue;
    *at++ = static_cast<char>(field);
    *at++ = static_cast<char>(value.size() >> 8);
    *at++ = static_cast<char>(value.size());
    at = std::copy(value.begin(), value.end(), at);
  }
}

std::string_view extra(std::string_view extras, int field) noexcept {
  while (extras.size() >= kExtraHead) {
    const auto size = static_cast<std::size_t>(load_be16(as_bytes(extras).data() + 1));
    const auto number = static_cast<std::uint8_t>(extras[0]);
    const auto value = extras.substr(kExtraHead, size);
    if (number == field) return value;
    extras.remove_prefix(kExtraHead + value.size());
  }
  return {};
}

bool approves(std::string_view code) noexcept { return std::ranges::find(kApproving, code) != kApproving.end(); }

ByteView encode_reply(const iso::Dialect& dialect, const iso::MessageView& request, const Reply& reply, MutableBytes out) {
  static const iso::KindRow kBare = [] {  // what an unreadable message still gets: section 9, "30"
    iso::KindRow row;
    row.reply_echo = {3, 4, 11, 25, 41, 42, 49, 60};
    row.reply_refusal = {12, 13, 32, 37, 39};
    return row;
  }();
  Reply full = reply;
  if (full.row == nullptr) full.row = &kBare;
  iso::MessageBuilder builder;
  std::array<std::uint8_t, 16> envelope;
  set_envelope(builder, request, reply.requirement, envelope);
  builder.set_mti(request.mti().reply());
  OwnFields own{request, full};
  for (const auto field : full.row->reply_echo)
    if (request.has(field)) builder.copy(field, request);
  const bool approved = approves(reply.code);
  for (const auto field : approved ? full.row->reply_approval : full.row->reply_refusal) put_field(builder, own, field);
  if (reply.amount_minor) builder.set_number(4, *reply.amount_minor, 12);
  if (reply.batch) set_batch(builder, request, *reply.batch);
  constexpr std::array<std::uint8_t, 8> kPlace{};
  const bool with_mac = approved && full.row->mac_reply && reply.mac != nullptr;
  if (with_mac) builder.set(dialect.mac_field(), kPlace);
  const auto frame = iso::encode(dialect, builder, out);
  TG_CHECK(frame.has_value());
  if (with_mac) {
    const MutableBytes written{out.data(), frame->size()};
    const auto place = iso::mac_place(dialect, written);
    TG_CHECK(place.size() == crypto::kField64Size);
    crypto::mac_generate(*reply.mac, iso::mac_input(dialect, *frame), std::span<std::uint8_t, crypto::kField64Size>(place));
  }
  return *frame;
}

std::string_view pan_of(const iso::MessageView& request, std::span<char> out) noexcept {
  if (request.has(2)) return request.value(2, out);
  std::array<char, 128> track;
  for (const int field : {35, 36}) {
    if (!request.has(field)) continue;
    auto text = request.value(field, track);
    if (field == 36 && text.size() > 2) text.remove_prefix(2);  // "99" before the number
    const auto end = text.find('D');
    const bool readable = end != std::string_view::npos && end >= 12 && end <= out.size();
    std::string_view pan;
    if (readable && std::ranges::all_of(text.substr(0, end), [](char c) { return c >= '0' && c <= '9'; })) {
      std::copy_n(text.begin(), end, out.begin());
      pan = {out.data(), end};
    }
    wipe(track.data(), track.size());
    if (!pan.empty()) return pan;
  }
  return {};
}

}  // namespace tollgate::core
