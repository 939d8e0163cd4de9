#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>

#include "storage/start.h"
#include "switch/base/hash.h"
#include "switch/base/money.h"
#include "switch/cli/exit.h"
#include "switch/cli/ledger_verify.h"

namespace tollgate::cli {
namespace {

namespace json = boost::json;

// What an NDJSON export can prove without the switch: numbers, balance, and that nothing is missing up to its trailer.
class ExportReader {
 public:
  std::string take(const std::string& line) {
    boost::system::error_code ec;
    const auto value = json::parse(line, ec);
    if (ec || !value.is_object()) return "not JSON";
    const auto& object = value.as_object();
    if (const auto* kind = object.if_contains("object"); kind != nullptr && kind->is_string() && kind->as_string() == "export.trailer") return trailer(object);
    if (ended_) return "a line behind the trailer";
    hash_.update(as_bytes(line));
    hash_.update(as_bytes("\n"));
    return entry(object);
  }
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  std::string entry(const json::object& object) {
    try {
      const auto partition = object.at("partition").to_number<std::uint32_t>();
      const auto seq = object.at("seq").to_number<std::uint64_t>();
      auto& last = last_[partition];
      if (last != 0 && seq != last + 1) return "partition " + std::to_string(partition) + ": entry " + std::to_string(seq) + " follows " + std::to_string(last);
      last = seq;
      ++count_;
      Int128 sum = 0;
      for (const auto& leg : object.at("legs").as_array()) {
        const auto amount = leg.as_object().at("amount_minor").to_number<std::int64_t>();
        const bool debit = leg.as_object().at("side").as_string() == "debit";
        sum += debit ? amount : -amount;
        (debit ? debit_ : credit_)[std::string(object.at("currency").as_string())] += amount;
      }
      return sum == 0 ? "" : "entry " + std::to_string(partition) + ":" + std::to_string(seq) + " is not balanced";
    } catch (const std::exception&) {
      return "not a ledger entry";
    }
  }
  std::string trailer(const json::object& object) {
    ended_ = true;
    try {
      if (!object.at("complete").as_bool()) return "the trailer says that the export is not complete";
      if (object.at("count").to_number<std::uint64_t>() != count_) return "the trailer counts " + json::serialize(object.at("count")) + " entries, there are " + std::to_string(count_);
      for (const auto& [side, sums] : {std::pair("debit", &debit_), std::pair("credit", &credit_)})
        for (const auto& [currency, sum] : *sums)
          if (std::string(object.at(side).as_object().at(currency).as_string()) != to_decimal(Balance{sum})) return std::string("the trailer's ") + side + " is another one";
      auto hash = to_hex(hash_.finish());
      for (auto& c : hash) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      return std::string(object.at("sha256").as_string()) == hash ? "" : "the trailer's sha256 is not that of these lines";
    } catch (const std::exception&) {
      return "a trailer that lacks a member";
    }
  }

  Sha256 hash_;
  bool ended_ = false;
  std::uint64_t count_ = 0;
  std::map<std::uint32_t, std::uint64_t> last_;
  std::map<std::string, Int128> debit_, credit_;
};

}  // namespace

int ledger_verify_export(const std::string& file, std::ostream& out) {
  std::ifstream in(file);
  if (!in) {
    out << file << ": cannot be read\n0 passed, 1 failed\n";
    return 2;
  }
  ExportReader reader;
  std::string line;
  for (std::uint64_t number = 1; std::getline(in, line); ++number) {
    const auto broken = reader.take(line);
    if (broken.empty()) continue;
    out << "[-] " << file << ":" << number << ": " << broken << "\n0 passed, 1 failed\n";
    return 1;
  }
  if (!reader.ended()) {
    out << "[-] " << file << ": no trailer: the export was cut off; resume it\n0 passed, 1 failed\n";
    return 1;
  }
  out << "[+] " << reader.count() << " entries, gapless, balanced, as the trailer says\n1 passed, 0 failed\n";
  return 0;
}

int ledger_verify_store(const std::string& data, const std::string& mark, std::ostream& out) {
  storage::StoreOptions options;
  options.log = [](storage::StoreLog, std::string_view) {};
  auto journal = storage::RocksJournal::open_read_only(data, options);
  if (!journal) {
    out << journal.error().text() << "\n0 passed, 1 failed\n";
    return 2;
  }
  auto report = verify_ledger(**journal);
  const auto reading = storage::HighWaterMark::read(mark.empty() ? data + "/high-water-mark" : mark);
  const auto verdict = storage::judge(reading, storage::view_store(**journal, storage::StoreCondition::open, {}, reading));
  std::string missing = verdict.reason;
  for (const auto& gap : verdict.missing)
    missing += "; partition " + std::to_string(gap.partition.value) + " groups " + std::to_string(gap.first.value) + " to " + std::to_string(gap.last.value) + ": " + gap.why;
  report.checks.push_back({"high-water mark: nothing acknowledged is missing", 1, missing});
  return print_report(report, out);
}

void add_ledger_verify_command(CLI::App& app) {
  struct Flags {
    std::string data, mark, file;
  };
  const auto flags = std::make_shared<Flags>();
  const auto known = app.get_subcommands([](const CLI::App* command) { return command->get_name() == "ledger"; });
  auto* noun = known.empty() ? app.add_subcommand("ledger", "The books: export, verify")->require_subcommand(1) : known.front();
  auto* verify = noun->add_subcommand("verify", "Recompute the books from a stopped store, or check an export");
  auto* data = verify->add_option("--data", flags->data, "Directory of the store; no server may be running on it");
  verify->add_option("--mark", flags->mark, "High-water mark, where it is not in the store's directory")->needs(data);
  auto* file = verify->add_option("--export", flags->file, "File of `ledger export` (NDJSON)");
  data->excludes(file);
  verify->callback([flags] {
    if (flags->data.empty() == flags->file.empty()) throw CLI::RequiredError("--data or --export");
    exit_with(flags->data.empty() ? ledger_verify_export(flags->file, std::cout) : ledger_verify_store(flags->data, flags->mark, std::cout));
  });
}

}  // namespace tollgate::cli
