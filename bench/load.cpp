// bench_load: drives a switch with sales and prints what came back (switch/sim/load.h has the rules of
// measuring).
//
// Open loop at a fixed rate (--rate) or closed loop (--connections x --depth in flight). With --host-listen
// the upstream host runs in this process on a second thread, with answers that approve everything; point the
// switch's host at that address. A second run against the same store in the same batch needs --first-stan
// from the last run's "next_stan".
//
//   bench_load --target 127.0.0.1:8583 --terminals 2000 --rate 20000 --warm-up 5s --for 30s --server-pid
//   $(pidof tollgate)
#include "switch/cli/load_tools.h"

int main(int argc, char** argv) {
  return tollgate::cli::run_load(argc, argv);
}
