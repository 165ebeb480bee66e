// M-07 from another machine: ports that answer, against what the site approved for that host.
#include <algorithm>
#include <string>
#include <utility>

#include "common/rules/checks.hpp"
#include "common/rules/findings.hpp"
#include "common/rules/port_names.hpp"

namespace tocsin::rules {
namespace {

// Approved for loopback only is not approved to answer another machine.
bool is_for_others(const model::ListenerRule& rule) {
  return rule.address_classes.empty() ||
         std::any_of(rule.address_classes.begin(), rule.address_classes.end(),
                     [](auto address) { return address != model::AddressClass::loopback; });
}

// A scan sees neither program nor user: the port alone has to be approved.
bool is_approved(std::uint16_t port, const model::Baseline& baseline) {
  return std::any_of(baseline.listeners.begin(), baseline.listeners.end(),
                     [&](const model::ListenerRule& rule) {
                       if (rule.protocol != model::Protocol::tcp) return false;
                       if (!is_for_others(rule)) return false;
                       const std::uint16_t last = rule.port_to == 0 ? rule.port : rule.port_to;
                       return rule.port == 0 || (rule.port <= port && port <= last);
                     });
}

std::string subject_of(const model::PortScanFacts& facts, std::uint16_t port) {
  return subject_part(facts.address) + " tcp " + std::to_string(port);
}

}  // namespace

model::Judgement judge_port_scan(const model::PortScanFacts& facts,
                                 const model::Baseline* baseline) {
  Findings findings;
  if (!facts.complete || facts.open_over_limit > 0) {
    findings.blind({"port_scan.incomplete", {said("tried", facts.tried)}});
  }
  // A filter that drops everything and a host that is off look the same.
  if (facts.open.empty() && facts.closed == 0) {
    findings.blind({"port_scan.silent", {said("address", facts.address)}});
  }
  if (baseline == nullptr || !baseline->has_listeners) {
    model::Unseen open{"port.answers", model::Unseen::Subjects::these, {}};
    for (const std::uint16_t port : facts.open) open.subjects.push_back(subject_of(facts, port));
    findings.blind(no_baseline(baseline, "@baseline.part.listeners"), std::move(open));
  } else {
    for (const std::uint16_t port : facts.open) {
      if (is_approved(port, *baseline)) continue;
      findings.add({"port.answers",
                    subject_of(facts, port),
                    {"port.answers",
                     {said("address", facts.address), said("port", port),
                      said("name", port_name(model::Protocol::tcp, port))}}});
    }
  }
  return std::move(findings).finish(
      {"port_scan.ok",
       {said("address", facts.address), said("open", facts.open.size()),
        said("tried", facts.tried)}});
}

}  // namespace tocsin::rules
