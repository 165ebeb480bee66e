#include "agent/os/unit_list.hpp"

#include <map>
#include <utility>

#include "agent/os/bus.hpp"

namespace tocsin::agent::os {
namespace {

using Units = std::map<std::string, ListedUnit>;

bool is_listed(std::string_view name) {
  return name.ends_with(".service") || name.ends_with(".timer");
}

// "ssh@.service" of "ssh@1.service"; empty where the unit is no instance.
std::string template_of(const std::string& name) {
  const std::size_t at = name.find('@');
  const std::size_t dot = name.rfind('.');
  if (at == std::string::npos || dot == std::string::npos || dot < at) return {};
  return name.substr(0, at + 1) + name.substr(dot);
}

Status take_files(sd_bus_message* message, Units& files) {
  int r = sd_bus_message_enter_container(message, 'a', "(ss)");
  const char* path = nullptr;
  const char* state = nullptr;
  while (r >= 0 && (r = sd_bus_message_read(message, "(ss)", &path, &state)) > 0) {
    const std::string_view whole(path);
    const std::string name(whole.substr(whole.rfind('/') + 1));
    const std::string_view word(state);
    if (!is_listed(name)) continue;
    const bool enabled = word == "enabled" || word == "enabled-runtime";
    files[name] = {name, std::string(whole), false, enabled};
  }
  if (r < 0) return fail(bus_error("read systemd's unit files", r));
  return {};
}

Status take_active(sd_bus_message* message, const Units& files, Units& units) {
  int r = sd_bus_message_enter_container(message, 'a', "(ssssssouso)");
  const char* name = nullptr;
  const char* active = nullptr;
  while (r >= 0 && (r = sd_bus_message_enter_container(message, 'r', "ssssssouso")) > 0) {
    r = sd_bus_message_read(message, "ssss", &name, nullptr, nullptr, &active);
    if (r < 0) break;
    const std::string_view state(active);
    if (is_listed(name) && state != "inactive" && state != "failed") {
      ListedUnit& unit = units.try_emplace(name, ListedUnit{name, {}, false, false}).first->second;
      unit.active = true;
      const auto file = files.find(template_of(name));
      if (unit.file.empty() && file != files.end()) unit.file = file->second.file;
    }
    if ((r = sd_bus_message_skip(message, "ssouso")) < 0) break;
    r = sd_bus_message_exit_container(message);
  }
  if (r < 0) return fail(bus_error("read systemd's units", r));
  return {};
}

}  // namespace

Result<std::vector<ListedUnit>> list_units(std::string_view root, Duration limit) {
  auto caller = BusCaller::connect(root, limit);
  if (!caller) return fail(caller.error());
  const auto listed = caller->call("ListUnitFiles", {});
  if (!listed) return fail(listed.error());
  Units files;
  TOCSIN_TRY(take_files(listed->get(), files));
  const auto running = caller->call("ListUnits", {});
  if (!running) return fail(running.error());
  Units units = files;
  TOCSIN_TRY(take_active(running->get(), files, units));
  std::vector<ListedUnit> found;
  for (auto& [name, unit] : units) {
    if (unit.active || unit.enabled) found.push_back(std::move(unit));
  }
  return found;
}

}  // namespace tocsin::agent::os
