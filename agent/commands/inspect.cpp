#include "agent/commands/inspect.hpp"

#include <fmt/format.h>

#include "agent/checks/check.hpp"
#include "agent/evidence/outbox.hpp"
#include "agent/spool/spool_view.hpp"
#include "common/config/secret_file.hpp"
#include "common/config/starter_baseline.hpp"
#include "common/crypto/crypto.hpp"
#include "common/time/civil.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kCertificateBytes = 64 << 10;

std::string certificate_lines(const AgentConfig& config, Instant now) {
  const auto pem = config::read_file(config.certificate_file(), kCertificateBytes);
  if (!pem) return fmt::format("certificate none ({})\n", pem.error().message);
  const auto info = crypto::read_certificate(*pem);
  if (!info) return fmt::format("certificate unusable ({})\n", info.error().message);
  return fmt::format("agent {}\ncertificate {} until {}\n", info->identity.agent.hex,
                     now < info->not_after ? "valid" : "expired", time::rfc3339(info->not_after));
}

std::string spool_lines(const AgentConfig& config) {
  auto spool = SpoolView::open(config.spool_file());
  if (!spool && spool.error().code == ErrorCode::not_found) return "spool none\n";
  const Result<SpoolStatus> status = spool ? spool->status() : fail(spool.error());
  if (!status) {
    const bool damaged = status.error().code == ErrorCode::data_loss;
    return fmt::format("spool {} ({})\n", damaged ? "damaged" : "unusable", status.error().message);
  }
  return fmt::format("spool {} facts, {} bytes{}\nepoch {:016x}\nlast {}\noldest {}\n",
                     status->rows, status->bytes, status->full ? ", full" : "", status->epoch.value,
                     status->last.value, status->oldest ? time::rfc3339(*status->oldest) : "none");
}

// Those that wait for the collector, and those that it refused or that are damaged.
std::string evidence_line(const AgentConfig& config) {
  const EvidenceOutbox outbox(config.evidence_folder());
  const std::size_t waiting = outbox.ready().size();
  const std::size_t aside = outbox.refused().size();
  if (waiting + aside == 0) return "evidence none\n";
  return fmt::format("evidence {} waiting, {} set aside in {}\n", waiting, aside,
                     config.evidence_folder());
}

}  // namespace

std::string status_text(const AgentConfig& config, Instant now) {
  std::string text = fmt::format("version {}\ndirectory {}\n", TOCSIN_VERSION, config.directory);
  for (const std::string& collector : config.collectors) {
    text += fmt::format("collector {}\n", collector);
  }
  return text + certificate_lines(config, now) + spool_lines(config) + evidence_line(config);
}

Result<std::optional<std::string>> remembered(const AgentConfig& config,
                                              const model::CheckRef& check) {
  auto spool = SpoolView::open(config.spool_file());
  if (!spool && spool.error().code == ErrorCode::not_found) return std::optional<std::string>();
  if (!spool) return fail(spool.error());
  return spool->cursor(cursor_key(check));
}

Result<std::string> propose_baseline(std::string_view name, std::uint32_t version,
                                     const time::TimeSource& time) {
  CheckContext context{time, {}, "/", {}, {}, {}};
  const model::CheckDefinition definition;  // of the sockets
  const model::Observation seen = catalog_entry(model::CheckKind::sockets).run(definition, context);
  const auto* facts = std::get_if<model::SocketsFacts>(&seen.facts);
  if (facts == nullptr) {
    return fail(ErrorCode::unavailable,
                fmt::format("the sockets could not be seen: {} ({})",
                            model::to_string(seen.outcome), seen.detail.code));
  }
  return config::starter_baseline_toml(*facts, name, version);
}

}  // namespace tocsin::agent
