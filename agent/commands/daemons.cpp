#include "agent/commands/daemons.hpp"

#include "agent/app/observer.hpp"
#include "agent/commands/host_identity.hpp"
#include "agent/commands/watchdog.hpp"
#include "agent/link/link.hpp"
#include "agent/spool/spool.hpp"
#include "common/log/log.hpp"
#include "common/systemd/notify.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {
namespace {

Result<std::unique_ptr<Spool>> open_spool(const AgentConfig& config) {
  SpoolOptions options;
  options.max_bytes = config.spool_max_bytes;
  return Spool::open(config.spool_file(), options);
}

ObserverConfig observer_config(const AgentConfig& config) {
  ObserverConfig observer;
  observer.checks = config.checks;
  observer.allow = config.allowed_kinds;
  observer.min_interval = config.shortest_interval;
  observer.log_folders = config.log_folders;
  observer.settings = config.settings;
  return observer;
}

LinkConfig link_config(const AgentConfig& config) {
  const HostIdentity host = read_host_identity();
  LinkConfig link;
  link.collectors = config.collectors;
  link.server_name = config.server_name;
  link.certificate_file = config.certificate_file();
  link.private_key_file = config.key_file();
  link.authorities_file = config.authorities_file();
  link.spool_file = config.spool_file();
  link.agent_version = TOCSIN_VERSION;
  link.host_name = config.host_name.empty() ? host.host_name : config.host_name;
  link.operating_system = host.operating_system;
  link.boot_id = host.boot_id;
  return link;
}

void say_started(const char* event, const AgentConfig& config) {
  log::info(event, {{"version", TOCSIN_VERSION}, {"directory", config.directory}});
  systemd::notify_ready();
}

}  // namespace

Status run_observer_process(const AgentConfig& config, systemd::StopSignal& stop) {
  // A check that is stuck keeps its thread and asks this clock until the process has ended.
  static const time::SystemTime kSystem;
  static const CountingTime kTime(kSystem);
  const auto spool = open_spool(config);
  if (!spool) return fail(spool.error());
  const Watchdog watchdog(kTime);
  say_started("observer.started", config);
  Status ended = run_observer(observer_config(config), **spool, kTime, stop.token());
  systemd::notify_stopping();
  return ended;
}

Status run_link_process(const AgentConfig& config, systemd::StopSignal& stop) {
  const time::SystemTime system;
  const CountingTime time(system);
  const auto spool = open_spool(config);
  if (!spool) return fail(spool.error());
  const Watchdog watchdog(time);
  say_started("link.started", config);
  Status ended = run_link(link_config(config), **spool, time, stop.token());
  systemd::notify_stopping();
  return ended;
}

}  // namespace tocsin::agent
