// First byte: which dialect, and whether with its envelope. Rest: a stream, of which frames are cut. Whatever
// decode accepts must encode to the same bytes; every reader over an accepted or half-read message must keep
// inside it.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "switch/base/check.h"
#include "switch/iso/codec.h"
#include "switch/iso/framing.h"
#include "switch/iso/private_fields.h"

namespace {

using namespace tollgate;
using namespace tollgate::iso;

const Dialect& chosen(std::uint8_t byte) {
  static const auto dialects = [] {
    std::vector<std::shared_ptr<const Dialect>> all;
    for (const auto name : Dialect::builtin_names()) {
      all.push_back(Dialect::builtin(name));
      all.push_back(all.back()->without_envelope());
    }
    return all;
  }();
  return *dialects[byte % dialects.size()];
}

// Every public reader, also over what a refusal left behind.
void read_everything(const Dialect& dialect, const MessageView& view) {
  std::vector<char> buffer(dialect.longest());
  for (int field = 2; field <= kFieldMax; ++field) {
    const auto value = view.value(field, buffer);
    TG_CHECK(value.size() == view.length(field));
    TG_CHECK(!view.has(field) || view.equals(field, value));
    (void)view.number(field);
  }
  (void)view.mac_range();
  (void)field_60(view);
  (void)field_61(view);
  (void)text_tlv(view, 59, "A3");
  (void)text_tlv(view, 62, "BT");
  (void)sign_in_serial(view);
  if (const auto* row = dialect.classify(view)) (void)row->missing(view);
}

void encodes_to_itself(const Dialect& dialect, const MessageView& view) {
  MessageBuilder builder;
  builder.copy_all(view);
  std::vector<std::uint8_t> out(view.frame().size() + 4);
  const auto encoded = encode(dialect, builder, out);
  TG_CHECK(encoded.has_value());
  TG_CHECK(encoded->size() >= view.frame().size());
  TG_CHECK(std::ranges::equal(encoded->last(view.frame().size()), view.frame()));
  TG_CHECK(std::ranges::equal(mac_input(dialect, *encoded), view.mac_range()));
}

// From canonical values into another dialect: it may refuse, but what it writes must decode to the same
// values.
void crosses_over(const MessageView& view, const Dialect& to) {
  MessageBuilder builder;
  const std::array<std::uint8_t, 5> tpdu{0x60};
  const std::array<std::uint8_t, 64> header{};
  builder.set_mti(view.mti());
  builder.set_tpdu(ByteView(tpdu).first(to.tpdu_size()));
  builder.set_header(ByteView(header).first(to.header_size()));
  for (int field = 2; field <= kFieldMax; ++field) {
    if (to.field(field).defined) builder.copy(field, view);
  }
  std::vector<std::uint8_t> out(16384);
  const auto encoded = encode(to, builder, out);
  if (!encoded) return;
  const Cut cut = next_frame(to.framing(), *encoded);
  TG_CHECK(cut.kind == Cut::Kind::frame && cut.consumed == encoded->size());
  MessageView again;
  TG_CHECK(decode(to, cut.frame, again).ok());
  std::vector<char> here(view.dialect()->longest()), there(to.longest());
  for (int field = 2; field <= kFieldMax; ++field) {
    TG_CHECK(again.has(field) == builder.has(field));
    TG_CHECK(!again.has(field) || view.value(field, here) == again.value(field, there));
  }
}

void one_frame(const Dialect& dialect, const Dialect& other, ByteView frame) {
  // Exactly the frame's bytes on the heap: one byte too far is seen.
  const std::vector<std::uint8_t> own(frame.begin(), frame.end());
  MessageView view;
  const auto status = decode(dialect, own, view);
  TG_CHECK(status.offset <= own.size() || own.size() > 0xFFFF);
  read_everything(dialect, view);
  if (!status.ok()) return;
  encodes_to_itself(dialect, view);
  crosses_over(view, other);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Dialect& dialect = chosen(data[0]);
  const Dialect& other = chosen(static_cast<std::uint8_t>(data[0] >> 4));
  const ByteView rest(data + 1, size - 1);
  one_frame(dialect, other, rest);
  for (ByteView stream = rest; !stream.empty();) {
    const Cut cut = next_frame(dialect.framing(), stream);
    if (cut.kind != Cut::Kind::frame) break;
    TG_CHECK(cut.consumed > 0 && cut.consumed <= stream.size());
    one_frame(dialect, other, cut.frame);
    stream = stream.subspan(cut.consumed);
  }
  return 0;
}
