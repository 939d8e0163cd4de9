#include "tests/sim/auditor.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>

namespace tollgate::test {
namespace {

std::string text(const iso::MessageView& message, int field) {
  std::array<char, 1024> room;
  return std::string(message.value(field, room));
}

bool is_one_of(std::string_view code, std::initializer_list<std::string_view> codes) {
  return std::ranges::find(codes, code) != codes.end();
}
bool approves(std::string_view code) {
  return is_one_of(code, {"00", "10", "11", "A2", "A4", "A5", "A6"});
}
// Said before the switch looks whether it knows the message (cup dialect, section 9): they speak of the
// terminal.
bool speaks_of_the_terminal(std::string_view code) {
  return is_one_of(code, {"58", "03", "90", "77", "A0"});
}

std::string key_of(std::string_view tid, std::uint32_t mti, std::uint64_t stan) {
  return fmt::format("{}/{:04x}/{}", tid, mti, stan);
}
std::string account_of(const v1::Leg& leg) {
  return leg.sub().empty() ? fmt::format("{}", leg.account())
                           : fmt::format("{}/{}", leg.account(), leg.sub());
}

// Half up, of a rate in millionths.
std::int64_t share(std::int64_t amount, std::int64_t rate_ppm) {
  return (amount * rate_ppm + 500'000) / 1'000'000;
}

std::string crockford(std::uint64_t raw) {  // "txn_" + 13 characters, as ids are shown
  constexpr std::string_view kDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  std::string out(13, '0');
  for (std::size_t i = 13; i > 0; --i, raw >>= 5) out[i - 1] = kDigits[raw & 31];
  return "txn_" + out;
}

bool cut(ByteView& payload, ByteView& record) {  // varint length, then the record
  std::uint64_t size = 0;
  for (unsigned shift = 0; !payload.empty() && shift < 64; shift += 7) {
    const auto byte = payload.front();
    payload = payload.subspan(1);
    size |= std::uint64_t{byte & 0x7FU} << shift;
    if ((byte & 0x80) != 0) continue;
    if (size > payload.size()) return false;
    record = payload.first(size);
    payload = payload.subspan(size);
    return true;
  }
  return false;
}

template <class Map>
void drop_zeros(Map& net) {
  std::erase_if(net, [](const auto& row) { return row.second == 0; });
}

}  // namespace

Auditor::Auditor(std::uint16_t partitions)
    : cup_(iso::Dialect::builtin("cup")),
      host_dialect_(iso::Dialect::builtin("iso87-ascii")),
      partitions_(partitions + 1U) {}

void Auditor::violated(std::string_view promise, const std::string& what) {
  if (violation_.empty()) violation_ = fmt::format("{}: {}", promise, what);
}

// ---- the journal
// -----------------------------------------------------------------------------------------------------

void Auditor::durable(const storage::Journal& journal) {
  ++event_;
  for (std::uint16_t id = 0; id < partitions_.size(); ++id) {
    auto& p = partitions_[id];
    if (journal.head(PartitionId{id}).group.value == p.groups) continue;
    const auto read = journal.read(PartitionId{id}, GroupNo{p.groups + 1}, [&](const storage::Group& group) {
      p.groups = group.group.value;
      auto rest = group.payload;
      ByteView bytes;
      std::uint32_t records = 0;
      for (v1::Record record; cut(rest, bytes); ++records) {
        if (!record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
          violated("P5", "a durable record does not parse");
        fold(p, id, record);
      }
      if (records != group.records) violated("P5", "a group does not hold as many records as it says");
      return true;
    });
    if (!read) violated("P5", "the journal does not read back: " + read.error().text());
  }
}

void Auditor::stopped() {
  stopped_ = true;
  heads_at_stop_.clear();
  for (const auto& p : partitions_) heads_at_stop_.push_back(p.groups);
}

void Auditor::started(const storage::Journal& journal) {
  for (std::uint16_t id = 0; stopped_ && id < partitions_.size(); ++id)
    if (journal.head(PartitionId{id}).group.value != heads_at_stop_[id])
      violated("P6", "something was appended after an unknown result");
  stopped_ = false;
  durable(journal);
}

void Auditor::take_rrn(Partition& p, std::uint64_t rrn, std::uint64_t txn, const std::string& code) {
  if (!p.by_rrn.try_emplace(rrn, txn).second) violated("P2", fmt::format("RRN {} was given twice", rrn));
  p.codes[rrn] = code;
}

void Auditor::fold(Partition& p, std::uint16_t id, const v1::Record& record) {
  switch (record.body_case()) {
    case v1::Record::kTerminalSet: {
      const auto& t = record.terminal_set().terminal();
      p.terminals[t.id()] = {t.tid(), t.merchant_code()};
      return;
    }
    case v1::Record::kIntent:
      return fold_intent(p, record.intent());
    case v1::Record::kOutcome:
      return fold_outcome(p, id, record.outcome());
    case v1::Record::kReversalOwed:
      return fold_owed(p, id, record.reversal_owed());
    case v1::Record::kRefusal:
      return take_rrn(p, record.refusal().rrn(), 0, record.refusal().response_code());
    case v1::Record::kTombstone:
      ++seen_.tombstones;
      return take_rrn(p, record.tombstone().rrn(), 0, record.tombstone().response_code());
    case v1::Record::kServed:
      return take_rrn(p, record.served().rrn(), 0, "00");
    case v1::Record::kReversalSettled:
      ++seen_.reversals_settled;
      if (p.owed.erase(record.reversal_settled().txn()) != 1)
        violated("P3", "a reversal was settled that was not owed");
      p.txns[record.reversal_settled().txn()].settled = true;
      return;
    case v1::Record::kLateReply:
      ++seen_.late_replies;
      return;
    default:
      return;
  }
}

void Auditor::fold_intent(Partition& p, const v1::Intent& intent) {
  auto& txn = p.txns[intent.txn()];
  if (txn.intent) violated("P2", "two intents with one id");
  const auto& [tid, merchant] = p.terminals[intent.request().terminal()];
  txn.intent = true;
  txn.tid = tid;
  txn.merchant = merchant;
  txn.stan = intent.request().stan();
  txn.mti = intent.request().mti();
  txn.amount_minor = intent.request().amount_minor();
  txn.original = intent.request().original();
  txn.rrn = intent.rrn();
  txn.host = intent.routing().host();
  txn.host_stan = intent.routing().stan();
  txn.transmitted = intent.routing().transmitted();
  take_rrn(p, intent.rrn(), intent.txn(), "");
  if (!p.intents.try_emplace(key_of(tid, txn.mti, txn.stan), intent.txn()).second)
    violated("P2", fmt::format("terminal {} STAN {} went upstream twice", tid, txn.stan));
}

void Auditor::post(Partition& p, std::uint16_t id, const std::string& bytes, std::uint64_t txn, Net& net) {
  v1::LedgerEntry entry;
  ++seen_.entries;
  if (!entry.ParseFromString(bytes)) violated("P5", "an entry does not parse");
  if (entry.partition() != id || entry.seq() != ++p.entries)
    violated("P5", fmt::format("partition {}: entry {} stands where {} belongs", id, entry.seq(), p.entries));
  std::int64_t debit = 0, credit = 0;
  for (const auto& leg : entry.legs()) {
    if (leg.amount_minor() <= 0) violated("P5", "a leg that is not above zero");
    (leg.credit() ? credit : debit) += leg.amount_minor();
    const auto signed_minor = leg.credit() ? -leg.amount_minor() : leg.amount_minor();
    net[account_of(leg)] += signed_minor;
    p.balances[account_of(leg)] += signed_minor;
  }
  if (debit != credit || entry.legs_size() < 2)
    violated("P5",
             fmt::format("entry {} of partition {}: debits {}, credits {}", entry.seq(), id, debit, credit));
  if (entry.txn() != txn) violated("P5", "an entry names another transaction than its record");
  std::string joined(reinterpret_cast<const char*>(p.chain.data()), p.chain.size());
  joined += bytes;
  SHA256(reinterpret_cast<const unsigned char*>(joined.data()), joined.size(), p.chain.data());
}

void Auditor::fold_outcome(Partition& p, std::uint16_t id, const v1::Outcome& outcome) {
  auto& txn = p.txns[outcome.txn()];
  if (!txn.intent || txn.outcome || txn.owed)
    violated("P2", fmt::format("an outcome of STAN {} that nobody waits for", txn.stan));
  txn.outcome = true;
  txn.approved = outcome.approved();
  txn.code = outcome.response_code();
  p.codes[txn.rrn] = txn.code;
  for (const auto& bytes : outcome.entries()) post(p, id, bytes, outcome.txn(), txn.booked);
  drop_zeros(txn.booked);
  if (!txn.approved && outcome.entries_size() != 0) violated("P3", "a refusal was posted");
  if (!txn.approved) return;
  if (outcome.resolves() == 0) {
    if (outcome.has_receipt()) count_sale(p, txn, outcome.receipt());
    return check_prices(txn, outcome);
  }
  ++seen_.voids;
  auto& original = p.txns[outcome.resolves()];
  if (!original.approved || original.owed || original.voided)
    violated("P3", "a void of something that does not stand");
  original.voided = true;
  const auto asked = requests_.find(key_of(original.tid, original.mti, original.stan));
  if (asked == requests_.end()) return violated("P3", "a void of a sale that never arrived");
  txn.took_volume_back = !asked->second.instant;
  if (txn.took_volume_back) count_again(p, original, -1);
  auto sum = asked->second.instant ? refund_of(original) : original.booked;
  for (const auto& [account, minor] : txn.booked) sum[account] += minor;
  drop_zeros(sum);
  if (!sum.empty())
    violated("P3", fmt::format("a void leaves {} on {}", sum.begin()->second, sum.begin()->first));
}

void Auditor::fold_owed(Partition& p, std::uint16_t id, const v1::ReversalOwed& owed) {
  auto& txn = p.txns[owed.txn()];
  ++seen_.causes[owed.cause() & 7];
  if (!txn.intent || txn.owed) violated("P3", "a reversal is owed twice, or for nothing");
  if (!txn.outcome) p.codes[txn.rrn] = txn.code = owed.answered().empty() ? "98" : owed.answered();
  txn.owed = true;
  p.owed.insert(owed.txn());
  for (const auto& bytes : owed.entries()) {
    ++seen_.reversed_entries;
    post(p, id, bytes, owed.txn(), txn.undone);
  }
  auto sum = txn.booked;
  for (const auto& [account, minor] : txn.undone) sum[account] += minor;
  drop_zeros(sum);
  if (!sum.empty())
    violated("P3", fmt::format("a reversal leaves {} on {}", sum.begin()->second, sum.begin()->first));
  if (txn.approved && txn.voided) violated("P3", "what was voided is reversed too");
  if (txn.approved && txn.month != 0) count_again(p, txn, -1);
  if (txn.approved && txn.took_volume_back) count_again(p, p.txns[txn.original], 1);
  if (txn.approved && txn.original != 0) p.txns[txn.original].voided = false;  // the void is taken back
}

// ---- prices
// ----------------------------------------------------------------------------------------------------------

// Cards 0.6 %, debit cards 0.5 % but 20.00 at most, codes 0.38 %, 3.00 more for instant settlement.
Auditor::Net Auditor::prices_of(const Request& r, const std::string& merchant, std::uint64_t txn) const {
  Net net;
  const auto wallet = r.wallet.starts_with("62")  ? "unionpay"
                      : r.wallet.starts_with("1") ? "wechat"
                                                  : "alipay";
  const bool debit_card = !r.pan.starts_with("622202");
  const auto fee = r.qr         ? share(r.amount_minor, 3'800)
                   : debit_card ? std::min<std::int64_t>(share(r.amount_minor, 5'000), 2'000)
                                : share(r.amount_minor, 6'000);
  const auto instant = r.instant ? 300 : 0;
  const auto left = r.amount_minor - fee - instant;
  net[r.qr ? fmt::format("1110/{}", wallet) : "1100/unionpay"] += r.amount_minor;
  net[r.qr ? "4110" : "4100"] -= fee;
  net["4120"] -= instant;
  net["2100/" + merchant] -= left;
  if (r.instant && left > 0) {
    net["2100/" + merchant] += left;
    net["2130/" + crockford(txn)] -= left;
  }
  drop_zeros(net);
  return net;
}

// What was paid out at once is not mirrored but refunded: the payout stands, and so does the 3.00.
Auditor::Net Auditor::refund_of(const Txn& sale) {
  Net net;
  for (const auto& [account, minor] : sale.booked)
    if (!account.starts_with("2") && account != "4120") net[account] = minor;
  std::int64_t left = 0;
  for (const auto& [account, minor] : net) left += minor;
  net["2100/" + sale.merchant] = -left;
  return net;
}

void Auditor::check_prices(const Txn& txn, const v1::Outcome& outcome) {
  const auto it = requests_.find(key_of(txn.tid, txn.mti, txn.stan));
  if (it == requests_.end()) return violated("P3", "an outcome of a request that never arrived");
  const auto& request = it->second;
  if (request.a_void || request.amount_minor == 0) return;  // nothing is priced
  ++seen_.fees_checked;
  const auto expected = prices_of(request, txn.merchant, outcome.txn());
  if (expected != txn.booked) {
    std::string difference;
    for (const auto& [account, minor] : expected) difference += fmt::format(" {}={}", account, minor);
    difference += " but found";
    for (const auto& [account, minor] : txn.booked) difference += fmt::format(" {}={}", account, minor);
    violated("P9", fmt::format("sale of {} is booked wrongly: expected{}", request.amount_minor, difference));
  }
  const auto fee = txn.booked.empty() ? 0 : outcome.receipt().totals().fee_minor();
  std::int64_t income = 0;
  for (const auto& [account, minor] : txn.booked)
    if (account[0] == '4') income -= minor;
  if (fee != income) violated("P9", "the receipt's fee is not what was booked");
}

// ---- borders
// ---------------------------------------------------------------------------------------------------------

void Auditor::request(ByteView frame) {
  ++event_;
  iso::MessageView message;
  if (!iso::decode(*cup_, frame.subspan(2), message).ok() || !message.has(11)) return;
  const auto key = key_of(text(message, 41), message.mti().bcd, *message.number(11));
  auto [it, fresh] = requests_.try_emplace(key);
  auto& r = it->second;
  if (!fresh) {
    if (r.frame != as_text(frame)) ++r.variants;
    return;
  }
  r.frame = as_text(frame);
  r.arrived = event_;
  const auto processing = text(message, 3);
  r.financial = message.mti().bcd == 0x0200;
  r.instant = processing == "280000";
  r.a_void = processing == "200000";
  r.amount_minor = static_cast<std::int64_t>(message.number(4).value_or(0));
  const auto private_data = text(message, 59);
  r.qr = private_data.starts_with("A3");
  if (r.qr) r.wallet = private_data.substr(5);
  r.pan = message.has(2) ? text(message, 2) : text(message, 35);
}

Auditor::Partition* Auditor::of_rrn(std::uint64_t rrn) {
  const auto id = rrn / 1'000'000'000;
  return id < partitions_.size() && partitions_[id].by_rrn.contains(rrn) ? &partitions_[id] : nullptr;
}

void Auditor::reply(ByteView frame) {
  ++event_;
  ++seen_.replies;
  if (stopped_) return violated("P6", "an answer left after a write whose result is unknown");
  iso::MessageView message;
  if (!iso::decode(*cup_, frame.subspan(2), message).ok())
    return violated("P2", "an answer that cannot be read");
  const auto code = text(message, 39), tid = text(message, 41), merchant = text(message, 42);
  const auto rrn = message.number(37).value_or(0);
  auto* p = of_rrn(rrn);
  if (p == nullptr || p->codes[rrn] != code)
    return violated("P1", fmt::format("terminal {} hears {} under RRN {}, and no durable record says so", tid,
                                      code, rrn));
  if (!message.has(11)) return;
  const auto it = requests_.find(key_of(tid, message.mti().bcd - 0x10, *message.number(11)));
  if (it == requests_.end()) return violated("P1", "an answer to what was never asked");
  auto& r = it->second;
  if (r.financial && approves(code)) {
    ++seen_.approvals;
    const auto known = p->txns.find(p->by_rrn[rrn]);
    const auto stan = *message.number(11);
    if (known == p->txns.end() || !known->second.approved || known->second.tid != tid ||
        known->second.stan != stan || known->second.amount_minor != r.amount_minor)
      return violated("P1", fmt::format("terminal {} hears an approval that the journal does not hold", tid));
    for (const auto& owner : {tid, merchant})
      if (const auto held = suspended_.find(owner); held != suspended_.end() && r.arrived > held->second)
        return violated(
            "P4", fmt::format("terminal {} STAN {} was approved although {} was suspended before it arrived",
                              tid, stan, owner));
  }
  if (r.financial && (suspended_.contains(tid) || suspended_.contains(merchant)) &&
      is_one_of(code, {"58", "03", "90"}))
    ++seen_.refusals_in_suspension;
  check_repeat(r, message, code, frame);
}

// A repeat gets the same bytes, unless the terminal may not speak now. Sign-in is another matter: old keys
// are not given again.
void Auditor::check_repeat(Request& r, const iso::MessageView& reply, std::string_view code, ByteView frame) {
  if (reply.mti().bcd == 0x0810 || r.variants > 1 || speaks_of_the_terminal(code)) return;
  if (!r.financial && !is_one_of(code, {"00", "12", "25"}))
    return;  // a reversal that found no room comes again until it does
  if (r.answer.empty()) {
    r.answer = as_text(frame);
    return;
  }
  ++seen_.repeats_compared;
  if (r.answer != as_text(frame))
    violated("P2", fmt::format("terminal {} STAN {} hears two different answers", text(reply, 41),
                               *reply.number(11)));
}

void Auditor::host_request(const std::string& host, ByteView frame) {
  ++event_;
  if (stopped_) return violated("P6", "a request left after a write whose result is unknown");
  iso::MessageView message;
  if (!iso::decode(*host_dialect_, frame.subspan(2), message).ok())
    return violated("P1", "a host gets what it cannot read");
  if (message.mti().bcd == 0x0800) return;
  const auto rrn = message.number(37).value_or(0);
  auto* p = of_rrn(rrn);
  const auto known = p == nullptr ? std::map<std::uint64_t, Txn>::iterator{} : p->txns.find(p->by_rrn[rrn]);
  if (p == nullptr || known == p->txns.end() || known->second.host != host)
    return violated("P1", fmt::format("a host hears of RRN {} before its intent is durable", rrn));
  const auto* txn = &known->second;
  if (message.mti().bcd == 0x0400) {
    ++seen_.host_reversals;
    if (!txn->owed) violated("P1", "a reversal goes upstream before it is owed durably");
    return;
  }
  ++seen_.host_requests;
  if (message.number(11) != txn->host_stan || text(message, 7) != txn->transmitted ||
      text(message, 41) != txn->tid)
    return violated("P1", "a request is not the one of its intent");
  const auto key = fmt::format("{}/{}/{}/{}", host, txn->transmitted, txn->host_stan, txn->tid);
  const auto [it, fresh] = host_keys_.try_emplace(key, rrn);
  if (!fresh && it->second != rrn)
    violated("P2", fmt::format("two transactions are one to the host: {}", key));
}

// ---- books and promises
// ----------------------------------------------------------------------------------------------

void Auditor::compare(std::uint16_t id, const Books& engine) {
  const auto& p = partitions_[id];
  if (engine.last != p.entries || engine.chain != p.chain)
    violated("P5", fmt::format("partition {}: the engine's chain is not that of the entries", id));
  std::map<std::string, std::string> mine;
  for (const auto& [account, minor] : p.balances)
    if (minor != 0) mine[account] = fmt::format("{}", minor);
  auto theirs = engine.balances;
  std::erase_if(theirs, [](const auto& row) { return row.second == "0"; });
  if (mine != theirs)
    violated("P5", fmt::format("partition {}: the engine's balances are not the sum of the entries", id));
}

const Auditor::Txn* Auditor::find(const std::string& tid, std::uint32_t stan) const {
  for (const auto& p : partitions_)
    if (const auto it = p.intents.find(key_of(tid, 0x0200, stan)); it != p.intents.end())
      return &p.txns.at(it->second);
  return nullptr;
}

void Auditor::settle_terminal(const std::string& tid, const sim::Promise& promise) {
  ++seen_.promises;
  if (promise.kind == iso::Kind::balance) return;
  const auto* txn = find(tid, promise.stan);
  const bool stands = txn != nullptr && txn->approved && !txn->owed;
  const auto wrong = [&](std::string_view what) {
    violated("P3", fmt::format("terminal {} STAN {} is {} at the terminal, but {}", tid, promise.stan,
                               sim::name(promise.state), what));
  };
  switch (promise.state) {
    case sim::PromiseState::approved:
      if (!stands) return wrong("does not stand in the books");
      if (txn->voided) return wrong("was voided in the books");
      return;
    case sim::PromiseState::voided:
      if (!stands || !txn->voided) return wrong("not in the books");
      return;
    case sim::PromiseState::declined:
    case sim::PromiseState::reversed:
      if (stands) return wrong("stands in the books");
      return;
    case sim::PromiseState::in_flight:
    case sim::PromiseState::unanswered:
      return wrong("nothing is in flight any more");
  }
}

void Auditor::settle_host(const std::string& host, const sim::HostBooks& books) {
  std::map<std::string, bool> at_host;  // by key: approved and not reversed
  books.for_each([&](const sim::HostEntry& e) {
    ++seen_.host_entries;
    at_host[fmt::format("{:010}/{}/{}", e.key.transmitted, e.key.stan,
                        std::string_view(e.key.tid.data(), 8))] = e.approved && !e.reversed && !e.tombstone;
  });
  for (const auto& p : partitions_) {
    for (const auto& [id, txn] : p.txns) {
      if (txn.host != host) continue;
      const auto it = at_host.find(fmt::format("{}/{}/{}", txn.transmitted, txn.host_stan, txn.tid));
      const bool there = it != at_host.end() && it->second;
      if (it != at_host.end()) at_host.erase(it);
      if (there != (txn.approved && !txn.owed))
        violated("P3", fmt::format("terminal {} STAN {}: the host {} it, the switch does {}", txn.tid,
                                   txn.stan, there ? "approved" : "does not know", there ? "not" : "know"));
    }
  }
  if (!at_host.empty())
    violated("P3", "the host's books hold what the switch never meant: " + at_host.begin()->first);
}

void Auditor::settle_owed() {
  for (const auto& p : partitions_) {
    if (!p.owed.empty()) violated("P3", fmt::format("{} reversals are still owed", p.owed.size()));
    for (const auto& [id, txn] : p.txns)
      if (!txn.outcome && !txn.owed)
        violated("P3",
                 fmt::format("terminal {} STAN {} has neither outcome nor reversal", txn.tid, txn.stan));
  }
}

}  // namespace tollgate::test
