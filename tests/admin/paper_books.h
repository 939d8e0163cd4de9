// Books made by hand: a journal in memory with as many entries in as many partitions and groups as a test
// wants, and a backend that shows nothing else.
#pragma once

#include "storage/memory_journal.h"
#include "storage/record_stream.h"
#include "switch/ledger/books.h"
#include "tests/admin/desk.h"

namespace tollgate::test {

class PaperBooks final : public admin::Backend {
 public:
  explicit PaperBooks(std::uint16_t partitions) : journal_(partitions) {
    facts_.partitions = partitions;
    for (std::uint16_t p = 1; p <= partitions; ++p) {
      heads_.push_back({{p}, {0}, {}});
      epochs_.push_back(*journal_.own({p}));
    }
    auto data = std::make_shared<admin::ReferenceData>();
    data->tokens.push_back(token_record(1, "settle", "tgk_settle", {"settlement"}));
    data->tokens.push_back(token_record(2, "view", "tgk_view", {"viewer"}));
    reference_ = data;
  }

  // One group with `entries` sales of 100.00 and one record without any.
  void add_group(std::uint16_t partition, int entries, const std::string& date = "2026-11-21") {
    Bytes payload;
    std::uint32_t records = 0;
    const auto append = [&](const v1::Record& record) {
      storage::append_record(payload, record);
      ++records;
    };
    v1::Record other;
    other.set_at_us(1);
    other.mutable_signed_off()->set_terminal(7);
    append(other);
    auto& head = heads_[partition - 1U];
    for (int i = 0; i < entries; ++i) {
      v1::Record record;
      record.set_at_us(1'795'255'200'000'000);
      auto& outcome = *record.mutable_outcome();
      outcome.set_txn(ObjectId({partition}, {1}, head.last.value + 1).raw());
      outcome.set_approved(true);
      auto* bytes = outcome.add_entries();
      *bytes = entry(partition, ++head.last.value, date).SerializeAsString();
      head.chain = ledger::chain_next(head.chain, as_bytes(*bytes));
      append(record);
    }
    const auto group = GroupNo{journal_.head({partition}).group.value + 1};
    const storage::GroupAppend work{{partition}, epochs_[partition - 1U], group, records, payload, {}};
    std::string why;
    ASSERT_EQ(journal_.append({&work, 1}, why), storage::AppendResult::durable) << why;
  }

  [[nodiscard]] static v1::LedgerEntry entry(std::uint16_t partition, std::uint64_t seq,
                                             const std::string& date) {
    v1::LedgerEntry e;
    e.set_partition(partition);
    e.set_seq(seq);
    e.set_id(ObjectId({partition}, {1}, seq).raw());
    e.set_at_us(1'795'255'200'000'000 + static_cast<std::int64_t>(seq));
    e.set_business_date(parse_date(date)->days);
    e.set_type("sale");
    e.set_merchant_code(partition % 2 == 1 ? "102290058120001" : "102290054110002");
    e.set_currency(156);
    const auto leg = [&](std::uint32_t account, const std::string& sub, bool credit, std::int64_t amount) {
      auto* l = e.add_legs();
      l->set_account(account);
      l->set_sub(sub);
      l->set_credit(credit);
      l->set_amount_minor(amount);
    };
    leg(1100, seq % 2 == 0 ? "cup" : "visa", false, 10000);
    leg(2100, e.merchant_code(), true, 9940);
    leg(4100, "", true, 60);
    return e;
  }

  [[nodiscard]] const admin::Facts& facts() const noexcept override { return facts_; }
  [[nodiscard]] Now now() const noexcept override { return {Instant{1}, WallTime{1'795'255'200'000'000}}; }
  [[nodiscard]] admin::Mode mode() const noexcept override { return admin::Mode::normal; }
  void submit(core::Command&&, Done done) override {
    core::CommandResult result;
    result.problem = "not_ready";
    done(std::move(result));
  }
  [[nodiscard]] std::shared_ptr<const admin::ReferenceData> reference() const override { return reference_; }
  [[nodiscard]] std::optional<core::TerminalView> terminal(ObjectId) const override { return std::nullopt; }
  [[nodiscard]] std::vector<core::TerminalView> find_terminals(std::string_view, std::string_view,
                                                               std::string_view) const override {
    return {};
  }
  [[nodiscard]] std::vector<core::TerminalView> terminals(PartitionId, ObjectId, std::size_t) const override {
    return {};
  }
  [[nodiscard]] std::optional<core::MerchantView> merchant(std::string_view) const override {
    return std::nullopt;
  }
  [[nodiscard]] std::vector<core::MerchantView> merchants(PartitionId, ObjectId, std::size_t) const override {
    return {};
  }
  [[nodiscard]] PartitionId partition_of(std::string_view) const noexcept override { return {1}; }
  [[nodiscard]] std::vector<admin::HostStatus> hosts() const override { return {}; }
  [[nodiscard]] std::vector<admin::BalanceRow> balances() const override { return balances_; }
  [[nodiscard]] std::vector<admin::LedgerHead> ledger_heads() const override { return heads_; }
  [[nodiscard]] const storage::Journal& journal() const noexcept override { return journal_; }
  [[nodiscard]] bool alive() const override { return true; }
  [[nodiscard]] std::vector<admin::HealthCheck> readiness() const override { return {}; }
  [[nodiscard]] admin::MachineStatus machine() const override { return {}; }
  [[nodiscard]] std::string metrics() const override { return ""; }

  std::vector<admin::BalanceRow> balances_;
  [[nodiscard]] storage::MemoryJournal& memory() { return journal_; }

 private:
  admin::Facts facts_;
  storage::MemoryJournal journal_;
  std::vector<Epoch> epochs_;
  std::vector<admin::LedgerHead> heads_;
  std::shared_ptr<const admin::ReferenceData> reference_;
};

}  // namespace tollgate::test
