// Result: how a refusal that comes from outside travels. Ours (a broken promise of this code) is CHECK, in check.h.
//
// An Error names what was refused in the words of its user: a code that programs compare, a place (file:line, JSON
// pointer, field) and a sentence. It never holds message bytes, card data or keys. Hot paths use error types of their own
// (iso::DecodeError) that do not allocate.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace tollgate {

enum class ErrorCode {
  invalid,           // the input is wrong: bad file, field, argument
  not_found,
  conflict,          // another state, version or owner
  full,              // a bound is reached; nothing was changed
  io,                // the machine refused; what was asked may or may not have happened
  unknown,           // a write whose result is not known (P6): stop, restart, look
  fenced,            // another owner has a newer epoch
  damaged,           // stored bytes are not what was written
  forbidden,
  unavailable,       // not now: draining, safe mode, no host
};

struct Error {
  ErrorCode code = ErrorCode::invalid;
  std::string where;  // "estate.json:12", "/terminals/0/tid", "partition 3 group 17"; empty when there is no place
  std::string what;   // a sentence without a full stop

  [[nodiscard]] std::string text() const { return where.empty() ? what : where + ": " + what; }
};

template <class T, class E = Error>
using Result = std::expected<T, E>;

[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string what, std::string where = {}) {
  return std::unexpected(Error{code, std::move(where), std::move(what)});
}

}  // namespace tollgate
