#include "switch/base/thread.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace tollgate {
namespace {

// As in linux/sched/types.h, which Debian 12's libc headers do not offer beside its own sched.h.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = 0;  // SCHED_OTHER
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime_ns = 0, deadline = 0, period = 0;
};

constexpr std::uint64_t kSlice_ns = 100'000;  // the shortest that the kernel takes

}  // namespace

void name_this_thread(const char* name) noexcept {
  (void)::pthread_setname_np(::pthread_self(), name);
}

void prefer_short_slices() noexcept {
  if (::sched_getscheduler(0) != SCHED_OTHER) return;  // somebody chose another class for us
  errno = 0;
  const int nice = ::getpriority(PRIO_PROCESS, 0);
  if (errno != 0) return;
  SchedulingAttributes attributes;
  attributes.nice = nice;
  attributes.runtime_ns = kSlice_ns;
  (void)::syscall(SYS_sched_setattr, 0, &attributes, 0);
}

void yield_to_others() noexcept {
  // Of one thread, whatever POSIX says: Linux keeps the value by thread.
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), 19);
}

}  // namespace tollgate
