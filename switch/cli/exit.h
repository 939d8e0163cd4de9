// How a command of the command line ends: CLI11 takes the exit code as an exception out of a callback, and
// main turns it into the process's. Codes are those of the reference ("command line": 0 done, 1 failed, 2
// usage, …). Thread: main's.
#pragma once

#include <CLI/Error.hpp>

namespace tollgate::cli {

inline void exit_with(int code) {
  if (code != 0) throw CLI::RuntimeError(code);
}

}  // namespace tollgate::cli
