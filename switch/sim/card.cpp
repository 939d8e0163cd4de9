#include "switch/sim/card.h"

#include <fmt/format.h>

namespace tollgate::sim {
namespace {

char luhn_digit(std::string_view digits) noexcept {
  int sum = 0;
  bool twice = true;  // the digit beside the check digit counts twice
  for (auto it = digits.rbegin(); it != digits.rend(); ++it, twice = !twice) {
    int value = *it - '0';
    if (twice && (value *= 2) > 9) value -= 9;
    sum += value;
  }
  return static_cast<char>('0' + (10 - sum % 10) % 10);
}

class TlvWriter {
 public:
  TlvWriter& tag(std::uint32_t tag, ByteView value) {
    if (tag > 0xFF) bytes_.push_back(static_cast<std::uint8_t>(tag >> 8));
    bytes_.push_back(static_cast<std::uint8_t>(tag));
    bytes_.push_back(static_cast<std::uint8_t>(value.size()));
    bytes_.insert(bytes_.end(), value.begin(), value.end());
    return *this;
  }
  TlvWriter& hex(std::uint32_t number, std::string_view value) {
    return tag(number, from_hex(value).value());
  }
  [[nodiscard]] Bytes take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

// What the issuer's application tells about itself: key index, cryptogram version, card verification results.
constexpr std::string_view kIssuerData = "07010103A00000010A010000000000C1C2C3C4";

}  // namespace

Card test_card(std::uint64_t index, std::string_view bin) {
  const auto body = fmt::format("{}{:0{}}", bin, index % 1'000'000'000, 18 - bin.size());
  return {.pan = body + luhn_digit(body),
          .expiry = "3012",
          .service = "5201234567890",
          .sequence = "001",
          .pin = "123456"};
}

Card example_card() {
  return {.pan = "6222021234567890128",
          .expiry = "3012",
          .service = "5201234567890",
          .sequence = "001",
          .pin = "123456"};
}

std::string wallet_code(Wallet wallet, std::uint64_t index) {
  switch (wallet) {
    case Wallet::unionpay:
      return fmt::format("62{:017}", index % 100'000'000'000'000'000);
    case Wallet::wechat:
      return fmt::format("{}{:016}", 10 + index % 6, index % 10'000'000'000'000'000);
    case Wallet::alipay:
      break;
  }
  return fmt::format("{}{:016}", 25 + index % 6, index % 10'000'000'000'000'000);
}

Bytes chip_sale_data(const ChipData& chip) {
  const auto amount = from_hex(fmt::format("{:012}", chip.amount_minor)).value();
  const auto counter = from_hex(fmt::format("{:04X}", chip.counter)).value();
  const auto transaction = from_hex(fmt::format("{:08}", chip.transaction)).value();
  TlvWriter tlv;
  tlv.tag(0x9F26, chip.cryptogram).hex(0x9F27, "80").hex(0x9F10, kIssuerData).tag(0x9F37, chip.unpredictable);
  tlv.tag(0x9F36, counter).hex(0x95, "0000000000").tag(0x9A, chip.date).hex(0x9C, "00").tag(0x9F02, amount);
  tlv.hex(0x5F2A, "0156").hex(0x82, "7C00").hex(0x9F1A, "0156").hex(0x9F03, "000000000000");
  tlv.hex(0x9F33, "E0E1C8").hex(0x9F34, "420300").hex(0x9F35, "22");
  tlv.tag(0x9F1E, as_bytes({chip.device.data(), chip.device.size()}));
  tlv.hex(0x84, "A000000333010102").hex(0x9F09, "0020").tag(0x9F41, transaction);
  return tlv.take();
}

Bytes chip_reversal_data(const ChipData& chip) {
  TlvWriter tlv;
  tlv.hex(0x95, "0000000000").tag(0x9F1E, as_bytes({chip.device.data(), chip.device.size()}));
  tlv.hex(0x9F10, kIssuerData).tag(0x9F36, from_hex(fmt::format("{:04X}", chip.counter)).value());
  tlv.hex(0xDF31, "0000000000");
  return tlv.take();
}

}  // namespace tollgate::sim
