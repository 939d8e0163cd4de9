// The books of one partition: balances, numbering and hash chain of its ledger entries. A fold: post() is the
// only way in, and it is called for each entry in order, live and at recovery alike.
//
// chain(n) = SHA-256(chain(n-1) || entry bytes), chain(0) = 32 zero bytes. Balances are 128-bit sums, debit
// positive. Owner: the partition. Thread: its worker.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "switch/base/hash.h"
#include "switch/base/ids.h"
#include "switch/base/money.h"
#include "switch/base/result.h"
#include "switch/ledger/entry.h"

namespace tollgate::ledger {

[[nodiscard]] Digest chain_next(const Digest& previous, ByteView entry_bytes) noexcept;

class Books {
 public:
  [[nodiscard]] EntrySeq last() const noexcept { return last_; }
  [[nodiscard]] const Digest& chain() const noexcept { return chain_; }

  // Stops the process when the number is not the next one or an invariant is broken: a journal that verified
  // its own chain cannot hold such an entry, so this code made it.
  void post(const EntryView& entry);

  // account "2100", sub "" …; zero when nothing was ever posted there.
  [[nodiscard]] Balance balance(std::uint32_t account, std::string_view sub, Currency currency) const;
  using Visit =
      std::function<void(std::uint32_t account, std::string_view sub, Currency currency, Balance balance)>;
  void each(const Visit& visit) const;  // in the order of first use

  // Snapshot in the partition's own wire form; load replaces everything.
  void save(std::string& out) const;
  [[nodiscard]] Result<void> load(std::string_view saved);

 private:
  struct Key {
    std::uint32_t account;
    std::uint16_t currency;
    std::string sub;
  };
  struct KeyView {
    std::uint32_t account;
    std::uint16_t currency;
    std::string_view sub;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const KeyView& k) const noexcept {
      return std::hash<std::string_view>{}(k.sub) ^
             (std::size_t{k.account} * 0x9E3779B97F4A7C15ULL + k.currency);
    }
    std::size_t operator()(const Key& k) const noexcept {
      return (*this)(KeyView{k.account, k.currency, k.sub});
    }
  };
  struct Equal {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const noexcept {
      return a.account == b.account && a.currency == b.currency &&
             std::string_view(a.sub) == std::string_view(b.sub);
    }
  };
  Balance& slot(KeyView key);

  EntrySeq last_;
  Digest chain_{};
  boost::unordered_flat_map<Key, std::uint32_t, Hash, Equal> index_;
  std::vector<Key> keys_;
  std::vector<Balance> balances_;
};

}  // namespace tollgate::ledger
