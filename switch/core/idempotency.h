// Answers to requests with an Idempotency-Key, by principal, path and key, kept 72 hours and bounded. A fold of Idempotency
// records; the age is that of the record, so a replay keeps and drops the same ones.
// Owner: a partition or the house. Thread: its worker.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <string>

#include "proto/records.h"

namespace tollgate::core {

class IdempotencyTable {
 public:
  static constexpr std::int64_t kKeepUs = 72LL * 3600 * 1'000'000;
  static constexpr std::size_t kMax = 100'000;

  [[nodiscard]] const v1::Idempotency* find(std::string_view principal, std::string_view path, std::string_view key) const {
    const auto it = table_.find(name(principal, path, key));
    return it == table_.end() ? nullptr : &it->second.first;
  }
  void add(const v1::Idempotency& record, std::int64_t at_us) {
    auto id = name(record.principal(), record.path(), record.key());
    if (!table_.try_emplace(id, record, at_us).second) return;
    order_.push_back(std::move(id));
    while (!order_.empty() && (order_.size() > kMax || table_.at(order_.front()).second < at_us - kKeepUs)) {
      table_.erase(order_.front());
      order_.pop_front();
    }
  }
  template <class F>
  void each(F&& f) const {
    for (const auto& id : order_) f(table_.at(id).first, table_.at(id).second);
  }

 private:
  static std::string name(std::string_view principal, std::string_view path, std::string_view key) {
    std::string id;
    id.reserve(principal.size() + path.size() + key.size() + 2);
    id.append(principal).append(1, '\n').append(path).append(1, '\n').append(key);
    return id;
  }
  boost::unordered_flat_map<std::string, std::pair<v1::Idempotency, std::int64_t>> table_;
  std::deque<std::string> order_;
};

}  // namespace tollgate::core
