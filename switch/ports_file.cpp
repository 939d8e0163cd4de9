#include "switch/ports_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include "switch/base/log.h"
#include "switch/process.h"

namespace tollgate {

// Names are [a-z0-9-] and addresses numeric: nothing here needs escaping.
std::string ports_json(const Ports& ports) {
  std::string listeners;
  for (std::size_t i = 0; i < ports.bound.size(); ++i) {
    listeners += fmt::format("{}\"{}\":\"{}\"", i == 0 ? "" : ",", ports.listeners[i].name, ports.bound[i]);
  }
  return fmt::format("{{\"pid\":{},\"http\":\"{}\",\"metrics\":\"{}\",\"listeners\":{{{}}}}}", ::getpid(),
                     ports.http, ports.metrics, listeners);
}

std::string write_ports_file(const std::string& path, const Ports& ports) {
  return path.empty() ? std::string() : write_whole(path, ports_json(ports) + "\n", Reader::anyone);
}

void log_start(const Ports& ports, const admin::Facts& facts) {
  log::info("serve", "ready",
            {{"version", facts.version},
             {"environment", facts.environment},
             {"workers", facts.workers},
             {"partitions", facts.partitions},
             {"http", ports.http},
             {"metrics", ports.metrics}});
  for (std::size_t i = 0; i < ports.bound.size(); ++i) {
    log::info("serve", "listening", {{"listener", ports.listeners[i].name}, {"address", ports.bound[i]}});
  }
}

}  // namespace tollgate
