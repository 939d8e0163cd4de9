#include "switch/admin/device_binding.h"

#include "switch/admin/views.h"
#include "switch/base/log.h"

namespace tollgate::admin {

std::optional<v1::Device> wanted_device(const ReferenceData& reference, const v1::Terminal& terminal) {
  const auto* device = device_of(reference, terminal.serial_number());
  if (device == nullptr || (device->terminal() != 0 && device->terminal() != terminal.id()))
    return std::nullopt;
  const auto* const wanted = terminal.activated() ? "deployed" : "assigned";
  const bool movable =
      device->state().empty() || device->state() == "in_stock" || device->state() == "assigned";
  if (device->terminal() == terminal.id() && (device->state() == wanted || !movable)) return std::nullopt;
  auto changed = *device;
  changed.set_terminal(terminal.id());
  if (movable) changed.set_state(wanted);
  return changed;
}

void settle_device(Call& call, const v1::Terminal& terminal) {
  if (call.dry_run) return;
  const auto wanted = wanted_device(*call.backend.reference(), terminal);
  if (!wanted) return;
  core::Command command{kHouse, {}, core::HouseCommand(core::SetDevice{*wanted})};
  command.caller.principal = call.principal.name;
  command.caller.path = call.path_text;
  const auto result = order(call, std::move(command));
  if (!result)
    log::warn(
        "admin", "device not moved with its terminal",
        {{"serial", wanted->serial_number()}, {"code", result.error().code}, {"request", call.request_id}});
}

}  // namespace tollgate::admin
