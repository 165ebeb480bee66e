#include "agent/os/systemd.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>

#include <sys/stat.h>
#include <systemd/sd-bus.h>

#include "agent/os/files.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent::os {
namespace {

constexpr char kService[] = "org.freedesktop.systemd1";
constexpr char kProperties[] = "org.freedesktop.DBus.Properties";
constexpr char kUnitInterface[] = "org.freedesktop.systemd1.Unit";
constexpr char kServiceInterface[] = "org.freedesktop.systemd1.Service";

using Bus = std::unique_ptr<sd_bus, sd_bus* (*)(sd_bus*)>;
using Reply = std::unique_ptr<sd_bus_message, sd_bus_message* (*)(sd_bus_message*)>;

Error bus_error(std::string_view what, int negative_errno) {
  return system_error(what, -negative_errno);
}

// Starts to connect and does not wait; authentication goes on while calls are processed.
Result<Bus> connect(std::string_view root) {
  sd_bus* raw = nullptr;
  if (const int r = sd_bus_new(&raw); r < 0) return fail(bus_error("make a bus", r));
  Bus bus(raw, sd_bus_close_unref);
  const std::string path = under(root, "/run/dbus/system_bus_socket");
  struct stat socket {};
  if (::stat(path.c_str(), &socket) != 0) return fail(system_error("find " + path, errno));
  const std::string address = "unix:path=" + path;
  if (const int r = sd_bus_set_address(bus.get(), address.c_str()); r < 0) {
    return fail(bus_error("set the bus address", r));
  }
  sd_bus_set_bus_client(bus.get(), 1);
  if (const int r = sd_bus_start(bus.get()); r < 0) return fail(bus_error("connect to the bus", r));
  return bus;
}

struct Pending {
  sd_bus_message* reply = nullptr;
  bool done = false;
};

int on_reply(sd_bus_message* message, void* user_data, sd_bus_error*) {
  auto* pending = static_cast<Pending*>(user_data);
  pending->reply = sd_bus_message_ref(message);
  pending->done = true;
  return 0;
}

// One call and its answer. sd_bus_call() would wait without limit for a bus that never answers the
// greeting, so the waiting is ours.
class Caller {
 public:
  Caller(Bus bus, Duration limit) : bus_(std::move(bus)), end_(clock_.steady() + limit) {}

  Result<Reply> get_all(const std::string& path, const char* interface) {
    Pending pending;
    sd_bus_slot* slot = nullptr;
    const int r = sd_bus_call_method_async(bus_.get(), &slot, kService, path.c_str(), kProperties,
                                           "GetAll", on_reply, &pending, "s", interface);
    if (r < 0) return fail(bus_error("call systemd", r));
    const std::unique_ptr<sd_bus_slot, sd_bus_slot* (*)(sd_bus_slot*)> held(slot,
                                                                            sd_bus_slot_unref);
    TOCSIN_TRY(wait(pending));
    Reply reply(pending.reply, sd_bus_message_unref);
    if (sd_bus_message_is_method_error(reply.get(), nullptr) > 0) {
      const sd_bus_error* error = sd_bus_message_get_error(reply.get());
      return fail(bus_error("ask systemd", -std::max(1, sd_bus_error_get_errno(error))));
    }
    return reply;
  }

 private:
  Status wait(const Pending& pending) {
    while (!pending.done) {
      const int processed = sd_bus_process(bus_.get(), nullptr);
      if (processed < 0) return fail(ErrorCode::unavailable, "the system bus ended the connection");
      if (processed > 0) continue;
      const Duration left = end_ - clock_.steady();
      if (left <= 0s) return fail(ErrorCode::deadline_exceeded, "the system bus does not answer");
      const auto us = std::chrono::duration_cast<std::chrono::microseconds>(left).count();
      if (const int r = sd_bus_wait(bus_.get(), static_cast<std::uint64_t>(us) + 1); r < 0) {
        return fail(ErrorCode::unavailable, "the system bus ended the connection");
      }
    }
    return {};
  }

  time::SystemTime clock_;
  Bus bus_;
  MonoTime end_;
};

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

Result<std::string> object_path(const std::string& unit) {
  char* raw = nullptr;
  if (const int r = sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit.c_str(), &raw);
      r < 0) {
    return fail(bus_error("name the unit", r));
  }
  const std::unique_ptr<char, void (*)(void*)> held(raw, std::free);
  return std::string(raw);
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
  auto bus = connect(root);
  if (!bus) return fail(bus.error());
  const auto path = object_path(unit);
  if (!path) return fail(path.error());
  Caller caller(std::move(*bus), limit);
  UnitProperties properties;
  const auto generic = caller.get_all(*path, kUnitInterface);
  if (!generic) return fail(generic.error());
  TOCSIN_TRY(read_properties(generic->get(), properties));
  if (unit.ends_with(".service")) {
    const auto service = caller.get_all(*path, kServiceInterface);
    if (!service) return fail(service.error());
    TOCSIN_TRY(read_properties(service->get(), properties));
  }
  return properties;
}

}  // namespace tocsin::agent::os
