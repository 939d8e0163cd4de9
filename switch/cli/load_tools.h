// The flags of bench_load: options into sim/load.h, a table and JSON out. Thread: the caller's; the host of
// --host-listen has one of its own; SIGINT and SIGTERM end a run early and leave its report.
#pragma once

namespace tollgate::cli {

// 0: every answer fitted; 1: it did not run, an answer was wrong, a suspended terminal was approved, or
// nothing was answered; 2: a flag is wrong. --help lists the flags.
[[nodiscard]] int run_load(int argc, const char* const* argv);

}  // namespace tollgate::cli
