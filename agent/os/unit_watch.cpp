#include "agent/os/unit_watch.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "agent/os/bus.hpp"
#include "agent/os/files.hpp"
#include "common/log/log.hpp"

namespace tocsin::agent::os {
namespace {

constexpr int kTryAgainMs = 5000;
// The library has limits of its own, of which it is asked this often.
constexpr int kQuietMs = 60'000;

std::string match_of(const std::string& path) {
  return std::string("type='signal',sender='")
      .append(kSystemd)
      .append("',path='")
      .append(path)
      .append("',interface='")
      .append(kProperties)
      .append("',member='PropertiesChanged'");
}

std::string unit_of(const char* path) {
  char* raw = nullptr;
  if (path == nullptr || sd_bus_path_decode(path, "/org/freedesktop/systemd1/unit", &raw) <= 0) {
    return {};
  }
  const std::unique_ptr<char, void (*)(void*)> held(raw, std::free);
  return raw;
}

}  // namespace

struct UnitWatch::Impl {
  Impl(std::string of_host, Changed call)
      : root(std::move(of_host)),
        changed(std::move(call)),
        wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        thread([this] { run(); }) {}

  ~Impl() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    poke();
    thread.join();
  }

  void poke() const {
    const std::uint64_t one = 1;
    static_cast<void>(::write(wake.get(), &one, sizeof one));
  }

  bool is_stopping() {
    const std::lock_guard lock(mutex);
    return stopping;
  }

  std::set<std::string> wanted_now() {
    const std::lock_guard lock(mutex);
    return wanted;
  }

  void run() {
    while (!is_stopping()) {
      auto bus = connect_bus(root);
      const Status ended = bus ? listen(bus->get()) : Status(fail(bus.error()));
      slots.clear();  // Before their bus.
      listening.clear();
      if (!ended && !is_stopping() && !told) {
        told = true;
        log::warning("observer.no_unit_events", {{"why", ended.error().message}});
      }
      if (!is_stopping()) wait_for(-1, 0, kTryAgainMs);
    }
  }

  Status listen(sd_bus* bus) {
    if (const int r = sd_bus_add_filter(bus, nullptr, on_message, this); r < 0) {
      return fail(bus_error("listen to the bus", r));
    }
    // Without this systemd keeps its changes to itself.
    const int r = sd_bus_call_method_async(bus, nullptr, kSystemd, kSystemdPath, kSystemdManager,
                                           "Subscribe", on_subscribed, this, "");
    if (r < 0) return fail(bus_error("subscribe", r));
    while (!is_stopping()) {
      TOCSIN_TRY(listen_to(bus, wanted_now()));
      const int processed = sd_bus_process(bus, nullptr);
      if (processed < 0) return fail(bus_error("read the bus", processed));
      if (processed > 0) continue;
      const int events = sd_bus_get_events(bus);
      if (events < 0) return fail(bus_error("wait for the bus", events));
      wait_for(sd_bus_get_fd(bus), static_cast<short>(events), kQuietMs);
    }
    return {};
  }

  // Adds and removes matches, so that they fit what is wanted.
  Status listen_to(sd_bus* bus, const std::set<std::string>& units) {
    if (units == listening) return {};
    std::vector<std::pair<std::string, Slot>> kept;
    for (auto& [unit, slot] : slots) {
      if (units.contains(unit)) kept.emplace_back(unit, std::move(slot));
    }
    slots = std::move(kept);
    for (const std::string& unit : units) {
      if (listening.contains(unit)) continue;
      const auto path = unit_path(unit);
      if (!path) return fail(path.error());
      sd_bus_slot* raw = nullptr;
      const int r = sd_bus_add_match_async(bus, &raw, match_of(*path).c_str(), nullptr,
                                           on_listening, nullptr);
      if (r < 0) return fail(bus_error("listen to a unit", r));
      slots.emplace_back(unit, Slot(raw, sd_bus_slot_unref));
      changed(unit);
    }
    listening = units;
    return {};
  }

  void wait_for(int fd, short events, int milliseconds) const {
    std::array<pollfd, 2> waiting{pollfd{wake.get(), POLLIN, 0}, pollfd{fd, events, 0}};
    if (::poll(waiting.data(), waiting.size(), milliseconds) > 0 && waiting[0].revents != 0) {
      std::uint64_t ignored = 0;
      static_cast<void>(::read(wake.get(), &ignored, sizeof ignored));
    }
  }

  static int on_message(sd_bus_message* message, void* self, sd_bus_error*) {
    auto* impl = static_cast<Impl*>(self);
    if (sd_bus_message_is_signal(message, kProperties, "PropertiesChanged") <= 0) return 0;
    const std::string unit = unit_of(sd_bus_message_get_path(message));
    if (impl->listening.contains(unit)) impl->changed(unit);
    return 0;
  }

  static int on_subscribed(sd_bus_message* message, void*, sd_bus_error*) {
    if (sd_bus_message_is_method_error(message, nullptr) > 0) {
      const sd_bus_error* error = sd_bus_message_get_error(message);
      log::warning("observer.no_unit_events",
                   {{"why", error == nullptr || error->message == nullptr ? "" : error->message}});
    }
    return 0;
  }

  // The default handler would end the connection where the bus refuses one match.
  static int on_listening(sd_bus_message*, void*, sd_bus_error*) { return 0; }

  const std::string root;
  const Changed changed;
  const Fd wake;
  std::mutex mutex;
  std::set<std::string> wanted;  // by `mutex`
  bool stopping = false;         // by `mutex`
  // Of the thread.
  bool told = false;
  std::set<std::string> listening;
  std::vector<std::pair<std::string, Slot>> slots;
  std::thread thread;  // last: it uses the others
};

UnitWatch::UnitWatch(std::string root, Changed changed)
    : impl_(std::make_unique<Impl>(std::move(root), std::move(changed))) {}

UnitWatch::~UnitWatch() = default;

void UnitWatch::watch(std::set<std::string> units) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->wanted = std::move(units);
  }
  impl_->poke();
}

}  // namespace tocsin::agent::os
