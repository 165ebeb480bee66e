#include "agent/commands/observer_process.hpp"

#include "agent/app/observer.hpp"
#include "agent/commands/host_identity.hpp"
#include "agent/commands/process.hpp"
#include "agent/commands/start_pages.hpp"
#include "agent/commands/watchdog.hpp"
#include "common/systemd/notify.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {
namespace {

ObserverConfig observer_config(const AgentConfig& config) {
  ObserverConfig observer;
  observer.own_file = config.file;
  observer.checks = config.checks;
  observer.allow = config.allowed_kinds;
  observer.min_interval = config.shortest_interval;
  observer.log_folders = config.log_folders;
  observer.settings = config.settings;
  observer.snapshots = config.snapshots_folder();
  observer.evidence_folder = config.evidence_folder();
  observer.key_file = config.key_file();
  const HostIdentity host = read_host_identity();
  observer.host_name = config.host_name.empty() ? host.host_name : config.host_name;
  observer.operating_system = host.operating_system;
  observer.samples_file = config.samples_file();
  return observer;
}

}  // namespace

Status run_observer_process(const AgentConfig& config, systemd::StopSignal& stop) {
  // A check that is stuck keeps its thread and asks this clock until the process has ended.
  static const time::SystemTime kSystem;
  static const CountingTime kTime(kSystem);
  const auto spool = open_spool(config);
  if (!spool) return fail(spool.error());
  const Watchdog watchdog(kTime);
  const StartPages start_pages;
  say_started("observer.started", config);
  Status ended = run_observer(observer_config(config), **spool, kTime, stop.token());
  systemd::notify_stopping();
  return ended;
}

}  // namespace tocsin::agent
