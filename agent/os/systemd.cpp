#include "agent/os/systemd.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <poll.h>
#include <sys/stat.h>
#include <systemd/sd-bus.h>

#include "agent/os/bus.hpp"
#include "agent/os/files.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent::os {
namespace {

constexpr char kUnitInterface[] = "org.freedesktop.systemd1.Unit";
constexpr char kServiceInterface[] = "org.freedesktop.systemd1.Service";

template <class T>
void read_basic(sd_bus_message* message, char type, T& into) {
  T value{};
  if (sd_bus_message_read_basic(message, type, &value) > 0) into = value;
}

void read_text(sd_bus_message* message, std::string& into) {
  const char* value = nullptr;
  if (sd_bus_message_read_basic(message, 's', &value) > 0 && value != nullptr) into = value;
}

void read_flag(sd_bus_message* message, bool& into) {
  int value = 0;
  if (sd_bus_message_read_basic(message, 'b', &value) > 0) into = value != 0;
}

// A job's number and path; number 0 where there is none.
void read_job(sd_bus_message* message, bool& pending) {
  std::uint32_t id = 0;
  const char* path = nullptr;
  if (sd_bus_message_read(message, "(uo)", &id, &path) > 0) pending = id != 0;
}

// The first program of a list of commands.
void read_program(sd_bus_message* message, std::string& program) {
  if (sd_bus_message_enter_container(message, 'a', "(sasbttttuii)") < 0) return;
  while (sd_bus_message_enter_container(message, 'r', "sasbttttuii") > 0) {
    std::string path;
    read_text(message, path);
    if (program.empty()) program = std::move(path);
    if (sd_bus_message_skip(message, "asbttttuii") < 0) return;
    if (sd_bus_message_exit_container(message) < 0) return;
  }
  sd_bus_message_exit_container(message);
}

void read_time(sd_bus_message* message, Instant& into) {
  std::uint64_t us = 0;
  read_basic(message, 't', us);
  into = Instant{static_cast<std::int64_t>(us * 1000)};
}

// The value of a property we keep, out of a variant whose type is `type`; false: not one of ours.
bool take_property(sd_bus_message* message, std::string_view name, std::string_view type,
                   UnitProperties& unit) {
  if (type == "s") {
    if (name == "LoadState") return read_text(message, unit.load_state), true;
    if (name == "ActiveState") return read_text(message, unit.active_state), true;
    if (name == "SubState") return read_text(message, unit.sub_state), true;
    if (name == "Type") return read_text(message, unit.type), true;
    if (name == "Result") return read_text(message, unit.result), true;
  } else if (type == "t") {
    if (name == "StateChangeTimestamp") return read_time(message, unit.state_change), true;
  } else if (type == "b") {
    if (name == "RemainAfterExit") return read_flag(message, unit.remain_after_exit), true;
  } else if (type == "u") {
    if (name == "NRestarts") return read_basic(message, 'u', unit.restarts), true;
    if (name == "MainPID") return read_basic(message, 'u', unit.main_pid), true;
  } else if (type == "(uo)") {
    if (name == "Job") return read_job(message, unit.job_pending), true;
  } else if (type == "a(sasbttttuii)") {
    if (name == "ExecStart") return read_program(message, unit.program), true;
  } else if (type == "i") {
    if (name == "ExecMainStatus") return read_basic(message, 'i', unit.exit_status), true;
  }
  return false;
}

Status read_properties(sd_bus_message* message, UnitProperties& unit) {
  int r = sd_bus_message_enter_container(message, 'a', "{sv}");
  while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
    std::string name;
    read_text(message, name);
    const char* contents = nullptr;
    if ((r = sd_bus_message_peek_type(message, nullptr, &contents)) < 0) break;
    const std::string type = contents == nullptr ? "" : contents;
    if ((r = sd_bus_message_enter_container(message, 'v', type.c_str())) < 0) break;
    if (!take_property(message, name, type, unit)) {
      if ((r = sd_bus_message_skip(message, type.c_str())) < 0) break;
    }
    if ((r = sd_bus_message_exit_container(message)) < 0) break;
    r = sd_bus_message_exit_container(message);
  }
  if (r < 0) return fail(bus_error("read systemd's answer", r));
  return {};
}

}  // namespace

bool systemd_runs(std::string_view root) {
  struct stat folder {};
  return ::lstat(under(root, "/run/systemd/system").c_str(), &folder) == 0 &&
         S_ISDIR(folder.st_mode);
}

bool valid_unit_name(std::string_view name) {
  if (name.size() > 255 || name.find('.') == std::string_view::npos) return false;
  constexpr std::string_view kOthers = ":-_.\\@";
  return std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

Result<UnitProperties> unit_properties(const std::string& unit, std::string_view root,
                                       Duration limit) {
  const auto path = unit_path(unit);
  if (!path) return fail(path.error());
  auto caller = BusCaller::connect(root, limit);
  if (!caller) return fail(caller.error());
  UnitProperties properties;
  const auto generic = caller->get_all(*path, kUnitInterface);
  if (!generic) return fail(generic.error());
  TOCSIN_TRY(read_properties(generic->get(), properties));
  if (unit.ends_with(".service")) {
    const auto service = caller->get_all(*path, kServiceInterface);
    if (!service) return fail(service.error());
    TOCSIN_TRY(read_properties(service->get(), properties));
  }
  return properties;
}

void pause(Duration span) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(span).count();
  ::poll(nullptr, 0, static_cast<int>(std::clamp<std::int64_t>(ms, 0, 1000)));
}

Result<UnitProperties> restart_unit(const std::string& unit, std::string_view root, Duration limit,
                                    std::stop_token stop) {
  const time::SystemTime clock;
  const MonoTime end = clock.steady() + limit;
  auto caller = BusCaller::connect(root, limit);
  if (!caller) return fail(caller.error());
  const auto job = caller->call("RestartUnit", {unit, "replace"});
  if (!job) return fail(job.error());
  while (!stop.stop_requested() && clock.steady() < end) {
    auto now = unit_properties(unit, root, std::max<Duration>(end - clock.steady(), 100ms));
    if (!now) return now;
    const bool changing = now->active_state == "activating" || now->active_state == "deactivating";
    if (!now->job_pending && !changing) return now;
    // systemd knows no "wait for this job" that would not need a subscription for all units.
    pause(100ms);
  }
  return fail(ErrorCode::deadline_exceeded, "the unit is still changing its state");
}

}  // namespace tocsin::agent::os
