#include "switch/cli/fees_replay_state.h"

#include <boost/json.hpp>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "switch/base/money.h"

namespace tollgate::cli {
namespace {

namespace json = boost::json;

json::array sums_json(const std::map<ReplayKey, ReplaySums>& sums) {
  json::array out;
  for (const auto& [key, s] : sums)
    out.push_back(json::array{
        json::value(key.first), json::value(key.second), json::value(s.receipts),
        json::value(to_decimal(Balance{s.before})), json::value(to_decimal(Balance{s.after})),
        json::value(to_decimal(Balance{s.net_before})), json::value(to_decimal(Balance{s.net_after}))});
  return out;
}

Int128 number_of(const json::value& value) {
  const auto balance = balance_of(std::string_view(value.as_string()));
  if (!balance) throw std::invalid_argument("a sum");
  return balance->value;
}

std::map<ReplayKey, ReplaySums> sums_of(const json::value& value) {
  std::map<ReplayKey, ReplaySums> out;
  for (const auto& row : value.as_array()) {
    const auto& r = row.as_array();
    out[{std::string(r.at(0).as_string()), r.at(1).to_number<std::uint16_t>()}] = {
        r.at(2).to_number<std::uint64_t>(), number_of(r.at(3)), number_of(r.at(4)), number_of(r.at(5)),
        number_of(r.at(6))};
  }
  return out;
}

json::object partition_json(const ReplayedPartition& partition) {
  const auto& t = partition.totals;
  json::array differences;
  for (const auto& text : t.differences) differences.emplace_back(text);
  return {{"next", partition.next.value},
          {"rated", t.rated},
          {"differ", t.differ},
          {"undone", t.undone},
          {"other_currency", t.other_currency},
          {"merchants", sums_json(t.merchants)},
          {"components", sums_json(t.components)},
          {"differences", std::move(differences)}};
}

ReplayedPartition partition_of(const json::object& o) {
  ReplayedPartition out;
  out.next.value = o.at("next").to_number<std::uint64_t>();
  if (out.next.value == 0) throw std::invalid_argument("groups count from 1");
  auto& t = out.totals;
  t.rated = o.at("rated").to_number<std::uint64_t>();
  t.differ = o.at("differ").to_number<std::uint64_t>();
  t.undone = o.at("undone").to_number<std::uint64_t>();
  t.other_currency = o.at("other_currency").to_number<std::uint64_t>();
  t.merchants = sums_of(o.at("merchants"));
  t.components = sums_of(o.at("components"));
  for (const auto& text : o.at("differences").as_array()) t.differences.emplace_back(text.as_string());
  return out;
}

}  // namespace

Result<void> write_state(const std::string& file, const ReplayState& state) {
  json::array partitions;
  for (const auto& partition : state.partitions) partitions.push_back(partition_json(partition));
  const auto fresh = file + ".new";
  std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
  out << json::serialize(json::object{{"run", state.run}, {"partitions", std::move(partitions)}}) << '\n';
  out.close();
  if (!out || std::rename(fresh.c_str(), file.c_str()) != 0)
    return fail(ErrorCode::io, "the state cannot be written", file);
  return {};
}

Result<ReplayState> read_state(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail(ErrorCode::not_found, "no state", file);
  std::ostringstream text;
  text << in.rdbuf();
  try {
    const auto value = json::parse(std::move(text).str());
    ReplayState state;
    state.run = value.as_object().at("run").as_string();
    for (const auto& partition : value.as_object().at("partitions").as_array())
      state.partitions.push_back(partition_of(partition.as_object()));
    return state;
  } catch (const std::exception&) {
    return fail(ErrorCode::invalid, "not the state of a replay; remove it to begin again", file);
  }
}

}  // namespace tollgate::cli
