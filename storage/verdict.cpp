#include "storage/verdict.h"

#include <fmt/format.h>

namespace tollgate::storage {
namespace {

StartVerdict safe_mode(std::string reason) {
  StartVerdict out;
  out.reason = std::move(reason);
  return out;
}

// One partition against its entry: what is missing, or nothing.
std::optional<MissingGroups> compare(const MarkEntry& entry, const PartitionView& view) {
  const auto end = view.head.group;
  if (end < entry.group) {
    return MissingGroups{entry.partition, {end.value + 1}, entry.group, "acknowledged groups are gone"};
  }
  if (entry.group.value == 0) return std::nullopt;
  if (!view.at_mark)
    return MissingGroups{entry.partition, entry.group, entry.group, "the group at the mark cannot be read"};
  if (*view.at_mark != entry.hash) {
    return MissingGroups{entry.partition, entry.group, entry.group,
                         "the group at the mark is of another history"};
  }
  return std::nullopt;
}

}  // namespace

StartVerdict judge(const MarkReading& mark, const StoreView& store) {
  if (mark.health == MarkHealth::unusable) {
    return safe_mode("no usable high-water mark: what was acknowledged is not known (" + mark.note + ")");
  }
  if (store.condition == StoreCondition::unreadable) {
    auto out = safe_mode("the store cannot be read at all: " + store.why);
    for (const auto& e : mark.mark.partitions) {
      if (e.group.value != 0) out.missing.push_back({e.partition, {1}, e.group, "the store cannot be read"});
    }
    return out;
  }
  if (mark.mark.store != store.identity) {
    return safe_mode("the mark belongs to another store, or to another generation of this one");
  }
  if (mark.mark.partitions.size() != store.partitions.size()) {
    return safe_mode(fmt::format("the mark counts {} partitions, the store {}",
                                 mark.mark.partitions.size() - 1, store.partitions.size() - 1));
  }
  StartVerdict out;
  if (mark.health == MarkHealth::older_slot) {
    out.notes.push_back("the mark was read from one slot only, a window of one append: " + mark.note);
  }
  for (std::size_t i = 0; i < store.partitions.size(); ++i) {
    const auto& entry = mark.mark.partitions[i];
    const auto& view = store.partitions[i];
    if (auto missing = compare(entry, view)) {
      out.missing.push_back(std::move(*missing));
    } else if (view.head.group > entry.group) {
      out.notes.push_back(fmt::format("partition {}: groups {} to {} are durable but were never answered",
                                      entry.partition.value, entry.group.value + 1, view.head.group.value));
    }
  }
  if (!out.missing.empty()) {
    out.reason = "acknowledged groups are missing or differ";
    if (!store.why.empty()) out.reason += ": " + store.why;
    return out;
  }
  if (store.condition == StoreCondition::refused) {
    out.reason = "the log is damaged behind the last acknowledgement: " + store.why;
    out.acceptable = true;
    return out;
  }
  if (store.condition == StoreCondition::disk_full) {
    out.reason = "the disk is full: " + store.why;
    return out;
  }
  out.action = out.notes.empty() ? StartAction::serve : StartAction::serve_with_note;
  return out;
}

StoreView view_store(const Journal& journal, StoreCondition condition, std::string why,
                     const MarkReading& mark) {
  StoreView out{
      .condition = condition, .why = std::move(why), .identity = journal.identity(), .partitions = {}};
  for (std::uint32_t i = 0; i <= journal.partitions(); ++i) {
    const PartitionId partition{static_cast<std::uint16_t>(i)};
    PartitionView view{.head = journal.head(partition), .at_mark = std::nullopt};
    const auto at = i < mark.mark.partitions.size() ? mark.mark.partitions[i].group : GroupNo{};
    if (at.value != 0 && at <= view.head.group) {
      // A group that cannot be read leaves at_mark empty, which is what judge() needs to know.
      std::ignore = journal.read(partition, at, [&](const Group& group) {
        view.at_mark = group.hash;
        return false;
      });
    }
    out.partitions.push_back(view);
  }
  return out;
}

}  // namespace tollgate::storage
