#include "switch/cli/crypto_kinds.h"

#include <array>
#include <boost/json.hpp>
#include <utility>

#include "switch/crypto/dukpt.h"
#include "switch/crypto/key_block.h"
#include "switch/crypto/lab.h"
#include "switch/crypto/primitives.h"

namespace tollgate::cli {
namespace {

using namespace tollgate::crypto;  // NOLINT: the whole file speaks of it
using Output = Result<std::string>;

// How a kind says that its inputs are refused; `guarded` turns it into an error, so nothing leaves this file
// as an exception.
struct Refused {
  Error error;
};
[[noreturn]] void refuse(std::string where, std::string what) {
  throw Refused{Error{ErrorCode::invalid, std::move(where), std::move(what)}};
}

template <class T>
T must(Result<T>&& result) {
  if (!result) throw Refused{std::move(result.error())};
  return std::move(*result);
}

class Inputs {
 public:
  explicit Inputs(const boost::json::object& object) noexcept : object_(object) {}

  [[nodiscard]] std::string_view text(const char* name) const {
    const auto* value = object_.if_contains(name);
    if (value == nullptr || !value->is_string()) refuse(name, "is missing or not a string");
    return value->get_string();
  }
  [[nodiscard]] Bytes hex(const char* name) const {
    auto bytes = from_hex(text(name));
    if (!bytes) refuse(name, "is not hexadecimal");
    return std::move(*bytes);
  }
  [[nodiscard]] std::size_t number(const char* name) const {
    const auto* value = object_.if_contains(name);
    if (value == nullptr || !value->is_int64() || value->get_int64() < 0)
      refuse(name, "is missing or not a count");
    return static_cast<std::size_t>(value->get_int64());
  }
  [[nodiscard]] bool has(const char* name) const noexcept { return object_.contains(name); }

 private:
  const boost::json::object& object_;
};

std::string leftmost(ByteView bytes, std::size_t count) {
  if (count > bytes.size()) refuse("length", "is more than there is");
  return to_hex(bytes.first(count));
}

template <Block kBlock, Direction kDirection, bool kIv>
std::string run_cipher(const Inputs& in) {
  const auto key = in.hex("key"), data = in.hex("data");
  const auto iv = kIv ? in.hex("iv") : Bytes{};
  if (kIv && iv.empty()) refuse("iv", "is empty");
  return to_hex(must(cipher({kBlock, kDirection, key, iv}, data)));
}

std::string sm4_iterated(const Inputs& in) {
  const auto key = in.hex("key");
  auto data = in.hex("data");
  const auto times = in.number("iterations");
  if (times > 10'000'000) refuse("iterations", "is more than ten million");
  for (std::size_t i = 0; i < times; ++i)
    data = must(cipher({Block::sm4, Direction::encrypt, key, {}}, data));
  return to_hex(data);
}

std::string run_sm3(const Inputs& in) {
  return to_hex(sm3(in.hex("msg")));
}

std::string run_sm2(const Inputs& in) {
  const auto x = in.hex("pub_x"), y = in.hex("pub_y"), r = in.hex("r"), s = in.hex("s");
  const auto id = in.hex("distinguishing_id"), msg = in.hex("msg");
  return must(sm2_verify({x, y, r, s, id}, msg)) ? "VALID" : "INVALID";
}

std::string run_gcm(const Inputs& in) {
  const auto key = in.hex("key"), iv = in.hex("iv"), aad = in.hex("aad");
  return to_hex(must(aes_gcm_encrypt({key, iv, aad}, in.hex("data"))));
}

template <WrapPadding kPadding>
std::string run_wrap(const Inputs& in) {
  return to_hex(must(aes_key_wrap(in.hex("kek"), in.hex("data"), kPadding)));
}

MacPadding padding_of(const Inputs& in) {
  const auto padding = in.number("padding");
  if (padding > 3) refuse("padding", "is none of 0 to 3");
  return static_cast<MacPadding>(padding);
}

template <std::size_t kKeySize>
std::string run_algorithm_1(const Inputs& in) {
  const auto key = in.hex("key");
  if (key.size() != kKeySize) refuse("key", "has another length than its kind wants");
  return leftmost(must(mac_9797_algorithm_1(key, in.hex("msg"), padding_of(in))), in.number("mac_length"));
}

// Zero padding is X9.19, which runs through the switch's own MAC as well; both must agree.
std::string run_algorithm_3(const Inputs& in) {
  const auto key = in.hex("key"), msg = in.hex("msg");
  const auto mac = must(mac_9797_algorithm_3(key, msg, padding_of(in)));
  if (padding_of(in) == MacPadding::zeros) {
    std::array<std::uint8_t, kField64Size> field;
    mac_generate(must(import_clear_mac_key(MacAlgorithm::x919, key)), msg, field);
    if (as_text(field) != to_hex(ByteView(mac).first(4))) refuse("msg", "two implementations differ");
  }
  auto text = leftmost(mac, in.number("mac_length"));
  const auto encoding = in.has("encoding") ? in.text("encoding") : "binary";
  if (encoding == "hex-ascii") return to_hex(as_bytes(text));
  if (encoding != "binary") refuse("encoding", "is neither binary nor hex-ascii");
  return text;
}

template <Block kBlock>
std::string run_cmac(const Inputs& in) {
  return to_hex(must(cmac(kBlock, in.hex("key"), in.hex("msg"))));
}

std::string run_cup_ecb(const Inputs& in) {
  const auto key = must(import_clear_mac_key(MacAlgorithm::cup_ecb, in.hex("mak")));
  const auto mab = in.hex("mab");
  std::array<std::uint8_t, kField64Size> field;
  mac_generate(key, mab, field);
  if (!mac_verify(key, mab, field)) refuse("mab", "its own MAC does not verify");
  if (in.number("mac_chars") > field.size()) refuse("mac_chars", "is more than field 64 holds");
  return std::string(as_text(field).substr(0, in.number("mac_chars")));
}

std::string run_sm4_fold(const Inputs& in) {
  return to_hex(xor_fold(in.hex("mab"), 16));
}

// The handles verify both check values; the clear PIN key, which they do not give, is worked out beside them.
std::string run_sign_in(const Inputs& in) {
  const auto tmk = in.hex("tmk"), field = in.hex("de62");
  const auto keys = must(accept_field_62(must(import_clear_tmk(tmk)), field));
  const auto pik = must(cipher({Block::tdes, Direction::decrypt, tmk, {}}, ByteView(field).first(16)));
  if (must(import_clear_pin_key(pik)).check_value() != keys.pin.check_value())
    refuse("de62", "two ways differ");
  return to_hex(pik);
}

std::string run_sm4_sign_in(const Inputs& in) {
  const auto key = must(cipher({Block::sm4, Direction::decrypt, in.hex("tmk"), {}}, in.hex("wk_enc")));
  return leftmost(must(cipher({Block::sm4, Direction::encrypt, key, {}}, Bytes(16))), in.number("length"));
}

std::string run_check_value(const Inputs& in) {
  const auto key = in.hex("key");
  const auto algorithm = in.text("algorithm");
  const auto length = in.number("length");
  if (algorithm == "DES")
    return leftmost(must(cipher({Block::des, Direction::encrypt, key, {}}, Bytes(8))), length);
  if (algorithm == "TDES")
    return leftmost(must(cipher({Block::tdes, Direction::encrypt, key, {}}, Bytes(8))), length);
  if (algorithm == "AES")
    return leftmost(must(cipher({Block::aes, Direction::encrypt, key, {}}, Bytes(16))), length);
  if (algorithm == "AES-CMAC") return leftmost(must(cmac(Block::aes, key, Bytes(16))), length);
  refuse("algorithm", "is none of DES, TDES, AES, AES-CMAC");
}

std::string run_iso0(const Inputs& in) {
  return to_hex(must(iso0_pin_block(in.text("pin"), in.text("pan"))));
}
std::string run_iso2(const Inputs& in) {
  return to_hex(must(iso2_pin_block(in.text("pin"))));
}
std::string run_iso3(const Inputs& in) {
  const auto pin = in.text("pin");
  return to_hex(must(iso3_pin_block(pin, in.text("pan"), Bytes(14)))).substr(0, 2 + pin.size());
}
std::string run_sm4_pin(const Inputs& in) {
  return to_hex(must(cup_sm4_pin_block(in.text("pin"), in.text("pan"))));
}
std::string run_iso4(const Inputs& in) {
  const auto pin_field = must(iso4_pin_field(in.text("pin"), in.hex("random")));
  return to_hex(must(iso4_encrypt(in.hex("key"), pin_field, must(iso4_pan_field(in.text("pan"))))));
}
std::string run_iso4_pan(const Inputs& in) {
  return to_hex(must(iso4_pan_field(in.text("pan"))));
}

std::string run_tdes_initial(const Inputs& in) {
  return to_hex(must(tdes_dukpt_initial_key(in.hex("bdk"), in.hex("ksn"))).reveal());
}
SecretBytes tdes_transaction(const Inputs& in) {
  return must(tdes_dukpt_transaction_key(in.hex("bdk"), in.hex("ksn")));
}
std::string run_tdes_transaction(const Inputs& in) {
  return to_hex(tdes_transaction(in).reveal());
}

SecretBytes tdes_variant(const Inputs& in, TdesVariant variant) {
  return must(tdes_dukpt_variant(tdes_transaction(in).reveal(), variant));
}
std::string run_tdes_pin(const Inputs& in) {
  const auto key = tdes_variant(in, TdesVariant::pin);
  return to_hex(must(cipher({Block::tdes, Direction::encrypt, key.reveal(), {}}, in.hex("clear_pin_block"))));
}
template <TdesVariant kVariant>
std::string run_tdes_mac(const Inputs& in) {
  const auto key = tdes_variant(in, kVariant);
  return leftmost(must(mac_9797_algorithm_3(key.reveal(), in.hex("msg"), MacPadding::zeros)), 4);
}
template <TdesVariant kVariant>
std::string run_tdes_cmac(const Inputs& in) {
  return to_hex(must(cmac(Block::tdes, tdes_variant(in, kVariant).reveal(), in.hex("msg"))));
}
std::string run_tdes_data(const Inputs& in) {
  const auto key = tdes_variant(in, TdesVariant::data_request);
  const Bytes zero(8);
  return to_hex(must(cipher({Block::tdes, Direction::encrypt, key.reveal(), zero}, in.hex("data"))));
}

DukptKeyType key_type(const Inputs& in) {
  const auto type = dukpt_key_type_of(in.text("key_type"));
  if (!type) refuse("key_type", "is not known");
  return *type;
}
std::string run_aes_initial(const Inputs& in) {
  return to_hex(must(aes_dukpt_initial_key(in.hex("bdk"), in.hex("initial_key_id"))).reveal());
}
std::string run_aes_transaction(const Inputs& in) {
  return to_hex(must(aes_dukpt_transaction_key(in.hex("bdk"), in.hex("ksn"))).reveal());
}
SecretBytes aes_working(const Inputs& in, DukptUsage usage) {
  return must(aes_dukpt_working_key(in.hex("bdk"), in.hex("ksn"), {usage, key_type(in)}));
}
std::string run_aes_working(const Inputs& in) {
  const auto usage = dukpt_usage_of(in.text("usage"));
  if (!usage) refuse("usage", "is not known");
  return to_hex(aes_working(in, *usage).reveal());
}
std::string run_aes_pin(const Inputs& in) {
  const auto key = aes_working(in, DukptUsage::pin);
  return to_hex(must(iso4_encrypt(key.reveal(), in.hex("pin_field"), in.hex("pan_field"))));
}
std::string run_aes_update(const Inputs& in) {
  return to_hex(must(aes_dukpt_update_key(in.hex("bdk"), in.hex("initial_key_id"), key_type(in))).reveal());
}

// Versions as these vectors have them: KBPKs of 16 bytes are TDES (B), of 32 AES (D).
std::string run_tr31_derive(const Inputs& in) {
  const auto kbpk = in.hex("kbpk");
  const auto purpose = in.text("purpose");
  if (purpose != "encryption" && purpose != "authentication") refuse("purpose", "is not known");
  const auto wanted = purpose == "encryption" ? BlockKeyPurpose::encryption : BlockKeyPurpose::authentication;
  return to_hex(must(key_block_derive(kbpk.size() == 16 ? 'B' : 'D', kbpk, wanted)).reveal());
}
std::string run_tr31_unwrap(const Inputs& in) {
  const auto kbpk = in.hex("kbpk");
  const auto key = must(key_block_unwrap(kbpk, in.text("key_block")));
  if (must(key_block_wrap(kbpk, key)) != in.text("key_block"))
    refuse("key_block", "wrapped again it differs");
  return to_hex(key.key.reveal());
}

template <std::string (*kRun)(const Inputs&)>
Output guarded(const boost::json::object& inputs) {
  try {
    return kRun(Inputs(inputs));
  } catch (Refused& refused) {
    return std::unexpected(std::move(refused.error));
  }
}

constexpr auto kEncrypt = Direction::encrypt;
constexpr auto kDecrypt = Direction::decrypt;

constexpr std::array<std::pair<std::string_view, CryptoKind>, 43> kKinds{{
    {"des-ecb-encrypt", guarded<run_cipher<Block::des, kEncrypt, false>>},
    {"des-cbc-encrypt", guarded<run_cipher<Block::des, kEncrypt, true>>},
    {"tdes-ecb-encrypt", guarded<run_cipher<Block::tdes, kEncrypt, false>>},
    {"tdes-ecb-decrypt", guarded<run_cipher<Block::tdes, kDecrypt, false>>},
    {"aes-ecb-encrypt", guarded<run_cipher<Block::aes, kEncrypt, false>>},
    {"sm4-ecb-encrypt", guarded<sm4_iterated>},
    {"sm3-hash", guarded<run_sm3>},
    {"sm2-verify", guarded<run_sm2>},
    {"aes-gcm-encrypt", guarded<run_gcm>},
    {"aes-key-wrap", guarded<run_wrap<WrapPadding::none>>},
    {"aes-key-wrap-pad", guarded<run_wrap<WrapPadding::rfc5649>>},
    {"mac-iso9797-alg1-des", guarded<run_algorithm_1<8>>},
    {"mac-iso9797-alg1-tdes", guarded<run_algorithm_1<16>>},
    {"mac-iso9797-alg3-des", guarded<run_algorithm_3>},
    {"cmac-aes", guarded<run_cmac<Block::aes>>},
    {"cmac-tdes", guarded<run_cmac<Block::tdes>>},
    {"cup-ecb-mac", guarded<run_cup_ecb>},
    {"cup-sm4-xor-fold", guarded<run_sm4_fold>},
    {"cup-signin-de62", guarded<run_sign_in>},
    {"sm4-signin-check-value", guarded<run_sm4_sign_in>},
    {"check-value", guarded<run_check_value>},
    {"pin-block-iso0", guarded<run_iso0>},
    {"pin-block-iso2", guarded<run_iso2>},
    {"pin-block-iso3-prefix", guarded<run_iso3>},
    {"pin-block-cup-sm4", guarded<run_sm4_pin>},
    {"pin-block-iso4-encrypt", guarded<run_iso4>},
    {"pin-block-iso4-pan-field", guarded<run_iso4_pan>},
    {"tdes-dukpt-initial-key", guarded<run_tdes_initial>},
    {"tdes-dukpt-transaction-key", guarded<run_tdes_transaction>},
    {"tdes-dukpt-pin-encrypt", guarded<run_tdes_pin>},
    {"tdes-dukpt-mac-request", guarded<run_tdes_mac<TdesVariant::mac_request>>},
    {"tdes-dukpt-mac-response", guarded<run_tdes_mac<TdesVariant::mac_response>>},
    {"tdes-dukpt-cmac-request", guarded<run_tdes_cmac<TdesVariant::mac_request>>},
    {"tdes-dukpt-cmac-response", guarded<run_tdes_cmac<TdesVariant::mac_response>>},
    {"tdes-dukpt-data-request", guarded<run_tdes_data>},
    {"aes-dukpt-initial-key", guarded<run_aes_initial>},
    {"aes-dukpt-transaction-key", guarded<run_aes_transaction>},
    {"aes-dukpt-working-key", guarded<run_aes_working>},
    {"aes-dukpt-pin-iso4", guarded<run_aes_pin>},
    {"aes-dukpt-update-key", guarded<run_aes_update>},
    {"tr31-derive-key", guarded<run_tr31_derive>},
    {"tr31-unwrap", guarded<run_tr31_unwrap>},
    {"tr31-refuse", guarded<run_tr31_unwrap>},
}};

}  // namespace

CryptoKind crypto_kind(std::string_view name) noexcept {
  for (const auto& [known, kind] : kKinds) {
    if (known == name) return kind;
  }
  return nullptr;
}

}  // namespace tollgate::cli
