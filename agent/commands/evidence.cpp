#include "agent/commands/evidence.hpp"

#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "agent/commands/host_identity.hpp"
#include "agent/evidence/collect.hpp"
#include "agent/os/users.hpp"

namespace tocsin::agent {
namespace {

// Who takes it, where nobody says so.
std::string login_name(const time::TimeSource& time) {
  os::Users users("/");
  return users.name_of(::getuid(), time.steady());
}

std::string how_to_verify(const EvidenceRequest& request, const Collected& taken) {
  std::string text = fmt::format("manifest sha256 {}\n", taken.manifest);
  if (taken.agent.empty()) {
    text += fmt::format(
        "not signed: {}\n"
        "write the manifest's hash down where nobody can change it\n",
        taken.unsigned_because);
  } else {
    text += fmt::format("signed by agent {}\n", taken.agent);
  }
  text += fmt::format("to verify: cd {}", request.folder);
  if (!taken.agent.empty()) {
    text +=
        fmt::format(" && openssl dgst -sha256 -verify {} -signature {} {}",
                    evidence::kPublicKeyFile, evidence::kSignatureFile, evidence::kManifestFile);
  }
  return text + fmt::format(" && sha256sum --check --strict {}\n", evidence::kManifestFile);
}

}  // namespace

Result<std::string> take_evidence_here(const AgentConfig& config, const EvidenceRequest& request,
                                       const time::TimeSource& time, std::stop_token stop) {
  const HostIdentity host = read_host_identity();
  EvidenceOrder order;
  order.asked_by = request.asked_by.empty() ? login_name(time) : request.asked_by;
  order.reason = request.reason;
  order.since = std::chrono::hours(request.since_hours);
  EvidencePlace place{time, request.folder};
  place.log_folders = config.settings.evidence.folders;
  for (const model::CheckDefinition& check : config.checks) {
    if (is_log_file(check.check)) place.watched_logs.push_back(check.check.target);
  }
  place.limits.item_bytes = config.settings.evidence.item_bytes;
  place.limits.total_bytes = config.settings.evidence.total_bytes;
  place.host_name = config.host_name.empty() ? host.host_name : config.host_name;
  place.operating_system = host.operating_system;
  place.boot_id = host.boot_id;
  place.program = "tocsin-agent " TOCSIN_VERSION;
  place.key_file = config.key_file();
  place.stop = std::move(stop);
  const auto taken = collect_evidence(order, place);
  if (!taken) return fail(taken.error());
  return fmt::format("{}: {} items, {} bytes; {} could not be had\n", request.folder, taken->items,
                     taken->bytes, taken->missing) +
         how_to_verify(request, *taken);
}

}  // namespace tocsin::agent
