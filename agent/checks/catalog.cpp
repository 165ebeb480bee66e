#include <array>

#include "agent/checks/answer.hpp"
#include "agent/checks/antivirus.hpp"
#include "agent/checks/audit_log.hpp"
#include "agent/checks/backup_job.hpp"
#include "agent/checks/check.hpp"
#include "agent/checks/login.hpp"
#include "agent/checks/metrics.hpp"
#include "agent/checks/ping.hpp"
#include "agent/checks/plugin.hpp"
#include "agent/checks/port_scan.hpp"
#include "agent/checks/processes.hpp"
#include "agent/checks/service.hpp"
#include "agent/checks/sockets.hpp"
#include "agent/checks/warnings.hpp"

namespace tocsin::agent {

const CatalogEntry& catalog_entry(model::CheckKind kind) {
  // Every check the agent knows, in alphabetical order.
  static const std::array catalog{
      CatalogEntry{model::CheckKind::answer, observe_answer},
      CatalogEntry{model::CheckKind::antivirus, observe_antivirus},
      CatalogEntry{model::CheckKind::audit_log, observe_audit_log},
      CatalogEntry{model::CheckKind::backup_job, observe_backup_job, nullptr, 0s, nullptr, true},
      CatalogEntry{model::CheckKind::login, observe_login, nullptr, 0s, nullptr, true},
      CatalogEntry{model::CheckKind::metrics, observe_metrics},
      CatalogEntry{model::CheckKind::ping, observe_ping, nullptr, 0s, observe_pings},
      CatalogEntry{model::CheckKind::plugin, observe_plugin},
      CatalogEntry{model::CheckKind::port_scan, observe_port_scan},
      CatalogEntry{model::CheckKind::processes, observe_processes},
      CatalogEntry{model::CheckKind::service, observe_service},
      CatalogEntry{model::CheckKind::sockets, observe_sockets, glance_at_sockets, kSocketsGlance,
                   nullptr, false, kSocketsGlanceTold},
      CatalogEntry{model::CheckKind::warnings, observe_warnings},
  };
  static_assert(catalog.size() == model::kCheckKinds.size());
  for (const CatalogEntry& entry : catalog) {
    if (entry.kind == kind) return entry;
  }
  check_failed("every kind has an entry", __FILE__, __LINE__);
}

}  // namespace tocsin::agent
