// `tocsin-agent diagnose [CHECK...]`: looks at this host once, judges with the same rules as the
// collector, and prints annex two clause by clause. Needs no collector; changes nothing.
#pragma once

#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "agent/checks/check.hpp"
#include "common/i18n/i18n.hpp"
#include "common/model/baseline.hpp"
#include "common/model/check.hpp"
#include "common/model/policy.hpp"
#include "common/model/severity.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {

struct DiagnoseOptions {
  enum class Format { table, json, nagios };

  // "sockets", "service" or "service:ssh.service"; empty: the whole annex.
  std::vector<std::string> checks;
  // What the host's own file names. A kind that has none gets what makes sense for any host: the
  // default gateway, the journal and auditd's log, the services that the baseline requires.
  std::vector<model::CheckDefinition> definitions;
  const model::Baseline* baseline = nullptr;  // nullptr: none approved; outlives the call
  // Of which it is made, where one was approved for this host; nullptr: none. Outlives the call.
  const model::ApprovedBaseline* approved = nullptr;
  model::RuleLimits limits;
  // Given the diagnosis as JSON, whatever the format; its error ends with exit code 1.
  std::function<Status(const std::string& json)> keep;

  std::string host_name;
  std::string operating_system;
  std::string zone = "UTC";  // IANA name, for the time in the title
  std::string root = "/";    // of the host's files
  HostSettings settings;     // of single checks
  // What the observer remembers of a check, if it does; not called by threads.
  std::function<std::optional<std::string>(const model::CheckRef&)> remembered;

  i18n::Language language = i18n::Language::en;
  Format format = Format::table;
  int width = 80;                          // cells of the terminal
  std::optional<model::Severity> fail_on;  // a suggestion as bad as this: exit code 10
};

using CheckCatalog = std::function<const CatalogEntry&(model::CheckKind)>;

// Prints to `out`; mistakes in the options to `err`. Returns the exit code: 0 done, also with
// findings; 2 an unknown check; 10 `fail_on` is met; with Format::nagios 0 to 3 instead.
//
// Checks run side by side, each on a thread of its own. One that is stuck past its deadline is
// reported as timed out and left behind: `time` must live as long as the process, which should end
// soon after.
int run_diagnose(const DiagnoseOptions& options, const time::TimeSource& time, std::ostream& out,
                 std::ostream& err, const CheckCatalog& catalog = catalog_entry);

}  // namespace tocsin::agent
