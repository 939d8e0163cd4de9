// First byte: which reader of stored bytes. Rest: the bytes. Whatever a reader accepts, a writer can say, and it
// is read back the same.
#include <algorithm>
#include <cstdint>

#include "storage/group.h"
#include "storage/high_water_mark.h"
#include "storage/record_stream.h"
#include "storage/snapshot_frame.h"
#include "switch/base/check.h"

namespace {

using namespace tollgate;
using namespace tollgate::storage;

const StoreId kStore{1, 2, 3};

void read_records(ByteView payload) {
  RecordReader reader;
  std::uint32_t shown = 0;
  const Group group{
      .partition = {1}, .epoch = {1}, .group = {1}, .records = 2, .payload = payload, .hash = {}};
  const auto read = reader.read(group, [&](const v1::Record& record, const Position& position) {
    TG_CHECK(position.offset < payload.size());
    // What is read in place is what the library reads.
    RecordCursor cursor(payload, position.offset);
    TG_CHECK(cursor.next());
    const auto view = RecordView::of(cursor.bytes());
    TG_CHECK(view.kind == 0 || view.at_us == record.at_us());
    TG_CHECK(view.kind == 0 || record.body_case() == 0 || static_cast<int>(view.kind) == record.body_case());
    return ++shown < 1000;
  });
  TG_CHECK(!read || shown == 2 || !*read);
}

void read_group(ByteView stored) {
  ChainReader chain(kStore, {1}, {1});
  const auto group = chain.next(stored);
  if (!group) return;
  // Written again it says the same, in bytes that may differ only where LZ4 has a choice.
  GroupWriter writer;
  const auto again = writer
                         .write(kStore, {},
                                {.partition = group->partition,
                                 .epoch = group->epoch,
                                 .group = group->group,
                                 .records = group->records,
                                 .payload = group->payload,
                                 .cells = {}})
                         .joined();
  TG_CHECK(std::equal(again.begin(), again.begin() + 76, stored.begin()));
  if (again.size() == kGroupOverhead + group->payload.size() && again.size() == stored.size()) {
    TG_CHECK(std::ranges::equal(again, stored));
  }
  ChainReader second(kStore, {1}, {1});
  const auto same = second.next(again);
  TG_CHECK(same && std::ranges::equal(same->payload, group->payload));
  read_records(group->payload);
}

void read_mark(ByteView file) {
  const auto reading = decode_mark(file);
  if (reading.health == MarkHealth::unusable) return;
  const auto slot = encode_mark_slot(reading.mark);
  const auto place = file.subspan(reading.mark.commit % 2 * slot.size(), slot.size());
  const auto again = decode_mark(file);
  TG_CHECK(again.mark.commit == reading.mark.commit && place.size() == slot.size());
}

void read_snapshot(ByteView bytes) {
  if (bytes.size() < sizeof(SnapshotManifest)) return;
  const auto manifest = bytes.first(sizeof(SnapshotManifest));
  const auto state = bytes.subspan(sizeof(SnapshotManifest));
  const auto snapshot = parse_snapshot(kStore, {1}, manifest, Bytes(state.begin(), state.end()));
  if (!snapshot) return;
  TG_CHECK(snapshot->state.size() == state.size());
}

// Unpacking by itself, which a group's hash keeps such bytes from: the first two say how long they should be.
void read_packed(ByteView bytes) {
  if (bytes.size() < 2) return;
  const std::size_t size = load_be16(bytes.data());
  Bytes room;
  if (unpack(bytes.subspan(2), size, room)) TG_CHECK(room.size() == size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView rest(data + 1, size - 1);
  switch (data[0] % 5) {
    case 0:
      read_group(rest);
      break;
    case 1:
      read_records(rest);
      break;
    case 2:
      read_mark(rest);
      break;
    case 3:
      read_packed(rest);
      break;
    default:
      read_snapshot(rest);
      break;
  }
  return 0;
}
