#include "switch/cli/crypto_tools.h"

#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <map>
#include <ostream>

#include "switch/cli/crypto_kinds.h"

namespace tollgate::cli {
namespace {

constexpr std::size_t kFileMax = 64U << 20;  // a thousand times today's file: a wrong path, not vectors

struct Counts {
  std::size_t passed = 0, failed = 0;
  std::map<std::string, std::size_t> skipped;  // by kind
};

std::string_view string_of(const boost::json::object& object, const char* name) noexcept {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

// Why a vector fails, or nothing.
std::string_view verdict(const boost::json::object& vector, CryptoKind kind) {
  const auto* inputs = vector.if_contains("inputs");
  const auto output = string_of(vector, "output");
  const auto status = string_of(vector, "status");
  if (inputs == nullptr || !inputs->is_object() || !vector.contains("output"))
    return "inputs or output are missing";
  if (status != "VERIFIED" && status != "NEGATIVE") return "status is neither VERIFIED nor NEGATIVE";
  const auto result = kind(inputs->get_object());
  if (status == "VERIFIED") {
    if (!result) return "was refused";
    return *result == output ? "" : "gives another output";
  }
  // A negative vector either must be refused outright, or names an output that must not come out.
  const bool refused = !result || (!output.starts_with("REFUSE") && *result != output);
  return refused ? "" : "was not refused";
}

void check_vector(const boost::json::value& value, Counts& counts, std::ostream& out) {
  const auto* vector = value.if_object();
  const auto name = vector == nullptr ? std::string_view() : string_of(*vector, "kind");
  if (name.empty()) {
    ++counts.failed;
    out << "FAIL a vector without a kind\n";
    return;
  }
  const auto kind = crypto_kind(name);
  if (kind == nullptr) {
    ++counts.skipped[std::string(name)];
    return;
  }
  const auto reason = verdict(*vector, kind);
  if (reason.empty()) {
    ++counts.passed;
    return;
  }
  ++counts.failed;
  out << "FAIL " << string_of(*vector, "id") << " (" << name << "): " << reason << '\n';
}

Result<boost::json::value> read_vectors(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail(ErrorCode::not_found, "cannot open the file", file);
  std::string text;
  char buffer[1 << 16];
  while (in.read(buffer, sizeof buffer), in.gcount() > 0) {
    text.append(buffer, static_cast<std::size_t>(in.gcount()));
    if (text.size() > kFileMax) return fail(ErrorCode::full, "the file is too long for a vector file", file);
  }
  if (in.bad()) return fail(ErrorCode::io, "cannot read the file", file);
  boost::json::error_code error;
  auto document = boost::json::parse(text, error);
  if (error) return fail(ErrorCode::invalid, "is not JSON: " + error.message(), file);
  const auto* object = document.if_object();
  const auto* vectors = object == nullptr ? nullptr : object->if_contains("vectors");
  if (vectors == nullptr || !vectors->is_array())
    return fail(ErrorCode::invalid, "has no array \"vectors\"", file);
  return *vectors;
}

void write_skipped(const Counts& counts, std::ostream& out) {
  std::size_t total = 0;
  for (const auto& [kind, count] : counts.skipped) total += count;
  if (total == 0) return;
  out << total << " skipped: ";
  const char* between = "";
  for (const auto& [kind, count] : counts.skipped) {
    out << between << kind << " x" << count;
    between = ", ";
  }
  out << '\n';
}

}  // namespace

int crypto_check(const std::string& file, std::ostream& out) {
  const auto vectors = read_vectors(file);
  if (!vectors) {
    out << vectors.error().text() << '\n';
    return 2;
  }
  Counts counts;
  for (const auto& vector : vectors->get_array()) check_vector(vector, counts, out);
  write_skipped(counts, out);
  out << counts.passed << " passed, " << counts.failed << " failed\n";
  return counts.failed == 0 && counts.passed != 0 ? 0 : 1;
}

}  // namespace tollgate::cli
