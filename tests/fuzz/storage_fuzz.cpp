// First byte: which reader of stored bytes. Rest: the bytes. Whatever a reader accepts must be what the
// writer writes.
#include <algorithm>
#include <cstdint>

#include "storage/group.h"
#include "storage/high_water_mark.h"
#include "storage/record_stream.h"
#include "storage/rocks_group_value.h"
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
  const auto read = reader.read(group, [&](const v1::Record&, const Position& position) {
    TG_CHECK(position.offset < payload.size());
    return ++shown < 1000;
  });
  TG_CHECK(!read || shown == 2 || !*read);
}

void read_group(ByteView stored) {
  ChainReader chain(kStore, {1}, {1});
  const auto group = chain.next(stored);
  if (!group) return;
  const auto prefix = make_group_prefix(kStore, {},
                                        {.partition = group->partition,
                                         .epoch = group->epoch,
                                         .group = group->group,
                                         .records = group->records,
                                         .payload = group->payload,
                                         .cells = {}});
  TG_CHECK(std::equal(prefix.begin(), prefix.end(), stored.begin()));
  TG_CHECK(chain_hash(prefix, group->payload) == group->hash);
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

void read_value(ByteView value) {
  Bytes room;
  const auto stored = rocks::unpack_group(value, room, {1}, {1});
  if (!stored) return;
  read_group(*stored);
  const auto again = rocks::unpack_group(value, room, {1}, {1});
  TG_CHECK(again && again->size() == stored->size());
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
      read_value(rest);
      break;
    default:
      read_snapshot(rest);
      break;
  }
  return 0;
}
