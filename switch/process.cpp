#include "switch/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "switch/base/check.h"

namespace tollgate {

void harden_process(Dumpable dumpable) noexcept {
  if (dumpable == Dumpable::yes) return;
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  (void)::setrlimit(RLIMIT_CORE, &none);
  (void)::prctl(PR_SET_DUMPABLE, 0);
}

std::uint32_t sockets_for_terminals() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 256;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
  constexpr rlim_t kMost = 1 << 20, kReserved = 512;
  const auto all = std::min(limit.rlim_cur, kMost);
  return static_cast<std::uint32_t>(all - std::min(kReserved, all / 2));
}

Signals::Signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  TG_CHECK(::pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  (void)std::signal(SIGPIPE, SIG_IGN);
  signals_ = ::signalfd(-1, &set, SFD_CLOEXEC);
  wake_ = ::eventfd(0, EFD_CLOEXEC);
  TG_CHECK(signals_ >= 0 && wake_ >= 0);
}

Signals::~Signals() {
  ::close(signals_);
  ::close(wake_);
}

Signals::Event Signals::wait() {
  while (true) {
    std::array<pollfd, 2> both{pollfd{.fd = signals_, .events = POLLIN, .revents = 0},
                               pollfd{.fd = wake_, .events = POLLIN, .revents = 0}};
    if (::poll(both.data(), both.size(), -1) < 0) continue;  // EINTR
    if (both[1].revents != 0) return Event::wake;
    signalfd_siginfo info{};
    if (::read(signals_, &info, sizeof info) != sizeof info) continue;
    return info.ssi_signo == SIGHUP ? Event::reload : Event::terminate;
  }
}

void Signals::wake() noexcept {
  const std::uint64_t one = 1;
  (void)!::write(wake_, &one, sizeof one);
}

std::string write_whole(const std::string& path, const std::string& text, Reader reader) {
  const auto part = path + ".part";
  const auto why = [&](const char* doing) {
    return std::string(doing) + " " + path + ": " + std::strerror(errno);
  };
  (void)::unlink(part.c_str());
  const int fd =
      ::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, reader == Reader::owner ? 0600 : 0644);
  if (fd < 0) return why("cannot create");
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const auto problem = written ? "" : why("cannot write");
  if (::close(fd) != 0 || !written || ::rename(part.c_str(), path.c_str()) != 0) {
    const auto last = problem.empty() ? why("cannot write") : problem;
    (void)::unlink(part.c_str());
    return last;
  }
  return {};
}

}  // namespace tollgate
