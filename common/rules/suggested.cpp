// What a single look suggests. The collector's grading table decides; a test there holds this one
// to it.
#include <algorithm>
#include <array>

#include "common/rules/judge.hpp"

namespace tocsin::rules {
namespace {

using model::Severity;

struct Row {
  std::string_view code;
  Severity severity;
};

// A code ending in '.' stands for all that begin so. First match wins.
constexpr std::array kSuggested{
    Row{"answer.error_status", Severity::d},
    Row{"answer.failed", Severity::c},
    Row{"audit.", Severity::d},
    Row{"backup.failed", Severity::e},
    Row{"backup.integrity_old", Severity::e},
    Row{"backup.missed", Severity::e},
    Row{"backup.never", Severity::e},
    Row{"backup.restore_failed", Severity::c},
    Row{"backup.restore_old", Severity::e},
    Row{"backup.rpo", Severity::e},
    Row{"backup.unreachable", Severity::c},
    Row{"backup.volume_readonly", Severity::e},
    Row{"backup.", Severity::d},
    Row{"clock.unsynchronized", Severity::e},
    Row{"clock.wrong", Severity::d},
    Row{"disk.inodes_low", Severity::e},
    Row{"disk.space_low", Severity::e},
    Row{"disk.", Severity::d},
    Row{"login.expired", Severity::e},
    Row{"login.", Severity::d},
    Row{"malware.found", Severity::c},
    Row{"memory.", Severity::d},
    Row{"ping.unreachable", Severity::c},
    Row{"ping.", Severity::d},
    Row{"plugin.critical", Severity::d},
    Row{"plugin.warning", Severity::e},
    Row{"port.answers", Severity::d},
    Row{"port.concealed", Severity::c},
    Row{"port.hidden", Severity::c},
    Row{"port.unexpected", Severity::d},
    Row{"process.hidden", Severity::c},
    Row{"process.preload_file", Severity::c},
    Row{"process.unexpected", Severity::d},
    Row{"reach.host_down", Severity::c},
    Row{"service.", Severity::c},
    Row{"source.unexpected", Severity::d},
    Row{"unit.unexpected", Severity::d},
    Row{"warning.access", Severity::d},
    Row{"warning.critical", Severity::d},
};

bool fits(const Row& row, std::string_view code) {
  return row.code == code || (row.code.ends_with('.') && code.starts_with(row.code));
}

// Logins whose failure is a suspected access, not a service that is down.
constexpr std::array<std::string_view, 4> kAccessLogins{"login.host_key_changed", "login.locked",
                                                        "login.rejected", "login.session_failed"};

std::string_view why_of(const model::Message& message) {
  for (const model::Parameter& parameter : message.parameters) {
    if (parameter.name == "why") return parameter.value;
  }
  return {};
}

}  // namespace

Severity suggested_severity(const model::Violation& violation) {
  const auto row = std::find_if(kSuggested.begin(), kSuggested.end(),
                                [&](const Row& r) { return fits(r, violation.code); });
  if (row == kSuggested.end()) return Severity::e;
  if (why_of(violation.message) == "@why.since_boot" &&
      std::find(kAccessLogins.begin(), kAccessLogins.end(), violation.code) !=
          kAccessLogins.end()) {
    return Severity::c;
  }
  if (violation.code != "port.unexpected" && violation.code != "process.unexpected" &&
      violation.code != "unit.unexpected") {
    return row->severity;
  }
  const std::string_view why = why_of(violation.message);
  for (const std::string_view sign :
       {"@why.imitates_kernel", "@why.memory_only", "@why.world_writable"}) {
    if (why.find(sign) != why.npos) return Severity::c;
  }
  const bool weak = why == "@why.outside" || why == "@why.no_package" ||
                    why == "@why.unit_active" || why == "@why.unit_enabled";
  return weak ? Severity::e : row->severity;
}

}  // namespace tocsin::rules
