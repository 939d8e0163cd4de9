// Work in a process of its own: RocksDB's assertions, cuts and locks belong to a process. Fork only from a
// process that has opened no store, so that no thread of RocksDB is missing in the child.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <functional>

namespace tollgate::storage::test {

inline constexpr int kNotEnded = 99;  // exit status of a child whose work returned without one

// The work ends with _exit(status).
inline int fork_child(const std::function<void()>& work) {
  const auto pid = ::fork();
  if (pid == 0) {
    work();
    ::_exit(kNotEnded);
  }
  return pid;
}

inline int wait_child(int pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status;
}

}  // namespace tollgate::storage::test
