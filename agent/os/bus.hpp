// The host's system bus, for the files that speak D-Bus.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <systemd/sd-bus.h>

#include "common/base/instant.hpp"
#include "common/base/result.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent::os {

inline constexpr char kSystemd[] = "org.freedesktop.systemd1";
inline constexpr char kSystemdManager[] = "org.freedesktop.systemd1.Manager";
inline constexpr char kSystemdPath[] = "/org/freedesktop/systemd1";
inline constexpr char kProperties[] = "org.freedesktop.DBus.Properties";

using Bus = std::unique_ptr<sd_bus, sd_bus* (*)(sd_bus*)>;
using Reply = std::unique_ptr<sd_bus_message, sd_bus_message* (*)(sd_bus_message*)>;
using Slot = std::unique_ptr<sd_bus_slot, sd_bus_slot* (*)(sd_bus_slot*)>;

Error bus_error(std::string_view what, int negative_errno);

// Starts to connect and does not wait; authentication goes on while calls are processed. Errors:
// not_found (no bus), permission_denied.
Result<Bus> connect_bus(std::string_view root);

// The object of a unit: "/org/freedesktop/systemd1/unit/ssh_2eservice".
Result<std::string> unit_path(const std::string& unit);

// Calls of systemd, one after the other, that wait at most `limit` in all. sd_bus_call() would wait
// without limit for a bus that never answers the greeting, so the waiting is ours.
class BusCaller {
 public:
  // Errors: as connect_bus.
  static Result<BusCaller> connect(std::string_view root, Duration limit);

  // All properties of an interface of an object of systemd.
  Result<Reply> get_all(const std::string& path, const char* interface);
  // A method of systemd's manager with these texts as its arguments. Errors: deadline_exceeded,
  // unavailable (the bus ended), and what systemd says, with its words.
  Result<Reply> call(const char* method, const std::vector<std::string>& arguments);

 private:
  BusCaller(Bus bus, Duration limit) : bus_(std::move(bus)), end_(clock_.steady() + limit) {}
  Result<Reply> send(sd_bus_message* message);

  time::SystemTime clock_;
  Bus bus_;
  MonoTime end_;
};

}  // namespace tocsin::agent::os
