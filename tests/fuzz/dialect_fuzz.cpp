// Loading a dialect from any text: it is refused with a place and a reason, or it is a dialect that decodes
// and classifies.
#include <array>
#include <cstdint>
#include <string_view>

#include "switch/base/check.h"
#include "switch/iso/codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tollgate;
  using namespace tollgate::iso;
  const auto dialect = Dialect::load({reinterpret_cast<const char*>(data), size}, "fuzz.toml");
  if (!dialect) {
    TG_CHECK(!dialect.error().what.empty() && !dialect.error().where.empty());
    return 0;
  }
  // A message with every bit that the dialect has, of zeros and of digits.
  for (const std::uint8_t fill :
       {std::uint8_t{0x00}, std::uint8_t{0x60}, std::uint8_t{'0'}, std::uint8_t{0xFF}}) {
    std::array<std::uint8_t, 2048> frame;
    frame.fill(fill);
    MessageView view;
    (void)decode(**dialect, frame, view);
    (void)(*dialect)->classify(view);
  }
  for (const auto& row : (*dialect)->kinds()) TG_CHECK(row.kind != Kind::unknown);
  return 0;
}
