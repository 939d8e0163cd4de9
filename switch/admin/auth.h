// Who may what: roles of section 1 of the operations interface, bearer tokens, and the lock-out of those who
// guess.
//
// A token is "tgk_" and 52 characters of base32 over 256 random bits. The journal keeps its SHA-256 only; it
// is shown once. A presented token is hashed and compared with every stored hash in constant time. Ten wrong
// tokens from one address within a minute lock that address out for half a minute, whatever it presents.
//
// Authenticator: any thread.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "switch/admin/backend.h"
#include "switch/admin/http.h"
#include "switch/admin/problem.h"
#include "switch/base/chance.h"

namespace tollgate::admin {

enum class Role : std::uint8_t {
  viewer,
  operator_,
  supervisor,
  settlement,
  pricing,
  security,
  auditor,
  admin
};
inline constexpr std::size_t kRoles = 8;
[[nodiscard]] std::string_view name(Role role) noexcept;
[[nodiscard]] std::optional<Role> role_of(std::string_view name) noexcept;

class RoleSet {
 public:
  constexpr RoleSet() = default;
  constexpr RoleSet(std::initializer_list<Role> roles) {
    for (const auto r : roles) add(r);
  }
  constexpr void add(Role r) { bits_ = static_cast<std::uint8_t>(bits_ | 1U << static_cast<unsigned>(r)); }
  [[nodiscard]] constexpr bool has(Role r) const { return (bits_ >> static_cast<unsigned>(r) & 1U) != 0; }
  [[nodiscard]] constexpr bool any_of(RoleSet other) const { return (bits_ & other.bits_) != 0; }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
  friend constexpr bool operator==(RoleSet, RoleSet) = default;

 private:
  std::uint8_t bits_ = 0;
};

// Which roles an operation is open to, given the one that its row names: each role above contains it.
inline constexpr RoleSet kViewer{Role::viewer,     Role::operator_, Role::supervisor,
                                 Role::settlement, Role::pricing,   Role::auditor};
inline constexpr RoleSet kOperator{Role::operator_, Role::supervisor};
inline constexpr RoleSet kSupervisor{Role::supervisor};
inline constexpr RoleSet kPricing{Role::pricing};
inline constexpr RoleSet kExport{Role::settlement, Role::auditor};
inline constexpr RoleSet kAdmin{Role::admin};

struct Principal {
  std::string name;  // "user:wang"; empty on open operations
  RoleSet roles;
  ObjectId token;
};

struct NewToken {
  std::string text;  // "tgk_…": shown once
  Digest sha256{};
};
[[nodiscard]] NewToken make_token(Chance& chance);

// "10.0.0.0/8", "::1/128", or one address.
[[nodiscard]] bool is_cidr(std::string_view text) noexcept;
[[nodiscard]] bool cidr_contains(std::string_view cidr, std::string_view address) noexcept;

class Authenticator {
 public:
  explicit Authenticator(const Backend& backend) : backend_(backend) {}
  [[nodiscard]] std::expected<Principal, Problem> check(const http::Request& request);

 private:
  struct Failures {
    std::uint32_t count = 0;
    Instant first, locked_until;
  };
  [[nodiscard]] std::optional<Problem> locked(const std::string& peer, Instant now);
  void failed(const std::string& peer, Instant now);

  const Backend& backend_;
  std::mutex mutex_;
  std::unordered_map<std::string, Failures> failures_;  // by address, bounded
};

// A store without a token gets one with every role (lab and demo: `serve --bootstrap-token-file`). conflict:
// it has tokens.
[[nodiscard]] Result<std::string> create_bootstrap_token(Backend& backend, Chance& chance);

}  // namespace tollgate::admin
