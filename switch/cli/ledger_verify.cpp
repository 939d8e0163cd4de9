#include "switch/cli/ledger_verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ostream>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "fees/price_book.h"
#include "fees/receipt.h"
#include "storage/recovery.h"
#include "switch/cli/ledger_verify_volumes.h"
#include "switch/ledger/accounts.h"
#include "switch/ledger/books.h"
#include "switch/ledger/entry.h"

namespace tollgate::cli {
namespace {

enum Check : std::size_t {
  kGroups, kBalanced, kMemo, kZeroSum, kSnapshot, kSequence, kUnique, kReceipt, kRecompute, kTotals, kNet, kSchedule, kVolumes, kMirror, kTombstone, kLife, kChecks
};
constexpr std::array<std::string_view, kChecks> kNames = {
    "journal groups chained and whole",
    "I1 debits = credits, two legs or more, all above zero",
    "I2 memo and real accounts apart",
    "I3 balances sum to zero per currency",
    "I4 stored balances = sum of postings",
    "I5 sequence gapless from 1",
    "I7 entry ids unique",
    "I9 one receipt per approved sale, none per decline",
    "I10 receipts recompute",
    "I11 receipt totals = fee legs",
    "I12 amount = net + fees + tax on top",
    "I14 schedule exists and was in force",
    "I15 volume numbers = running sums by sequence",
    "I18 a mirror cancels its original",
    "I19 a tombstoned original is never approved",
    "intent before outcome, one outcome, owed before settled",
};

using Legs = std::map<std::tuple<std::uint32_t, std::string, std::uint32_t>, Int128>;

Legs legs_of(const v1::LedgerEntry& entry) {
  Legs legs;
  for (const auto& leg : entry.legs()) legs[{leg.account(), leg.sub(), entry.currency()}] += leg.credit() ? -Int128{leg.amount_minor()} : Int128{leg.amount_minor()};
  return legs;
}

class Verifier {
 public:
  explicit Verifier(const storage::Journal& journal) : journal_(journal) {
    for (const auto name : kNames) report_.checks.push_back({std::string(name), 0, {}});
  }

  VerifyReport run() {
    read_house();
    for (std::uint16_t p = 1; p <= journal_.partitions(); ++p) read_partition({p});
    for (const auto& [currency, sum] : sums_) require(kZeroSum, sum == 0, [&] { return fmt::format("currency {}: {}", currency, to_decimal(Balance{sum})); });
    return std::move(report_);
  }

 private:
  struct State {  // of one partition
    PartitionId id;
    std::uint64_t seq = 0;
    Digest chain{};
    std::unordered_set<std::uint64_t> intents, outcomes, owed;
    std::unordered_map<std::uint64_t, std::uint64_t> key_of;  // intent -> replay key
    std::unordered_map<std::uint64_t, Legs> standing;         // by entry number: what a mirror must cancel
    std::set<std::tuple<std::uint64_t, std::uint32_t, std::uint32_t>> tombstones;
    std::map<std::tuple<std::uint32_t, std::string, std::uint32_t>, Int128> balances;
    VolumeSums volumes;
    storage::Position at;
  };

  template <class Text>
  void require(Check check, bool holds, Text&& text) {
    auto& c = report_.checks[check];
    ++c.looked_at;
    if (!holds && c.broken.empty()) c.broken = text();
  }
  [[nodiscard]] static std::string place(const State& s) { return fmt::format("partition {} group {} offset {}", s.id.value, s.at.group.value, s.at.offset); }
  [[nodiscard]] std::string entry_place(const State& s) const { return fmt::format("partition {} seq {}", s.id.value, s.seq); }

  template <class Visit>
  void read(PartitionId id, Visit&& visit) {
    const auto done = storage::read_records(journal_, id, GroupNo{1}, [&](const v1::Record& record, const storage::Position& at) {
      ++report_.records;
      visit(record, at);
      return true;
    });
    require(kGroups, done.has_value(), [&] { return done.error().text(); });
    if (done) require(kGroups, done->last == journal_.head(id).group, [&] { return fmt::format("partition {} ends at group {}, its head says {}", id.value, done->last.value, journal_.head(id).group.value); });
  }

  void read_house() {
    read(kHouse, [&](const v1::Record& record, const storage::Position&) {
      if (record.has_schedule_published()) {
        const auto& published = record.schedule_published();
        auto schedule = fees::load_schedule(published.canonical());
        require(kSchedule, schedule.has_value() && (*schedule)->content_hash() == published.hash(),
                [&] { return fmt::format("{}@{} does not have the hash that it was published with", published.schedule_id(), published.version()); });
        if (schedule) (void)prices_.publish(*schedule, {.at = WallTime{record.at_us()}, .priced_before = false});
      } else if (record.has_assignment_recorded()) {
        if (auto assignment = fees::parse_assignment(record.assignment_recorded().json()))
          (void)prices_.assign(*assignment, {.at = WallTime{record.at_us()}, .priced_before = false});
      }
    });
  }

  void read_partition(PartitionId id) {
    State s;
    s.id = id;
    read(id, [&](const v1::Record& record, const storage::Position& at) {
      s.at = at;
      on_record(s, record);
    });
    report_.chains.push_back({id.value, s.seq, to_hex(s.chain)});
    for (const auto& [key, value] : s.balances) sums_[std::get<2>(key)] += value;
    compare_snapshot(s);
  }

  void on_record(State& s, const v1::Record& record) {
    if (record.has_intent()) {
      const auto& r = record.intent().request();
      require(kLife, s.intents.insert(record.intent().txn()).second, [&] { return place(s) + ": an intent twice"; });
      const bool dead = s.tombstones.contains({r.terminal(), r.batch(), r.stan()});
      require(kTombstone, !dead, [&] { return place(s) + ": an intent under a key that a reversal had closed"; });
    } else if (record.has_tombstone() && record.tombstone().response_code() == "25" && record.tombstone().request().mti() == 0x0400) {
      const auto& r = record.tombstone().request();
      s.tombstones.insert({r.terminal(), r.batch(), r.stan()});
    } else if (record.has_outcome()) {
      on_outcome(s, record.outcome(), record.at_us());
    } else if (record.has_reversal_owed()) {
      s.owed.insert(record.reversal_owed().txn());
      s.volumes.on_reversal(record.reversal_owed().txn());
      require(kLife, s.intents.contains(record.reversal_owed().txn()), [&] { return place(s) + ": a reversal of what has no intent"; });
      for (const auto& bytes : record.reversal_owed().entries()) on_entry(s, bytes);
    } else if (record.has_reversal_settled()) {
      require(kLife, s.owed.contains(record.reversal_settled().txn()), [&] { return place(s) + ": settled, but nothing was owed"; });
    }
  }

  void on_outcome(State& s, const v1::Outcome& outcome, std::int64_t at_us) {
    require(kLife, s.intents.contains(outcome.txn()), [&] { return place(s) + ": an outcome without its intent"; });
    require(kLife, s.outcomes.insert(outcome.txn()).second, [&] { return place(s) + ": a second outcome of " + format_id("txn_", TxnId(outcome.txn())); });
    require(kReceipt, outcome.approved() || (!outcome.has_receipt() && outcome.entries().empty()), [&] { return place(s) + ": a decline with a receipt or entries"; });
    std::vector<v1::LedgerEntry> entries;
    for (const auto& bytes : outcome.entries()) entries.push_back(on_entry(s, bytes));
    if (!outcome.has_receipt()) {
      if (outcome.resolves() != 0) s.volumes.on_mirror(outcome.txn(), outcome.resolves());
      const bool sale = std::ranges::any_of(entries, [](const auto& e) { return e.mirrors() == 0 && e.type() != "void" && e.type() != "agent_share"; });
      require(kReceipt, !sale, [&] { return entry_place(s) + ": a sale without a receipt"; });
      return;
    }
    on_receipt(s, outcome, entries, at_us);
  }

  void on_receipt(State& s, const v1::Outcome& outcome, const std::vector<v1::LedgerEntry>& entries, std::int64_t at_us) {
    const auto& receipt = outcome.receipt();
    const auto where = [&](std::string_view what) { return fmt::format("{}: {}", entry_place(s), what); };
    const auto schedule = prices_.find(receipt.schedule_id(), static_cast<std::int32_t>(receipt.version()));
    const bool known = schedule != nullptr && as_text(schedule->digest()) == receipt.schedule_hash();
    require(kSchedule, known, [&] { return where(fmt::format("schedule {}@{} with that hash was never published", receipt.schedule_id(), receipt.version())); });
    if (!known) return;
    const auto volume = s.volumes.on_receipt(outcome.txn(), receipt, *schedule);
    require(kVolumes, !volume.has_value(), [&] { return where(*volume); });
    require(kSchedule, schedule->text().valid_from <= WallTime{at_us}, [&] { return where("the schedule was not yet valid"); });
    if (receipt.kind() == v1::RECEIPT_SALE) {
      const auto difference = fees::recompute(receipt, *schedule);
      require(kRecompute, !difference.has_value(), [&] { return where(*difference); });
    }
    const auto assessment = fees::assessment_of(receipt, *schedule);
    require(kTotals, assessment.has_value(), [&] { return where("a receipt that does not read"); });
    if (!assessment || entries.empty()) return;
    check_legs(s, *assessment, *schedule, entries);
  }

  // The first entry of a priced transaction carries clearing, payable, fees and tax.
  void check_legs(const State& s, const fees::Assessment& a, const fees::CompiledSchedule& schedule, const std::vector<v1::LedgerEntry>& entries) {
    const auto& totals = a.totals;
    Int128 payable = 0, income = 0, clearing = 0, tax = 0;
    for (const auto& leg : entries.front().legs()) {
      const auto amount = leg.credit() ? Int128{leg.amount_minor()} : -Int128{leg.amount_minor()};
      if (leg.account() == ledger::kPayablePending.value) payable += amount;
      else if (leg.account() == ledger::kSchemeClearing.value || leg.account() == ledger::kQrClearing.value) clearing -= amount;
      else if (leg.account() == ledger::kVat.value) tax += amount;
      else income += amount;
    }
    const bool on_top = schedule.text().tax && schedule.text().tax->mode == fees::TaxMode::exclusive;
    const auto fees_and_tax = Int128{totals.fee_minor} + totals.cardholder_fee_minor + (on_top ? totals.tax_minor : 0);
    require(kTotals, income + tax == fees_and_tax && payable == totals.merchant_net_minor && clearing == totals.gross_minor,
            [&] { return entry_place(s) + ": legs are not what the receipt says"; });
    require(kNet, Int128{totals.gross_minor} == totals.merchant_net_minor + fees_and_tax, [&] { return entry_place(s) + ": amount is not net + fees + tax on top"; });
  }

  v1::LedgerEntry on_entry(State& s, const std::string& bytes) {
    v1::LedgerEntry entry;
    const bool parsed = entry.ParseFromString(bytes);
    ++report_.entries;
    ++s.seq;
    require(kSequence, parsed && entry.seq() == s.seq && entry.partition() == s.id.value,
            [&] { return fmt::format("partition {}: entry {} where {} was expected", s.id.value, entry.seq(), s.seq); });
    s.chain = ledger::chain_next(s.chain, as_bytes(bytes));
    const auto broken = ledger::broken_invariant(entry);
    const bool memo = broken == "memo and real accounts in one entry";
    require(kBalanced, broken.empty() || memo, [&] { return entry_place(s) + ": " + std::string(broken); });
    require(kMemo, !memo, [&] { return entry_place(s) + ": " + std::string(broken); });
    require(kUnique, ids_.insert(entry.id()).second, [&] { return entry_place(s) + ": the id of an earlier entry"; });
    const auto legs = legs_of(entry);
    for (const auto& [key, value] : legs) s.balances[key] += value;
    if (entry.mirrors() != 0) {
      const auto original = s.standing.find(entry.mirrors());
      bool cancels = original != s.standing.end() && original->second.size() == legs.size();
      if (cancels) cancels = std::ranges::all_of(legs, [&](const auto& leg) { return original->second.contains(leg.first) && original->second.at(leg.first) == -leg.second; });
      require(kMirror, cancels, [&] { return fmt::format("{}: does not undo entry {}", entry_place(s), entry.mirrors()); });
      if (original != s.standing.end()) s.standing.erase(original);
    }
    s.standing[s.seq] = legs;
    return entry;
  }

  void compare_snapshot(const State& s) {
    const auto snapshot = journal_.latest_snapshot(s.id);
    require(kSnapshot, snapshot.has_value(), [&] { return fmt::format("partition {}: {}", s.id.value, snapshot.error().text()); });
    if (!snapshot || !*snapshot || (*snapshot)->group != journal_.head(s.id).group) return;  // comparable only at the end
    v1::PartitionSnapshot stored;
    ledger::Books books;
    const bool read = stored.ParseFromArray((*snapshot)->state.data(), static_cast<int>((*snapshot)->state.size())) && books.load(stored.books()).has_value();
    require(kSnapshot, read && books.chain() == s.chain && books.last().value == s.seq, [&] { return fmt::format("partition {}: the snapshot's books are not these", s.id.value); });
    if (!read) return;
    books.each([&](std::uint32_t account, std::string_view sub, Currency currency, Balance balance) {
      const auto it = s.balances.find({account, std::string(sub), currency.number});
      require(kSnapshot, it != s.balances.end() && it->second == balance.value,
              [&] { return fmt::format("partition {}: {} is {} in the snapshot", s.id.value, ledger::account_name(account, sub), to_decimal(balance)); });
    });
  }

  const storage::Journal& journal_;
  VerifyReport report_;
  fees::PriceBook prices_;
  std::unordered_set<std::uint64_t> ids_;
  std::map<std::uint32_t, Int128> sums_;
};

}  // namespace

bool VerifyReport::passed() const {
  return std::ranges::all_of(checks, [](const VerifyCheck& c) { return c.broken.empty(); });
}

VerifyReport verify_ledger(const storage::Journal& journal) { return Verifier(journal).run(); }

int print_report(const VerifyReport& report, std::ostream& out) {
  std::size_t failed = 0;
  for (const auto& check : report.checks) {
    out << (check.broken.empty() ? "[+] " : "[-] ") << check.name << "   " << check.looked_at << " looked at\n";
    if (check.broken.empty()) continue;
    ++failed;
    out << "      first break: " << check.broken << '\n';
  }
  for (const auto& chain : report.chains)
    if (chain.last != 0) out << "partition " << chain.partition << "   entries 1 to " << chain.last << "   chain " << chain.hash << '\n';
  if (report.entries == 0) out << "the ledger has no entries\n";
  out << report.checks.size() - failed << " passed, " << failed << " failed\n";
  return failed == 0 ? 0 : 1;
}

}  // namespace tollgate::cli
