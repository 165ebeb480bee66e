#include <array>

#include "agent/checks/check.hpp"
#include "agent/checks/sockets.hpp"

namespace tocsin::agent {

const CatalogEntry& catalog_entry(model::CheckKind kind) {
  // Every check the agent knows, in the order of model::kCheckKinds.
  static const std::array catalog{
      CatalogEntry{model::CheckKind::sockets, observe_sockets},
  };
  for (const CatalogEntry& entry : catalog) {
    if (entry.kind == kind) return entry;
  }
  check_failed("every kind has an entry", __FILE__, __LINE__);
}

}  // namespace tocsin::agent
