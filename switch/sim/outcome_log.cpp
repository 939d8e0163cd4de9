#include "switch/sim/outcome_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "switch/sim/log_text.h"

namespace tollgate::sim {

Result<OutcomeLog> OutcomeLog::open(const std::string& path) {
  OutcomeLog log;
  log.fd_ = Fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (!log.fd_) return fail(ErrorCode::io, ::strerror(errno), path);
  return log;
}

bool OutcomeLog::write(const Outcome& outcome, WallTime at) {
  if (!fd_) return false;
  fmt::memory_buffer line;
  fmt::format_to(std::back_inserter(line),
                 R"({{"at":"{}","tid":"{}","merchant":"{}","batch":{},"stan":{},"kind":"{}","amount":{},)"
                 R"("outcome":"{}","code":"{}","rrn":"{}","auth":"{}","latency_us":{}}})"
                 "\n",
                 format_utc(at), log_text(outcome.tid), log_text(outcome.merchant), outcome.batch,
                 outcome.stan, outcome.kind, outcome.amount.minor(), outcome.outcome, log_text(outcome.code),
                 log_text(outcome.rrn), log_text(outcome.auth), outcome.latency.count() / 1000);
  if (::write(fd_.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size())) return true;
  fd_.reset();  // a torn line says that the log ends here
  return false;
}

}  // namespace tollgate::sim
