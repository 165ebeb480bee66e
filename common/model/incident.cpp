#include "common/model/incident.hpp"

#include <array>

namespace tocsin::model {

namespace {

struct VerdictWord {
  IncidentVerdict verdict;
  std::string_view word;
};
constexpr std::array kVerdictWords{
    VerdictWord{IncidentVerdict::undetermined, "undetermined"},
    VerdictWord{IncidentVerdict::confirmed, "confirmed"},
    VerdictWord{IncidentVerdict::false_alarm, "false-alarm"},
    VerdictWord{IncidentVerdict::fault, "fault"},
    VerdictWord{IncidentVerdict::security, "incident"},
};

}  // namespace

std::string_view to_string(IncidentVerdict verdict) {
  for (const VerdictWord& one : kVerdictWords) {
    if (one.verdict == verdict) return one.word;
  }
  return "unknown";
}

std::optional<IncidentVerdict> incident_verdict_from(std::string_view word) {
  for (const VerdictWord& one : kVerdictWords) {
    if (one.word == word) return one.verdict;
  }
  return std::nullopt;
}

std::string_view to_string(Presence presence) {
  switch (presence) {
    case Presence::heard:
      return "heard";
    case Presence::silent:
      return "silent";
    case Presence::clone_suspected:
      return "clone_suspected";
    case Presence::refused:
      return "refused";
  }
  return "unknown";
}

}  // namespace tocsin::model
