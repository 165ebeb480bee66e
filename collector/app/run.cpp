#include "collector/app/run.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "collector/app/collector.hpp"
#include "collector/app/liveness.hpp"
#include "common/log/log.hpp"
#include "common/systemd/notify.hpp"
#include "common/time/time_source.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::collector {
namespace {

constexpr Duration kLook = 1s;  // at whether a part has failed
// Several times what a commit may take on a slow disk; shorter than the unit's WatchdogSec, which
// begins to count where this ends.
constexpr Duration kPatience = 45s;

void reload(Collector& collector) {
  const Status reloaded = collector.reload_policy();
  if (!reloaded) {
    log::error("policy.not_taken", {{"why", reloaded.error().message}});
    systemd::notify_status("running; the site policy file has mistakes, see the log");
    return;
  }
  systemd::notify_status("running");
}

// Until a signal asks to stop, or a part cannot go on.
Status watch(Collector& collector, const time::TimeSource& time, systemd::StopSignal& stop) {
  const Duration watchdog = systemd::watchdog_interval();
  const Duration wait = watchdog > Duration{} ? std::min(watchdog, Duration(kLook)) : kLook;
  Liveness liveness(kPatience);
  std::vector<std::string> stuck_before;
  for (;;) {
    const systemd::StopSignal::Event event = stop.wait_for(wait);
    if (event == systemd::StopSignal::Event::stop) return {};
    if (event == systemd::StopSignal::Event::reload) reload(collector);
    if (auto failure = collector.failure()) return fail(*std::move(failure));
    collector.tend();
    std::vector<std::string> stuck = liveness.stuck(collector.turns(), time.steady());
    if (stuck.empty()) systemd::notify_watchdog();
    for (const std::string& part : stuck) {
      if (stuck_before.empty()) log::error("collector.part_stuck", {{"part", part}});
    }
    stuck_before = std::move(stuck);
  }
}

}  // namespace

Status run(const CollectorConfig& config, systemd::StopSignal& stop) {
  wire::quiet_parsers();
  const time::SystemTime time;
  log::info("collector.starting", {{"version", TOCSIN_VERSION}, {"directory", config.directory}});
  Result<std::unique_ptr<Collector>> collector = Collector::start(config, time);
  if (!collector) return fail(collector.error());
  const Collector::Ports ports = (*collector)->ports();
  log::info("collector.listening",
            {{"agents", ports.agents}, {"enroll", ports.enroll}, {"operators", ports.operators}});
  systemd::notify_ready();
  systemd::notify_status("running");
  const Status ended = watch(**collector, time, stop);
  systemd::notify_stopping();
  log::info("collector.stopping");
  collector->reset();
  log::info("collector.stopped");
  return ended;
}

}  // namespace tocsin::collector
