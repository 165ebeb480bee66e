// Evidence on the command line: asked for, listed, shown, verified, exported, added, given up.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "collector/ctl/client.hpp"
#include "collector/ctl/commands.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::ctl {

// What the others of this program do for it.
struct EvidenceTools {
  const Settings& settings;
  Client& client;
  const time::TimeSource& time;
  std::function<Result<v1::IncidentDetail>(std::string_view reference)> find_incident;
};

Printed run_evidence(const EvidenceCommand& command, const EvidenceTools& tools);

std::string render_evidence_list(const View& view, const v1::EvidenceList& list);
std::string render_evidence(const View& view, const v1::EvidenceDetail& detail);
std::string render_evidence_report(const View& view, std::string_view name,
                                   const v1::EvidenceReport& report);
// Who had it when, for the exported folder.
std::string custody_text(const View& view, const v1::EvidenceState& evidence);

}  // namespace tocsin::ctl
