// What is held against a simulated terminal: test cards and wallet codes. Every number is made here from an
// index, passes Luhn where cards do, and belongs to no issuer's customer; the PIN is 123456 as on the
// published test card.
//
// Owner: the caller. Thread: pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "switch/base/bytes.h"
#include "switch/base/money.h"

namespace tollgate::sim {

struct Card {
  std::string pan;       // 16 to 19 digits
  std::string expiry;    // YYMM
  std::string service;   // service code of track 2 and what follows it
  std::string sequence;  // field 23, chip only
  std::string pin;       // digits; empty: the holder gives none
  // PAN, D, expiry, service: at most 37 characters.
  [[nodiscard]] std::string track2() const { return pan + "D" + expiry + service; }
};

// Card number `index` (below 10^9) of a BIN: BIN, index, check digit. 19 digits, as most UnionPay cards.
[[nodiscard]] Card test_card(std::uint64_t index, std::string_view bin = "622202");
// The published one of the dialect's examples: 6222021234567890128.
[[nodiscard]] Card example_card();

enum class Wallet : std::uint8_t { unionpay, wechat, alipay };
// A payer's code as a scanner reads it: 62 and 19 digits; 10 to 15 and 18 digits; 25 to 30 and 18 digits
// (cup-dialect 14).
[[nodiscard]] std::string wallet_code(Wallet wallet, std::uint64_t index);

// What a chip adds: field 55 of a sale, 20 tags, 145 bytes, in the order of real terminals (cup-dialect 7).
struct ChipData {
  std::array<std::uint8_t, 8> cryptogram{};     // 9F26
  std::array<std::uint8_t, 4> unpredictable{};  // 9F37
  std::uint16_t counter = 1;                    // 9F36
  std::uint64_t amount_minor = 0;               // 9F02
  std::array<std::uint8_t, 3> date{};           // 9A, BCD YYMMDD
  std::uint32_t transaction = 0;                // 9F41, the STAN
  std::array<char, 8> device{};                 // 9F1E
};
[[nodiscard]] Bytes chip_sale_data(const ChipData& chip);
// Field 55 of its reversal: 95 9F1E 9F10 9F36 DF31.
[[nodiscard]] Bytes chip_reversal_data(const ChipData& chip);

}  // namespace tollgate::sim
