#include "collector/core/probes.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "collector/core/looked_at.hpp"

namespace tocsin::collector {
namespace {

constexpr std::string_view kQuestion = "probe/";
constexpr std::size_t kPorts = 16;  // of one unit
constexpr std::size_t kProbes = 4;  // of one service
constexpr Duration kDeadline = 6s;
constexpr Duration kClocks = 10s;  // so far may the clocks of two hosts be apart

bool is_of_service(const model::Finding& finding) {
  return finding.check.kind == model::CheckKind::service;
}

std::string ports_key(const AgentId& agent, std::string_view unit) {
  return fmt::format("serves/{}/{}", agent.hex, unit);
}
std::string probes_key(const model::Finding& finding) {
  return fmt::format("probes/{}/{}", finding.agent.hex, finding.check.target);
}

std::uint64_t number_in(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string_view take(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

std::set<std::uint16_t> ports_of(const World& world, const model::Finding& finding) {
  std::set<std::uint16_t> ports;
  std::string_view rest = world.value(ports_key(finding.agent, finding.check.target));
  while (!rest.empty()) ports.insert(static_cast<std::uint16_t>(number_in(take(rest, ','))));
  return ports;
}

// Who probes a service, kept as "AGENT TARGET" a line.
struct Probe {
  AgentId agent;
  model::CheckRef check;
};
std::vector<Probe> probes_of(const World& world, const model::Finding& finding) {
  std::vector<Probe> probes;
  std::string_view rest = world.value(probes_key(finding));
  while (!rest.empty()) {
    std::string_view line = take(rest, '\n');
    const std::string agent(take(line, ' '));
    probes.push_back({{agent}, {model::CheckKind::answer, std::string(line)}});
  }
  return probes;
}

const model::CheckStatus* status_of(const World& world, const Probe& probe) {
  const model::Host* host = world.hosts.find(probe.agent);
  if (host == nullptr || host->revoked || host->presence != model::Presence::heard) return nullptr;
  const auto found = std::find_if(host->checks.begin(), host->checks.end(),
                                  [&](const auto& status) { return status.check == probe.check; });
  return found == host->checks.end() ? nullptr : &*found;
}

// It looked after the service was found bad, by the order of the journal and by the clocks.
bool is_later(const model::CheckStatus& status, const model::Finding& finding) {
  return status.position > finding.opened_position && status.observed + kClocks >= finding.since;
}

bool is_about(const model::SitePolicy& policy, const model::Host& served, const model::Host& prober,
              const ProbePlace& place) {
  if (place.host == served.name) return true;
  const model::HostPolicy* named = host_at(policy, place.host);
  if (named != nullptr) return named->host == served.name;
  // A loopback address is the prober's own.
  const bool local =
      place.host == "localhost" || place.host == "::1" || place.host.starts_with("127.");
  return local && prober.agent == served.agent;
}

std::vector<Probe> find_probes(const Context& context, const model::Host& served,
                               const std::set<std::uint16_t>& ports) {
  std::vector<Probe> probes;
  for (const auto& [agent, host] : context.world.hosts.rows()) {
    if (host.revoked || host.presence != model::Presence::heard) continue;
    for (const model::CheckStatus& status : host.checks) {
      if (status.check.kind != model::CheckKind::answer) continue;
      const ProbePlace place = probe_place(status.check.target);
      if (!ports.contains(place.port) || !is_about(context.policy, served, host, place)) continue;
      probes.push_back({agent, status.check});
      if (probes.size() == kProbes) return probes;
    }
  }
  return probes;
}

void ask(Context& context, const model::Finding& finding) {
  const model::Host* served = context.world.hosts.find(finding.agent);
  const std::set<std::uint16_t> ports = ports_of(context.world, finding);
  if (served == nullptr || ports.empty()) return;
  std::string kept;
  for (const Probe& probe : find_probes(context, *served, ports)) {
    kept += fmt::format("{} {}\n", probe.agent.hex, probe.check.target);
    model::CheckDefinition look;
    look.check = probe.check;
    look.deadline = kDeadline;
    context.effects.requests.push_back(
        {probe.agent,
         {fmt::format("{}{}/{}", kQuestion, context.position.value, finding.id.value), kProbeLife,
          std::move(look)}});
  }
  if (!kept.empty()) context.world.add("counter/services_probed");
  context.world.set_value(probes_key(finding), std::move(kept));
}

}  // namespace

ProbePlace probe_place(std::string_view url) {
  const std::size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return {};
  const std::string_view scheme = url.substr(0, scheme_end);
  std::string_view rest = url.substr(scheme_end + 3);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  ProbePlace place;
  if (rest.starts_with('[')) {
    const std::size_t end = rest.find(']');
    if (end == std::string_view::npos) return {};
    place.host = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
  } else {
    place.host = rest.substr(0, rest.find(':'));
    rest.remove_prefix(place.host.size());
  }
  if (rest.starts_with(':')) {
    const std::uint64_t port = number_in(rest.substr(1));
    place.port = port > 65535 ? std::uint16_t{0} : static_cast<std::uint16_t>(port);
  } else if (scheme == "http" || scheme == "https") {
    place.port = scheme == "http" ? std::uint16_t{80} : std::uint16_t{443};
  }
  return place;
}

void remember_ports(World& world, const model::Host& host, const model::Observation& sockets) {
  const auto* facts = std::get_if<model::SocketsFacts>(&sockets.facts);
  if (facts == nullptr) return;
  for (const model::CheckStatus& status : host.checks) {
    if (status.check.kind != model::CheckKind::service) continue;
    std::set<std::uint16_t> ports;
    for (const model::Listener& listener : facts->listeners) {
      const bool its = listener.protocol == model::Protocol::tcp &&
                       listener.unit == status.check.target && ports.size() < kPorts;
      if (its) ports.insert(listener.port);
    }
    // One that listens nowhere now may be the one that is down.
    const std::string text = fmt::format("{}", fmt::join(ports, ","));
    const std::string key = ports_key(host.agent, status.check.target);
    if (!text.empty() && world.value(key) != text) world.set_value(key, text);
  }
}

void ask_probes(Context& context, const Judged& judged) {
  for (const Transition& transition : judged.transitions) {
    const bool opened = transition.change == Transition::Change::opened && !transition.late;
    const model::Finding* finding = opened ? context.world.finding(transition.finding) : nullptr;
    if (finding != nullptr && is_of_service(*finding)) ask(context, *finding);
  }
}

bool is_probe_question(std::string_view request_id) { return request_id.starts_with(kQuestion); }

FindingId probed_finding(std::string_view request_id) {
  return {number_in(request_id.substr(request_id.rfind('/') + 1))};
}

Probed probed(const World& world, const model::Finding& finding) {
  if (!is_of_service(finding)) return Probed::nothing;
  Probed word = Probed::nothing;
  for (const Probe& probe : probes_of(world, finding)) {
    const model::CheckStatus* status = status_of(world, probe);
    if (status == nullptr || !is_later(*status, finding)) continue;
    if (status->verdict == model::Verdict::abnormal) return Probed::bad;
    if (status->verdict == model::Verdict::normal) word = Probed::good;
  }
  return word;
}

std::optional<model::Message> said_by_probe(const World& world, const model::Finding& finding) {
  if (finding.closed || probed(world, finding) != Probed::good) return std::nullopt;
  for (const Probe& probe : probes_of(world, finding)) {
    const model::CheckStatus* status = status_of(world, probe);
    const bool answers = status != nullptr && is_later(*status, finding) &&
                         status->verdict == model::Verdict::normal;
    if (!answers) continue;
    return model::Message{"service.answers",
                          {{"unit", finding.check.target},
                           {"url", probe.check.target},
                           {"from", world.hosts.find(probe.agent)->name}}};
  }
  return std::nullopt;
}

bool is_probed_by(const World& world, const model::Finding& finding, const model::CheckRef& check) {
  if (!is_of_service(finding) || check.kind != model::CheckKind::answer) return false;
  const std::vector<Probe> probes = probes_of(world, finding);
  return std::any_of(probes.begin(), probes.end(),
                     [&](const Probe& probe) { return probe.check == check; });
}

}  // namespace tocsin::collector
