// The estate document (section 8 of the operations interface) as values: what each object says, and nothing
// about what it left out. Reading checks shape and bounds, check() what it refers to; both gather every error
// of the document before anything is written.
//
// Thread: its request's.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "proto/records.h"
#include "switch/admin/backend.h"
#include "switch/admin/binder.h"

namespace tollgate::admin {

enum class Kind : std::uint8_t {
  hosts,
  cards,
  fee_schedules,
  routes,
  merchants,
  fee_assignments,
  devices,
  terminals
};
inline constexpr std::size_t kKinds =
    8;  // in the order in which they are applied: what is referred to comes first
[[nodiscard]] std::string_view name(Kind kind) noexcept;      // "terminals"
[[nodiscard]] std::string_view singular(Kind kind) noexcept;  // "terminal"
[[nodiscard]] std::optional<Kind> kind_of(std::string_view name) noexcept;

// Common to every object.
struct Item {
  std::string pointer;  // "/terminals/0", or "/7" in an NDJSON document
  std::string key;      // natural key, as the interface writes it
  std::optional<std::uint64_t> version;
};

struct HostItem : Item {
  std::string name;
  std::optional<std::string> dialect, acquirer_code;
  std::optional<std::vector<std::string>> addresses;
  std::optional<std::int64_t> links, max_in_flight, timeout_ms, echo_interval_s;
  std::optional<bool> tls;
  std::optional<Bytes> lab_zmk;
  void overlay(v1::Host& host) const;
};
struct CardItem : Item {
  std::string prefix;
  std::optional<std::string> brand, funding, region, issuer;
  void overlay(v1::CardRange& card) const;
};
struct RouteItem : Item {
  v1::Route route;  // whole: a match is one thought
};
struct ScheduleItem : Item {
  std::string json, file;
  bool publish = false;  // else a draft
  std::string override_reason;
  std::string schedule_id;
};
struct MerchantItem : Item {
  std::string merchant_code;
  std::optional<std::string> name, region, unified_credit_code, settlement_account, settlement_cycle, sponsor;
  std::optional<std::uint32_t> mcc;
  std::optional<bool> instant;
  std::optional<std::map<std::string, std::string>> labels;
  void overlay(v1::Merchant& merchant) const;
};
struct AssignmentItem : Item {
  std::string json;  // canonical
  std::string schedule_id;
};
struct DeviceItem : Item {
  std::string serial_number;
  std::optional<std::string> model, firmware_version, certified_until;
  void overlay(v1::Device& device) const;
};
struct TerminalItem : Item {
  std::string tid, merchant_code;
  std::optional<std::string> serial_number, dialect;
  std::optional<bool> active;  // "state": "active"
  std::optional<v1::Location> location;
  std::optional<std::map<std::string, std::string>> labels;
  std::optional<Bytes> lab_tmk;
  void overlay(v1::Terminal& terminal) const;
};

struct EstateDocument {
  std::vector<HostItem> hosts;
  std::vector<CardItem> cards;
  std::vector<ScheduleItem> fee_schedules;
  std::vector<RouteItem> routes;
  std::vector<MerchantItem> merchants;
  std::vector<AssignmentItem> fee_assignments;
  std::vector<DeviceItem> devices;
  std::vector<TerminalItem> terminals;

  [[nodiscard]] bool has(Kind kind) const noexcept;
  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] bool has_lab_keys() const noexcept;
};

// One JSON document, or NDJSON with "kind" in every line. malformed_json, validation_failed, unknown_field.
[[nodiscard]] std::expected<EstateDocument, Problem> read_estate(std::string_view text, bool lines,
                                                                 const Facts& facts);

// References between objects of the document and what the store has.
[[nodiscard]] FieldErrors check_estate(const EstateDocument& document, const Backend& backend);

}  // namespace tollgate::admin
