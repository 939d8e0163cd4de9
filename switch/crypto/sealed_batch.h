// Full card numbers that an owed reversal needs, sealed beside the journal (security 1; DESIGN P8): the pairs
// of one commit group in one AES-256-GCM operation under a key of their business day. When nothing of a day
// is owed any more its key is destroyed, and with it whatever old files and backups still hold.
//
// DayKey: made and opened by KeyVault (vault.h). Owner: one commit thread or partition. Thread: one at a time
// (it works in a context of its own). Nonces are random, 96 bits: at most 2^32 batches a key; a day of 2,000
// groups a second is 2^27.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "switch/base/bytes.h"
#include "switch/base/chance.h"
#include "switch/base/ids.h"
#include "switch/base/result.h"
#include "switch/base/sensitive.h"
#include "switch/base/time.h"

namespace tollgate::crypto {

struct SealedPan {
  TxnId id;
  SecretPan pan;  // 1 to 19 digits
};

inline constexpr std::size_t kSealedBatchMax = 65'535;  // pairs

class DayKey {
 public:
  DayKey(DayKey&&) noexcept;
  DayKey& operator=(DayKey&&) noexcept;
  ~DayKey();  // wipes

  [[nodiscard]] BusinessDate day() const noexcept { return day_; }

  // Appends one sealed batch to out: 12 nonce, 19 bytes a pair, 16 tag. The context ("pan/3/17": partition
  // and group) and the day are authenticated, so that a batch does not open in another place. More than
  // kSealedBatchMax pairs, or a PAN that is not 1 to 19 digits, stops the process: both are bounded where
  // they come from.
  void seal(std::string_view context, std::span<const SealedPan> pairs, Chance& chance, Bytes& out) const;

  // ErrorCode::damaged for anything that this key did not seal in this context.
  [[nodiscard]] Result<std::vector<SealedPan>> open(std::string_view context, ByteView sealed) const;

 private:
  friend class KeyVault;
  struct State;
  DayKey(BusinessDate day, ByteView key);
  BusinessDate day_;
  std::unique_ptr<State> state_;
};

}  // namespace tollgate::crypto
