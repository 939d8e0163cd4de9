#include "switch/cli/offline_commands.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "switch/cli/crypto_tools.h"
#include "switch/cli/exit.h"
#include "switch/cli/fees_tools.h"
#include "switch/cli/iso_tools.h"
#include "switch/config.h"

namespace tollgate::cli {
namespace {

// The noun, made on first use: other files add their verbs to the same one.
CLI::App* noun(CLI::App& app, const std::string& name, const std::string& help) {
  const auto known =
      app.get_subcommands([&](const CLI::App* command) { return command->get_name() == name; });
  if (!known.empty()) return known.front();
  auto* made = app.add_subcommand(name, help);
  made->require_subcommand(1);
  return made;
}

struct IsoFlags {
  std::string input, dialect = "cup";
  bool json = false;
};

void add_iso(CLI::App& app) {
  const auto flags = std::make_shared<IsoFlags>();
  auto* iso = noun(app, "iso", "ISO 8583 messages without a server");
  const auto dialect = [&](CLI::App* command) {
    command->add_option("--dialect", flags->dialect,
                        "cup, iso87-ascii, iso87-bcd, iso93-ascii, or a dialect file");
  };
  auto* check = iso->add_subcommand("check", "Hold a vector file against the codec");
  check->add_option("FILE", flags->input, "Vector file (JSON)")->required();
  dialect(check);
  check->callback([flags] { exit_with(iso_check(flags->input, flags->dialect, std::cout)); });
  auto* decode = iso->add_subcommand("decode", "Read one message; card data is hidden");
  decode->add_option("HEX", flags->input, "The message in hexadecimal; - reads standard input")->required();
  decode->add_flag("--json", flags->json, "As JSON");
  dialect(decode);
  decode->callback([flags] {
    exit_with(iso_decode(flags->input, flags->dialect, {.json = flags->json}, std::cin, std::cout));
  });
  auto* encode = iso->add_subcommand("encode", "Make one message");
  encode->add_option("JSON", flags->input, "{\"mti\":…,\"fields\":{…}}; - reads standard input")->required();
  dialect(encode);
  encode->callback([flags] { exit_with(iso_encode(flags->input, flags->dialect, std::cin, std::cout)); });
}

// "funding=DEBIT" -> pair; what has no '=' is a usage error.
std::vector<std::pair<std::string, std::string>> pairs(const std::vector<std::string>& texts) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& text : texts) {
    const auto at = text.find('=');
    if (at == std::string::npos) throw CLI::ValidationError(text, "expected NAME=VALUE");
    out.emplace_back(text.substr(0, at), text.substr(at + 1));
  }
  return out;
}

struct FeesFlags {
  std::string file;
  FeesQuoteOptions quote;
  std::vector<std::string> facts, volumes;
  std::string lang;
};

void add_fees(CLI::App& app) {
  const auto flags = std::make_shared<FeesFlags>();
  auto* fees = noun(app, "fees", "Fee schedules and prices");
  auto* check = fees->add_subcommand("check", "Hold a case file against the fee engine");
  check->add_option("FILE", flags->file, "Case file (JSON)")->required();
  check->callback([flags] { exit_with(fees_check(flags->file, std::cout)); });
  auto* quote = fees->add_subcommand("quote", "Price one sale from a schedule file, with its derivation");
  quote->add_option("--schedule", flags->quote.schedule_file, "Schedule file (JSON)")->required();
  quote->add_option("--amount", flags->quote.amount, "Amount in major units: 100.00")->required();
  quote->add_option("--tip", flags->quote.tip, "Part of the amount");
  quote->add_option("--cashback", flags->quote.cashback, "Part of the amount");
  quote->add_option("--at", flags->quote.at, "RFC 3339 instant; the schedule's first one when absent");
  quote->add_option("--event", flags->quote.event, "SALE, VERIFY, DECLINE, REFUND, CHARGEBACK");
  quote->add_option("--fact", flags->facts, "NAME=VALUE, such as funding=DEBIT; may be given again")
      ->type_size(1)
      ->allow_extra_args(false);
  quote->add_option("--volume", flags->volumes, "COMPONENT=NUMBER of the month")
      ->type_size(1)
      ->allow_extra_args(false);
  quote->add_option("--lang", flags->lang, "zh or en; from LANG when absent");
  quote->callback([flags] {
    flags->quote.facts = pairs(flags->facts);
    flags->quote.volumes = pairs(flags->volumes);
    const char* lang = std::getenv("LANG");
    flags->quote.chinese =
        (flags->lang.empty() && lang != nullptr ? std::string(lang) : flags->lang).starts_with("zh");
    exit_with(fees_quote(flags->quote, std::cout));
  });
}

void add_crypto(CLI::App& app) {
  const auto file = std::make_shared<std::string>();
  auto* crypto = noun(app, "crypto", "Cryptography held against published values");
  auto* check = crypto->add_subcommand("check", "Recompute every vector of a file");
  check->add_option("FILE", *file, "Vector file (JSON)")->required();
  check->callback([file] { exit_with(crypto_check(*file, std::cout)); });
}

struct ConfigFlags {
  std::string file;
  std::vector<std::string> sets;
};

int with_config(const ConfigFlags& flags, bool show) {
  const auto loaded =
      config::load({.file = flags.file, .environment = config::process_environment(), .sets = flags.sets});
  if (!loaded) {
    for (const auto& error : loaded.error()) std::cerr << error.text() << '\n';
    std::cout << "0 passed, 1 failed\n";
    return 1;
  }
  std::cout << (show ? config::show(*loaded) : std::string("1 passed, 0 failed\n"));
  return 0;
}

void add_config(CLI::App& app) {
  const auto flags = std::make_shared<ConfigFlags>();
  auto* configuration = noun(app, "config", "The configuration file");
  auto* check = configuration->add_subcommand("check", "Whether serve would accept the file");
  check->add_option("FILE", flags->file, "Configuration file (TOML)")->required();
  check->callback([flags] { exit_with(with_config(*flags, false)); });
  auto* show = configuration->add_subcommand("show", "Every key, its value and where it comes from");
  show->add_option("FILE", flags->file, "Configuration file (TOML); defaults without one");
  show->add_option("--set", flags->sets, "KEY=VALUE")->type_size(1)->allow_extra_args(false);
  show->callback([flags] { exit_with(with_config(*flags, true)); });
  configuration->add_subcommand("default", "The sample file with every key")->callback([] {
    std::cout << config::sample();
  });
}

}  // namespace

void add_offline_commands(CLI::App& app) {
  add_iso(app);
  add_fees(app);
  add_crypto(app);
  add_config(app);
}

}  // namespace tollgate::cli
