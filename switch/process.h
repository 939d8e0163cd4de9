// What the process is to the machine: no core file and no debugger's look at its memory (keys live there), as
// many descriptors as it may have, and signals that arrive where somebody waits for them. Owner: the
// composition root, before any thread starts.
#pragma once

#include <cstdint>
#include <string>

namespace tollgate {

enum class Dumpable : std::uint8_t { no, yes /* tests under a debugger */ };
// RLIMIT_CORE 0 and PR_SET_DUMPABLE 0 (security, section 1).
void harden_process(Dumpable dumpable) noexcept;

// Raises the soft limit of descriptors to the hard one and says how many terminals may have, so that ledger,
// console and links always find one (security, threat 9): all but 512, or half of a small limit.
[[nodiscard]] std::uint32_t sockets_for_terminals() noexcept;

// Blocks SIGTERM, SIGINT and SIGHUP in this thread and those it starts; wait() gets them. SIGPIPE is ignored.
class Signals {
 public:
  enum class Event : std::uint8_t { terminate, reload, wake };
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  [[nodiscard]] Event wait();
  void wake() noexcept;  // any thread: wait() returns `wake`

 private:
  int signals_ = -1, wake_ = -1;
};

// One line into a file that appears whole or not at all, readable by its owner only when `secret`. "" when
// done, else why not.
enum class Reader : std::uint8_t { anyone, owner };
[[nodiscard]] std::string write_whole(const std::string& path, const std::string& text, Reader reader);

}  // namespace tollgate
