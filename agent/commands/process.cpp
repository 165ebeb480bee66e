#include "agent/commands/process.hpp"

#include "common/log/log.hpp"
#include "common/systemd/notify.hpp"

namespace tocsin::agent {

Result<std::unique_ptr<Spool>> open_spool(const AgentConfig& config) {
  SpoolOptions options;
  options.max_bytes = config.spool_max_bytes;
  return Spool::open(config.spool_file(), options);
}

void say_started(const char* event, const AgentConfig& config) {
  log::info(event, {{"version", TOCSIN_VERSION}, {"directory", config.directory}});
  systemd::notify_ready();
}

}  // namespace tocsin::agent
