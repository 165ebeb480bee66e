#include "agent/commands/link_process.hpp"

#include "agent/commands/host_identity.hpp"
#include "agent/commands/process.hpp"
#include "agent/commands/start_pages.hpp"
#include "agent/commands/watchdog.hpp"
#include "agent/link/link.hpp"
#include "common/systemd/notify.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {
namespace {

LinkConfig link_config(const AgentConfig& config) {
  const HostIdentity host = read_host_identity();
  LinkConfig link;
  link.collectors = config.collectors;
  link.server_name = config.server_name;
  link.certificate_file = config.certificate_file();
  link.private_key_file = config.key_file();
  link.authorities_file = config.authorities_file();
  link.spool_file = config.spool_file();
  link.baseline_file = config.baseline_file();
  link.evidence_folder = config.evidence_folder();
  link.samples_file = config.samples_file();
  link.agent_version = TOCSIN_VERSION;
  link.host_name = config.host_name.empty() ? host.host_name : config.host_name;
  link.operating_system = host.operating_system;
  link.boot_id = host.boot_id;
  return link;
}

}  // namespace

Status run_link_process(const AgentConfig& config, systemd::StopSignal& stop) {
  const time::SystemTime system;
  const CountingTime time(system);
  const auto spool = open_spool(config);
  if (!spool) return fail(spool.error());
  const Watchdog watchdog(time);
  const StartPages start_pages;
  say_started("link.started", config);
  Status ended = run_link(link_config(config), **spool, time, stop.token());
  systemd::notify_stopping();
  return ended;
}

}  // namespace tocsin::agent
