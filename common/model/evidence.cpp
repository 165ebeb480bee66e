#include "common/model/evidence.hpp"

#include <array>
#include <charconv>

namespace tocsin::model {

std::string_view to_string(CustodyAct act) {
  constexpr std::array<std::string_view, 10> kWords{
      "unknown",  "asked",   "collected", "received", "refused",
      "verified", "damaged", "exported",  "added",    "unobtainable"};
  const auto index = static_cast<std::size_t>(act);
  return index < kWords.size() ? kWords[index] : kWords[0];
}

std::string_view to_string(EvidenceState state) {
  constexpr std::array<std::string_view, 5> kWords{"unknown", "asked", "collected", "received",
                                                   "unobtainable"};
  const auto index = static_cast<std::size_t>(state);
  return index < kWords.size() ? kWords[index] : kWords[0];
}

std::string evidence_name(EvidenceId id) { return "E-" + std::to_string(id.value); }

std::optional<EvidenceId> evidence_from(std::string_view name) {
  if (name.starts_with("E-") || name.starts_with("e-")) name.remove_prefix(2);
  EvidenceId id;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id.value);
  if (error != std::errc() || end != name.data() + name.size() || !id) return std::nullopt;
  return id;
}

}  // namespace tocsin::model
