// KeyVault: the only place where stored keys become handles and handles become stored cells (security 5,
// backend "file").
//
// It holds one key-encrypting key (KEK) and seals every other key with AES-256-GCM. The additional data of a
// cell is the caller's context ("tmk/10000001/3", "wk/10000001/17"): a cell that is moved to another place
// does not open. Contexts should carry a generation that only rises; the journal knows the newest, so an old
// cell put back is noticed.
//
// Cells are Bytes: the caller stores them where it likes. What opens is a handle or SecretBytes, never a
// plain buffer. Owner: the composition root makes one at start (start fails closed when the KEK file is not
// as it must be) and shares it. Thread: every function is const and safe to call from several threads; a
// Chance belongs to its caller's thread. Deterministic: the same KEK, calls and Chance give the same cells.
// Random 96-bit nonces: at most 2^32 cells a KEK. A KEK in a 0600 file protects backups only, not a stolen
// machine (security 5): stronger sources hand the bytes to from_kek.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "switch/base/bytes.h"
#include "switch/base/chance.h"
#include "switch/base/result.h"
#include "switch/base/time.h"
#include "switch/crypto/keys.h"
#include "switch/crypto/mac.h"
#include "switch/crypto/sealed_batch.h"
#include "switch/crypto/secret_bytes.h"
#include "switch/crypto/tokens.h"

namespace tollgate::crypto {

struct ClearWorkingKeys;  // lab.h

struct SignInRequest {
  SignInScheme scheme = SignInScheme::double_003;
  MacAlgorithm mac = MacAlgorithm::cup_ecb;  // of the acquirer's profile; cup_sm4 has no layout: refused
  Field62Layout layout = Field62Layout::cup;
  bool double_length_mak =
      false;  // MAK of 16 bytes in 003 and 004 (cup-dialect 7); always in chanjet's layout
};

struct SignIn {
  Field62 field_62;  // for the terminal
  WorkingKeys keys;
  Bytes sealed;  // for the store; opens with restore_working_keys
};

struct NewDayKey {
  DayKey key;
  Bytes sealed;
};

class KeyVault {
 public:
  // Writes 32 random bytes as 64 hex characters and a newline, mode 0600, synced. Refuses to replace a file.
  [[nodiscard]] static Result<void> create_kek_file(const std::string& path, Chance& chance);
  // Refuses what is not a regular file of this user with no rights for group and others, or has another
  // content.
  [[nodiscard]] static Result<KeyVault> open_kek_file(const std::string& path);
  // 32 bytes; another size stops the process.
  [[nodiscard]] static KeyVault from_kek(ByteView kek);

  KeyVault(KeyVault&&) noexcept;
  KeyVault& operator=(KeyVault&&) noexcept;
  ~KeyVault();

  // A small secret of any kind: 1 version, 12 nonce, cipher text, 16 tag. At most 64 KiB (more stops the
  // process).
  [[nodiscard]] Bytes seal(std::string_view context, ByteView clear, Chance& chance) const;
  // ErrorCode::damaged for what this vault did not seal in this context; one text for every cause.
  [[nodiscard]] Result<SecretBytes> open(std::string_view context, ByteView cell) const;
  // Tells one KEK from another: the first 4 bytes of an HMAC under it. For the health page.
  [[nodiscard]] CheckValue check_value() const noexcept;

  // Master, zone keys. A new one is random, odd parity, halves different.
  [[nodiscard]] Bytes seal_tmk(std::string_view context, const Tmk& tmk, Chance& chance) const;
  [[nodiscard]] Result<Tmk> open_tmk(std::string_view context, ByteView cell) const;
  [[nodiscard]] Bytes seal_zone_key(std::string_view context, const ZonePinKey& key, Chance& chance) const;
  [[nodiscard]] Result<ZonePinKey> open_zone_key(std::string_view context, ByteView cell) const;

  // Sign-in. Keys are random, odd parity, not weak. ErrorCode::invalid for sm4_005, cup_sm4, and a
  // double-length MAK in 001.
  [[nodiscard]] Result<SignIn> sign_in(const Tmk& tmk, const SignInRequest& request, std::string_view context,
                                       Chance& chance) const;
  // The same handles again, after a restart or on a standby.
  [[nodiscard]] Result<WorkingKeys> restore_working_keys(std::string_view context, ByteView cell) const;
  // Field 62 again, for a repeated sign-in request, which must get a byte-identical reply.
  [[nodiscard]] Result<Field62> field_62_again(const Tmk& tmk, std::string_view context, ByteView cell) const;

  // Card tokens: a key is made once a store.
  [[nodiscard]] Bytes create_tokenizer_key(std::string_view context, Chance& chance) const;
  [[nodiscard]] Result<PanTokenizer> open_tokenizer(std::string_view context, ByteView cell) const;

  // Day keys of sealed card numbers. Destroying one = erasing its cell wherever it is kept. Keep it outside
  // the store's log-structured files, which remember (README.md, "Day keys").
  [[nodiscard]] NewDayKey create_day_key(BusinessDate day, Chance& chance) const;
  [[nodiscard]] Result<DayKey> open_day_key(BusinessDate day, ByteView cell) const;

 private:
  struct State;
  explicit KeyVault(ByteView kek);
  friend Result<SignIn> import_clear_working_keys(const KeyVault&, const Tmk&, const ClearWorkingKeys&,
                                                  std::string_view, Chance&);  // lab.h
  [[nodiscard]] Bytes seal_packed_keys(std::string_view context, const SecretBytes& packed,
                                       Chance& chance) const;
  std::unique_ptr<const State> state_;
};

}  // namespace tollgate::crypto
