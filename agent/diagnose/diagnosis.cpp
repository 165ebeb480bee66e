#include "agent/diagnose/diagnosis.hpp"

#include <algorithm>

#include "common/rules/judge.hpp"

namespace tocsin::agent {
namespace {

using model::CheckKind;
using model::Verdict;
using rules::SocketsPart;

struct ItemRow {
  std::string_view number;
  std::string_view name;
  std::string_view clause;
  std::optional<CheckKind> kind;    // nullopt: done by a person
  std::optional<SocketsPart> part;  // of the sockets check
};

// Annex two, part 1.
constexpr std::array kItems{
    ItemRow{"1.1", "outbound", "M-01", CheckKind::ping, {}},
    ItemRow{"2.1", "login", "M-02", CheckKind::login, {}},
    ItemRow{"2.2", "services", "M-03", CheckKind::service, {}},
    ItemRow{"2.3", "warnings", "M-04", CheckKind::warnings, {}},
    ItemRow{"2.4", "audit", "M-05", CheckKind::audit_log, {}},
    ItemRow{"2.5", "export", "M-06", {}, {}},
    ItemRow{"3.1", "listeners", "M-07", CheckKind::sockets, SocketsPart::listeners},
    ItemRow{"3.2", "sources", "M-08", CheckKind::sockets, SocketsPart::sources},
    ItemRow{"3.3", "processes", "M-09", CheckKind::processes, {}},
    ItemRow{"4.1", "scan", "M-10", CheckKind::antivirus, {}},
    // What a site adds to annex two: shown only where it has added something, or when asked for.
    ItemRow{"5.1", "plugins", "", CheckKind::plugin, {}},
    ItemRow{"5.2", "backups", "G-06", CheckKind::backup_job, {}},
    ItemRow{"5.3", "means", "", CheckKind::metrics, {}},
};

bool is_asked(const ItemRow& row, const std::vector<CheckKind>& only) {
  return only.empty() || (row.kind && std::find(only.begin(), only.end(), *row.kind) != only.end());
}

model::Judgement judge_item(const ItemRow& row, const model::Observation& observation,
                            const model::Baseline* baseline, const model::RuleLimits& limits) {
  const auto* sockets = std::get_if<model::SocketsFacts>(&observation.facts);
  if (row.part && sockets != nullptr && observation.outcome == model::Outcome::seen) {
    return rules::judge_part(*sockets, baseline, *row.part);
  }
  return rules::judge(observation, baseline, limits);
}

// What a person must look at first.
int urgency(Verdict verdict) {
  switch (verdict) {
    case Verdict::abnormal:
      return 4;
    case Verdict::cannot_tell:
      return 3;
    case Verdict::not_run:
      return 2;
    case Verdict::normal:
      return 1;
    case Verdict::not_applicable:
      return 0;
  }
  return 3;
}

DiagnosisItem compose_item(const ItemRow& row, const std::vector<model::Observation>& observations,
                           const model::Baseline* baseline, const model::RuleLimits& limits) {
  DiagnosisItem item{row.number, row.name, row.clause, Verdict::not_run, {}};
  for (const model::Observation& observation : observations) {
    if (row.kind != observation.check.kind) continue;
    model::Judgement judgement = judge_item(row, observation, baseline, limits);
    if (item.checks.empty() || urgency(judgement.verdict) > urgency(item.verdict)) {
      item.verdict = judgement.verdict;
    }
    item.checks.push_back({observation, std::move(judgement)});
  }
  return item;
}

}  // namespace

Diagnosis compose_diagnosis(HostFacts host, const std::vector<model::Observation>& observations,
                            const std::vector<CheckKind>& only, const model::Baseline* baseline,
                            const model::RuleLimits& limits) {
  Diagnosis diagnosis;
  diagnosis.host = std::move(host);
  if (baseline != nullptr) {
    diagnosis.baseline_name = baseline->name;
    diagnosis.baseline_version = baseline->version;
  }
  for (const ItemRow& row : kItems) {
    if (!is_asked(row, only)) continue;
    DiagnosisItem item = compose_item(row, observations, baseline, limits);
    if (row.number.starts_with("5.") && item.checks.empty() && only.empty()) continue;
    diagnosis.items.push_back(std::move(item));
    for (const JudgedCheck& check : diagnosis.items.back().checks) {
      for (const model::Violation& violation : check.judgement.violations) {
        diagnosis.suggested = std::max(diagnosis.suggested, rules::suggested_severity(violation));
      }
    }
  }
  return diagnosis;
}

std::size_t count(const Diagnosis& diagnosis, Verdict verdict) {
  return static_cast<std::size_t>(
      std::count_if(diagnosis.items.begin(), diagnosis.items.end(),
                    [&](const DiagnosisItem& item) { return item.verdict == verdict; }));
}

}  // namespace tocsin::agent
