#include "agent/os/bus.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>

#include <sys/stat.h>

#include "agent/os/files.hpp"

namespace tocsin::agent::os {
namespace {

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

Error said_by_systemd(const sd_bus_error* error) {
  Error said = bus_error("ask systemd", -std::max(1, sd_bus_error_get_errno(error)));
  if (error != nullptr && error->message != nullptr) said.message = error->message;
  return said;
}

Status wait(sd_bus* bus, const Pending& pending, const time::TimeSource& clock, MonoTime end) {
  while (!pending.done) {
    const int processed = sd_bus_process(bus, nullptr);
    if (processed < 0) return fail(ErrorCode::unavailable, "the system bus ended the connection");
    if (processed > 0) continue;
    const Duration left = end - clock.steady();
    if (left <= 0s) return fail(ErrorCode::deadline_exceeded, "the system bus does not answer");
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(left).count();
    if (const int r = sd_bus_wait(bus, static_cast<std::uint64_t>(us) + 1); r < 0 && r != -EINTR) {
      return fail(ErrorCode::unavailable, "the system bus ended the connection");
    }
  }
  return {};
}

}  // namespace

Error bus_error(std::string_view what, int negative_errno) {
  return system_error(what, -negative_errno);
}

Result<Bus> connect_bus(std::string_view root) {
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

Result<std::string> unit_path(const std::string& unit) {
  char* raw = nullptr;
  if (const int r = sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit.c_str(), &raw);
      r < 0) {
    return fail(bus_error("name the unit", r));
  }
  const std::unique_ptr<char, void (*)(void*)> held(raw, std::free);
  return std::string(raw);
}

Result<BusCaller> BusCaller::connect(std::string_view root, Duration limit) {
  auto bus = connect_bus(root);
  if (!bus) return fail(bus.error());
  return BusCaller(std::move(*bus), limit);
}

Result<Reply> BusCaller::get_all(const std::string& path, const char* interface) {
  sd_bus_message* raw = nullptr;
  int r = sd_bus_message_new_method_call(bus_.get(), &raw, kSystemd, path.c_str(), kProperties,
                                         "GetAll");
  const Reply message(raw, sd_bus_message_unref);
  if (r >= 0) r = sd_bus_message_append_basic(raw, 's', interface);
  if (r < 0) return fail(bus_error("call systemd", r));
  return send(raw);
}

Result<Reply> BusCaller::call(const char* method, const std::vector<std::string>& arguments) {
  sd_bus_message* raw = nullptr;
  int r = sd_bus_message_new_method_call(bus_.get(), &raw, kSystemd, kSystemdPath, kSystemdManager,
                                         method);
  const Reply message(raw, sd_bus_message_unref);
  for (const std::string& argument : arguments) {
    if (r >= 0) r = sd_bus_message_append_basic(raw, 's', argument.c_str());
  }
  if (r < 0) return fail(bus_error("call systemd", r));
  return send(raw);
}

Result<Reply> BusCaller::send(sd_bus_message* message) {
  Pending pending;
  sd_bus_slot* raw = nullptr;
  const int r = sd_bus_call_async(bus_.get(), &raw, message, on_reply, &pending, 0);
  if (r < 0) return fail(bus_error("call systemd", r));
  const Slot slot(raw, sd_bus_slot_unref);
  TOCSIN_TRY(wait(bus_.get(), pending, clock_, end_));
  Reply reply(pending.reply, sd_bus_message_unref);
  if (sd_bus_message_is_method_error(reply.get(), nullptr) > 0) {
    return fail(said_by_systemd(sd_bus_message_get_error(reply.get())));
  }
  return reply;
}

}  // namespace tocsin::agent::os
