// A cardholder's PIN on its way to the host, and one that cannot get there.
#include <gtest/gtest.h>

#include "switch/iso/framing.h"
#include "tests/core/rig.h"

namespace tollgate {
namespace {

using test::Rig;

sim::SaleOrder sale_of(bool with_pin) {
  sim::SaleOrder order{.card = sim::example_card(), .amount = Amount::checked(10'000)};
  if (!with_pin) order.card.pin.clear();
  return order;
}

// The PIN of a message to a host; nothing where it has none.
std::optional<Bytes> pin_of(const Bytes& request) {
  iso::MessageView view;
  const auto dialect = iso::Dialect::builtin("iso87-ascii");
  EXPECT_TRUE(iso::decode(*dialect, iso::next_frame(dialect->framing(), request).frame, view).ok());
  if (!view.has(52)) return std::nullopt;
  const auto pin = view.raw(52);
  return Bytes(pin.begin(), pin.end());
}

TEST(Pin, HandsThePinOnUnderTheKeyOfTheHost) {
  Rig rig;
  auto pos = rig.terminal();
  rig.sign_in(pos);
  const auto frame = pos.sale(sale_of(true));
  iso::MessageView sale;
  ASSERT_TRUE(iso::decode(*iso::Dialect::builtin("cup"), frame.subspan(2), sale).ok());
  const auto under_pik = sale.raw(52);
  ASSERT_EQ(under_pik.size(), 8U);
  const Bytes before(under_pik.begin(), under_pik.end());
  EXPECT_EQ(rig.ask(pos, frame).code(), "00");
  const auto pin = pin_of(rig.requests.back());
  ASSERT_TRUE(pin.has_value());
  EXPECT_NE(*pin, before);
  EXPECT_EQ(rig.ask(pos, pos.sale(sale_of(false))).code(), "00");
  EXPECT_FALSE(pin_of(rig.requests.back()).has_value());
}

// Nothing is owed for a PIN that does not get there: no intent was recorded, no place on a link is taken.
void expect_nothing_left(Rig& rig, sim::SimTerminal& pos, std::size_t sent) {
  EXPECT_EQ(rig.requests.size(), sent);
  for (const auto& record : rig.records()) EXPECT_FALSE(record.has_intent() || record.has_reversal_owed());
  EXPECT_EQ(rig.ask(pos, pos.sale(sale_of(false))).code(), "00");
}

TEST(Pin, RefusesOneThatItsHostHasNoKeyFor) {
  Rig rig({.host_in_flight_max = 2, .zone_keys = false});
  auto pos = rig.terminal();
  rig.sign_in(pos);
  const auto sent = rig.requests.size();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(rig.ask(pos, pos.sale(sale_of(true))).code(), "99");
  expect_nothing_left(rig, pos, sent);
}

TEST(Pin, RefusesOneThatIsNone) {
  Rig rig({.host_in_flight_max = 2, .mac_required = false});
  auto pos = rig.terminal();
  rig.sign_in(pos);
  const auto sent = rig.requests.size();
  for (int i = 0; i < 5; ++i) {
    const auto sale = pos.sale(sale_of(true));
    Bytes frame(sale.begin(), sale.end());
    iso::MessageView view;
    ASSERT_TRUE(iso::decode(*iso::Dialect::builtin("cup"), ByteView(frame).subspan(2), view).ok());
    frame[static_cast<std::size_t>(view.raw(52).data() - frame.data())] ^= 1;  // its block deciphers to noise
    EXPECT_EQ(rig.ask(pos, frame).code(), "99");
  }
  expect_nothing_left(rig, pos, sent);
}

}  // namespace
}  // namespace tollgate
