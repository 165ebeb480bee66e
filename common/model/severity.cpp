#include "common/model/severity.hpp"

#include "common/model/verdict.hpp"

namespace tocsin::model {

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::normal:
      return "normal";
    case Verdict::abnormal:
      return "abnormal";
    case Verdict::cannot_tell:
      return "cannot_tell";
    case Verdict::not_run:
      return "not_run";
    case Verdict::not_applicable:
      return "not_applicable";
  }
  return "unknown";
}

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::none:
      return "-";
    case Severity::e:
      return "E";
    case Severity::d:
      return "D";
    case Severity::c:
      return "C";
    case Severity::b:
      return "B";
    case Severity::a:
      return "A";
  }
  return "?";
}

std::optional<Severity> severity_from(std::string_view word) {
  for (const Severity s : {Severity::a, Severity::b, Severity::c, Severity::d, Severity::e}) {
    if (to_string(s) == word) return s;
  }
  return std::nullopt;
}

std::string_view to_string(Stage stage) {
  switch (stage) {
    case Stage::identification:
      return "identification";
    case Stage::containment:
      return "containment";
    case Stage::removal:
      return "removal";
    case Stage::recovery:
      return "recovery";
    case Stage::follow_up:
      return "follow_up";
  }
  return "unknown";
}

std::string_view to_string(Role role) {
  switch (role) {
    case Role::duty:
      return "duty";
    case Role::working_group:
      return "working_group";
    case Role::officer:
      return "officer";
    case Role::committee:
      return "committee";
    case Role::auditor:
      return "auditor";
    case Role::admin:
      return "admin";
  }
  return "unknown";
}

std::optional<Role> role_from(std::string_view word) {
  for (const Role role : kRoles) {
    if (to_string(role) == word) return role;
  }
  return std::nullopt;
}

}  // namespace tocsin::model
