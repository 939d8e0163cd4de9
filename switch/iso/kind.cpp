#include "switch/iso/kind.h"

#include <array>

namespace tollgate::iso {
namespace {

// clang-format off
constexpr std::array<std::string_view, static_cast<std::size_t>(Kind::count_)> kNames = {
  "unknown",
  "sale", "qr_sale", "instant_sale", "balance", "void_sale", "qr_void", "qr_query",
  "refund", "qr_refund", "preauth", "preauth_add", "preauth_void", "completion", "completion_void", "completion_advice",
  "offline_sale", "offline_refund", "adjustment", "tip",
  "repayment", "topup",
  "instalment_sale", "instalment_void", "points_sale", "points_void", "points_balance", "reservation_sale", "reservation_void",
  "purse_load", "ecash_load", "ecash_void", "cash_load", "load_check",
  "reversal", "script_result",
  "sign_in", "sign_out", "echo", "parameters", "status_upload", "settlement", "batch_upload", "key_download", "initialise",
  "signature", "chip_parameters", "contactless_parameters", "program_download", "list_download",
  "network_sign_on", "network_sign_off", "network_echo",
};
// clang-format on
static_assert(!kNames.back().empty(), "a kind without a name");

}  // namespace

std::string_view name(Kind kind) noexcept {
  const auto i = static_cast<std::size_t>(kind);
  return i < kNames.size() ? kNames[i] : kNames[0];
}

std::optional<Kind> kind_of(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<Kind>(i);
  }
  return std::nullopt;
}

}  // namespace tollgate::iso
