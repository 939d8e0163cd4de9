// What a start may do: the table of reference "durability", section 3, as a pure function of the mark and of
// what the store shows. Rows in order, the first that is not "serve" decides; safe mode carries what is
// missing, per partition. Thread: any; nothing is shared.
#pragma once

#include "storage/high_water_mark.h"

namespace tollgate::storage {

// How the store came up.
enum class StoreCondition : std::uint8_t {
  open,        // strictly recovered, writable
  refused,     // strict recovery refused it: damage in the log; the view is what a read-only look shows
  disk_full,   // recovery had no space even without the ballast; the view is read-only
  unreadable,  // not even that: no view
};

struct PartitionView {
  Head head;
  std::optional<Digest> at_mark;  // the chain at the mark's group, when that group is there and whole
};

struct StoreView {
  StoreCondition condition = StoreCondition::unreadable;
  std::string why;  // of a condition other than open
  StoreIdentity identity;
  std::vector<PartitionView> partitions;  // the house first
};

enum class StartAction : std::uint8_t { serve, serve_with_note, safe_mode };

struct MissingGroups {  // acknowledged, and not in the store
  PartitionId partition;
  GroupNo first, last;
  std::string why;
};

struct StartVerdict {
  StartAction action = StartAction::safe_mode;
  std::string reason;              // of safe mode
  std::vector<std::string> notes;  // for the log
  std::vector<MissingGroups> missing;
  bool acceptable =
      false;  // safe mode although everything acknowledged is there: an operator may accept the damage
};

[[nodiscard]] StartVerdict judge(const MarkReading& mark, const StoreView& store);

// Looks at a journal for judge(): every head, and the group that the mark names.
[[nodiscard]] StoreView view_store(const Journal& journal, StoreCondition condition, std::string why,
                                   const MarkReading& mark);

}  // namespace tollgate::storage
