#include "switch/crypto/vault.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "switch/base/hash.h"
#include "tests/crypto/vectors.h"

namespace tollgate::crypto {
namespace {

class KekFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/kek-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string path(const char* name = "kek") const { return folder_ + "/" + name; }
  void write(std::string_view content, mode_t mode = 0600) const {
    std::ofstream(path(), std::ios::binary) << content;
    ASSERT_EQ(::chmod(path().c_str(), mode), 0);
  }
  [[nodiscard]] std::optional<ErrorCode> open_code() const {
    const auto vault = KeyVault::open_kek_file(path());
    return vault ? std::optional<ErrorCode>() : vault.error().code;
  }

 private:
  std::string folder_;
};

const std::string kKek(64, 'A');

TEST_F(KekFile, IsMadeWithRightsOfTheOwnerOnlyAndOpens) {
  SeededChance chance(1);
  ASSERT_TRUE(KeyVault::create_kek_file(path(), chance));
  struct stat info {};
  ASSERT_EQ(::stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
  EXPECT_EQ(info.st_size, 65);
  const auto one = KeyVault::open_kek_file(path()), two = KeyVault::open_kek_file(path());
  ASSERT_TRUE(one && two);
  const auto cell = one->seal("a", hex("01"), chance);
  EXPECT_TRUE(two->open("a", cell)) << "the same file is the same key after a restart";
}

TEST_F(KekFile, IsNeverReplaced) {
  SeededChance chance(2);
  write(kKek);
  const auto again = KeyVault::create_kek_file(path(), chance);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::conflict);
  EXPECT_TRUE(KeyVault::open_kek_file(path()));
}

TEST_F(KekFile, WithRightsForGroupOrOthersIsRefused) {
  for (const mode_t mode : {0644, 0640, 0604, 0620, 0602, 0610, 0601, 0666, 0777}) {
    write(kKek, mode);
    EXPECT_EQ(open_code(), ErrorCode::forbidden) << std::oct << mode;
  }
  write(kKek, 0600);
  EXPECT_EQ(open_code(), std::nullopt);
  write(kKek, 0400);
  EXPECT_EQ(open_code(), std::nullopt);
}

TEST_F(KekFile, OfAnotherUserIsRefused) {
  // Somebody else's file: only root can give one away, and everybody else has root's files to look at.
  write(kKek);
  if (::chown(path().c_str(), 65534, 65534) == 0) {
    EXPECT_EQ(open_code(), ErrorCode::forbidden);
  } else {
    const auto opened = KeyVault::open_kek_file("/etc/passwd");
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, ErrorCode::forbidden);
  }
}

TEST_F(KekFile, WithOtherContentIsRefused) {
  for (const auto& content :
       {std::string(), std::string("00"), std::string(63, 'A'), kKek + "A", kKek + "\n\n", kKek + "AA",
        std::string(63, 'A') + "G", std::string(64, '\0')}) {
    write(content);
    EXPECT_EQ(open_code(), ErrorCode::invalid) << content.size();
  }
  write(kKek + "\n");
  EXPECT_EQ(open_code(), std::nullopt);
}

TEST_F(KekFile, ThatIsMissingALinkOrAFolderIsRefused) {
  EXPECT_EQ(open_code(), ErrorCode::not_found);
  write(kKek);
  ASSERT_EQ(::symlink(path().c_str(), path("link").c_str()), 0);
  EXPECT_FALSE(KeyVault::open_kek_file(path("link")));
  EXPECT_FALSE(KeyVault::open_kek_file(path("")));
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_FALSE(KeyVault::open_kek_file(path("pipe"))) << "and must not hang";
  SeededChance chance(3);
  EXPECT_FALSE(KeyVault::create_kek_file(path("no/such/kek"), chance));
  EXPECT_FALSE(KeyVault::create_kek_file(path("link"), chance));
}

TEST(Vault, OpensWhatItSealed) {
  const auto vault = test_vault();
  SeededChance chance(4);
  for (const std::size_t size : {0U, 1U, 16U, 255U, 65536U}) {
    const Bytes clear(size, 0x11);
    const auto cell = vault.seal("secret/7", clear, chance);
    EXPECT_EQ(cell.size(), size + 29);
    const auto opened = vault.open("secret/7", cell);
    ASSERT_TRUE(opened) << size;
    EXPECT_EQ(to_hex(opened->reveal()), to_hex(clear));
  }
}

TEST(Vault, RefusesACellUnderAnotherContext) {
  const auto vault = test_vault();
  SeededChance chance(5);
  const auto tmk = import_clear_tmk(hex("0123456789ABCDEFFEDCBA9876543210")).value();
  const auto cell = vault.seal_tmk("tmk/10000001/1", tmk, chance);
  const auto swapped = vault.open_tmk("tmk/10000002/1", cell);
  ASSERT_FALSE(swapped);
  EXPECT_EQ(swapped.error().code, ErrorCode::damaged);
  EXPECT_FALSE(vault.open_tmk("", cell));
  EXPECT_FALSE(vault.open_tmk("tmk/10000001/11", cell));
  ASSERT_TRUE(vault.open_tmk("tmk/10000001/1", cell));
  EXPECT_EQ(vault.open_tmk("tmk/10000001/1", cell)->check_value(), tmk.check_value());
}

TEST(Vault, RefusesACellOfAnotherKind) {
  const auto vault = test_vault();
  SeededChance chance(6);
  const auto key = hex("0123456789ABCDEFFEDCBA9876543210");
  const auto tmk = vault.seal_tmk("x", import_clear_tmk(key).value(), chance);
  const auto zone = vault.seal_zone_key("x", import_clear_zone_key(key).value(), chance);
  EXPECT_FALSE(vault.open("x", tmk)) << "key bytes must not come out";
  EXPECT_FALSE(vault.open("x", zone));
  EXPECT_FALSE(vault.open_zone_key("x", tmk));
  EXPECT_FALSE(vault.open_tmk("x", zone));
  EXPECT_FALSE(vault.open_tmk("x", vault.seal("x", key, chance))) << "nor can a general secret become a key";
  EXPECT_FALSE(vault.open_tokenizer("x", tmk));
  EXPECT_EQ(vault.open_zone_key("x", zone)->check_value().hex(), "08D7B4FB");
}

TEST(Vault, RefusesEveryAlteredByteAndEveryTruncation) {
  const auto vault = test_vault();
  SeededChance chance(7);
  const auto cell = vault.seal("a", hex("00112233445566778899AABBCCDDEEFF"), chance);
  for (std::size_t i = 0; i < cell.size(); ++i) {
    auto bad = cell;
    bad[i] ^= 0x80;
    EXPECT_FALSE(vault.open("a", bad)) << i;
    EXPECT_FALSE(vault.open("a", ByteView(cell).first(i))) << i;
  }
  auto longer = cell;
  longer.push_back(0);
  EXPECT_FALSE(vault.open("a", longer));
  EXPECT_FALSE(vault.open("a", Bytes(70'000, 1)));
}

TEST(Vault, RefusesCellsOfAnotherKek) {
  SeededChance chance(8);
  const auto other = KeyVault::from_kek(Bytes(32, 0x5B));
  const auto cell = test_vault().seal("a", hex("01"), chance);
  EXPECT_FALSE(other.open("a", cell));
  EXPECT_NE(other.check_value(), test_vault().check_value());
  EXPECT_EQ(test_vault().check_value(), test_vault().check_value());
}

TEST(Vault, UsesANewNonceForEveryCell) {
  const auto vault = test_vault();
  SeededChance chance(9);
  std::set<std::string> nonces;
  for (int i = 0; i < 1000; ++i)
    EXPECT_TRUE(nonces.insert(to_hex(ByteView(vault.seal("a", {}, chance)).subspan(1, 12))).second);
}

TEST(Vault, WorksAfterItWasMoved) {
  auto vault = test_vault();
  SeededChance chance(10);
  const auto cell = vault.seal("a", hex("01"), chance);
  const auto moved = std::move(vault);
  EXPECT_TRUE(moved.open("a", cell));
}

TEST(VaultDeathTest, AKekOfAnotherSizeStopsTheProcess) {
  EXPECT_DEATH((void)KeyVault::from_kek(Bytes(16)), "32");
}

TEST(Tokens, OfOneCardAreEqualAndOfTwoAreNot) {
  const auto vault = test_vault();
  SeededChance chance(11);
  const auto cell = vault.create_tokenizer_key("token", chance);
  const auto one = vault.open_tokenizer("token", cell).value();
  const auto after_restart = test_vault().open_tokenizer("token", cell).value();
  const auto other = vault.open_tokenizer("token", vault.create_tokenizer_key("token", chance)).value();
  EXPECT_EQ(one.token("6222021234567890128"), after_restart.token("6222021234567890128"));
  EXPECT_NE(one.token("6222021234567890128"), one.token("6222021234567890127"));
  EXPECT_NE(one.token("6222021234567890128"), other.token("6222021234567890128")) << "another store";
  EXPECT_EQ(one.digest(hex("0200")), after_restart.digest(hex("0200")));
  EXPECT_NE(one.digest(hex("0200")), one.digest(hex("0210")));
}

TEST(Tokens, AndDigestsHaveKeysOfTheirOwn) {
  Bytes key(64);
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(i);
  const PanTokenizer tokenizer(key);
  const auto expected = Hmac(ByteView(key).first(32)).of(as_bytes("4111111111111111"));
  EXPECT_EQ(to_hex(tokenizer.token("4111111111111111").bytes), to_hex(ByteView(expected).first(16)));
  EXPECT_NE(to_hex(tokenizer.digest(as_bytes("4111111111111111")).bytes),
            to_hex(tokenizer.token("4111111111111111").bytes));
}

}  // namespace
}  // namespace tollgate::crypto
