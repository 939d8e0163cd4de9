// A dialect is data: how frames are cut, how each field is written, which message is which kind, what an
// answer carries. It is loaded from TOML (switch/iso/dialects/*.toml, embedded in the binary; users may bring
// files of their own), checked whole, and refused with file, line and reason. Immutable after loading; shared
// by all threads.
//
// Field = character set x length prefix x padding x maximum (moov-io/iso8583 has the idea). Source of the cup
// tables: UnionPay POS 8583 as collected in the project's dialect notes; iso87 and iso93: ISO 8583:1987 and
// :1993, table of fields.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "switch/base/result.h"
#include "switch/iso/field_op.h"
#include "switch/iso/kind.h"
#include "switch/iso/kind_index.h"
#include "switch/iso/message.h"

namespace tollgate::iso {

struct Framing {
  enum class Prefix : std::uint8_t { none, binary2, ascii4 };
  Prefix prefix = Prefix::binary2;  // counts what follows it, itself not
  std::uint16_t maximum = 2048;     // of the frame without the prefix
};

enum class Charset : std::uint8_t {
  digits,  // n: 0-9
  track,   // z: 0-9, D as separator, A-F where tracks come encrypted
  text,    // an, ans: bytes 20 and above; GBK allowed
  binary,  // b
};
// hex: binary written as ASCII hex characters
enum class Packing : std::uint8_t { bcd_right, bcd_left, ascii, raw, hex };
enum class LengthKind : std::uint8_t { fixed, ll, lll, llll };
enum class LengthPacking : std::uint8_t { bcd, ascii };

struct FieldSpec {
  bool defined = false;
  Charset charset = Charset::text;
  Packing packing = Packing::ascii;
  LengthKind length = LengthKind::fixed;
  LengthPacking length_packing = LengthPacking::bcd;
  std::uint16_t maximum = 0;  // digits, characters or bytes
  bool tlv = false;           // BER-TLV inside (55): checked for structure
  bool sensitive = false;     // never shown, not even masked, except field 2 in its one format
  std::string name;
};

class Dialect {
 public:
  // text: TOML. file: for messages only. Checks every key (an unknown one is refused), every bound, and that
  // all names exist.
  [[nodiscard]] static Result<std::shared_ptr<const Dialect>> load(std::string_view text,
                                                                   std::string_view file);
  // One of the embedded ones: cup, iso87-ascii, iso87-bcd, iso93-ascii. Nullptr for another name.
  [[nodiscard]] static std::shared_ptr<const Dialect> builtin(std::string_view name);
  [[nodiscard]] static std::span<const std::string_view> builtin_names() noexcept;
  // The same dialect for messages that come without TPDU and header (captures, files).
  [[nodiscard]] std::shared_ptr<const Dialect> without_envelope() const;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const Framing& framing() const noexcept { return framing_; }
  [[nodiscard]] std::uint8_t tpdu_size() const noexcept { return tpdu_size_; }      // 5 in cup, else 0
  [[nodiscard]] std::uint8_t header_size() const noexcept { return header_size_; }  // 6 in cup, else 0
  [[nodiscard]] bool bcd_mti() const noexcept { return bcd_mti_; }  // MTI as 2 BCD bytes, else 4 characters
  [[nodiscard]] bool hex_bitmap() const noexcept { return hex_bitmap_; }       // ASCII hex, else raw bytes
  [[nodiscard]] bool secondary_bitmap() const noexcept { return secondary_; }  // bit 1 allowed
  [[nodiscard]] int mac_field() const noexcept { return mac_field_; }  // 64 (or 128), 0 when there is none
  // Where the MAC of a message with these fields is or goes: 128 instead of 64 behind a secondary bitmap.
  [[nodiscard]] int mac_field(const FieldBits& fields) const noexcept;
  [[nodiscard]] const FieldSpec& field(int number) const noexcept {
    return fields_[static_cast<std::size_t>(number)];
  }
  [[nodiscard]] const FieldOp& op(int number) const noexcept {
    return ops_[static_cast<std::size_t>(number)];
  }
  // Canonical size of the longest field.
  [[nodiscard]] std::uint16_t longest() const noexcept { return longest_; }
  [[nodiscard]] const std::vector<KindRow>& kinds() const noexcept { return kinds_; }

  // The row of a message; nullptr when none fits. Costs a few compares: rows are grouped by MTI.
  [[nodiscard]] const KindRow* classify(const MessageView& message) const noexcept;

 private:
  friend class DialectLoader;
  Dialect() = default;

  std::string name_;
  Framing framing_;
  std::uint8_t tpdu_size_ = 0, header_size_ = 0;
  bool bcd_mti_ = false, hex_bitmap_ = true, secondary_ = true;
  int mac_field_ = 64;
  std::uint16_t longest_ = 0;
  std::array<FieldOp, kFieldMax + 1> ops_;
  std::array<FieldSpec, kFieldMax + 1> fields_;
  std::vector<KindRow> kinds_;
  KindIndex index_;
};

}  // namespace tollgate::iso
