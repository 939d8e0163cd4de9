// Problems: how the interface says no (application/problem+json, section 2 of its reference). The code
// decides the status and the title; detail is a sentence for a person; the rest is what a program acts on.
// Never details of an internal error, never secrets.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "switch/admin/catalog.h"
#include "switch/admin/http.h"
#include "switch/core/commands.h"

namespace tollgate::admin {

struct FieldError {
  std::string pointer;  // "/terminals/0/tid"
  std::string code;     // "invalid_length"
  std::string detail;
};

struct Problem {
  std::string code;
  std::string detail;
  std::vector<FieldError> errors = {};
  std::vector<core::CheckView> checks = {};
  std::vector<core::HoldView> holds = {};
  std::optional<std::uint64_t> current_version = {};
  std::shared_ptr<const fees::Examination> examined = {};         // its findings are listed
  std::vector<std::pair<std::string, std::string>> members = {};  // further ones: name, JSON text
  unsigned retry_after_s = 0;

  [[nodiscard]] Problem&& with(std::string name, std::string json) && {
    members.emplace_back(std::move(name), std::move(json));
    return std::move(*this);
  }
};

using Outcome = std::expected<http::Response, Problem>;

[[nodiscard]] inline std::unexpected<Problem> refuse(std::string code, std::string detail) {
  return std::unexpected(Problem{std::move(code), std::move(detail)});
}
// What an engine decided against.
[[nodiscard]] Problem problem_of(const core::CommandResult& result);
// An invalid_transition tells what the object's state is and what may be done instead; anything else stays as
// it is.
[[nodiscard]] Outcome with_state(Outcome&& outcome, std::string_view state,
                                 std::span<const std::string> allowed_actions);

struct ProblemContext {
  Language language = Language::en;
  std::string instance, request_id, time_zone = "UTC";
};
// A code that the catalogue lacks is answered as 500 internal.
[[nodiscard]] http::Response render(const Problem& problem, const ProblemContext& context);

}  // namespace tollgate::admin
