// Which terminal numbers exist, over all partitions: the gate of one partition must tell a terminal that nobody knows (97)
// from one that sent another merchant's code (03), and terminals are spread by merchant. Derived from the records of all
// partitions; asked only on the way to a refusal. Thread: any.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tollgate::core {

class Directory {
 public:
  void add(std::string_view tid) {
    const std::lock_guard lock(mutex_);
    ++count_[std::string(tid)];
  }
  [[nodiscard]] bool knows(std::string_view tid) const {
    const std::lock_guard lock(mutex_);
    return count_.contains(std::string(tid));
  }

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::size_t> count_;
};

}  // namespace tollgate::core
