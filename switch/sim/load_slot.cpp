#include "switch/sim/load_slot.h"

#include <algorithm>
#include <cstring>

#include "switch/base/check.h"

namespace tollgate::sim {
namespace {

constexpr std::uint16_t kMtiAt = 2 + 5 + 6;  // behind length prefix, TPDU and header
constexpr std::uint32_t kStanMax = 999'999;

// value as 2 * size BCD digits.
void write_bcd(std::uint64_t value, MutableBytes out) noexcept {
  for (auto i = out.size(); i-- > 0; value /= 100) {
    out[i] = static_cast<std::uint8_t>(value / 10 % 10 << 4 | value % 10);
  }
}

bool same(ByteView a, ByteView b) noexcept {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

void LoadSlot::make_pattern(const SaleOrder& order, std::uint32_t first_stan) {
  terminal_.set_next_stan(first_stan);
  const auto frame = terminal_.sale(order);
  TG_CHECK(!frame.empty() && frame.size() <= frame_.size());
  std::copy(frame.begin(), frame.end(), frame_.begin());
  size_ = static_cast<std::uint16_t>(frame.size());
  iso::MessageView view;
  TG_CHECK(iso::decode(*iso::Dialect::builtin("cup"), ByteView(frame_).subspan(2, size_ - 2U), view).ok());
  const auto offset = [&](int field) {
    return static_cast<std::uint16_t>(view.raw(field).data() - frame_.data());
  };
  code_at_ = offset(3);
  amount_at_ = offset(4);
  stan_at_ = offset(11);
  mac_at_ = offset(64);
  terminal_.withdraw();
  stan_ = first_stan - 1;
}

ByteView LoadSlot::next(Amount amount, bool mac) noexcept {
  if (stan_ >= kStanMax) return {};
  amount_ = amount;
  write_bcd(++stan_, at(stan_at_, 3));
  write_bcd(static_cast<std::uint64_t>(amount.minor()), at(amount_at_, 6));
  if (mac) {
    const ByteView covered(frame_.data() + kMtiAt, mac_at_ - std::size_t{kMtiAt});
    crypto::mac_generate(
        terminal_.keys()->mac, covered,
        std::span<std::uint8_t, crypto::kField64Size>(frame_.data() + mac_at_, crypto::kField64Size));
  }
  return frame();
}

std::string_view LoadSlot::check(const iso::MessageView& reply, bool mac,
                                 std::array<char, 2>& code) const noexcept {
  const auto mti = load_be16(frame_.data() + kMtiAt);
  if (reply.mti().bcd != mti + 0x10) return "mti";
  if (!same(reply.raw(3), at(code_at_, 3))) return "field 3";
  if (!same(reply.raw(11), at(stan_at_, 3))) return "field 11";
  const auto& config = terminal_.config();
  if (as_text(reply.raw(41)) != config.tid) return "field 41";
  const auto answer = reply.raw(39);
  if (answer.size() != 2) return "field 39";
  code = {static_cast<char>(answer[0]), static_cast<char>(answer[1])};
  const bool approved = code == std::array{'0', '0'};
  if (approved && as_text(reply.raw(42)) != config.merchant_code) return "field 42";
  if (reply.has(4) && !same(reply.raw(4), at(amount_at_, 6))) return "field 4";
  if (approved && !reply.has(4)) return "field 4";
  if (approved && mac && !crypto::mac_verify(terminal_.keys()->mac, reply.mac_range(), reply.raw(64)))
    return "mac";
  return {};
}

ByteView LoadSlot::reverse(const SaleOrder& order, std::string_view reason) {
  auto sent = order;
  sent.amount = amount_;
  terminal_.set_next_stan(stan_);
  TG_CHECK(!terminal_.sale(sent).empty());
  terminal_.no_answer(reason);
  return terminal_.reversal();
}

}  // namespace tollgate::sim
