// Published vectors through `crypto check`, and controls that make it fail.
#include "tests/crypto/vectors.h"

#include <unistd.h>

#include <cstdio>
#include <set>
#include <sstream>

#include "switch/cli/crypto_kinds.h"
#include "switch/cli/crypto_tools.h"
#include "switch/crypto/dukpt.h"
#include "switch/crypto/key_block.h"
#include "switch/crypto/primitives.h"

namespace tollgate::crypto {
namespace {

struct Checked {
  int code;
  std::string text;
};

Checked check_file(const std::string& path) {
  std::ostringstream out;
  const int code = cli::crypto_check(path, out);
  return {code, out.str()};
}

Checked check(const boost::json::value& document) {
  const auto path = testing::TempDir() + "/tollgate_crypto_vectors_" + std::to_string(::getpid()) + ".json";
  std::ofstream(path, std::ios::binary) << boost::json::serialize(document);
  auto result = check_file(path);
  std::remove(path.c_str());
  return result;
}

boost::json::object only(std::string_view kind, std::size_t limit = 1) {
  boost::json::array kept;
  const auto document = read_vectors("crypto.json");
  for (const auto& vector : document.at("vectors").as_array()) {
    if (kept.size() < limit && vector.at("kind").as_string() == kind) kept.push_back(vector);
  }
  return {{"vectors", kept}};
}

TEST(CryptoCheck, PassesEveryPublishedVector) {
  const auto checked = check_file(vector_path("crypto.json"));
  EXPECT_EQ(checked.code, 0);
  EXPECT_EQ(checked.text, "441 passed, 0 failed\n");
}

TEST(CryptoCheck, FailsWhenAnyOutputIsAltered) {
  auto document = read_vectors("crypto.json");
  std::size_t positive = 0;
  for (auto& value : document.at("vectors").as_array()) {
    auto& vector = value.as_object();
    if (vector.at("status").as_string() == "NEGATIVE") continue;
    auto& output = vector.at("output").as_string();
    output.back() = output.back() == '0' ? '1' : '0';
    ++positive;
  }
  const auto checked = check(document);
  EXPECT_EQ(checked.code, 1);
  EXPECT_EQ(positive, 438U);
  EXPECT_TRUE(checked.text.ends_with("3 passed, 438 failed\n"))
      << checked.text.substr(checked.text.size() - 60);
}

TEST(CryptoCheck, FailsWhenAGoodVectorIsMarkedNegative) {
  auto document = read_vectors("crypto.json");
  for (auto& value : document.at("vectors").as_array()) {
    auto& vector = value.as_object();
    vector["status"] = "NEGATIVE";
  }
  EXPECT_TRUE(check(document).text.ends_with("3 passed, 438 failed\n"));
}

TEST(CryptoCheck, FailsWhenABadVectorIsMarkedVerified) {
  auto document = only("tr31-refuse", 3);
  for (auto& value : document.at("vectors").as_array()) value.as_object()["status"] = "VERIFIED";
  const auto checked = check(document);
  EXPECT_EQ(checked.code, 1);
  EXPECT_TRUE(checked.text.ends_with("0 passed, 3 failed\n"));
}

TEST(CryptoCheck, NamesAndCountsKindsThatItLacks) {
  auto document = only("sm3-hash", 2);
  auto& vectors = document.at("vectors").as_array();
  for (const auto* kind : {"rot13", "enigma", "rot13"})
    vectors.push_back({{"id", "x"}, {"kind", kind}, {"inputs", boost::json::object()}, {"output", ""}});
  const auto checked = check(document);
  EXPECT_EQ(checked.code, 0);
  EXPECT_EQ(checked.text, "3 skipped: enigma x1, rot13 x2\n2 passed, 0 failed\n");
}

TEST(CryptoCheck, DoesNotPassWhenNothingWasChecked) {
  EXPECT_EQ(check({{"vectors", boost::json::array()}}).code, 1);
  auto document = only("sm3-hash");
  document.at("vectors").as_array()[0].as_object()["kind"] = "rot13";
  EXPECT_EQ(check(document).code, 1);
}

TEST(CryptoCheck, CountsMalformedVectorsAsFailed) {
  for (const auto* missing : {"inputs", "output", "status", "kind"}) {
    auto document = only("sm3-hash");
    document.at("vectors").as_array()[0].as_object().erase(missing);
    const auto checked = check(document);
    EXPECT_EQ(checked.code, 1) << missing;
    EXPECT_TRUE(checked.text.ends_with("0 passed, 1 failed\n")) << missing;
  }
  EXPECT_EQ(check({{"vectors", {1, "x", nullptr}}}).text,
            "FAIL a vector without a kind\nFAIL a vector without a kind\nFAIL a vector without a kind\n"
            "0 passed, 3 failed\n");
}

TEST(CryptoCheck, RefusesWhatIsNoVectorFile) {
  EXPECT_EQ(check_file("/no/such/file.json").code, 2);
  EXPECT_EQ(check(boost::json::object{{"cases", boost::json::array()}}).code, 2);
  EXPECT_EQ(check(boost::json::array()).code, 2);
  EXPECT_EQ(check_file(TOLLGATE_SOURCE_DIR "/CMakeLists.txt").code, 2);
}

// Every kind, with every input missing, emptied, or replaced: refused or another output, never a crash.
TEST(CryptoCheck, SurvivesEveryKindWithBadInputs) {
  std::size_t tried = 0;
  std::set<std::string, std::less<>> seen;
  const auto document = read_vectors("crypto.json");
  for (const auto& value : document.at("vectors").as_array()) {
    const auto& vector = value.as_object();
    if (!seen.emplace(text(vector, "kind")).second) continue;
    const auto kind = cli::crypto_kind(text(vector, "kind"));
    ASSERT_NE(kind, nullptr);
    const auto& inputs = vector.at("inputs").as_object();
    for (const auto& [name, original] : inputs) {
      for (const boost::json::value& bad :
           {boost::json::value(nullptr), boost::json::value(""), boost::json::value("0"),
            boost::json::value("00"), boost::json::value("zz"), boost::json::value(-1),
            boost::json::value(99), boost::json::value(std::string(64, '1'))}) {
        auto changed = inputs;
        changed[name] = bad;
        const auto result = kind(changed);
        EXPECT_TRUE(!result || bad.is_string() || bad == original || bad == 99) << name;
        ++tried;
      }
      auto without = inputs;
      without.erase(name);
      const bool optional = name == "encoding";
      EXPECT_EQ(kind(without).has_value(), optional) << text(vector, "kind") << ' ' << name;
    }
  }
  EXPECT_EQ(seen.size(), 43U);
  EXPECT_GT(tried, 800U);
}

TEST(CryptoCheck, Sm2SignatureOfAnotherMessageIsInvalid) {
  auto document = only("sm2-verify");
  auto& vector = document.at("vectors").as_array()[0].as_object();
  auto& msg = vector.at("inputs").as_object().at("msg").as_string();
  ASSERT_TRUE(std::string_view(msg).ends_with("74"));
  msg.back() = '5';
  vector["output"] = "INVALID";
  EXPECT_EQ(check(document).text, "1 passed, 0 failed\n");
}

TEST(KeyBlock, IsRefusedForTheReasonThatTheVectorGives) {
  const auto document = only("tr31-refuse", 3);
  for (const auto& value : document.at("vectors").as_array()) {
    const auto& vector = value.as_object();
    const auto& inputs = vector.at("inputs").as_object();
    const auto key = key_block_unwrap(hex(text(inputs, "kbpk")), text(inputs, "key_block"));
    ASSERT_FALSE(key);
    EXPECT_EQ("REFUSE:" + key.error().where, text(vector, "output")) << text(vector, "id");
  }
}

TEST(KeyBlock, WithOneAlteredCharacterIsRefused) {
  const auto document = only("tr31-unwrap", 14);
  for (const auto& value : document.at("vectors").as_array()) {
    const auto& inputs = value.at("inputs").as_object();
    const auto kbpk = hex(text(inputs, "kbpk"));
    const std::string block(text(inputs, "key_block"));
    ASSERT_TRUE(key_block_unwrap(kbpk, block));
    for (std::size_t i = 0; i < block.size(); ++i) {
      auto bad = block;
      bad[i] = bad[i] == '0' ? '1' : '0';
      EXPECT_FALSE(key_block_unwrap(kbpk, bad)) << text(value.as_object(), "id") << " at " << i;
      EXPECT_FALSE(key_block_unwrap(kbpk, std::string_view(block).substr(0, i)));
    }
  }
}

TEST(Dukpt, RefusesCountersThatTheStandardsDoNotAllow) {
  const auto bdk = hex("0123456789ABCDEFFEDCBA9876543210");
  EXPECT_TRUE(tdes_dukpt_transaction_key(bdk, hex("FFFF9876543210E003FF")));   // ten bits
  EXPECT_FALSE(tdes_dukpt_transaction_key(bdk, hex("FFFF9876543210E007FF")));  // eleven
  EXPECT_FALSE(tdes_dukpt_transaction_key(bdk, hex("FFFF9876543210E00000")));
  EXPECT_FALSE(tdes_dukpt_transaction_key(bdk, hex("9876543210E00001")));
  EXPECT_TRUE(aes_dukpt_transaction_key(bdk, hex("12345678901234560000FFFF")));   // sixteen bits
  EXPECT_FALSE(aes_dukpt_transaction_key(bdk, hex("12345678901234560001FFFF")));  // seventeen
  EXPECT_FALSE(aes_dukpt_transaction_key(bdk, hex("123456789012345600000000")));
}

}  // namespace
}  // namespace tollgate::crypto
