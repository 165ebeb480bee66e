#include "collector/operate/agentless.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "collector/core/looked_at.hpp"

namespace tocsin::collector {
namespace {

constexpr const char* kNotSeen = "agentless.not_seen";
// What the annex asks and only a program on the host itself can say.
constexpr std::array kInside{model::CheckKind::service,   model::CheckKind::warnings,
                             model::CheckKind::audit_log, model::CheckKind::sockets,
                             model::CheckKind::processes, model::CheckKind::antivirus};

bool has_agent(const std::vector<model::Host>& hosts, const std::string& name) {
  return std::any_of(hosts.begin(), hosts.end(),
                     [&](const model::Host& host) { return host.name == name && !host.revoked; });
}

void add_looks(const model::Host& from, const std::string& address, model::Host& host) {
  for (const model::CheckStatus& status : from.checks) {
    if (address_looked_at(status.check) != address) continue;
    model::CheckStatus look = status;
    // What an agent that is silent saw last holds no more.
    if (from.presence != model::Presence::heard) {
      look.verdict = model::Verdict::cannot_tell;
      look.reasons = {{"agentless.vantage_silent", {}}};
    }
    look.reasons.push_back({"agentless.seen_from", {{"host", from.name}}});
    host.last_fact = std::max(host.last_fact, look.observed);
    host.checks.push_back(std::move(look));
  }
}

model::Host page_of(const model::HostPolicy& policy, const std::vector<model::Host>& hosts) {
  model::Host host;
  host.name = policy.host;
  for (const model::Host& from : hosts) {
    if (!from.revoked) add_looks(from, policy.address, host);
  }
  std::stable_sort(host.checks.begin(), host.checks.end(),
                   [](const auto& a, const auto& b) { return a.check < b.check; });
  for (const model::CheckKind kind : kInside) {
    model::CheckStatus inside;
    inside.check = {kind, {}};
    inside.verdict = model::Verdict::cannot_tell;
    inside.reasons = {{kNotSeen, {}}};
    host.checks.push_back(std::move(inside));
  }
  return host;
}

bool is_inside(const model::CheckStatus& status) {
  return !status.reasons.empty() && status.reasons.front().code == kNotSeen;
}

}  // namespace

std::vector<model::Host> hosts_without_agent(const model::SitePolicy& policy,
                                             const std::vector<model::Host>& hosts) {
  std::vector<model::Host> pages;
  for (const model::HostPolicy& host : policy.hosts) {
    if (host.host == "*" || host.address.empty() || has_agent(hosts, host.host)) continue;
    pages.push_back(page_of(host, hosts));
  }
  std::sort(pages.begin(), pages.end(),
            [](const model::Host& a, const model::Host& b) { return a.name < b.name; });
  return pages;
}

bool agentless_needs_attention(const model::Host& host) {
  bool seen = false;
  for (const model::CheckStatus& status : host.checks) {
    if (is_inside(status)) continue;
    if (status.verdict == model::Verdict::abnormal ||
        status.verdict == model::Verdict::cannot_tell) {
      return true;
    }
    seen = seen || status.verdict == model::Verdict::normal;
  }
  return !seen;
}

}  // namespace tocsin::collector
