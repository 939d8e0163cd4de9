#include "switch/core/kinds.h"

#include <array>

namespace tollgate::core {
namespace {

using iso::Kind;

// kind, stored, served, upstream, amount, original, instant, qr, effect, host mti, host processing, label
constexpr std::array kTable = {
    KindRules{Kind::unknown, 0},
    KindRules{Kind::sale, 1, true, true, true, false, false, false, Effect::sale, 0x0200, "000000", "sale"},
    KindRules{Kind::qr_sale, 2, true, true, true, false, false, true, Effect::sale, 0x0200, "000000", "qr_sale"},
    KindRules{Kind::instant_sale, 3, true, true, true, false, true, false, Effect::sale, 0x0200, "000000", "sale"},
    KindRules{Kind::balance, 4, true, true, false, false, false, false, Effect::none, 0x0200, "310000", "balance"},
    KindRules{Kind::void_sale, 5, true, true, true, true, false, false, Effect::undo, 0x0200, "200000", "void"},
    KindRules{Kind::qr_void, 6, true, true, true, true, false, true, Effect::undo, 0x0200, "200000", "void"},
    KindRules{Kind::reversal, 7, true, true, true, true, false, false, Effect::undo, 0x0400, "", "reversal"},
    KindRules{Kind::sign_in, 8, true, false, false, false, false, false, Effect::none, 0, "", "sign_in"},
    KindRules{Kind::sign_out, 9, true, false, false, false, false, false, Effect::none, 0, "", "sign_out"},
    KindRules{Kind::echo, 10, true, false, false, false, false, false, Effect::none, 0, "", "echo"},
    KindRules{Kind::qr_query, 11},
    KindRules{Kind::refund, 12},
    KindRules{Kind::qr_refund, 13},
    KindRules{Kind::preauth, 14},
    KindRules{Kind::preauth_add, 15},
    KindRules{Kind::preauth_void, 16},
    KindRules{Kind::completion, 17},
    KindRules{Kind::completion_void, 18},
    KindRules{Kind::completion_advice, 19},
    KindRules{Kind::offline_sale, 20},
    KindRules{Kind::offline_refund, 21},
    KindRules{Kind::adjustment, 22},
    KindRules{Kind::tip, 23},
    KindRules{Kind::repayment, 24},
    KindRules{Kind::topup, 25},
    KindRules{Kind::script_result, 26},
    KindRules{Kind::parameters, 27},
    KindRules{Kind::status_upload, 28},
    KindRules{Kind::settlement, 29},
    KindRules{Kind::batch_upload, 30},
    KindRules{Kind::key_download, 31},
    KindRules{Kind::initialise, 32},
    KindRules{Kind::signature, 33},
};

constexpr std::size_t kKinds = static_cast<std::size_t>(Kind::count_);

// Position in kTable by kind; kinds without a row read as unknown.
constexpr auto kByKind = [] {
  std::array<std::uint8_t, kKinds> index{};
  for (std::size_t i = 0; i < kTable.size(); ++i) index[static_cast<std::size_t>(kTable[i].kind)] = static_cast<std::uint8_t>(i);
  return index;
}();

}  // namespace

const KindRules& rules_of(Kind kind) noexcept { return kTable[kByKind[static_cast<std::size_t>(kind)]]; }

const KindRules& rules_of_stored(std::uint32_t stored) noexcept {
  for (const auto& row : kTable)
    if (row.stored == stored) return row;
  return kTable[0];
}

}  // namespace tollgate::core
