// A terminal and its merchant as their partition keeps them. First what every message looks at, in a few
// lines of memory; what operators look at comes behind. Owner: the partition. Thread: its worker.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "switch/base/bytes.h"
#include "switch/base/check.h"
#include "switch/base/ids.h"
#include "switch/core/txn_table.h"
#include "switch/crypto/keys.h"
#include "tollgate/v1/estate.pb.h"

namespace tollgate::core {

// How a message names its terminal: fields 41 (8 characters) and 42 (15).
class TerminalKey {
 public:
  static constexpr std::size_t kTid = 8, kMerchantCode = 15;
  // nullopt: longer than any terminal's.
  [[nodiscard]] static std::optional<TerminalKey> of(std::string_view tid,
                                                     std::string_view merchant_code) noexcept {
    TerminalKey key;
    if (tid.size() > kTid || merchant_code.size() > kMerchantCode) return std::nullopt;
    auto* text = reinterpret_cast<char*>(key.words_.data());
    tid.copy(text, tid.size());
    merchant_code.copy(text + kTid, merchant_code.size());
    return key;
  }
  friend bool operator==(const TerminalKey&, const TerminalKey&) noexcept = default;

  struct Hash {
    using is_avalanching = void;
    [[nodiscard]] std::size_t operator()(const TerminalKey& key) const noexcept {
      const auto& w = key.words_;
      const auto sum =
          w[0] * 0x9E3779B97F4A7C15ULL + w[1] * 0xC2B2AE3D27D4EB4FULL + w[2] * 0x165667B19E3779F9ULL;
      const auto folded = (sum ^ sum >> 32) * 0xFF51AFD7ED558CCDULL;  // texts differ in their last characters
      return folded ^ folded >> 32;
    }
  };

 private:
  std::array<std::uint64_t, 3> words_{};  // both texts, padded with zeros
};

struct MerchantState {
  v1::Merchant merchant;
  std::vector<std::uint64_t> holds;
  std::uint32_t terminals = 0;
  Text<4> category;  // field 18: the merchant category, four digits

  void expect() const noexcept { prefetch_for_writing(this, sizeof(*this)); }
};

struct Terminal {
  ObjectId id;  // these four as in `terminal`
  Text<TerminalKey::kTid> tid;
  Text<TerminalKey::kMerchantCode> merchant_code;
  bool activated = false;
  bool signed_on = false;
  std::uint32_t merchant = 0;  // index in the partition
  std::uint32_t batch = 1;
  std::uint32_t batch_count = 0;
  std::uint32_t forgotten_stan = 0;  // the furthest STAN whose transaction has left the table; 0: none
  std::unique_ptr<crypto::WorkingKeys> keys;
  std::vector<std::uint64_t> holds;
  std::int64_t last_seen_us = 0, last_transaction_us = 0;
  std::int64_t batch_total_minor = 0;
  v1::Terminal terminal;

  std::unique_ptr<crypto::Tmk> tmk;
  Bytes sealed_keys;
  std::uint32_t key_generation = 0;
  TxnId sign_in_txn;
  std::int64_t signed_on_us = 0;

  void set(const v1::Terminal& as) {
    terminal = as;
    id = ObjectId(as.id());
    tid.assign(as.tid());
    merchant_code.assign(as.merchant_code());
    activated = as.activated();
    TG_CHECK(tid.view() == as.tid() && merchant_code.view() == as.merchant_code());  // the estate was checked
  }
  void activate() {
    terminal.set_activated(true);
    activated = true;
  }
  // What traffic will look at of it.
  void expect() const noexcept { prefetch_for_writing(this, &terminal); }
};

}  // namespace tollgate::core
