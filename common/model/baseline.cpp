#include "common/model/baseline.hpp"

#include <fmt/format.h>

namespace tocsin::model {
namespace {

std::string_view known(std::string_view text) { return text.empty() ? "?" : text; }

std::string ports_of(const BaselineEntry& entry) {
  return entry.port_to == 0 ? fmt::format("{}", entry.port)
                            : fmt::format("{}-{}", entry.port, entry.port_to);
}

}  // namespace

std::string_view to_string(EntryKind kind) {
  switch (kind) {
    case EntryKind::listener:
      return "listener";
    case EntryKind::program:
      return "program";
    case EntryKind::unit:
      break;
  }
  return "unit";
}

std::string to_string(const BaselineEntry& entry) {
  switch (entry.kind) {
    case EntryKind::listener:
      return fmt::format("{} {} {} {} {}", to_string(entry.protocol),
                         to_string(entry.address_class), ports_of(entry), known(entry.executable),
                         known(entry.user));
    case EntryKind::program:
      return fmt::format("program {} {}",
                         known(entry.executable.empty() ? entry.name : entry.executable),
                         known(entry.user));
    case EntryKind::unit:
      break;
  }
  return fmt::format("unit {}", entry.name);
}

std::string_view to_string(ScopeKind kind) { return kind == ScopeKind::group ? "group" : "host"; }

std::string to_string(const BaselineScope& scope) {
  return fmt::format("{} {}", to_string(scope.kind), scope.name);
}

std::string_view to_string(BaselineStatus status) {
  switch (status) {
    case BaselineStatus::proposed:
      return "proposed";
    case BaselineStatus::approved:
      return "approved";
    case BaselineStatus::rejected:
      return "rejected";
    case BaselineStatus::replaced:
      return "replaced";
    case BaselineStatus::superseded:
      break;
  }
  return "superseded";
}

ApprovedBaseline approved(const BaselineRecord& record) {
  ApprovedBaseline baseline;
  baseline.scope = record.scope;
  baseline.version = record.version;
  baseline.has_listeners = record.has_listeners;
  baseline.has_programs = record.has_programs;
  baseline.has_units = record.has_units;
  baseline.entries.reserve(record.entries.size());
  for (const ProposedEntry& one : record.entries) baseline.entries.push_back(one.entry);
  baseline.proposed_by = record.proposed.by.name;
  baseline.approved_by = record.decided.by.name;
  baseline.reason = record.decided.reason;
  baseline.approved_at = record.decided.at;
  baseline.expires = record.expires;
  return baseline;
}

}  // namespace tocsin::model
