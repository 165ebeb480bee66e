#include "agent/checks/antivirus.hpp"

#include <memory>
#include <utility>

#include "agent/checks/antivirus_round.hpp"
#include "agent/checks/antivirus_scanner.hpp"
#include "agent/checks/observation.hpp"

namespace tocsin::agent {

model::Observation observe_antivirus(const model::CheckDefinition& check, CheckContext& context) {
  const Run run(check, context);
  if (!context.memory) context.memory = std::make_unique<AntivirusMemory>();
  auto& memory = static_cast<AntivirusMemory&>(*context.memory);
  const std::unique_ptr<Scanner> scanner = make_scanner(context);
  model::AntivirusFacts facts;
  const Status there = scanner->ask_version(facts);
  facts.scanner_available = model::tristate(there.has_value());
  if (!there && there.error().code != ErrorCode::not_found &&
      there.error().code != ErrorCode::unavailable) {
    return run.unseen(there.error());
  }
  if (!there) return run.seen(std::move(facts));
  ask_signature_files(context, facts);
  return run.seen(scan_round(run, context, *scanner, memory, std::move(facts)));
}

}  // namespace tocsin::agent
