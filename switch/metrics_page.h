// The text of /metrics: what the workers counted, asked of them at each scrape, beside what is observed as it
// happens (synced writes, HTTP). A worker that does not answer within a second is missing from the page
// rather than holding it up.
//
// Owner: the composition root. Thread: observers one at a time each (the commit thread; HTTP under a lock of
// its own); render() any thread. Promise: never a terminal, merchant or card in a label.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "switch/base/time.h"
#include "switch/config.h"
#include "switch/net/cluster.h"

namespace tollgate {

class MetricsPage {
 public:
  MetricsPage(const config::Config& config, std::string store_path);
  ~MetricsPage();

  // On the commit thread: one append to the journal.
  void observe_append(std::uint64_t records, Duration took) noexcept;
  void observe_http(std::string_view route, unsigned status, Duration took);
  [[nodiscard]] std::string render(const net::Cluster& cluster) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tollgate
