#include "storage/start.h"

namespace tollgate::storage {
namespace {

// What to tell the operator when strict recovery did not open the store.
StoreCondition condition_of(const Error& error) {
  return error.code == ErrorCode::full ? StoreCondition::disk_full : StoreCondition::refused;
}

Result<void> catch_up_mark(HighWaterMark& mark, const Journal& journal) {
  std::vector<MarkEntry> behind;
  for (const auto& e : mark.state().partitions) {
    const auto head = journal.head(e.partition);
    if (head.group > e.group) behind.push_back({e.partition, head.group, head.hash});
  }
  if (behind.empty()) return {};
  return mark.advance(behind);
}

}  // namespace

Result<StoreIdentity> format_store(const std::string& path, const std::string& mark_path,
                                   std::uint16_t partitions, const StoreOptions& options) {
  auto identity = RocksJournal::format(path, partitions, options);
  if (!identity) return identity;
  if (auto made = HighWaterMark::create(mark_path, *identity, partitions); !made)
    return std::unexpected(made.error());
  return identity;
}

Result<StartedStore> start_store(const std::string& path, const std::string& mark_path,
                                 const StoreOptions& options) {
  StartedStore out;
  const auto reading = HighWaterMark::read(mark_path);
  auto opened = RocksJournal::open(path, options);
  StoreView view;
  if (opened) {
    out.journal = std::move(*opened);
    view = view_store(*out.journal, StoreCondition::open, {}, reading);
  } else {
    const auto& error = opened.error();
    if (error.code == ErrorCode::conflict || error.code == ErrorCode::invalid) return std::unexpected(error);
    auto look = RocksJournal::open_read_only(path, options);
    if (look) {
      out.journal = std::move(*look);
      view = view_store(*out.journal, condition_of(error), error.text(), reading);
    } else {
      // A place where neither a store nor a mark is, is no damaged store.
      if (error.code == ErrorCode::not_found && reading.health == MarkHealth::unusable)
        return std::unexpected(error);
      view.why = error.text();
    }
  }
  out.verdict = judge(reading, view);
  if (out.verdict.action == StartAction::safe_mode) {
    if (view.condition != StoreCondition::open) return out;
    // Closed and opened again without the right to write, so that nothing in the process can change what is
    // to be examined.
    out.journal.reset();
    auto look = RocksJournal::open_read_only(path, options);
    if (look) out.journal = std::move(*look);
    return out;
  }
  auto mark = HighWaterMark::open(mark_path);
  if (!mark) return std::unexpected(mark.error());
  if (auto ok = catch_up_mark(**mark, *out.journal); !ok) return std::unexpected(ok.error());
  out.mark = std::move(*mark);
  return out;
}

}  // namespace tollgate::storage
