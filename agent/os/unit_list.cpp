#include "agent/os/unit_list.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "agent/os/bus.hpp"

namespace tocsin::agent::os {
namespace {

using Units = std::map<std::string, ListedUnit>;

struct UnitFiles {
  Units units;
  std::set<std::string> sockets;  // all, enabled or not
};

bool is_listed(std::string_view name) {
  return name.ends_with(".service") || name.ends_with(".timer");
}

constexpr std::string_view kSocket = ".socket";
constexpr std::string_view kTemplate = "@.service";

// "ssh@.service" of "ssh@1.service"; empty where the unit is no instance.
std::string template_of(const std::string& name) {
  const std::size_t at = name.find('@');
  const std::size_t dot = name.rfind('.');
  if (at == std::string::npos || dot == std::string::npos || dot < at) return {};
  return name.substr(0, at + 1) + name.substr(dot);
}

Status take_files(sd_bus_message* message, UnitFiles& files) {
  int r = sd_bus_message_enter_container(message, 'a', "(ss)");
  const char* path = nullptr;
  const char* state = nullptr;
  std::vector<std::string> started;  // templates that an enabled socket would start
  while (r >= 0 && (r = sd_bus_message_read(message, "(ss)", &path, &state)) > 0) {
    const std::string_view whole(path);
    const std::string name(whole.substr(whole.rfind('/') + 1));
    const std::string_view word(state);
    const bool enabled = word == "enabled" || word == "enabled-runtime";
    if (name.ends_with(kSocket)) {
      files.sockets.insert(name);
      const std::string stem = name.substr(0, name.size() - kSocket.size());
      if (enabled) started.push_back(stem + std::string(kTemplate));
    }
    if (is_listed(name)) files.units[name] = {name, std::string(whole), false, enabled};
  }
  if (r < 0) return fail(bus_error("read systemd's unit files", r));
  for (const std::string& name : started) {
    const auto unit = files.units.find(name);
    if (unit != files.units.end()) unit->second.enabled = true;
  }
  return {};
}

Status take_active(sd_bus_message* message, const UnitFiles& files, Units& units) {
  int r = sd_bus_message_enter_container(message, 'a', "(ssssssouso)");
  const char* given = nullptr;
  const char* active = nullptr;
  while (r >= 0 && (r = sd_bus_message_enter_container(message, 'r', "ssssssouso")) > 0) {
    r = sd_bus_message_read(message, "ssss", &given, nullptr, nullptr, &active);
    if (r < 0) break;
    const std::string_view state(active);
    if (is_listed(given) && state != "inactive" && state != "failed") {
      const std::string name = listed_as(given, files.sockets);
      ListedUnit& unit = units.try_emplace(name, ListedUnit{name, {}, false, false}).first->second;
      unit.active = true;
      const auto file = files.units.find(template_of(name));
      if (unit.file.empty() && file != files.units.end()) unit.file = file->second.file;
    }
    if ((r = sd_bus_message_skip(message, "ssouso")) < 0) break;
    r = sd_bus_message_exit_container(message);
  }
  if (r < 0) return fail(bus_error("read systemd's units", r));
  return {};
}

}  // namespace

std::string listed_as(const std::string& name, const std::set<std::string>& sockets) {
  const std::size_t at = name.find('@');
  if (at == std::string::npos || !name.ends_with(".service")) return name;
  const std::string_view instance = std::string_view(name).substr(at + 1);
  const std::size_t serial = std::min(instance.find_first_not_of("0123456789"), instance.size());
  if (serial == 0 || !instance.substr(serial).starts_with('-')) return name;
  if (!sockets.contains(name.substr(0, at) + std::string(kSocket))) return name;
  return name.substr(0, at) + std::string(kTemplate);
}

Result<std::vector<ListedUnit>> list_units(std::string_view root, Duration limit) {
  auto caller = BusCaller::connect(root, limit);
  if (!caller) return fail(caller.error());
  const auto listed = caller->call("ListUnitFiles", {});
  if (!listed) return fail(listed.error());
  UnitFiles files;
  TOCSIN_TRY(take_files(listed->get(), files));
  const auto running = caller->call("ListUnits", {});
  if (!running) return fail(running.error());
  Units units = files.units;
  TOCSIN_TRY(take_active(running->get(), files, units));
  std::vector<ListedUnit> found;
  for (auto& [name, unit] : units) {
    if (unit.active || unit.enabled) found.push_back(std::move(unit));
  }
  return found;
}

}  // namespace tocsin::agent::os
