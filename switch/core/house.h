// The house: partition 0, reference data and access. A fold of its own records; after each change that is durable it gives a
// new Reference to every engine. Owned by the engine of worker 0; same three steps as a partition: look, record, apply.
//
// It also makes the store's tokenizer key, once, and keeps the zone keys of hosts: sealed cells "vault/tokenizer" and
// "zmk/<host>". Thread: worker 0. house.cpp is its life and the rest of its orders, house_prices.cpp schedules and assignments.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fees/price_book.h"
#include "proto/record_wire.h"
#include "storage/journal.h"
#include "switch/core/group_buffer.h"
#include "switch/core/idempotency.h"
#include "switch/core/worker_context.h"

namespace tollgate::core {

class House {
 public:
  House(WorkerContext& worker, Epoch epoch);

  [[nodiscard]] Result<void> load_snapshot(const storage::Snapshot& snapshot);
  [[nodiscard]] bool replay(const RecordView& record);  // false: it is none of the house
  void recovered(GroupNo last, std::uint64_t records) {
    next_group_ = GroupNo{last.value + 1};
    replayed_records_ = records;
  }
  [[nodiscard]] std::uint64_t replayed_records() const noexcept { return replayed_records_; }  // behind the snapshot
  [[nodiscard]] Result<void> open_cells(const storage::Journal& journal);
  void start();

  void command(const HouseCommand& what, Caller& caller, std::uint64_t ticket);
  void flush();
  void on_committed(storage::CommitWork&& work, storage::AppendResult result);
  [[nodiscard]] bool idle() const noexcept { return !committing_ && gathering_.empty(); }
  // As of what was applied; callers outside get it when it is durable.
  [[nodiscard]] std::shared_ptr<const Reference> make_reference() const;
  [[nodiscard]] std::optional<storage::Snapshot> snapshot() const;
  void set_priced(bool priced) noexcept { priced_ = priced; }

 private:
  void run(const SetHost& what, CommandResult& result, const Caller& caller);
  void run(const SetRoutes& what, CommandResult& result, const Caller& caller);
  void run(const SetCards& what, CommandResult& result, const Caller& caller);
  void run(const PublishSchedule& what, CommandResult& result, const Caller& caller);
  void run(const DraftSchedule& what, CommandResult& result, const Caller& caller);
  void run(const PublishDraft& what, CommandResult& result, const Caller& caller);
  struct Publication {
    std::shared_ptr<const fees::Examination> examined;
    std::string override_reason, file, drafted_by;
  };
  void publish(Publication&& what, CommandResult& result, const Caller& caller);
  void run(const Assign& what, CommandResult& result, const Caller& caller);
  void run(const SetDevice& what, CommandResult& result, const Caller& caller);
  void run(const CreateToken& what, CommandResult& result, const Caller& caller);
  void run(const RevokeToken& what, CommandResult& result, const Caller& caller);
  template <class Body>
  void record(int field, const Body& body) {
    gathering_.append(w_.now.wall.us, field, body);
    apply(body, w_.now.wall.us);
  }
  [[nodiscard]] bool apply(const v1::Record& record);
  void apply(const v1::HostSet& set, std::int64_t at_us);
  void apply(const v1::RoutesSet& set, std::int64_t at_us);
  void apply(const v1::CardsSet& set, std::int64_t at_us);
  void apply(const v1::DeviceSet& set, std::int64_t at_us);
  void apply(const v1::SchedulePublished& published, std::int64_t at_us);
  void apply(const v1::ScheduleDrafted& drafted, std::int64_t at_us);
  void apply(const v1::AssignmentRecorded& recorded, std::int64_t at_us);
  void apply(const v1::TokenCreated& created, std::int64_t at_us);
  void apply(const v1::TokenRevoked& revoked, std::int64_t at_us);
  void apply(const v1::Idempotency& idempotency, std::int64_t at_us);
  void apply(const v1::VaultChanged& changed, std::int64_t at_us);
  void done(std::uint64_t ticket, CommandResult&& result);
  [[nodiscard]] ObjectId take_id() { return {kHouse, epoch_, next_id_++}; }

  WorkerContext& w_;
  Epoch epoch_;
  std::uint64_t next_id_ = 1;
  std::uint64_t replayed_records_ = 0;
  GroupNo next_group_{1};
  bool priced_ = false, committing_ = false, changed_ = false;
  std::uint64_t version_ = 0;

  std::map<std::string, v1::Host, std::less<>> hosts_;
  std::map<std::string, std::shared_ptr<const crypto::ZonePinKey>, std::less<>> zone_keys_;
  std::vector<v1::Route> routes_;
  std::vector<v1::CardRange> cards_;
  std::map<std::string, v1::Device, std::less<>> devices_;
  std::map<std::uint64_t, v1::TokenCreated> tokens_;
  fees::PriceBook prices_;
  std::vector<std::pair<v1::SchedulePublished, std::int64_t>> schedules_;
  std::map<std::pair<std::string, std::uint32_t>, v1::ScheduleDrafted> drafts_;  // by id and version
  std::vector<std::pair<v1::AssignmentRecorded, std::int64_t>> assignments_;
  std::shared_ptr<const crypto::PanTokenizer> tokenizer_;
  IdempotencyTable idempotency_;
  GroupBuffer gathering_, in_commit_;
  std::optional<storage::CommitWork> again_;  // refused as full; handed in again when there may be room
  Instant again_at_;
};

}  // namespace tollgate::core
