// Records as they are written against the same messages filled field by field and written by protobuf, and
// read back to the same facts.
#include "switch/core/record_facts.h"

#include <gtest/gtest.h>

#include "tests/proto/random_fields.h"

namespace tollgate::core {
namespace {

using testing::RandomFields;

void set(std::string* field, std::string_view value) {
  field->assign(value);
}

RequestFacts random_request(RandomFields& f) {
  RequestFacts request;
  request.terminal = ObjectId(f.number64());
  request.kind = f.number32();
  request.mti = f.number32();
  request.stan = f.number32();
  request.batch = f.number32();
  request.digest = f.text();
  request.amount_minor = f.signed64();
  request.currency = f.number32();
  request.processing_code = f.number32();
  request.entry_mode = f.number32();
  request.condition = f.number32();
  request.pan_token = f.text();
  request.pan_masked = f.text();
  request.brand = f.text();
  request.original = TxnId(f.number64());
  request.instant = f.flag();
  return request;
}

void fill(const RequestFacts& facts, v1::Request& request) {
  request.set_terminal(facts.terminal.raw());
  request.set_kind(facts.kind);
  request.set_mti(facts.mti);
  request.set_stan(facts.stan);
  request.set_batch(facts.batch);
  set(request.mutable_digest(), facts.digest);
  request.set_amount_minor(facts.amount_minor);
  request.set_currency(facts.currency);
  request.set_processing_code(facts.processing_code);
  request.set_entry_mode(facts.entry_mode);
  request.set_condition(facts.condition);
  set(request.mutable_pan_token(), facts.pan_token);
  set(request.mutable_pan_masked(), facts.pan_masked);
  set(request.mutable_brand(), facts.brand);
  request.set_original(facts.original.raw());
  request.set_instant(facts.instant);
}

v1::Intent message_of(const IntentFacts& facts) {
  v1::Intent intent;
  intent.set_txn(facts.txn.raw());
  fill(facts.request, *intent.mutable_request());
  auto& routing = *intent.mutable_routing();
  set(routing.mutable_host(), facts.routing.host);
  routing.set_link(facts.routing.link);
  routing.set_stan(facts.routing.stan);
  set(routing.mutable_transmitted(), facts.routing.transmitted);
  set(routing.mutable_route(), facts.routing.route);
  intent.set_rrn(facts.rrn);
  intent.set_business_date(facts.business_date.days);
  set(intent.mutable_local(), facts.local);
  set(intent.mutable_schedule_hash(), facts.schedule_hash);
  return intent;
}

v1::Refusal message_of(const RefusalFacts& facts) {
  v1::Refusal refusal;
  fill(facts.request, *refusal.mutable_request());
  set(refusal.mutable_response_code(), facts.response_code);
  refusal.set_rrn(facts.rrn);
  set(refusal.mutable_local(), facts.local);
  set(refusal.mutable_tid(), facts.tid);
  set(refusal.mutable_merchant_code(), facts.merchant_code);
  refusal.set_binding(facts.binding);
  refusal.set_txn(facts.txn.raw());
  return refusal;
}

v1::Tombstone message_of(const TombstoneFacts& facts) {
  v1::Tombstone tombstone;
  fill(facts.request, *tombstone.mutable_request());
  tombstone.set_rrn(facts.rrn);
  set(tombstone.mutable_local(), facts.local);
  set(tombstone.mutable_response_code(), facts.response_code);
  tombstone.set_txn(facts.txn.raw());
  return tombstone;
}

// Writes the facts, compares with the library, reads them, and compares the facts.
template <class Facts>
void check(const Facts& facts, WireWriter& out) {
  out.clear();
  write(facts, out);
  auto message = message_of(facts);
  ASSERT_EQ(out.text(), message.SerializeAsString());
  Facts again;
  ASSERT_TRUE(read(out.bytes(), again));
  ASSERT_EQ(again, facts);
  // What a later release adds is passed over, in the message and in what it holds.
  auto* unknown = message.GetReflection()->MutableUnknownFields(&message);
  unknown->AddVarint(900, 7);
  unknown->AddLengthDelimited(901, "x");
  unknown->AddFixed64(902, 1);
  message.mutable_request()->GetReflection()->MutableUnknownFields(message.mutable_request())->AddFixed32(903, 1);
  const auto longer = message.SerializeAsString();
  again = {};
  ASSERT_TRUE(read(as_bytes(longer), again));
  ASSERT_EQ(again, facts);
}

TEST(RecordFacts, WriteTheBytesOfTheLibraryAndAreReadBack) {
  RandomFields f(4);
  WireWriter out;
  ASSERT_NO_FATAL_FAILURE(check(IntentFacts{}, out));
  ASSERT_NO_FATAL_FAILURE(check(RefusalFacts{}, out));
  ASSERT_NO_FATAL_FAILURE(check(TombstoneFacts{}, out));
  for (int round = 0; round < 5'000; ++round) {
    f.forget();
    IntentFacts intent;
    intent.txn = TxnId(f.number64());
    intent.request = random_request(f);
    intent.routing = {f.text(), f.number32(), f.number32(), f.text(), f.text()};
    intent.rrn = f.number64();
    intent.business_date = BusinessDate{f.signed32()};
    intent.local = f.text();
    intent.schedule_hash = f.text();
    ASSERT_NO_FATAL_FAILURE(check(intent, out)) << round;
    ASSERT_NO_FATAL_FAILURE(check(RefusalFacts{random_request(f), f.text(), f.number64(), f.text(), f.text(),
                                               f.text(), f.flag(), TxnId(f.number64())},
                                  out))
        << round;
    ASSERT_NO_FATAL_FAILURE(
        check(TombstoneFacts{random_request(f), f.number64(), f.text(), f.text(), TxnId(f.number64())}, out))
        << round;
  }
}

v1::Receipt random_receipt(RandomFields& f) {
  v1::Receipt receipt;
  set(receipt.mutable_schedule_id(), f.text());
  receipt.set_version(f.number32());
  set(receipt.mutable_schedule_hash(), f.text());
  receipt.set_kind(static_cast<v1::ReceiptKind>(f.below(10)));
  receipt.set_amount_minor(f.signed64());
  if (f.flag()) set(receipt.mutable_facts()->mutable_terminal(), f.text());
  receipt.set_business_date(f.signed32());
  for (auto lines = f.below(5); lines > 0; --lines) {
    auto& line = *receipt.add_lines();
    line.set_component(f.number32());
    line.set_base_minor(f.signed64());
    line.set_amount_minor(f.signed64());
  }
  return receipt;
}

OutcomeFacts random_outcome(RandomFields& f) {
  OutcomeFacts facts;
  facts.txn = TxnId(f.number64());
  facts.response_code = f.text();
  facts.host_code = f.text();
  facts.approved = f.flag();
  facts.auth_code = f.text();
  facts.settlement_date = f.text();
  facts.institutions = f.text();
  facts.balances = f.text();
  facts.chip = f.text();
  facts.organisation = f.text();
  facts.private_62 = f.text();
  facts.host_rrn = f.text();
  facts.approved_minor = f.signed64();
  facts.resolves = TxnId(f.number64());
  return facts;
}

v1::Outcome message_of(const OutcomeFacts& facts) {
  v1::Outcome outcome;
  outcome.set_txn(facts.txn.raw());
  set(outcome.mutable_response_code(), facts.response_code);
  set(outcome.mutable_host_code(), facts.host_code);
  outcome.set_approved(facts.approved);
  set(outcome.mutable_auth_code(), facts.auth_code);
  set(outcome.mutable_settlement_date(), facts.settlement_date);
  set(outcome.mutable_institutions(), facts.institutions);
  set(outcome.mutable_balances(), facts.balances);
  set(outcome.mutable_chip(), facts.chip);
  set(outcome.mutable_organisation(), facts.organisation);
  set(outcome.mutable_private_62(), facts.private_62);
  set(outcome.mutable_host_rrn(), facts.host_rrn);
  outcome.set_approved_minor(facts.approved_minor);
  if (facts.priced) {
    EXPECT_TRUE(outcome.mutable_receipt()->ParseFromArray(facts.receipt.data(),
                                                          static_cast<int>(facts.receipt.size())));
  }
  for (const auto& entry : facts.entries) set(outcome.add_entries(), as_text(entry.bytes));
  outcome.set_resolves(facts.resolves.raw());
  return outcome;
}

void build_entry(RandomFields& f, ledger::EntryBuilder& out) {
  ledger::EntryFacts facts;
  facts.seq = EntrySeq{f.number64()};
  facts.type = f.text();
  facts.currency = Currency{static_cast<std::uint16_t>(f.below(1000))};
  out.begin(facts);
  const auto amount = static_cast<std::int64_t>(1 + f.below(1'000'000'000'000));
  out.debit({1100}, f.text(), amount);
  out.credit({2100}, f.text(), amount);
  out.build();
}

void expect_same(const OutcomeFacts& a, const OutcomeFacts& b) {
  ASSERT_EQ(a.txn, b.txn);
  ASSERT_EQ(a.response_code, b.response_code);
  ASSERT_EQ(a.host_code, b.host_code);
  ASSERT_EQ(a.approved, b.approved);
  ASSERT_EQ(a.auth_code, b.auth_code);
  ASSERT_EQ(a.settlement_date, b.settlement_date);
  ASSERT_EQ(a.institutions, b.institutions);
  ASSERT_EQ(a.balances, b.balances);
  ASSERT_EQ(a.chip, b.chip);
  ASSERT_EQ(a.organisation, b.organisation);
  ASSERT_EQ(a.private_62, b.private_62);
  ASSERT_EQ(a.host_rrn, b.host_rrn);
  ASSERT_EQ(a.approved_minor, b.approved_minor);
  ASSERT_EQ(a.priced, b.priced);
  ASSERT_EQ(a.receipt, b.receipt);
  ASSERT_EQ(a.receipt_kind, b.receipt_kind);
  ASSERT_EQ(a.sold.schedule_id, b.sold.schedule_id);
  ASSERT_EQ(a.sold.version, b.sold.version);
  ASSERT_EQ(a.sold.schedule_hash, b.sold.schedule_hash);
  ASSERT_EQ(a.sold.business_date, b.sold.business_date);
  ASSERT_TRUE(std::ranges::equal(a.sold.bases, b.sold.bases));
  ASSERT_EQ(a.entries.size(), b.entries.size());
  for (std::size_t i = 0; i < a.entries.size(); ++i) {
    ASSERT_EQ(as_text(a.entries[i].bytes), as_text(b.entries[i].bytes));
    ASSERT_EQ(a.entries[i].seq, b.entries[i].seq);
    ASSERT_EQ(a.entries[i].currency, b.entries[i].currency);
    ASSERT_TRUE(std::ranges::equal(a.entries[i].legs, b.entries[i].legs));
  }
  ASSERT_EQ(a.resolves, b.resolves);
}

TEST(RecordFacts, AnOutcomeIsWrittenLikeTheLibraryWritesItAndIsReadBack) {
  RandomFields f(5);
  WireWriter out;
  OutcomeReader reader;
  ledger::EntryBuilder entries;
  for (int round = 0; round < 10'000; ++round) {
    f.forget();
    auto facts = random_outcome(f);
    v1::Receipt receipt;
    std::string receipt_bytes;
    std::vector<PricedBase> bases;
    if (f.flag()) {
      receipt = random_receipt(f);
      receipt_bytes = receipt.SerializeAsString();
      for (const auto& line : receipt.lines()) bases.push_back({line.component(), line.base_minor()});
      facts.priced = true;
      facts.receipt = receipt_bytes;
      facts.receipt_kind = receipt.kind();
      facts.sold = {receipt.schedule_id(), receipt.version(), receipt.schedule_hash(),
                    BusinessDate{receipt.business_date()}, bases};
    }
    entries.reset();
    for (auto count = f.below(4); count > 0; --count) build_entry(f, entries);
    facts.entries = entries.built();

    out.clear();
    write(facts, out);
    ASSERT_EQ(out.text(), message_of(facts).SerializeAsString()) << round;
    const auto* again = reader.read(out.bytes());
    ASSERT_NE(again, nullptr);
    ASSERT_NO_FATAL_FAILURE(expect_same(*again, facts)) << round;
  }
}

// Cut anywhere, a record is refused, or is a whole message that ends there: nothing is read behind its end.
TEST(RecordFacts, ReadNothingBehindTheEnd) {
  RandomFields f(6);
  WireWriter out;
  OutcomeReader reader;
  ledger::EntryBuilder entries;
  std::size_t refused = 0;
  for (int round = 0; round < 20; ++round) {
    f.forget();
    auto facts = random_outcome(f);
    const auto receipt = random_receipt(f).SerializeAsString();
    facts.priced = true;
    facts.receipt = receipt;
    entries.reset();
    for (int i = 0; i < 3; ++i) build_entry(f, entries);
    facts.entries = entries.built();
    out.clear();
    write(facts, out);
    for (std::size_t size = 0; size < out.size(); ++size) {
      const std::vector<std::uint8_t> cut(out.bytes().begin(), out.bytes().begin() + static_cast<std::ptrdiff_t>(size));
      v1::Outcome message;
      const bool whole = message.ParseFromArray(cut.data(), static_cast<int>(size));
      ASSERT_EQ(reader.read(cut) != nullptr, whole) << round << " " << size;
      refused += whole ? 0 : 1;
    }
  }
  EXPECT_GT(refused, 500U);
}

}  // namespace
}  // namespace tollgate::core
