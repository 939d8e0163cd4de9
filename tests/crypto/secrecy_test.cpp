// Compile-time: what holds a secret cannot be printed, copied or compared. Each rule has a control that would
// pass the other way, so that a requires-expression that is false for another reason does not look like a
// promise.
#include <fmt/format.h>
#include <fmt/ostream.h>
#include <gtest/gtest.h>

#include <ostream>

#include "switch/crypto/lab.h"
#include "switch/crypto/vault.h"

namespace tollgate::crypto {
namespace {

template <class T>
concept Streams = requires(std::ostream& out, const T& value) {
  out << value;
};
template <class T>
concept Formats = fmt::is_formattable<T>::value;
template <class T>
concept Compares = requires(const T& a, const T& b) {
  a == b;
};
template <class T>
concept Copies = std::is_copy_constructible_v<T> || std::is_copy_assignable_v<T>;
template <class T>
concept Secret = !Streams<T> && !Formats<T> && !Compares<T> && !Copies<T>;

static_assert(Streams<int> && Formats<int> && Compares<int> && Copies<int>, "the controls");
static_assert(Compares<CheckValue> && Copies<CheckValue>, "a check value is public");

static_assert(Secret<MacKey>);
static_assert(Secret<Tmk>);
static_assert(Secret<PinKey>);
static_assert(Secret<ZonePinKey>);
static_assert(Secret<TrackKey>);
static_assert(Secret<WorkingKeys>);
static_assert(Secret<SignIn>);
static_assert(Secret<Field62>);
static_assert(Secret<PinBlock>);
static_assert(Secret<SecretBytes>);
static_assert(Secret<SealedPan>);
static_assert(Secret<DayKey>);
static_assert(Secret<KeyVault>);
static_assert(Secret<PanTokenizer>);

template <class T>
concept Moves = std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_assignable_v<T>;
static_assert(Moves<MacKey> && Moves<Tmk> && Moves<WorkingKeys> && Moves<DayKey> && Moves<KeyVault>);

// Usage is type: a key of one kind does not stand in for another.
static_assert(!std::is_convertible_v<PinKey, ZonePinKey> && !std::is_convertible_v<TrackKey, PinKey>);
static_assert(!std::is_constructible_v<PinKey, Tmk> && !std::is_constructible_v<Tmk, PinKey>);

// No handle can be made from nothing, and none gives its bytes.
static_assert(!std::is_default_constructible_v<MacKey> && !std::is_default_constructible_v<Tmk>);
template <class T>
concept Reveals = requires(const T& value) {
  value.reveal();
};
static_assert(Reveals<SecretBytes> && !Reveals<MacKey> && !Reveals<Tmk> && !Reveals<PinKey> &&
              !Reveals<KeyVault>);

TEST(Secrecy, AHandleIsWipedWhenItIsMovedFromAndWhenItDies) {
  alignas(Tmk) std::array<std::uint8_t, sizeof(Tmk)> room{};
  const Bytes key(16, 0x6B);
  const std::string needle(16, '\x6B');
  const auto holds_key = [&](const void* at, std::size_t size) {
    return std::string_view(static_cast<const char*>(at), size).find(needle) != std::string_view::npos;
  };
  auto* tmk = new (room.data()) Tmk(import_clear_tmk(key).value());
  EXPECT_TRUE(holds_key(room.data(), room.size())) << "the control: a master key is kept to be sealed";
  {
    const Tmk moved = std::move(*tmk);
    EXPECT_FALSE(holds_key(room.data(), room.size()));
    *tmk = import_clear_tmk(key).value();
    EXPECT_TRUE(holds_key(room.data(), room.size()));
  }
  tmk->~Tmk();
  std::array<std::uint8_t, sizeof(Tmk)> after;
  std::memcpy(after.data(), room.data(), room.size());
  EXPECT_FALSE(holds_key(after.data(), after.size()));
}

}  // namespace
}  // namespace tollgate::crypto
