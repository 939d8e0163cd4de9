#include "switch/admin/ledger_export.h"

#include <algorithm>

#include "switch/admin/json_out.h"
#include "switch/ledger/accounts.h"

namespace tollgate::admin {
namespace {

constexpr std::size_t kPartSize = 128U << 10;

// "2100/102290058120001" is one account, "2100" every sub-ledger of it.
bool is_of(const v1::Leg& leg, std::string_view account) {
  const auto name = ledger::account_name(leg.account(), leg.sub());
  return name == account || (account.size() == 4 && name.starts_with(account));
}

void write_sums(JsonOut& out, std::string_view name, const std::map<std::string, Int128, std::less<>>& sums) {
  out.key(name).begin_object();
  for (const auto& [currency, sum] : sums) out.field(currency, to_decimal(Balance{sum}));
  out.end_object();
}

}  // namespace

bool ExportFilter::takes(const v1::LedgerEntry& entry) const {
  if (from && entry.business_date() < from->days) return false;
  if (to && entry.business_date() > to->days) return false;
  if (!merchant.empty() && entry.merchant_code() != merchant) return false;
  return account.empty() ||
         std::ranges::any_of(entry.legs(), [&](const v1::Leg& leg) { return is_of(leg, account); });
}

void ExportTrailer::add(PartitionId partition, EntrySeq seq, const Digest& chain, const Sums& sums) {
  ++count_;
  // Without a filter a range is gapless, and where a date leaves some out, the next one begins; with one
  // there are only gaps.
  if (!ranges_.empty() && ranges_.back().partition == partition &&
      (filtered_ || ranges_.back().last.value + 1 == seq.value)) {
    ranges_.back().last = seq;
    ranges_.back().chain = chain;
  } else {
    ranges_.push_back({partition, seq, seq, chain});
  }
  const auto sum = [&](auto& side, Int128 amount) {
    const auto it = side.find(sums.currency);
    if (it != side.end())
      it->second += amount;
    else
      side.emplace(sums.currency, amount);
  };
  sum(debit_, sums.debit);
  sum(credit_, sums.credit);
}

void ExportTrailer::set_chain(PartitionId partition, const Digest& chain) {
  for (auto it = ranges_.rbegin(); it != ranges_.rend(); ++it)
    if (it->partition == partition) {
      it->chain = chain;
      return;
    }
}

std::string ExportTrailer::line() {
  sha_text_ = lower_hex(sha_.finish());
  std::string text;
  JsonOut out(text);
  out.begin_object()
      .field("object", "export.trailer")
      .field("complete", true)
      .field("filtered", filtered_)
      .field("count", count_);
  out.key("ranges").begin_array();
  for (const auto& r : ranges_) {
    out.begin_object()
        .field("partition", r.partition.value)
        .field("first_seq", r.first.value)
        .field("last_seq", r.last.value);
    out.field("chain", lower_hex(r.chain)).end_object();
  }
  out.end_array();
  write_sums(out, "debit", debit_);
  write_sums(out, "credit", credit_);
  out.field("sha256", sha_text_).end_object();
  return text + "\n";
}

std::string ExportTrailer::chains() const {
  std::string text;
  for (std::size_t i = 0; i < ranges_.size(); ++i) {
    if (i + 1 < ranges_.size() && ranges_[i + 1].partition == ranges_[i].partition) continue;
    text.append(text.empty() ? "" : ",")
        .append(std::to_string(ranges_[i].partition.value))
        .append(1, ':')
        .append(lower_hex(ranges_[i].chain));
  }
  return text;
}

LedgerExport::LedgerExport(LedgerReader& reader, ExportFilter filter, std::deque<ExportStart> parts)
    : reader_(reader), filter_(std::move(filter)), parts_(std::move(parts)) {}

Result<void> LedgerExport::next(std::string& out) {
  const auto start = out.size();
  while (out.size() - start < kPartSize && !ended_) {
    if (!scan_) {
      if (parts_.empty()) {
        trailer_.add_bytes(std::string_view(out).substr(start));
        out += trailer_.line();
        ended_ = true;
        return {};
      }
      partition_ = parts_.front().partition;
      scan_.emplace(reader_, partition_, parts_.front().after);
      parts_.pop_front();
    }
    const auto more = scan_->step([&](const EntryScan::Visited& v) {
      if (!filter_.takes(v.entry)) return;
      json_.write(v.entry, out);
      const auto currency = currency_text(v.entry.currency());
      ExportTrailer::Sums sums{currency};
      for (const auto& leg : v.entry.legs()) (leg.credit() ? sums.credit : sums.debit) += leg.amount_minor();
      trailer_.add(partition_, EntrySeq{v.entry.seq()}, v.chain, sums);
    });
    if (!more) return std::unexpected(more.error());
    if (!*more) scan_.reset();
  }
  if (!ended_) trailer_.add_bytes(std::string_view(out).substr(start));
  return {};
}

http::Headers LedgerExport::trailers() const {
  http::Headers all;
  all.set("Tollgate-Chain", trailer_.chains());
  all.set("Tollgate-Sha256", trailer_.sha256());
  return all;
}

}  // namespace tollgate::admin
