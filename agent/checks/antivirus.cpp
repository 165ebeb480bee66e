#include "agent/checks/antivirus.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "agent/checks/antivirus_past.hpp"
#include "agent/checks/antivirus_round.hpp"
#include "agent/checks/antivirus_scanner.hpp"
#include "agent/checks/observation.hpp"

namespace tocsin::agent {
namespace {

// After a restart what was found and what was there is known by the cursor.
AntivirusMemory& memory_of(CheckContext& context) {
  if (!context.memory) {
    auto fresh = std::make_unique<AntivirusMemory>();
    auto past = context.cursor ? parse_antivirus_past(*context.cursor) : std::nullopt;
    if (past) fresh->past = *std::move(past);
    context.memory = std::move(fresh);
  }
  return static_cast<AntivirusMemory&>(*context.memory);
}

}  // namespace

model::Observation observe_antivirus(const model::CheckDefinition& check, CheckContext& context) {
  const Run run(check, context);
  AntivirusMemory& memory = memory_of(context);
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
  facts = scan_round(run, context, *scanner, memory, std::move(facts));
  std::string past = to_text(memory.past);
  if (past != context.cursor) context.new_cursor = std::move(past);
  return run.seen(std::move(facts));
}

}  // namespace tocsin::agent
