// `tollgate serve` and the pieces it is put together from: the composition root. Everything is made here, in
// the order in which it depends on each other, and dies in the reverse order; nothing else in the tree makes
// a thread pool, a store or a server. Thread: main's.
#pragma once

#include <string>

#include "switch/config.h"

namespace tollgate {

struct ServeOptions {
  config::Loaded loaded;
  std::string ports_file;            // empty: none
  std::string bootstrap_token_file;  // empty: none; lab and demo only
  bool dumpable = false;             // for a debugger; keys are in memory
};

// Serves until SIGTERM or SIGINT, drains, and gives the exit code: 0 after a clean end, 1 when it could not
// start or a write was unknown (P6).
[[nodiscard]] int serve(const ServeOptions& options);

}  // namespace tollgate
