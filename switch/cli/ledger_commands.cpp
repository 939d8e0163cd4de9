// tollgate ledger export
//
// The file that it writes is the body that the interface would give in one piece: entries by partition and
// sequence, then one trailer. It is pulled partition by partition; what a broken run left is read again, its
// last whole line says where to go on. Ends of finished partitions wait in FILE.part until the trailer is
// written.
#include <CLI/CLI.hpp>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>

#include "switch/admin/ledger_export.h"
#include "switch/admin/query.h"
#include "switch/cli/admin_commands.h"
#include "switch/cli/exit.h"
#include "switch/cli/table.h"

namespace tollgate::cli {
namespace {

namespace json = boost::json;

struct Line {
  PartitionId partition;
  EntrySeq seq;
  std::string text;
};

// Counts lines into a trailer; knows where the last one was.
class Tally {
 public:
  explicit Tally(bool filtered) : trailer_(filtered) {}

  Result<void> add(std::string_view line) {
    boost::system::error_code ec;
    const auto value = json::parse(line, ec);
    const auto* partition = ec ? nullptr : at(value, "partition");
    const auto* seq = ec ? nullptr : at(value, "seq");
    const auto* legs = ec ? nullptr : at(value, "legs");
    if (partition == nullptr || seq == nullptr || legs == nullptr || !partition->is_int64() ||
        !seq->is_int64() || !legs->is_array())
      return fail(ErrorCode::damaged, "a line is no ledger entry",
                  last_ ? "after " + place() : "at the beginning");
    const auto currency = text_at(value, "currency");
    admin::ExportTrailer::Sums sums{currency};
    for (const auto& leg : legs->get_array()) {
      const auto* amount = at(leg, "amount_minor");
      if (amount == nullptr || !amount->is_int64())
        return fail(ErrorCode::damaged, "a leg has no amount", "after " + place());
      (text_at(leg, "side") == "credit" ? sums.credit : sums.debit) += amount->get_int64();
    }
    last_ = Line{{static_cast<std::uint16_t>(partition->get_int64())},
                 {static_cast<std::uint64_t>(seq->get_int64())},
                 std::string(line)};
    lasts_.insert_or_assign(int{last_->partition.value}, *last_);
    trailer_.add(last_->partition, last_->seq, {}, sums);
    trailer_.add_bytes(line);
    trailer_.add_bytes("\n");
    ++count_;
    return {};
  }

  [[nodiscard]] std::string place() const {
    return last_ ? std::to_string(last_->partition.value) + ":" + std::to_string(last_->seq.value)
                 : std::string();
  }
  [[nodiscard]] const std::optional<Line>& last() const noexcept { return last_; }
  [[nodiscard]] const Line* last_of(int partition) const {
    const auto it = lasts_.find(partition);
    return it == lasts_.end() ? nullptr : &it->second;
  }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] admin::ExportTrailer& trailer() noexcept { return trailer_; }

 private:
  admin::ExportTrailer trailer_;
  std::optional<Line> last_;
  std::map<int, Line> lasts_;  // of each partition
  std::uint64_t count_ = 0;
};

std::optional<Digest> digest_of(std::string_view hex) {
  const auto bytes = from_hex(hex);
  Digest digest{};
  if (!bytes || bytes->size() != digest.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
}

class Exporting {
 public:
  Exporting(const Console& console, const ExportOptions& options, Remote& remote)
      : c_(console),
        o_(options),
        remote_(remote),
        tally_(!options.account.empty() || !options.merchant.empty()) {}

  Result<int> run();
  // What the interface answered instead, when it refused.
  [[nodiscard]] const std::optional<Reply>& refused() const noexcept { return refused_; }

 private:
  Result<void> open_file();
  Result<bool> read_back();
  Result<std::vector<int>> partitions();
  // known: the last line of that partition that is here already; it comes again, and proves that this is the
  // same ledger. closed: lines of later partitions are here too, so nothing may follow it.
  struct Pull {
    int partition = 0;
    std::string after;
    std::optional<std::string> known;
    bool closed = false;
  };
  Result<void> pull(const Pull& what);
  [[nodiscard]] std::optional<Pull> plan(int partition) const;
  Result<void> take_trailer(int partition, std::string_view line, Sha256& hash, std::uint64_t count);
  Result<void> finish();
  std::string target(int partition, const std::string& after) const;
  std::string part_file() const { return o_.out + ".part"; }

  const Console& c_;
  const ExportOptions& o_;
  Remote& remote_;
  Tally tally_;
  std::ofstream file_;
  std::ostream* to_ = nullptr;
  std::vector<int> finished_;
  std::string date_;
  std::optional<Reply> refused_;
};

std::string Exporting::target(int partition, const std::string& after) const {
  std::vector<std::string> filters = {"partition=" + std::to_string(partition)};
  if (!after.empty()) filters.push_back("after=" + after);
  if (!date_.empty()) filters.push_back("business_date=" + date_);
  for (const auto& [name, value] :
       {std::pair{"from", &o_.from}, {"to", &o_.to}, {"account", &o_.account}, {"merchant", &o_.merchant}})
    if (!value->empty()) filters.push_back(std::string(name) + "=" + *value);
  return list_target("/v1/ledger/entries", filters);
}

// What an earlier run left. True: it was complete.
Result<bool> Exporting::read_back() {
  std::ifstream old(o_.out, std::ios::binary);
  if (!old) return false;
  std::uintmax_t whole = 0;
  for (std::string line; std::getline(old, line) && !old.eof();) {
    if (line.starts_with("{\"object\":\"export.trailer\"")) return true;
    if (auto added = tally_.add(line); !added) return std::unexpected(added.error());
    whole += line.size() + 1;
  }
  old.close();
  std::error_code ec;
  std::filesystem::resize_file(o_.out, whole, ec);  // half a line is fetched again
  if (ec) return fail(ErrorCode::io, ec.message(), o_.out);
  std::ifstream part(part_file());
  for (std::string line; std::getline(part, line);) {
    const auto space = line.find(' ');
    const auto chain = digest_of(std::string_view(line).substr(std::min(line.size(), space + 1)));
    int partition = 0;
    std::from_chars(line.data(), line.data() + std::min(line.size(), space), partition);
    if (partition <= 0) continue;
    finished_.push_back(partition);
    if (chain) tally_.trailer().set_chain({static_cast<std::uint16_t>(partition)}, *chain);
  }
  return false;
}

Result<void> Exporting::open_file() {
  if (o_.out.empty() || o_.out == "-") {
    to_ = &c_.out;
    return {};
  }
  if (o_.out.ends_with(".zst") || o_.out.ends_with(".gz"))
    return fail(ErrorCode::invalid, "compressed files are not in this release", o_.out);
  std::error_code ec;
  if (!o_.resume) {
    if (std::filesystem::exists(o_.out, ec) && std::filesystem::file_size(o_.out, ec) != 0)
      return fail(ErrorCode::conflict, "is there already: --resume goes on with it", o_.out);
    std::filesystem::remove(part_file(), ec);
  }
  file_.open(o_.out, std::ios::binary | std::ios::app);
  if (!file_) return fail(ErrorCode::io, "cannot be written", o_.out);
  to_ = &file_;
  return {};
}

Result<std::vector<int>> Exporting::partitions() {
  if (o_.partition != 0) return std::vector<int>{o_.partition};
  auto system = remote_.get("/v1/system");
  if (!system) return std::unexpected(system.error());
  if (!system->ok()) {
    refused_ = std::move(*system);
    return fail(ErrorCode::forbidden, "refused");
  }
  if (date_ == "today") date_ = text_at(system->json, "now").substr(0, 10);
  std::vector<int> all;
  if (const auto* list = at(system->json, "partitions"); list != nullptr && list->is_array())
    for (const auto& p : list->get_array())
      if (const auto* n = at(p, "partition"); n != nullptr && n->is_int64())
        all.push_back(static_cast<int>(n->get_int64()));
  return all;
}

// The response's own trailer must say what arrived; then its chain is kept.
Result<void> Exporting::take_trailer(int partition, std::string_view line, Sha256& hash,
                                     std::uint64_t count) {
  boost::system::error_code ec;
  const auto trailer = json::parse(line, ec);
  if (ec) return fail(ErrorCode::damaged, "the trailer cannot be read");
  if (text_at(trailer, "count") != std::to_string(count) ||
      text_at(trailer, "sha256") != admin::lower_hex(hash.finish()))
    return fail(ErrorCode::damaged, "the trailer differs from what arrived",
                "partition " + std::to_string(partition));
  std::string chain;
  if (const auto* ranges = at(trailer, "ranges");
      ranges != nullptr && ranges->is_array() && !ranges->get_array().empty())
    chain = text_at(ranges->get_array().back(), "chain");
  if (const auto digest = digest_of(chain))
    tally_.trailer().set_chain({static_cast<std::uint16_t>(partition)}, *digest);
  if (to_ != &file_) return {};
  file_.flush();
  std::ofstream part(part_file(), std::ios::app);
  part << partition << " " << chain << "\n";
  if (!part.flush() || !file_) return fail(ErrorCode::io, "cannot be written", o_.out);
  return {};
}

Result<void> Exporting::pull(const Pull& what) {
  std::string rest, trailer;
  Sha256 hash;
  std::uint64_t count = 0;
  Result<void> good;
  const auto take = [&](std::string_view line) -> Result<void> {
    if (line.starts_with("{\"object\":\"export.trailer\"")) {
      trailer = line;
      return {};
    }
    hash.update(as_bytes(line));
    hash.update(as_bytes("\n"));
    const bool again = ++count == 1 && what.known;
    if (again && line != *what.known)
      return fail(ErrorCode::conflict, "the switch has another entry there: not the same ledger");
    if (again) return {};
    if (what.closed)
      return fail(ErrorCode::conflict,
                  "partition " + std::to_string(what.partition) + " has grown since: start again");
    *to_ << line << '\n';
    return tally_.add(line);
  };
  const auto reply = remote_.stream(target(what.partition, what.after), [&](std::string_view part) {
    rest += part;
    std::size_t from = 0;
    for (auto feed = rest.find('\n'); feed != std::string::npos && good; feed = rest.find('\n', from)) {
      good = take(std::string_view(rest).substr(from, feed - from));
      from = feed + 1;
    }
    rest.erase(0, from);
    return good.has_value() && to_->good();
  });
  if (!good) return good;
  if (!to_->good()) return fail(ErrorCode::io, "cannot be written", o_.out);
  if (!reply) return std::unexpected(reply.error());
  if (!reply->ok()) {
    refused_ = *reply;
    return fail(ErrorCode::forbidden, "refused");
  }
  if (trailer.empty()) return fail(ErrorCode::io, "the export ended without its trailer: --resume goes on");
  return take_trailer(what.partition, trailer, hash, count);
}

// What is left to fetch of a partition; nothing when it is done.
std::optional<Exporting::Pull> Exporting::plan(int partition) const {
  if (std::ranges::find(finished_, partition) != finished_.end()) return std::nullopt;
  Pull what{partition, {}, {}, tally_.last() && partition < tally_.last()->partition.value};
  if (const auto* line = tally_.last_of(partition)) {
    what.after = std::to_string(partition) + ":" + std::to_string(line->seq.value - 1);
    what.known = line->text;
    return what;
  }
  if (what.closed) return std::nullopt;  // it had none
  int first = 0;
  std::from_chars(o_.after.data(), o_.after.data() + o_.after.size(), first);
  if (partition < first) return std::nullopt;
  if (partition == first) what.after = o_.after;
  return what;
}

Result<void> Exporting::finish() {
  const auto line = tally_.trailer().line();
  *to_ << line;
  to_->flush();
  if (!to_->good()) return fail(ErrorCode::io, "cannot be written", o_.out);
  std::error_code ignored;
  if (to_ == &file_) std::filesystem::remove(part_file(), ignored);
  const auto trailer = json::parse(line);
  std::string sums;
  for (const auto& [currency, debit] : at(trailer, "debit")->as_object())
    sums += "  ΣD " + money(std::string_view(debit.as_string()), currency) +
            (text_at(trailer, "credit." + std::string(currency)) == std::string_view(debit.as_string())
                 ? " = ΣC"
                 : " ≠ ΣC");
  c_.err << tally_.count() << " entries" << sums << "  trailer ok\n";
  return {};
}

Result<int> Exporting::run() {
  date_ = o_.date;
  if (o_.resume && !o_.out.empty() && o_.out != "-") {
    const auto complete = read_back();
    if (!complete) return std::unexpected(complete.error());
    if (*complete) {
      c_.err << "complete already: " << o_.out << "\n";
      return exit_code::kDone;
    }
  }
  if (auto opened = open_file(); !opened) return std::unexpected(opened.error());
  const auto all = partitions();
  if (!all) return std::unexpected(all.error());
  if (tally_.last()) c_.err << "resumed after " << tally_.place() << "\n";
  for (const auto partition : *all)
    if (const auto what = plan(partition))
      if (auto pulled = pull(*what); !pulled) return std::unexpected(pulled.error());
  if (auto finished = finish(); !finished) return std::unexpected(finished.error());
  return exit_code::kDone;
}

}  // namespace

int ledger_export(const Console& c, const ExportOptions& options) {
  auto remote = Remote::open(c.options);
  if (!remote) return report(remote.error(), c.err);
  Exporting exporting(c, options, *remote);
  const auto done = exporting.run();
  if (done) return *done;
  if (exporting.refused()) return report(*exporting.refused(), c.options, "", c.err);
  return report(done.error(), c.err);
}

void add_ledger_export_command(CLI::App& app) {
  // Another file may have made the noun: `ledger verify` lives elsewhere.
  const auto known =
      app.get_subcommands([](const CLI::App* command) { return command->get_name() == "ledger"; });
  auto* noun = known.empty() ? nullptr : known.front();
  if (noun == nullptr)
    noun = app.add_subcommand("ledger", "The books: export, verify")->require_subcommand(1);
  struct State {
    TargetOptions target;
    ExportOptions options;
  };
  const auto s = std::make_shared<State>();
  auto* command = noun->add_subcommand("export", "Entries by partition and sequence, NDJSON, with a trailer");
  add_target_options(*command, s->target);
  command->add_option("--date", s->options.date, "Business date, or today");
  command->add_option("--from", s->options.from, "Business date");
  command->add_option("--to", s->options.to, "Business date");
  command->add_option("--partition", s->options.partition, "Only this one");
  command->add_option("--account", s->options.account, "2100, or 2100/102290058120001");
  command->add_option("--merchant", s->options.merchant, "Merchant code or mer_…");
  command->add_option("--after", s->options.after, "PARTITION:SEQ, exclusive");
  command->add_option("--out", s->options.out, "File; default standard output");
  command->add_flag("--resume", s->options.resume, "Go on where a broken run stopped");
  command->callback([s] { exit_with(ledger_export({s->target, std::cout, std::cerr}, s->options)); });
}

}  // namespace tollgate::cli
