#include "switch/crypto/sealed_batch.h"

#include "tests/crypto/vectors.h"

namespace tollgate::crypto {
namespace {

constexpr BusinessDate kDay{20'778};

SealedPan pair_of(std::uint64_t id, std::string_view pan) {
  SealedPan pair{TxnId(id), {}};
  pair.pan.reveal().assign(as_bytes(pan));
  return pair;
}

std::vector<SealedPan> pairs_of(std::size_t count) {
  std::vector<SealedPan> pairs;
  for (std::size_t i = 0; i < count; ++i)
    pairs.push_back(pair_of(i * 7 + 1, std::string_view("6222021234567890128").substr(0, 1 + i % 19)));
  return pairs;
}

Bytes seal(const DayKey& key, std::string_view context, std::span<const SealedPan> pairs, Chance& chance) {
  Bytes out;
  key.seal(context, pairs, chance, out);
  return out;
}

TEST(SealedBatch, GivesBackEveryPair) {
  SeededChance chance(1);
  const auto day = test_vault().create_day_key(kDay, chance);
  for (const std::size_t count : {0U, 1U, 2U, 19U, 256U}) {
    const auto pairs = pairs_of(count);
    const auto sealed = seal(day.key, "pan/3/17", pairs, chance);
    EXPECT_EQ(sealed.size(), 28 + 19 * count);
    const auto opened = day.key.open("pan/3/17", sealed);
    ASSERT_TRUE(opened) << count;
    ASSERT_EQ(opened->size(), count);
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ((*opened)[i].id, pairs[i].id);
      EXPECT_EQ((*opened)[i].pan.reveal().text(), pairs[i].pan.reveal().text());
    }
  }
}

TEST(SealedBatch, AppendsToWhatIsThere) {
  SeededChance chance(2);
  const auto day = test_vault().create_day_key(kDay, chance);
  Bytes out = hex("AABB");
  const auto pairs = pairs_of(3);
  day.key.seal("a", pairs, chance, out);
  EXPECT_EQ(to_hex(ByteView(out).first(2)), "AABB");
  EXPECT_EQ(day.key.open("a", ByteView(out).subspan(2))->size(), 3U);
}

TEST(SealedBatch, HoldsNoDigitOfTheCardInClear) {
  SeededChance chance(3);
  const auto day = test_vault().create_day_key(kDay, chance);
  std::vector<SealedPan> pairs;
  pairs.push_back(pair_of(1, "6222021234567890128"));
  const auto sealed = seal(day.key, "a", pairs, chance);
  const auto text = to_hex(sealed);
  EXPECT_EQ(text.find("622202"), std::string::npos);
  EXPECT_EQ(text.find(to_hex(as_bytes("622202"))), std::string::npos);
}

TEST(SealedBatch, OpensAfterARestartWithItsDayKey) {
  SeededChance chance(4);
  const auto day = test_vault().create_day_key(kDay, chance);
  const auto sealed = seal(day.key, "a", pairs_of(5), chance);
  const auto restored = test_vault().open_day_key(kDay, day.sealed);
  ASSERT_TRUE(restored);
  EXPECT_EQ(restored->day(), kDay);
  EXPECT_EQ(restored->open("a", sealed)->size(), 5U);
}

TEST(SealedBatch, OpensNowhereElse) {
  SeededChance chance(5);
  const auto vault = test_vault();
  const auto day = vault.create_day_key(kDay, chance);
  const auto sealed = seal(day.key, "pan/3/17", pairs_of(5), chance);
  EXPECT_FALSE(day.key.open("pan/3/18", sealed)) << "another commit group";
  EXPECT_FALSE(vault.create_day_key(kDay, chance).key.open("pan/3/17", sealed)) << "another key";
  EXPECT_FALSE(vault.open_day_key(BusinessDate{kDay.days + 1}, day.sealed))
      << "the key as that of another day";
  EXPECT_FALSE(vault.open(format_date(kDay), day.sealed)) << "the key as a general secret";
}

// What is kept of a destroyed day is the batch and the KEK. Neither opens the batch.
TEST(SealedBatch, OfADestroyedDayKeyIsUnreadable) {
  SeededChance chance(6);
  const auto vault = test_vault();
  Bytes sealed, cell;
  {
    auto day = vault.create_day_key(kDay, chance);
    sealed = seal(day.key, "a", pairs_of(5), chance);
    cell = std::move(day.sealed);
    ASSERT_TRUE(vault.open_day_key(kDay, cell)->open("a", sealed)) << "the control must pass";
  }
  cell.assign(cell.size(), 0);  // destroyed
  EXPECT_FALSE(vault.open_day_key(kDay, cell));
  EXPECT_FALSE(vault.open("a", sealed));
  const auto new_key = vault.create_day_key(kDay, chance);
  const auto opened = new_key.key.open("a", sealed);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::damaged);
}

TEST(SealedBatch, RefusesEveryAlteredByteAndTruncation) {
  SeededChance chance(7);
  const auto day = test_vault().create_day_key(kDay, chance);
  const auto sealed = seal(day.key, "a", pairs_of(3), chance);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    auto bad = sealed;
    bad[i] ^= 0x01;
    EXPECT_FALSE(day.key.open("a", bad)) << i;
    EXPECT_FALSE(day.key.open("a", ByteView(sealed).first(i))) << i;
  }
  EXPECT_TRUE(day.key.open("a", sealed)) << "and the key still works after refusals";
}

TEST(SealedBatchDeathTest, ACardNumberThatIsNoneStopsTheProcess) {
  SeededChance chance(8);
  const auto day = test_vault().create_day_key(kDay, chance);
  for (const std::string_view bad : {"", "62220x"}) {
    std::vector<SealedPan> pairs;
    pairs.push_back(pair_of(1, bad));
    EXPECT_DEATH(seal(day.key, "a", pairs, chance), "pan");
  }
}

}  // namespace
}  // namespace tollgate::crypto
