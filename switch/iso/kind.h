// What a message is to the business: its kind, its class, what it must carry and what an answer to it
// carries. The rows are data of a dialect (the [[kind]] list of its file); immutable after loading.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "switch/iso/message.h"

namespace tollgate::iso {

// The kinds of message that the switch knows by name. A dialect maps wire patterns to them; what the switch
// does with each is the transaction table of switch/core. Kinds that a release does not serve are answered as
// its dialect says (40).
// clang-format off
enum class Kind : std::uint8_t {
  unknown,
  sale, qr_sale, instant_sale, balance, void_sale, qr_void, qr_query,
  refund, qr_refund, preauth, preauth_add, preauth_void, completion, completion_void, completion_advice,
  offline_sale, offline_refund, adjustment, tip,
  repayment, topup,
  instalment_sale, instalment_void, points_sale, points_void, points_balance, reservation_sale, reservation_void,
  purse_load, ecash_load, ecash_void, cash_load, load_check,
  reversal, script_result,
  sign_in, sign_out, echo, parameters, status_upload, settlement, batch_upload, key_download, initialise, signature,
  chip_parameters, contactless_parameters, program_download, list_download,
  network_sign_on, network_sign_off, network_echo,  // towards hosts
  count_,
};
// clang-format on
[[nodiscard]] std::string_view name(Kind kind) noexcept;  // "sale", "qr_sale", "void_sale" …
[[nodiscard]] std::optional<Kind> kind_of(std::string_view name) noexcept;

enum class KindClass : std::uint8_t { financial, reversal, advice, batch, management };

// One row of the dialect's [[kind]] list: patterns on MTI and canonical values; the first row that fits wins.
struct KindRow {
  Kind kind = Kind::unknown;
  KindClass cls = KindClass::financial;
  Mti mti;
  struct Pattern {  // field (or part of it) must be one of the values; '?' stands for any character
    std::uint8_t field = 0;
    std::uint8_t offset = 0;  // in the canonical value
    std::string tag;          // not empty: the value of this tag of the field's text TLV (tag an2, length n3)
    bool absent = false;      // the field must not be there
    std::vector<std::string> values;  // empty and not absent: the field must be there
    friend bool operator==(const Pattern&, const Pattern&) = default;
  };
  std::vector<Pattern> match;
  bool mac = false;        // the request must carry one
  bool mac_reply = false;  // a reply with an approving 39 carries one
  bool signed_on = false;  // needs a valid sign-in and the current batch, else 77

  // Lists of fields. A MAC is in none of them: mac and mac_reply say where it is.
  std::vector<std::uint8_t> required;        // without which it is 30
  std::vector<std::uint8_t> required_any;    // of these at least one, when not empty (2, 35, 36: a card)
  std::vector<std::uint8_t> reply_echo;      // copied from the request into every reply
  std::vector<std::uint8_t> reply_refusal;   // all that a refusal carries, of those that are known
  std::vector<std::uint8_t> reply_approval;  // all that an approval carries, of those that are known

  // The first required field that the message lacks (of required_any its first); 0 when none is missing.
  [[nodiscard]] int missing(const MessageView& message) const noexcept;
};

}  // namespace tollgate::iso
