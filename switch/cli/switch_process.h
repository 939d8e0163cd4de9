// A switch in a process of its own, as an operator would run it: `tollgate serve` with a ports file. It dies
// with its parent and can be killed hard and started again on the same ports and store. Owner: a command
// (demo, chaos). Thread: one, and the process dies when that thread does.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "switch/base/result.h"
#include "switch/base/time.h"

namespace tollgate::cli {

struct SwitchPorts {
  std::string http, metrics, pos;
};

class SwitchProcess {
 public:
  struct Options {
    std::string binary = "/proc/self/exe";
    std::string config, directory;  // the log, the ports file and the token lie in the directory
    std::vector<std::string> sets;  // KEY=VALUE
  };
  explicit SwitchProcess(Options options) : options_(std::move(options)) {}
  ~SwitchProcess();  // kills it
  SwitchProcess(const SwitchProcess&) = delete;
  SwitchProcess& operator=(const SwitchProcess&) = delete;

  // Ready to serve when it returns. A later start() uses the ports of the first.
  [[nodiscard]] Result<SwitchPorts> start(Duration patience);
  void kill() noexcept;  // SIGKILL, and waits
  // SIGTERM; the exit code, 128 + n for a signal, nullopt when it does not end in time.
  [[nodiscard]] std::optional<int> terminate(Duration patience);
  [[nodiscard]] bool has_ended() noexcept;
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] std::string token_file() const { return options_.directory + "/token"; }
  [[nodiscard]] std::string log_file() const { return options_.directory + "/tollgate.log"; }

 private:
  [[nodiscard]] std::optional<int> wait(Duration patience) noexcept;
  void fix_ports(const SwitchPorts& ports);
  [[nodiscard]] std::string ports_file() const { return options_.directory + "/ports.json"; }

  Options options_;
  std::vector<std::string> fixed_;  // the ports of the first start, as further settings
  pid_t pid_ = -1;
  int ended_ = -1;  // a descriptor that is readable when the process is gone
  std::optional<int> status_;
};

// Runs this binary with these arguments, its output into `log` (appended), and gives its exit code.
[[nodiscard]] int run_self(const std::vector<std::string>& arguments, const std::string& log);

// A free address for a switch: the wanted port when nobody has it, else port 0.
[[nodiscard]] std::string free_address(std::uint16_t wanted_port);

}  // namespace tollgate::cli
