#include "agent/app/row.hpp"

#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/limits.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::agent {
namespace {

template <class T>
void halve(std::vector<T>& list, std::uint32_t& dropped) {
  const std::size_t kept = list.size() / 2;
  dropped += static_cast<std::uint32_t>(list.size() - kept);
  list.resize(kept);
}

void halve(model::Observation& observation) {
  if (auto* sockets = std::get_if<model::SocketsFacts>(&observation.facts)) {
    if (sockets->peers.size() > sockets->listeners.size()) {
      halve(sockets->peers, sockets->peers_over_limit);
    } else {
      halve(sockets->listeners, sockets->listeners_over_limit);
    }
  }
  if (auto* processes = std::get_if<model::ProcessesFacts>(&observation.facts)) {
    halve(processes->groups, processes->groups_over_limit);
  }
  if (auto* warnings = std::get_if<model::WarningsFacts>(&observation.facts)) {
    halve(warnings->groups, warnings->groups_over_limit);
  }
  if (auto* antivirus = std::get_if<model::AntivirusFacts>(&observation.facts)) {
    halve(antivirus->hits, antivirus->hits_over_limit);
  }
  if (auto* backup = std::get_if<model::BackupJobFacts>(&observation.facts)) {
    halve(backup->schedules, backup->over_limit);
    halve(backup->errors, backup->over_limit);
    halve(backup->devices, backup->over_limit);
    halve(backup->sources, backup->over_limit);
  }
}

void halve(model::Fact& fact) {
  if (auto* observation = std::get_if<model::Observation>(&fact.body)) halve(*observation);
  if (auto* result = std::get_if<model::RequestResult>(&fact.body)) {
    for (model::Observation& observation : result->observations) halve(observation);
  }
}

}  // namespace

NewFact bounded_row(model::Fact fact) {
  std::string bytes = wire::encode_fact(fact);
  // Twelve halvings empty the longest list; every other part of a fact is short.
  for (int i = 0; i < 32 && bytes.size() > limits::kFactBytes; ++i) {
    halve(fact);
    bytes = wire::encode_fact(fact);
  }
  return {std::move(bytes), fact.priority};
}

model::Priority priority_of(model::CheckKind kind) {
  return kind == model::CheckKind::metrics ? model::Priority::low : model::Priority::normal;
}

std::string digest_of_row(const NewFact& row, const model::Observation& seen) {
  const Result<model::Fact> read = wire::decode_fact(row.bytes);
  const auto* observation = read ? std::get_if<model::Observation>(&read->body) : nullptr;
  return wire::significant_digest(observation != nullptr ? *observation : seen);
}

}  // namespace tocsin::agent
