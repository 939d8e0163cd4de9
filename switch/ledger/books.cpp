#include "switch/ledger/books.h"

#include "switch/base/check.h"

namespace tollgate::ledger {
namespace {

// Snapshot form: version, last, chain, count, then per balance account, currency, sub length, sub, 16 bytes.
// Big-endian.
constexpr std::uint8_t kVersion = 1;

void put(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}
  std::uint64_t number(std::size_t bytes) {
    std::uint64_t value = 0;
    for (const char c : text(bytes)) value = value << 8 | static_cast<std::uint8_t>(c);
    return value;
  }
  std::string_view text(std::size_t bytes) {
    if (in_.size() < bytes) {
      ok_ = false;
      return {};
    }
    const auto part = in_.substr(0, bytes);
    in_.remove_prefix(bytes);
    return part;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool done() const { return ok_ && in_.empty(); }

 private:
  std::string_view in_;
  bool ok_ = true;
};

}  // namespace

Digest chain_next(const Digest& previous, ByteView entry_bytes) noexcept {
  return Sha256::of(previous, entry_bytes);
}

Balance& Books::slot(KeyView key) {
  if (const auto it = index_.find(key); it != index_.end()) return balances_[it->second];
  Key owned{key.account, key.currency, std::string(key.sub)};
  keys_.push_back(owned);
  balances_.emplace_back();
  index_.emplace(std::move(owned), static_cast<std::uint32_t>(balances_.size() - 1));
  return balances_.back();
}

void Books::post(const EntryView& entry) {
  TG_CHECK(entry.seq == last_.value + 1);
  TG_CHECK(broken_invariant(entry).empty());
  last_ = EntrySeq{entry.seq};
  chain_ = chain_next(chain_, entry.bytes);
  const auto currency = static_cast<std::uint16_t>(entry.currency);
  for (const auto& leg : entry.legs) {
    auto& balance = slot({leg.account, currency, leg.sub});
    balance.value += leg.credit ? -Int128{leg.amount_minor} : Int128{leg.amount_minor};
  }
}

Balance Books::balance(std::uint32_t account, std::string_view sub, Currency currency) const {
  const auto it = index_.find(KeyView{account, currency.number, sub});
  return it == index_.end() ? Balance{} : balances_[it->second];
}

void Books::each(const Visit& visit) const {
  for (std::size_t i = 0; i < keys_.size(); ++i)
    visit(keys_[i].account, keys_[i].sub, Currency{keys_[i].currency}, balances_[i]);
}

void Books::save(std::string& out) const {
  out.clear();
  put(out, kVersion, 1);
  put(out, last_.value, 8);
  out.append(as_text(chain_));
  put(out, keys_.size(), 4);
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    put(out, keys_[i].account, 4);
    put(out, keys_[i].currency, 2);
    put(out, keys_[i].sub.size(), 2);
    out.append(keys_[i].sub);
    __extension__ using Unsigned = unsigned __int128;
    const auto value = static_cast<Unsigned>(balances_[i].value);
    put(out, static_cast<std::uint64_t>(value >> 64), 8);
    put(out, static_cast<std::uint64_t>(value), 8);
  }
}

Result<void> Books::load(std::string_view saved) {
  Books fresh;
  Reader in(saved);
  if (in.number(1) != kVersion) return fail(ErrorCode::damaged, "books of another version", "snapshot");
  fresh.last_ = EntrySeq{in.number(8)};
  const auto chain = in.text(fresh.chain_.size());
  std::copy(chain.begin(), chain.end(), fresh.chain_.begin());
  for (auto count = in.number(4); count > 0 && in.ok(); --count) {
    const auto account = static_cast<std::uint32_t>(in.number(4));
    const auto currency = static_cast<std::uint16_t>(in.number(2));
    const auto sub = in.text(in.number(2));
    __extension__ using Unsigned = unsigned __int128;
    const auto high = in.number(8);
    const auto low = in.number(8);
    fresh.slot({account, currency, sub}).value = static_cast<Int128>(Unsigned{high} << 64 | low);
  }
  if (!in.done()) return fail(ErrorCode::damaged, "books cut short or too long", "snapshot");
  *this = std::move(fresh);
  return {};
}

}  // namespace tollgate::ledger
