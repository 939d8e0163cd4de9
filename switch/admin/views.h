// JSON of the objects that the interface shows, member by member as section 3 of its reference has them.
// Pure: a view, reference data and a time zone in, text out; the same function renders the stored answer of
// an idempotent request.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "switch/admin/backend.h"
#include "switch/admin/json_out.h"
#include "switch/base/time.h"

namespace tollgate::admin {

[[nodiscard]] std::string_view state_name(core::TerminalState state) noexcept;
[[nodiscard]] std::optional<core::TerminalState> state_of(std::string_view name) noexcept;

// Times with the offset of the switch's zone; "" for the time 0. One a thread (the zone caches).
class Clock {
 public:
  explicit Clock(std::string_view time_zone);
  [[nodiscard]] std::string text(WallTime time) const;
  [[nodiscard]] const TimeZone& zone() const noexcept { return zone_; }

 private:
  TimeZone zone_;
};

void write_hold(JsonOut& out, const core::HoldView& hold, const Clock& clock);
void write_holds(JsonOut& out, std::string_view name, const std::vector<core::HoldView>& holds,
                 std::string_view time_zone);
void write_labels(JsonOut& out, const google::protobuf::Map<std::string, std::string>& labels);

// What a terminal's JSON takes from elsewhere.
struct TerminalContext {
  const Facts* facts = nullptr;
  const v1::Merchant* merchant = nullptr;  // nullptr: not known
  const v1::Device* device = nullptr;
};
void write_terminal(JsonOut& out, const core::TerminalView& view, const TerminalContext& context,
                    const Clock& clock);
void write_merchant(JsonOut& out, const core::MerchantView& view, const Clock& clock);
void write_host(JsonOut& out, const HostStatus& status, const v1::Host* host);

[[nodiscard]] const v1::Device* device_of(const ReferenceData& reference, std::string_view serial) noexcept;

}  // namespace tollgate::admin
