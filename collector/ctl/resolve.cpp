#include "collector/ctl/resolve.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "collector/ctl/view.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/model/check.hpp"
#include "common/model/severity.hpp"

namespace tocsin::ctl {
namespace {

constexpr std::size_t kCandidates = 10;

std::string clean(std::string_view text) { return clean_text(text, limits::kName); }

bool all_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kCandidates); ++i) {
    text += (i == 0 ? "" : ", ") + names[i];
  }
  if (names.size() > kCandidates) text += ", …";
  return text;
}

tl::unexpected<Error> several(std::string_view what, std::string_view name,
                              const std::vector<std::string>& candidates) {
  return fail(ErrorCode::invalid_argument,
              fmt::format("several {} fit \"{}\": {}", what, clean(name), listed(candidates)));
}

}  // namespace

std::string exact_reference(std::string_view reference) {
  if (reference.starts_with('#')) return std::string(reference.substr(1));
  if (all_digits(reference) && reference.starts_with('0')) return {};
  return std::string(reference);
}

Result<v1::IncidentState> match_incident(const v1::IncidentList& list, std::string_view part) {
  std::vector<std::string> names;
  const v1::IncidentState* found = nullptr;
  for (const v1::IncidentState& incident : list.incidents()) {
    if (part.empty() || !incident.number().ends_with(part)) continue;
    names.push_back(reference_of(incident));
    found = &incident;
  }
  if (names.empty()) {
    return fail(ErrorCode::not_found, fmt::format("no incident \"{}\"", clean(part)));
  }
  if (names.size() > 1) return several("incidents", part, names);
  return *found;
}

Result<v1::HostState> only_host(const v1::HostList& list, std::string_view name) {
  if (list.hosts().empty()) {
    return fail(ErrorCode::not_found, fmt::format("no host \"{}\"", clean(name)));
  }
  if (list.hosts_size() == 1) return list.hosts(0);
  // A name may have been another key's before, which was revoked.
  const auto in_use = [](const v1::HostState& host) { return !host.revoked(); };
  if (std::count_if(list.hosts().begin(), list.hosts().end(), in_use) == 1) {
    return *std::find_if(list.hosts().begin(), list.hosts().end(), in_use);
  }
  std::vector<std::string> names;
  for (const v1::HostState& host : list.hosts()) {
    names.push_back(fmt::format("{} ({})", clean(host.name()), clean(host.agent_id())));
  }
  return several("hosts", name, names);
}

Result<v1::CheckRef> check_from(std::string_view word, const v1::HostState& host) {
  const std::size_t colon = std::min(word.find(':'), word.size());
  const auto kind = model::check_kind_from(word.substr(0, colon));
  if (!kind) {
    std::vector<std::string> kinds;
    for (const model::CheckKind one : model::kCheckKinds) {
      kinds.emplace_back(model::to_string(one));
    }
    return fail(ErrorCode::invalid_argument,
                fmt::format("no check \"{}\"; there are: {}", clean(word), listed(kinds)));
  }
  v1::CheckRef check;
  check.set_kind(static_cast<v1::CheckKind>(*kind));
  check.set_target(std::string(word.substr(std::min(colon + 1, word.size()))));
  if (!model::has_target(*kind) || !check.target().empty()) return check;
  std::vector<std::string> known;
  for (const v1::CheckStatus& status : host.checks()) {
    if (status.check().kind() != check.kind()) continue;
    known.push_back(check_text(status.check()));
    check.set_target(status.check().target());
  }
  if (known.size() == 1) return check;
  return fail(ErrorCode::invalid_argument,
              fmt::format("\"{}\" needs a target; this host has: {}", clean(word),
                          known.empty() ? "-" : listed(known)));
}

Result<std::vector<v1::CheckRef>> checks_from(std::string_view word, const v1::HostState& host) {
  std::vector<v1::CheckRef> checks;
  if (word != "all") {
    auto one = check_from(word, host);
    if (!one) return fail(one.error());
    checks.push_back(*std::move(one));
    return checks;
  }
  for (const v1::CheckStatus& status : host.checks()) checks.push_back(status.check());
  if (checks.empty()) {
    return fail(ErrorCode::not_found,
                fmt::format("no check of {} is known yet", clean(host.name())));
  }
  return checks;
}

Result<v1::Severity> severity_from(std::string_view word) {
  if (word.ends_with('+')) word.remove_suffix(1);
  std::string upper(word);
  if (upper.size() == 1 && upper[0] >= 'a' && upper[0] <= 'e') {
    upper[0] = static_cast<char>(upper[0] - 'a' + 'A');
  }
  const auto severity = model::severity_from(upper);
  if (severity) return static_cast<v1::Severity>(*severity);
  return fail(ErrorCode::invalid_argument,
              fmt::format("no severity \"{}\"; there are: A, B, C, D, E", clean(word)));
}

}  // namespace tocsin::ctl
