// The export of the ledger to the byte, balances, and transactions with their stories.
#include <gtest/gtest.h>

#include "switch/admin/entry_json.h"
#include "tests/admin/paper_books.h"

namespace tollgate::test {
namespace {

class Export : public ::testing::Test {
 protected:
  Export() {
    desk_.token = "tgk_settle";
    for (int g = 0; g < 40; ++g)
      for (std::uint16_t p = 1; p <= 3; ++p)
        books_.add_group(p, p == 2 ? 0 : 25 + g % 3, g < 20 ? "2026-11-20" : "2026-11-21");
  }
  struct Parts {
    std::string records;
    json::value trailer;
  };
  static Parts split(const std::string& body) {
    const auto last = body.rfind('\n', body.size() - 2);
    const auto from = last == std::string::npos ? 0 : last + 1;
    return {body.substr(0, from), json::parse(body.substr(from))};
  }

  PaperBooks books_{3};
  Desk desk_{books_};
};

TEST_F(Export, GivesEveryEntryInOrderAndAnHonestTrailer) {
  const auto answer = desk_.get("/v1/ledger/entries");
  ASSERT_EQ(answer.status, 200U) << answer.body;
  EXPECT_EQ(answer.headers.get("Content-Type"), "application/x-ndjson");
  const auto parts = split(answer.body);
  const auto& t = parts.trailer;
  const auto heads = books_.ledger_heads();
  const auto total = heads[0].last.value + heads[2].last.value;
  EXPECT_EQ(cli::text_at(t, "object"), "export.trailer");
  EXPECT_EQ(cli::text_at(t, "complete"), "true");
  EXPECT_EQ(cli::text_at(t, "filtered"), "false");
  EXPECT_EQ(cli::text_at(t, "count"), std::to_string(total));
  EXPECT_EQ(cli::text_at(t, "sha256"), admin::lower_hex(Sha256::of(as_bytes(parts.records))));
  EXPECT_EQ(cli::text_at(t, "debit.CNY"), std::to_string(total * 10000));
  EXPECT_EQ(cli::text_at(t, "credit.CNY"), std::to_string(total * 10000));
  ASSERT_EQ(t.at("ranges").as_array().size(), 2U);  // partition 2 has none
  for (std::size_t i = 0; i < 2; ++i) {
    const auto& head = heads[i == 0 ? 0 : 2];
    const auto& range = t.at("ranges").as_array()[i];
    EXPECT_EQ(cli::text_at(range, "partition"), std::to_string(head.partition.value));
    EXPECT_EQ(cli::text_at(range, "first_seq"), "1");
    EXPECT_EQ(cli::text_at(range, "last_seq"), std::to_string(head.last.value));
    EXPECT_EQ(cli::text_at(range, "chain"), admin::lower_hex(head.chain));
  }
  std::uint64_t partition = 1, seq = 0;
  std::size_t from = 0;
  for (std::uint64_t i = 0; i < total; ++i) {
    const auto feed = parts.records.find('\n', from);
    const auto line = json::parse(parts.records.substr(from, feed - from));
    from = feed + 1;
    if (line.at("partition").as_int64() != static_cast<std::int64_t>(partition)) {
      partition = 3;
      seq = 0;
    }
    ASSERT_EQ(line.at("partition").as_int64(), static_cast<std::int64_t>(partition));
    ASSERT_EQ(line.at("seq").as_int64(), static_cast<std::int64_t>(++seq));
  }
  EXPECT_EQ(from, parts.records.size());
  EXPECT_EQ(desk_.get("/v1/ledger/entries").body, answer.body);  // same arguments, same bytes
}

TEST_F(Export, ResumesAnywhereWithTheSameBytes) {
  const auto whole = split(desk_.get("/v1/ledger/entries").body);
  const auto last = books_.ledger_heads()[0].last.value;
  for (const auto cut : {std::uint64_t{1}, std::uint64_t{26}, std::uint64_t{500}, last - 1, last}) {
    std::size_t at = 0;
    for (std::uint64_t i = 0; i < cut; ++i) at = whole.records.find('\n', at) + 1;
    const auto rest = split(desk_.get("/v1/ledger/entries?after=1:" + std::to_string(cut)).body);
    EXPECT_EQ(rest.records, whole.records.substr(at)) << cut;
    // The chain at the end does not depend on where the reading began.
    EXPECT_EQ(cli::text_at(rest.trailer, "ranges." + std::string(cut == last ? "0" : "1") + ".chain"),
              cli::text_at(whole.trailer, "ranges.1.chain"));
    if (cut != last) {
      EXPECT_EQ(cli::text_at(rest.trailer, "ranges.0.chain"), cli::text_at(whole.trailer, "ranges.0.chain"));
    }
  }
}

TEST_F(Export, RefusesAPositionBeyondTheEndInsteadOfAnEmptyPage) {
  const auto last = std::to_string(books_.ledger_heads()[0].last.value);
  const auto end = desk_.get("/v1/ledger/entries?partition=1&after=1:" + last);
  EXPECT_EQ(end.status, 200U);
  EXPECT_EQ(end.text("count"), "0");
  EXPECT_EQ(end.text("ranges"), "[]");
  for (const auto& bad :
       {"after=1:" + std::to_string(books_.ledger_heads()[0].last.value + 1), std::string("after=2:1"),
        std::string("after=4:0"), std::string("after=0:0"), std::string("after=1"), std::string("after=1:x"),
        std::string("after=1:-1"), std::string("after=1:1&partition=3"), std::string("partition=0"),
        std::string("partition=4"), std::string("partition=x"), std::string("follow=true"),
        std::string("business_date=2026-13-01"), std::string("business_date=2026-11-21&from=2026-11-21"),
        std::string("from=2026-11-22&to=2026-11-21"), std::string("afer=1:1")}) {
    const auto answer = desk_.get("/v1/ledger/entries?" + bad);
    EXPECT_EQ(answer.status, 400U) << bad;
    EXPECT_EQ(answer.text("code"), "invalid_parameter") << bad;
  }
}

TEST_F(Export, FiltersByPartitionDateAccountAndMerchant) {
  const auto count = [&](const std::string& query) {
    const auto parts = split(desk_.get("/v1/ledger/entries?" + query).body);
    EXPECT_EQ(cli::text_at(parts.trailer, "count"), std::to_string(std::ranges::count(parts.records, '\n')))
        << query;
    EXPECT_EQ(cli::text_at(parts.trailer, "sha256"), admin::lower_hex(Sha256::of(as_bytes(parts.records))));
    return std::stoul(cli::text_at(parts.trailer, "count"));
  };
  const auto one = books_.ledger_heads()[0].last.value;
  EXPECT_EQ(count("partition=1"), one);
  EXPECT_EQ(count("partition=2"), 0U);
  EXPECT_EQ(count("business_date=2026-11-20") + count("business_date=2026-11-21"), 2 * one);
  EXPECT_EQ(count("from=2026-11-20&to=2026-11-21"), 2 * one);
  EXPECT_EQ(count("business_date=2026-11-19"), 0U);
  EXPECT_EQ(count("account=1100/cup") + count("account=1100/visa"), 2 * one);
  EXPECT_EQ(count("account=1100"), 2 * one);
  EXPECT_EQ(count("account=110"), 0U);
  EXPECT_EQ(count("merchant=102290058120001"), 2 * one);
  EXPECT_EQ(count("merchant=102290054110002"), 0U);
  const auto filtered = split(desk_.get("/v1/ledger/entries?account=1100/cup").body).trailer;
  EXPECT_EQ(cli::text_at(filtered, "filtered"), "true");
  EXPECT_EQ(filtered.at("ranges").as_array().size(), 2U);
  const auto dated = split(desk_.get("/v1/ledger/entries?partition=1&business_date=2026-11-21").body).trailer;
  EXPECT_EQ(cli::text_at(dated, "filtered"), "false");
  EXPECT_EQ(cli::text_at(dated, "ranges.0.last_seq"), std::to_string(one));
}

TEST_F(Export, IsForSettlementAndAuditOnly) {
  desk_.token = "tgk_view";
  EXPECT_EQ(desk_.get("/v1/ledger/entries").text("code"), "role_required");
}

TEST_F(Export, BreaksOffWhereTheJournalIsDamaged) {
  books_.memory().store()->flip_group_byte({1}, GroupNo{20}, 200);
  auto response = desk_.api().handle(desk_.request("GET", "/v1/ledger/entries"));
  ASSERT_NE(response.source, nullptr);
  std::string part;
  Result<void> more;
  for (int i = 0; i < 1000 && more; ++i) more = response.source->next(part);
  ASSERT_FALSE(more.has_value());
  EXPECT_EQ(more.error().code, ErrorCode::damaged);
  EXPECT_EQ(part.find("export.trailer"), std::string::npos);
}

TEST_F(Export, RepeatsItsTrailerAsHttpTrailers) {
  auto response = desk_.api().handle(desk_.request("GET", "/v1/ledger/entries?partition=1"));
  const auto body = drain(*response.source);
  const auto trailers = response.source->trailers();
  EXPECT_EQ(trailers.get("Tollgate-Sha256"), cli::text_at(split(body).trailer, "sha256"));
  EXPECT_EQ(trailers.get("Tollgate-Chain"), "1:" + admin::lower_hex(books_.ledger_heads()[0].chain));
  EXPECT_EQ(response.headers.get("Trailer"), "Tollgate-Chain, Tollgate-Sha256");
}

TEST_F(Export, AddsUpBalancesBeyond64Bits) {
  books_.balances_ = {{{1}, "2100/102290058120001", 156, "-9223372036854775807"},
                      {{3}, "2100/102290058120001", 156, "-9223372036854775807"},
                      {{1}, "1100/cup", 156, "9223372036854775807"},
                      {{3}, "1100/cup", 156, "9223372036854775807"},
                      {{1}, "1100/cup", 840, "5"}};
  desk_.token = "tgk_view";
  const auto all = desk_.get("/v1/ledger/balances");
  ASSERT_EQ(all.status, 200U) << all.body;
  EXPECT_EQ(all.text("data.0.account"), "1100/cup");
  EXPECT_EQ(all.text("data.0.balance"), "18446744073709551614");
  EXPECT_EQ(all.text("data.2.balance"), "-18446744073709551614");
  EXPECT_EQ(all.text("totals.0.currency"), "CNY");
  EXPECT_EQ(all.text("totals.0.balance"), "0");
  EXPECT_EQ(all.text("totals.1.balance"), "5");
  EXPECT_EQ(desk_.get("/v1/ledger/balances?account=2100").json.at("data").as_array().size(), 1U);
  EXPECT_EQ(desk_.get("/v1/ledger/balances?merchant=102290058120001").json.at("data").as_array().size(), 1U);
}

// ---- transactions, over a switch that really sells ----

sim::SaleOrder sale_of(std::int64_t minor) {
  return {.card = sim::example_card(), .amount = Amount::checked(minor)};
}

class Transactions : public ::testing::Test {
 protected:
  Transactions() {
    over_.tokens.push_back(token_record(1, "v", "tgk_v", {"viewer", "settlement"}));
    desk_.token = "tgk_v";
    rig_.sign_in(pos_);
    EXPECT_EQ(rig_.ask(pos_, pos_.sale(sale_of(10'000))).code(), "00");
    rig_.advance(std::chrono::seconds(1));
    EXPECT_EQ(rig_.ask(pos_, pos_.sale(sale_of(5'051))).code(), "51");
    rig_.advance(std::chrono::seconds(1));
    EXPECT_EQ(rig_.ask(pos_, pos_.sale(sale_of(20'000))).code(), "00");
  }
  [[nodiscard]] Answer list(const std::string& query = "") {
    return desk_.get("/v1/transactions?kind=sale" + query);
  }

  Rig rig_;
  OverRig over_{rig_};
  Desk desk_{over_};
  sim::SimTerminal pos_ = rig_.terminal();
};

TEST_F(Transactions, AreListedNewestFirst) {
  const auto all = list();
  ASSERT_EQ(all.status, 200U) << all.body;
  ASSERT_EQ(all.json.at("data").as_array().size(), 3U) << all.body;
  EXPECT_EQ(all.text("data.0.amount_minor"), "20000");
  EXPECT_EQ(all.text("data.1.outcome"), "declined");
  EXPECT_EQ(all.text("data.1.response_code"), "51");
  EXPECT_EQ(all.text("data.2.amount_minor"), "10000");
  EXPECT_EQ(all.text("data.2.outcome"), "approved");
  EXPECT_EQ(all.text("data.2.tid"), "10000001");
  EXPECT_EQ(all.text("data.2.merchant_code"), kMerchant);
  EXPECT_EQ(all.text("data.2.host"), "cup");
  EXPECT_EQ(all.text("data.2.rrn").size(), 12U);
  EXPECT_EQ(all.text("data.2.pan_masked").find("*"), 6U);
}

TEST_F(Transactions, AreFoundByTheirFacts) {
  const auto count = [&](const std::string& query) {
    const auto answer = list(query);
    EXPECT_EQ(answer.status, 200U) << query << answer.body;
    return answer.json.at("data").as_array().size();
  };
  const auto one = desk_.get("/v1/transactions?limit=1");
  EXPECT_EQ(count("&outcome=approved"), 2U);
  EXPECT_EQ(count("&response_code=51"), 1U);
  EXPECT_EQ(count("&rrn=" + one.text("data.0.rrn")), 1U);
  EXPECT_EQ(count("&stan=" + one.text("data.0.stan")), 1U);
  EXPECT_EQ(count("&terminal=tid:10000001"), 3U);
  EXPECT_EQ(count(std::string("&merchant=") + kMerchant), 3U);
  EXPECT_EQ(count("&merchant=999999999999999"), 0U);
  EXPECT_EQ(count("&amount_minor[gte]=10000"), 2U);
  EXPECT_EQ(count("&amount=10000"), 1U);
  EXPECT_EQ(count("&pan_token=" + one.text("data.0.pan_token")), 3U);
  EXPECT_EQ(count("&business_date=2026-11-21"), 3U);
  EXPECT_EQ(count("&business_date=2026-11-22"), 0U);
  EXPECT_EQ(count("&host=cup&mti=0200"), 3U);
  for (const auto* bad : {"&outcome=maybe", "&stan=x", "&pan_token=12", "&amount_minor[gte]=-1",
                          "&at[gt]=noon", "&settled=true", "&terminal=tid:"})
    EXPECT_GE(list(bad).status, 400U) << bad;
}

TEST_F(Transactions, ComeInPagesThatDoNotOverlap) {
  std::vector<std::string> seen;
  std::string cursor;
  do {
    const auto page = list("&limit=1" + (cursor.empty() ? "" : "&cursor=" + cursor));
    ASSERT_EQ(page.status, 200U);
    seen.push_back(page.text("data.0.id"));
    cursor = page.text("next_cursor");
  } while (!cursor.empty() && seen.size() < 10);
  EXPECT_EQ(seen.size(), 3U);
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 3U);
  EXPECT_EQ(std::ranges::count(list("&format=ndjson").body, '\n'), 3);
}

TEST_F(Transactions, TellTheirWholeStory) {
  const auto id = list("&amount=10000").text("data.0.id");
  const auto one = desk_.get("/v1/transactions/" + id);
  ASSERT_EQ(one.status, 200U) << one.body;
  EXPECT_EQ(one.text("timeline.0.event"), "intent");
  EXPECT_EQ(one.text("timeline.1.event"), "outcome");
  EXPECT_EQ(one.text("fee.fee_minor"), "60");
  EXPECT_EQ(one.text("fee.merchant_net_minor"), "9940");
  EXPECT_EQ(one.text("fee.schedule"), "retail");
  EXPECT_EQ(one.text("entries.0.type"), "sale");
  EXPECT_EQ(one.text("entries.0.legs.0.account"), "1100/unionpay");
  EXPECT_EQ(one.text("complete"), "true");
  EXPECT_EQ(desk_.get("/v1/transactions/txn_0000000000000").status, 404U);
  EXPECT_EQ(desk_.get("/v1/transactions/txn_ZZZ").status, 404U);
  EXPECT_EQ(desk_.get("/v1/transactions/" + id.substr(0, id.size() - 1) + "Z").status, 404U);
}

TEST_F(Transactions, ShowATimeoutWithTheReversalThatFollows) {
  rig_.host_silent = true;
  rig_.exchange(pos_.sale(sale_of(30'000)));
  rig_.advance(std::chrono::seconds(20));
  rig_.host_silent = false;
  const auto row = list("&amount=30000");
  EXPECT_EQ(row.text("data.0.outcome"), "timeout") << row.body;
  EXPECT_EQ(row.text("data.0.response_code"), "98");
  rig_.advance(std::chrono::seconds(60));  // the first reversal got no answer either; another follows
  const auto one = desk_.get("/v1/transactions/" + row.text("data.0.id"));
  EXPECT_NE(one.body.find("reversal_owed"), std::string::npos) << one.body;
  EXPECT_NE(one.body.find("reversal_settled"), std::string::npos) << one.body;
  EXPECT_EQ(one.text("reversal"), "acknowledged");
  EXPECT_EQ(one.text("entries"), "[]");
}

TEST_F(Transactions, NeverShowACardNumber) {
  const std::string digits = "6222021234567890128";  // sim::example_card()
  EXPECT_EQ(list().body.find(digits), std::string::npos);
  EXPECT_EQ(desk_.get("/v1/transactions/" + list("&amount=10000").text("data.0.id")).body.find(digits),
            std::string::npos);
}

TEST_F(Transactions, AreExportedAsEntriesThatMatchTheBooks) {
  const auto body = desk_.get("/v1/ledger/entries").body;
  EXPECT_EQ(std::ranges::count(body, '\n'), static_cast<std::ptrdiff_t>(rig_.entries().size()) + 1);
  EXPECT_NE(body.find("\"debit\":{\"CNY\":\"30000\"}"), std::string::npos) << body;
}

}  // namespace
}  // namespace tollgate::test
