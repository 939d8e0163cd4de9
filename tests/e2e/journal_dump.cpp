// The payload of every group of a store, as it is before it is packed, one after the other: for searches that
// must see what the journal says. usage: journal_dump STORE
#include <cstdio>

#include "storage/rocks_journal.h"

int main(int count, char** arguments) {
  using namespace tollgate;
  if (count != 2) return 2;
  const auto journal = storage::RocksJournal::open_read_only(arguments[1], {});
  if (!journal) {
    std::fprintf(stderr, "%s\n", journal.error().text().c_str());
    return 1;
  }
  for (std::uint16_t p = 0; p <= (*journal)->partitions(); ++p) {
    const auto shown = (*journal)->read({p}, GroupNo{1}, [](const storage::Group& group) {
      return std::fwrite(group.payload.data(), 1, group.payload.size(), stdout) == group.payload.size();
    });
    if (!shown) {
      std::fprintf(stderr, "%s\n", shown.error().text().c_str());
      return 1;
    }
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}
