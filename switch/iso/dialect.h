// A dialect is data: how frames are cut, how each field is written, which message is which kind, what an answer carries. It is
// loaded from TOML (switch/iso/dialects/*.toml, embedded in the binary; users may bring files of their own), checked whole,
// and refused with file, line and reason. Immutable after loading; shared by all threads.
//
// Field = character set x length prefix x padding x maximum (moov-io/iso8583 has the idea). Source of the cup tables:
// UnionPay POS 8583 as collected in the project's dialect notes; iso87 and iso93: ISO 8583:1987 and :1993, table of fields.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "switch/base/result.h"
#include "switch/iso/message.h"

namespace tollgate::iso {

struct Framing {
  enum class Prefix : std::uint8_t { none, binary2, ascii4 };
  Prefix prefix = Prefix::binary2;  // counts what follows it, itself not
  std::uint16_t maximum = 2048;     // of the frame without the prefix
};

enum class Charset : std::uint8_t {
  digits,     // n: 0-9
  track,      // z: 0-9, D as separator, A-F where tracks come encrypted
  text,       // an, ans: bytes 20 and above; GBK allowed
  binary,     // b
};
enum class Packing : std::uint8_t { bcd_right, bcd_left, ascii, raw, hex };  // hex: binary written as ASCII hex characters
enum class LengthKind : std::uint8_t { fixed, ll, lll, llll };
enum class LengthPacking : std::uint8_t { bcd, ascii };

struct FieldSpec {
  bool defined = false;
  Charset charset = Charset::text;
  Packing packing = Packing::ascii;
  LengthKind length = LengthKind::fixed;
  LengthPacking length_packing = LengthPacking::bcd;
  std::uint16_t maximum = 0;      // digits, characters or bytes
  bool tlv = false;               // BER-TLV inside (55): checked for structure
  bool sensitive = false;         // never shown, not even masked, except field 2 in its one format
  std::string name;
};

// The kinds of message that the switch knows by name. A dialect maps wire patterns to them; what the switch does with each
// is the transaction table of switch/core. Kinds that a release does not serve are answered as its dialect says (40).
enum class Kind : std::uint8_t {
  unknown,
  sale, qr_sale, instant_sale, balance, void_sale, qr_void, qr_query,
  refund, qr_refund, preauth, preauth_add, preauth_void, completion, completion_void, completion_advice,
  offline_sale, offline_refund, adjustment, tip,
  repayment, topup,
  reversal, script_result,
  sign_in, sign_out, echo, parameters, status_upload, settlement, batch_upload, key_download, initialise, signature,
  network_sign_on, network_sign_off, network_echo,  // towards hosts
  count_,
};
[[nodiscard]] std::string_view name(Kind kind) noexcept;  // "sale", "qr_sale", "void_sale" …
[[nodiscard]] std::optional<Kind> kind_of(std::string_view name) noexcept;

enum class KindClass : std::uint8_t { financial, reversal, advice, batch, management };

// One row of the dialect's [[kind]] list: patterns on MTI and canonical values; the first row that fits wins.
struct KindRow {
  Kind kind = Kind::unknown;
  KindClass cls = KindClass::financial;
  Mti mti;
  struct Pattern {                // field (or part of it) must be one of the values; '?' stands for any character
    std::uint8_t field = 0;
    std::uint8_t offset = 0;      // in the canonical value
    bool absent = false;          // the field must not be there
    std::vector<std::string> values;
  };
  std::vector<Pattern> match;
  bool mac = false;               // the request must carry one
  bool mac_reply = false;         // a reply with an approving 39 carries one
  bool signed_on = false;         // needs a valid sign-in and the current batch, else 77
  std::vector<std::uint8_t> required;        // fields without which it is 30
  std::vector<std::uint8_t> reply_echo;      // copied from the request into every reply
  std::vector<std::uint8_t> reply_refusal;   // fields that a refusal carries, of those that are known
  std::vector<std::uint8_t> reply_approval;  // fields that an approval carries, of those that are known
};

class Dialect {
 public:
  // text: TOML. file: for messages only. Checks every key (an unknown one is refused), every bound, and that all names exist.
  [[nodiscard]] static Result<std::shared_ptr<const Dialect>> load(std::string_view text, std::string_view file);
  // One of the embedded ones: cup, iso87-ascii, iso87-bcd, iso93-ascii. Nullptr for another name.
  [[nodiscard]] static std::shared_ptr<const Dialect> builtin(std::string_view name);
  [[nodiscard]] static std::span<const std::string_view> builtin_names() noexcept;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const Framing& framing() const noexcept { return framing_; }
  [[nodiscard]] std::uint8_t tpdu_size() const noexcept { return tpdu_size_; }      // 5 in cup, else 0
  [[nodiscard]] std::uint8_t header_size() const noexcept { return header_size_; }  // 6 in cup, else 0
  [[nodiscard]] bool bcd_mti() const noexcept { return bcd_mti_; }                  // MTI as 2 BCD bytes, else 4 characters
  [[nodiscard]] bool hex_bitmap() const noexcept { return hex_bitmap_; }            // bitmap as ASCII hex, else raw bytes
  [[nodiscard]] bool secondary_bitmap() const noexcept { return secondary_; }       // bit 1 allowed
  [[nodiscard]] int mac_field() const noexcept { return mac_field_; }               // 64 (or 128), 0 when there is none
  [[nodiscard]] const FieldSpec& field(int number) const noexcept { return fields_[static_cast<std::size_t>(number)]; }
  [[nodiscard]] std::uint16_t longest() const noexcept { return longest_; }         // canonical size of the longest field
  [[nodiscard]] const std::vector<KindRow>& kinds() const noexcept { return kinds_; }

  // The row of a message; nullptr when none fits. Costs a few compares: rows are grouped by MTI.
  [[nodiscard]] const KindRow* classify(const MessageView& message) const noexcept;

 private:
  friend class DialectLoader;
  friend class Decoder;
  friend class Encoder;
  Dialect() = default;

  std::string name_;
  Framing framing_;
  std::uint8_t tpdu_size_ = 0, header_size_ = 0;
  bool bcd_mti_ = false, hex_bitmap_ = true, secondary_ = true;
  int mac_field_ = 64;
  std::uint16_t longest_ = 0;
  std::array<FieldSpec, kFieldMax + 1> fields_;
  std::vector<KindRow> kinds_;
};

}  // namespace tollgate::iso
