#include "switch/core/fold.h"

#include "switch/base/check.h"
#include "switch/core/house.h"
#include "switch/core/partition.h"
#include "switch/core/replay.h"

namespace tollgate::core {
namespace {

// A fold asks nothing of the world and draws no chance: whoever does here would act twice.
class Nowhere final : public Outside, public LinkListener, public Chance {
 public:
  void send_terminal(const ConnRef&, ByteView) override { reached(); }
  void close_terminal(const ConnRef&, CloseReason) override { reached(); }
  [[nodiscard]] bool forward_frame(std::uint16_t, const ConnRef&, std::uint16_t, ByteView) override { reached(); }
  void connect_link(LinkId, std::string_view) override { reached(); }
  void send_link(LinkId, ByteView) override { reached(); }
  void close_link(LinkId) override { reached(); }
  void submit(storage::CommitWork&&) override { reached(); }
  void command_done(std::uint64_t, CommandResult&&) override { reached(); }
  void publish_reference(std::shared_ptr<const Reference>, std::function<void()>) override { reached(); }
  void expect(const Waiter&, int) override { reached(); }
  void on_answer(const Waiter&, const iso::MessageView&, Duration) override { reached(); }
  void on_timeout(const Waiter&) override { reached(); }
  void on_lost(const Waiter&, bool) override { reached(); }
  void on_late(const Waiter&, const iso::MessageView&, bool) override { reached(); }
  void on_host_ready(std::string_view) override { reached(); }
  void fill(MutableBytes) override { reached(); }

 private:
  [[noreturn]] static void reached() {
    TG_CHECK(!"an effect of a fold");
    std::abort();
  }
};

// Everything that a partition finds around it, by itself.
struct Apart {
  EngineConfig config;
  std::shared_ptr<crypto::KeyVault> vault;
  Nowhere nowhere;
  Counters counters;
  Links links{nowhere, nowhere, counters, nowhere};
  WorkerContext w;

  Apart(const FoldOrder& order, TimeZone zone)
      : config(order.config),
        vault(order.vault),
        w{.config = config, .outside = nowhere, .chance = nowhere, .vault = *vault, .counters = counters, .links = links,
          .day = ledger::BusinessDay(std::move(zone), config.cutoff_s), .directory = std::make_shared<Directory>(),
          .reference = std::make_shared<const Reference>(Reference::Parts{}), .now = {}} {}
};

template <class Slice, class Replay>
Result<storage::Snapshot> fold(Slice& slice, const FoldOrder& order, const storage::Journal& journal, const Replay& show) {
  GroupNo from{1};
  {
    const auto before = journal.latest_snapshot(order.partition);
    if (!before) return std::unexpected(before.error());
    if (*before) {
      if ((*before)->group > order.upto.group) return fail(ErrorCode::conflict, "there is a newer snapshot already", "snapshot");
      if (auto loaded = slice.load_snapshot(**before); !loaded) return std::unexpected(loaded.error());
      from = GroupNo{(*before)->group.value + 1};
    }
  }  // its bytes go before the new ones come
  const auto shown = replay(journal, {.partition = order.partition, .from = from, .upto = order.upto.group, .cancelled = order.cancelled}, show);
  if (!shown) return std::unexpected(shown.error());
  // One group too few, and the bytes would be those of another place in the chain.
  if (shown->last != order.upto.group) return fail(ErrorCode::conflict, "what was read does not end where the snapshot is to stand", "snapshot");
  slice.recovered(order.upto.group, shown->records);
  auto snapshot = slice.snapshot();
  if (!snapshot) return fail(ErrorCode::full, "the state is larger than a snapshot holds", "snapshot");
  snapshot->hash = order.upto.hash;
  return std::move(*snapshot);
}

}  // namespace

Result<storage::Snapshot> fold_apart(const FoldOrder& order, const storage::Journal& journal) {
  auto zone = TimeZone::load(order.config.time_zone);
  if (!zone) return std::unexpected(zone.error());
  Apart apart(order, std::move(*zone));
  if (order.partition == kHouse) {
    House house(apart.w, order.upto.epoch);
    return fold(house, order, journal, [&](const RecordView& record, GroupNo) { return house.replay(record); });
  }
  Partition partition(apart.w, order.partition, order.upto.epoch);
  return fold(partition, order, journal, [&](const RecordView& record, GroupNo group) { return partition.replay(record, group); });
}

}  // namespace tollgate::core
