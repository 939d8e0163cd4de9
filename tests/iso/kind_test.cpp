// Which message is which kind, and what its row says. One line per row of the reference's tables (sections 4,
// 6, 12, 14).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/iso/goldens.h"

namespace tollgate::iso::test {
namespace {

using testing::Contains;
using testing::Not;

struct Request {
  const char* mti;
  const char* code;       // 3; empty: absent
  const char* condition;  // 25; empty: absent
  const char* type;       // 60
  const char* entry = "021";
  const char* f59 = "";
  const char* f62 = "";
  const char* f11 = "000001";
};

class Kinds : public testing::Test {
 protected:
  const KindRow* row(const Request& r) {
    MessageBuilder builder;
    std::uint16_t mti = 0;
    for (const char* c = r.mti; *c != 0; ++c) mti = static_cast<std::uint16_t>(mti << 4 | (*c - '0'));
    builder.set_mti({mti});
    const std::pair<int, std::string_view> fields[] = {
        {3, r.code}, {11, r.f11}, {22, r.entry}, {25, r.condition}, {59, r.f59}, {60, r.type}, {62, r.f62}};
    for (const auto& [field, value] : fields) {
      if (!value.empty()) builder.set(field, value);
    }
    const auto encoded = encode(*dialect_, builder, bytes_);
    EXPECT_TRUE(encoded.has_value());
    EXPECT_TRUE(decode(*dialect_, encoded->subspan(2), view_).ok());
    return dialect_->classify(view_);
  }
  std::string kind(const Request& r) {
    const auto* found = row(r);
    return found == nullptr ? "none" : std::string(name(found->kind));
  }

  std::shared_ptr<const Dialect> dialect_ = Dialect::builtin("cup")->without_envelope();
  Bytes bytes_ = Bytes(2048);
  MessageView view_;
};

TEST_F(Kinds, EveryTransactionOfTheReferenceHasItsKindAndClass) {
  const std::tuple<Request, const char*, KindClass> table[] = {
      {{"0200", "310000", "00", "01000001000"}, "balance", KindClass::financial},
      {{"0200", "000000", "00", "22000001000"}, "sale", KindClass::financial},
      {{"0200", "000000", "00", "22000705"}, "sale", KindClass::financial},
      {{"0200", "200000", "00", "23000001000"}, "void_sale", KindClass::financial},
      {{"0220", "200000", "00", "25000001000"}, "refund", KindClass::financial},
      {{"0100", "030000", "06", "10000001000"}, "preauth", KindClass::financial},
      {{"0100", "030000", "60", "10000001000"}, "preauth_add", KindClass::financial},
      {{"0100", "200000", "06", "11000001000"}, "preauth_void", KindClass::financial},
      {{"0200", "000000", "06", "20000001000"}, "completion", KindClass::financial},
      {{"0200", "200000", "06", "21000001000"}, "completion_void", KindClass::financial},
      {{"0220", "000000", "06", "24000001000"}, "completion_advice", KindClass::advice},
      {{"0220", "000000", "00", "30000001000"}, "offline_sale", KindClass::advice},
      {{"0220", "000000", "00", "32000001000"}, "adjustment", KindClass::advice},
      {{"0220", "000000", "00", "34000001000"}, "tip", KindClass::advice},
      {{"0200", "000000", "00", "36000001000"}, "offline_sale", KindClass::advice},
      {{"0220", "200000", "00", "27000001000"}, "offline_refund", KindClass::financial},
      {{"0200", "000000", "64", "22000001000"}, "instalment_sale", KindClass::financial},
      {{"0200", "200000", "64", "23000001000"}, "instalment_void", KindClass::financial},
      {{"0200", "000000", "65", "22000001000"}, "points_sale", KindClass::financial},
      {{"0200", "200000", "65", "23000001000"}, "points_void", KindClass::financial},
      {{"0200", "310000", "65", "03000001000"}, "points_balance", KindClass::financial},
      {{"0200", "000000", "08", "22000001000"}, "sale", KindClass::financial},
      {{"0200", "200000", "08", "23000001000"}, "void_sale", KindClass::financial},
      {{"0220", "200000", "08", "25000001000"}, "refund", KindClass::financial},
      {{"0100", "030000", "18", "10000001000"}, "preauth", KindClass::financial},
      {{"0100", "200000", "18", "11000001000"}, "preauth_void", KindClass::financial},
      {{"0200", "000000", "18", "20000001000"}, "completion", KindClass::financial},
      {{"0200", "200000", "18", "21000001000"}, "completion_void", KindClass::financial},
      {{"0200", "600000", "91", "40000001000"}, "purse_load", KindClass::financial},
      {{"0200", "630000", "91", "41000001000"}, "purse_load", KindClass::financial},
      {{"0200", "620000", "91", "42000001000"}, "purse_load", KindClass::financial},
      {{"0200", "600000", "91", "45000001000"}, "ecash_load", KindClass::financial},
      {{"0200", "630000", "91", "46000001000"}, "ecash_load", KindClass::financial},
      {{"0200", "620000", "91", "47000001000"}, "ecash_load", KindClass::financial},
      {{"0200", "170000", "91", "51000001000"}, "ecash_void", KindClass::financial},
      {{"0200", "630000", "00", "48000001000"}, "cash_load", KindClass::financial},
      {{"0200", "400000", "66", "49000001000"}, "cash_load", KindClass::financial},
      {{"0100", "330000", "00", "01000001000"}, "load_check", KindClass::financial},
      {{"0200", "000000", "67", "54000001000"}, "reservation_sale", KindClass::financial},
      {{"0200", "200000", "67", "53000001000"}, "reservation_void", KindClass::financial},
      {{"0400", "000000", "00", "22000001000"}, "reversal", KindClass::reversal},
      {{"0400", "280000", "00", "22000001000"}, "reversal", KindClass::reversal},
      {{"0620", "000000", "00", "00000001951"}, "script_result", KindClass::advice},
      {{"0200", "280000", "00", "22000001000"}, "instant_sale", KindClass::financial},
      {{"0200", "000000", "00", "2200000100060", "032", "A3001x"}, "qr_sale", KindClass::financial},
      {{"0200", "000000", "00", "2200000100060", "031", "A3001x"}, "qr_sale", KindClass::financial},
      {{"0200", "200000", "00", "2300000100060", "032"}, "qr_void", KindClass::financial},
      {{"0220", "200000", "00", "2500000100060", "032"}, "qr_refund", KindClass::financial},
      {{"0200", "730000", "00", "0100000100060", "032"}, "qr_query", KindClass::financial},
      {{"0200", "190000", "00", "22000001000", "021", "", "BT00201RC001x"},
       "repayment",
       KindClass::financial},
      {{"0200", "190000", "00", "22000001000", "021", "", "RN001xBT00202"}, "topup", KindClass::financial},
  };
  for (const auto& [request, kind_name, cls] : table) {
    SCOPED_TRACE(std::string(request.mti) + " " + request.code + " " + request.condition + " " +
                 request.type);
    const auto* found = row(request);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(name(found->kind), kind_name);
    EXPECT_EQ(found->cls, cls);
    EXPECT_TRUE(found->mac && found->mac_reply) << "all but management, settlement and upload";
    const bool exempt = found->kind == Kind::reversal || found->kind == Kind::script_result;
    EXPECT_EQ(found->signed_on, !exempt);
  }
}

TEST_F(Kinds, EveryManagementMessageHasItsKind) {
  const std::tuple<const char*, const char*, const char*> table[] = {
      {"0800", "001", "sign_in"},
      {"0800", "003", "sign_in"},
      {"0800", "004", "sign_in"},
      {"0820", "002", "sign_out"},
      {"0820", "301", "echo"},
      {"0800", "360", "parameters"},
      {"0800", "361", "parameters"},
      {"0820", "362", "status_upload"},
      {"0800", "362", "status_upload"},
      {"0800", "370", "key_download"},
      {"0800", "371", "key_download"},
      {"0820", "372", "key_download"},
      {"0820", "373", "key_download"},
      {"0800", "380", "chip_parameters"},
      {"0800", "381", "chip_parameters"},
      {"0820", "382", "chip_parameters"},
      {"0800", "364", "program_download"},
      {"0800", "365", "program_download"},
      {"0800", "390", "list_download"},
      {"0800", "391", "list_download"},
      {"0800", "396", "list_download"},
      {"0800", "399", "list_download"},
      {"0800", "394", "contactless_parameters"},
      {"0800", "395", "contactless_parameters"},
      {"0800", "101", "initialise"}};
  for (const auto& [mti, code, expected] : table) {
    for (const char* stan : {"000001", ""}) {
      const auto* found = row({mti, "", "", (std::string("00000001") + code).c_str(), "", "", "", stan});
      ASSERT_NE(found, nullptr) << mti << code;
      EXPECT_EQ(name(found->kind), expected) << mti << code;
      EXPECT_EQ(found->cls, KindClass::management);
      EXPECT_FALSE(found->mac || found->mac_reply || found->signed_on);
      // Section 6: 11 and 32 in the reply where the request has 11.
      if (found->kind == Kind::sign_in || found->kind == Kind::sign_out || found->kind == Kind::initialise)
        continue;
      const bool numbered = *stan != 0;
      EXPECT_EQ(std::ranges::count(found->reply_approval, 32), numbered ? 1 : 0) << mti << code;
      EXPECT_EQ(std::ranges::count(found->reply_echo, 11), numbered ? 1 : 0) << mti << code;
    }
  }
}

TEST_F(Kinds, SettlementAndUploadAreBatchAndCarryNoMac) {
  for (const char* code : {"201", "202", "203", "204", "205", "206", "207", "208", "209"}) {
    EXPECT_EQ(kind({"0320", "", "", (std::string("00000001") + code).c_str()}), "batch_upload") << code;
    EXPECT_EQ(row({"0320", "", "", (std::string("00000001") + code).c_str()})->cls, KindClass::batch);
  }
  EXPECT_EQ(kind({"0320", "200000", "00", "25000001000"}), "batch_upload");
  const auto* settlement = row({"0500", "", "", "00000001201"});
  ASSERT_NE(settlement, nullptr);
  EXPECT_EQ(settlement->kind, Kind::settlement);
  EXPECT_EQ(settlement->cls, KindClass::batch);
  EXPECT_TRUE(settlement->signed_on);
  EXPECT_FALSE(settlement->mac);
  EXPECT_THAT(settlement->reply_approval, Not(Contains(39)));
  EXPECT_FALSE(row({"0320", "", "", "00000001201"})->signed_on);
}

TEST_F(Kinds, SignaturesCarryAMac) {
  for (const char* code : {"07000001301", "07000001800"}) {
    const auto* found = row({"0820", "", "", code});
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->kind, Kind::signature);
    EXPECT_TRUE(found->mac);
  }
}

TEST_F(Kinds, WhatFitsNoRowHasNoKind) {
  EXPECT_EQ(kind({"0200", "000000", "99", "26000001000"}), "none");
  EXPECT_EQ(kind({"0200", "710000", "00", "60000001000"}), "none") << "Chanjet's QR codes are a profile";
  EXPECT_EQ(kind({"0800", "", "", "00000001005"}), "none") << "SM4 sign-in is off";
  EXPECT_EQ(kind({"0200", "190000", "00", "22000001000", "021", "", "BT00203"}), "none");
  EXPECT_EQ(kind({"0200", "190000", "00", "22000001000"}), "none");
  EXPECT_EQ(kind({"0200", "000000", "00", "22"}), "sale")
      << "60 too short is the reader's concern, not the pattern's";
  EXPECT_EQ(kind({"0200", "000000", "00", "2"}), "none");
  EXPECT_EQ(kind({"0210", "000000", "00", "22000001000"}), "none") << "replies have no rows";
  EXPECT_EQ(kind({"0200", "000000", "", "22000001000"}), "none");
  EXPECT_EQ(kind({"0200", "000000", "00", "2200000100060", "032"}), "sale")
      << "QR without a code lacks its card";
}

TEST_F(Kinds, EveryRequestOfTheVectorsHasAKindAndNothingMissing) {
  const std::map<std::string, std::string> known = {{"c-0800-signin-004", "sign_in"},
                                                    {"c-0820-signout", "sign_out"},
                                                    {"c-0820-echo", "echo"},
                                                    {"c-0800-param", "parameters"},
                                                    {"c-0200-sale", "sale"},
                                                    {"c-0200-sale-chip", "sale"},
                                                    {"c-0620-script", "script_result"},
                                                    {"c-0200-void", "void_sale"},
                                                    {"c-0220-refund", "refund"},
                                                    {"c-0100-preauth", "preauth"},
                                                    {"c-0200-completion", "completion"},
                                                    {"c-0400-reversal", "reversal"},
                                                    {"c-0400-void-reversal", "reversal"},
                                                    {"c-0200-balance", "balance"},
                                                    {"c-0200-sale-instant", "instant_sale"},
                                                    {"c-0200-qr-unionpay", "qr_sale"},
                                                    {"c-0200-qr-query", "qr_query"},
                                                    {"c-0200-qr-void", "qr_void"},
                                                    {"c-0200-repayment", "repayment"},
                                                    {"c-0200-topup", "topup"},
                                                    {"c-0500-settle", "settlement"},
                                                    {"c-0320-mag", "batch_upload"},
                                                    {"c-0320-chip-205", "batch_upload"},
                                                    {"c-0320-end", "batch_upload"},
                                                    {"c-0320-refund-item", "batch_upload"},
                                                    {"o-0400-halo", "reversal"},
                                                    {"o-0800-mjc", "sign_in"},
                                                    {"o-0500-c", "settlement"}};
  std::size_t seen = 0;
  for (const auto& golden : goldens()) {
    if (golden.defective) continue;
    MessageView view;
    ASSERT_TRUE(decode(*golden.dialect, golden.frame, view).ok());
    const auto* found = golden.dialect->classify(view);
    const bool reply = (view.mti().bcd >> 4 & 1) != 0;
    const bool foreign = golden.id == "o-0200-cnblogs-qr";
    ASSERT_EQ(found == nullptr, reply || foreign) << golden.id;
    if (found == nullptr) continue;
    EXPECT_EQ(found->missing(view), 0) << golden.id;
    EXPECT_EQ(found->mac, view.has(64)) << golden.id;
    if (const auto expected = known.find(golden.id); expected != known.end()) {
      EXPECT_EQ(name(found->kind), expected->second) << golden.id;
      ++seen;
    }
  }
  EXPECT_EQ(seen, known.size());
}

TEST_F(Kinds, RepliesOfTheVectorsCarryOnlyWhatTheirRowAllows) {
  std::map<std::string, Golden> all;
  for (auto& golden : goldens()) all[golden.id] = golden;
  int checked = 0;
  for (const auto& [id, request] : all) {
    if (request.defective || !request.json.contains("reply")) continue;
    const auto& reply = all.at(std::string(request.json.at("reply").as_string()));
    MessageView asked, answered;
    ASSERT_TRUE(decode(*request.dialect, request.frame, asked).ok());
    ASSERT_TRUE(decode(*reply.dialect, reply.frame, answered).ok());
    const auto* found = request.dialect->classify(asked);
    ASSERT_NE(found, nullptr) << id;
    EXPECT_EQ(answered.mti(), asked.mti().reply());
    const bool approved = !answered.has(39) || answered.equals(39, "00");
    const auto& allowed = approved ? found->reply_approval : found->reply_refusal;
    EXPECT_EQ(answered.has(64), approved && found->mac_reply) << id;
    for (int field = 2; field < 64; ++field) {
      if (!answered.has(field)) continue;
      EXPECT_THAT(allowed, Contains(field)) << id;
    }
    for (const int field : found->reply_echo) {
      if (!asked.has(field)) continue;
      EXPECT_EQ(shown(answered, field), shown(asked, field)) << id << " field " << field;
    }
    ++checked;
  }
  EXPECT_GE(checked, 20);
}

TEST_F(Kinds, NamesTheFirstFieldThatIsMissing) {
  const auto* sale = row({"0200", "000000", "00", "22000001000"});
  EXPECT_EQ(sale->missing(view_), 4);
  const auto golden_sale = golden("c-0200-sale");
  MessageView view;
  ASSERT_TRUE(decode(*golden_sale.dialect, golden_sale.frame, view).ok());
  EXPECT_EQ(sale->missing(view), 0);
  const auto balance = golden("c-0200-qr-wechat");
  ASSERT_TRUE(decode(*balance.dialect, balance.frame, view).ok());
  EXPECT_EQ(sale->missing(view), 2) << "no card in any form";
}

TEST(HostKinds, RequestsTowardsHostsAreKnownByName) {
  const auto dialect = Dialect::builtin("iso87-ascii");
  const auto kind = [&](std::uint16_t mti,
                        std::initializer_list<std::pair<int, std::string_view>> fields) -> std::string {
    MessageBuilder builder;
    builder.set_mti({mti});
    for (const auto& [field, value] : fields) builder.set(field, value);
    Bytes out(1024);
    MessageView view;
    EXPECT_TRUE(decode(*dialect, encode(*dialect, builder, out)->subspan(2), view).ok());
    const auto* row = dialect->classify(view);
    return row == nullptr ? "none" : std::string(name(row->kind));
  };
  const std::string original(42, '0');
  EXPECT_EQ(kind(0x0800, {{70, "001"}}), "network_sign_on");
  EXPECT_EQ(kind(0x0800, {{70, "002"}}), "network_sign_off");
  EXPECT_EQ(kind(0x0800, {{70, "301"}}), "network_echo");
  EXPECT_EQ(kind(0x0800, {{70, "161"}}), "none");
  EXPECT_EQ(kind(0x0200, {{3, "000000"}}), "sale");
  EXPECT_EQ(kind(0x0200, {{3, "003000"}}), "sale");
  EXPECT_EQ(kind(0x0200, {{3, "310000"}}), "balance");
  EXPECT_EQ(kind(0x0200, {{3, "200000"}}), "refund");
  EXPECT_EQ(kind(0x0200, {{3, "200000"}, {90, original}}), "void_sale");
  EXPECT_EQ(kind(0x0100, {{3, "000000"}}), "preauth");
  EXPECT_EQ(kind(0x0100, {{3, "030000"}}), "preauth");
  EXPECT_EQ(kind(0x0220, {{3, "000000"}, {25, "06"}}), "completion_advice");
  EXPECT_EQ(kind(0x0400, {{3, "000000"}}), "reversal");
  EXPECT_EQ(kind(0x0420, {{3, "000000"}}), "reversal");
}

TEST(KindNames, AreUniqueAndReadBack) {
  for (int i = 0; i < static_cast<int>(Kind::count_); ++i) {
    const auto kind = static_cast<Kind>(i);
    EXPECT_EQ(kind_of(name(kind)), kind);
  }
  EXPECT_EQ(name(Kind::network_echo), "network_echo");
  EXPECT_EQ(name(Kind::list_download), "list_download");
  EXPECT_EQ(name(Kind::script_result), "script_result");
  EXPECT_FALSE(kind_of("salle").has_value());
}

}  // namespace
}  // namespace tollgate::iso::test
