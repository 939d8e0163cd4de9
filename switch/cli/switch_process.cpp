#include "switch/cli/switch_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace tollgate::cli {
namespace {

// Between fork and exec only what is safe there: other threads may run in the parent.
pid_t spawn(const std::string& binary, const std::vector<std::string>& arguments, const std::string& log) {
  std::vector<char*> argv;
  argv.push_back(const_cast<char*>("tollgate"));
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const auto parent = ::getpid();
  const auto pid = ::fork();
  if (pid != 0) return pid;
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::setpgid(0, 0);  // Ctrl-C at the terminal is for the parent, which then drains the child
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  const int in = ::open("/dev/null", O_RDONLY);
  if (out < 0 || in < 0 || ::dup2(in, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(out, 2) < 0) ::_exit(1);
  ::execv(binary.c_str(), argv.data());
  ::_exit(127);
}

std::optional<SwitchPorts> read_ports(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  boost::system::error_code error;
  const auto json = boost::json::parse(text, error);
  if (error || !json.is_object()) return std::nullopt;
  const auto string_at = [&](const boost::json::object& object, const char* key) {
    const auto* value = object.if_contains(key);
    return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
  };
  const auto& all = json.as_object();
  SwitchPorts ports{string_at(all, "http"), string_at(all, "metrics"), {}};
  if (const auto* listeners = all.if_contains("listeners"); listeners != nullptr && listeners->is_object()) {
    ports.pos = string_at(listeners->as_object(), "pos");
  }
  return ports;
}

}  // namespace

SwitchProcess::~SwitchProcess() {
  kill();
}

Result<SwitchPorts> SwitchProcess::start(Duration patience) {
  std::vector<std::string> arguments{"serve",        "--config",   options_.config,
                                     "--ports-file", ports_file(), "--bootstrap-token-file",
                                     token_file()};
  for (const auto* sets : {&options_.sets, &fixed_}) {
    for (const auto& set : *sets) {
      arguments.push_back("--set");
      arguments.push_back(set);
    }
  }
  std::error_code ignored;
  std::filesystem::remove(ports_file(), ignored);
  status_.reset();
  pid_ = spawn(options_.binary, arguments, log_file());
  if (pid_ < 0) return fail(ErrorCode::io, "cannot start a process");
  ended_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  const auto until = SystemClock::now().instant + patience;
  while (SystemClock::now().instant < until) {
    if (auto ports = read_ports(ports_file())) {
      fix_ports(*ports);
      return std::move(*ports);
    }
    if (wait(std::chrono::milliseconds(10)))
      return fail(ErrorCode::unavailable, "the switch ended at once; its log says why", log_file());
  }
  return fail(ErrorCode::unavailable, "the switch was not ready in time", log_file());
}

void SwitchProcess::fix_ports(const SwitchPorts& ports) {
  fixed_ = {"http.address=" + ports.http, "metrics.address=" + ports.metrics};
  if (!ports.pos.empty()) fixed_.push_back("listener.pos.address=" + ports.pos);
}

// Waits on the process, not on the clock: it wakes when the process ends.
std::optional<int> SwitchProcess::wait(Duration patience) noexcept {
  if (status_ || pid_ < 0) return status_;
  pollfd look{.fd = ended_, .events = POLLIN, .revents = 0};
  (void)::poll(&look, 1,
               static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(patience).count()));
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  if (ended_ >= 0) ::close(ended_);
  ended_ = -1;
  pid_ = -1;
  return status_;
}

bool SwitchProcess::has_ended() noexcept {
  return pid_ < 0 || wait(Duration::zero()).has_value();
}

void SwitchProcess::kill() noexcept {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  (void)wait(std::chrono::seconds(10));
}

std::optional<int> SwitchProcess::terminate(Duration patience) {
  if (pid_ >= 0) ::kill(pid_, SIGTERM);
  return wait(patience);
}

int run_self(const std::vector<std::string>& arguments, const std::string& log) {
  const auto pid = spawn("/proc/self/exe", arguments, log);
  int status = 0;
  if (pid < 0 || ::waitpid(pid, &status, 0) != pid) return 127;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string free_address(std::uint16_t wanted_port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(wanted_port);
  const int on = 1;
  (void)::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool is_free =
      ::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0 && ::listen(fd, 1) == 0;
  ::close(fd);
  return "127.0.0.1:" + std::to_string(is_free ? wanted_port : 0);
}

}  // namespace tollgate::cli
