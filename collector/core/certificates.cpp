#include "collector/core/certificates.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "common/time/civil.hpp"

namespace tocsin::collector {
namespace {

using model::CertificateHolder;
using model::CertificateSeen;

constexpr std::string_view kPrefix = "certificate/";
constexpr Duration kExpiring = 24h * 30;
constexpr Duration kSoon = 24h * 7;

struct HolderName {
  CertificateHolder holder;
  std::string_view word;  // in keys and codes
};
constexpr std::array kHolders{
    HolderName{CertificateHolder::server, "server"},
    HolderName{CertificateHolder::authority, "authority"},
    HolderName{CertificateHolder::operator_, "operator"},
    HolderName{CertificateHolder::agent, "agent"},
};

std::string_view word(CertificateHolder holder) {
  return std::find_if(kHolders.begin(), kHolders.end(),
                      [&](const HolderName& row) { return row.holder == holder; })
      ->word;
}

bool is_agent(const CertificateSeen& seen) { return seen.holder == CertificateHolder::agent; }

Instant expiring_at(const CertificateSeen& seen) {
  const Duration life = seen.not_after - seen.not_before;
  return seen.not_after - (is_agent(seen) ? life / 6 : std::min(life / 3, kExpiring));
}

Instant soon_at(const CertificateSeen& seen) {
  return seen.not_after - std::min((seen.not_after - seen.not_before) / 12, kSoon);
}

// "certificate/operator/wang": under which it is kept, timed and found.
std::string key_of(CertificateHolder holder, const std::string& name) {
  return name.empty() ? fmt::format("{}{}", kPrefix, word(holder))
                      : fmt::format("{}{}/{}", kPrefix, word(holder), name);
}

std::string kept(const CertificateSeen& seen) {
  return fmt::format("{} {} {}", seen.not_before.ns, seen.not_after.ns, seen.fingerprint);
}

std::optional<CertificateSeen> known(const World& world, std::string_view key) {
  const std::string& text = world.value(std::string(key));
  key.remove_prefix(kPrefix.size());
  const std::string_view holder = key.substr(0, key.find('/'));
  const auto* row = std::find_if(kHolders.begin(), kHolders.end(),
                                 [&](const HolderName& one) { return one.word == holder; });
  if (text.empty() || row == kHolders.end()) return std::nullopt;
  CertificateSeen seen;
  seen.holder = row->holder;
  seen.name = holder.size() < key.size() ? key.substr(holder.size() + 1) : "";
  const char* end = text.data() + text.size();
  const auto from = std::from_chars(text.data(), end, seen.not_before.ns);
  if (from.ec != std::errc() || from.ptr == end) return std::nullopt;
  const auto to = std::from_chars(from.ptr + 1, end, seen.not_after.ns);
  if (to.ec != std::errc() || to.ptr == end) return std::nullopt;
  seen.fingerprint.assign(to.ptr + 1, end);
  return seen;
}

AgentId agent_of(const CertificateSeen& seen) {
  return is_agent(seen) ? AgentId{seen.name} : AgentId{};
}

model::CheckRef check_of(const std::string& key) { return {model::CheckKind::collector, key}; }

// Judges what is known by now: the finding, and when to look again.
Judged look(Context& context, const CertificateSeen& seen) {
  const std::string key = key_of(seen.holder, seen.name);
  const AgentId agent = agent_of(seen);
  const model::Host* host = context.world.hosts.find(agent);
  const CertificateLevel level = certificate_level(seen, context.now);
  std::vector<model::Violation> violations;
  if (level != CertificateLevel::good) {
    const model::Message message =
        certificate_message(seen, level, host == nullptr ? "" : host->name);
    violations.push_back({message.code, "", message});
  }
  if (const auto next = certificate_worse_at(seen, context.now)) {
    context.world.timers.set(key, *next);
  } else {
    context.world.timers.clear(key);
  }
  return find_about(context, agent, check_of(key), violations);
}

}  // namespace

CertificateLevel certificate_level(const CertificateSeen& seen, Instant now) {
  if (now >= seen.not_after) return CertificateLevel::expired;
  if (now >= soon_at(seen)) return CertificateLevel::soon;
  if (now >= expiring_at(seen)) return CertificateLevel::expiring;
  return CertificateLevel::good;
}

std::optional<Instant> certificate_worse_at(const CertificateSeen& seen, Instant now) {
  for (const Instant at : {expiring_at(seen), soon_at(seen), seen.not_after}) {
    if (now < at) return at;
  }
  return std::nullopt;
}

model::Message certificate_message(const CertificateSeen& seen, CertificateLevel level,
                                   std::string_view host) {
  constexpr std::array<std::string_view, 4> kWhy{
      "", "@why.certificate_expiring", "@why.certificate_soon", "@why.certificate_expired"};
  const std::string until = time::rfc3339(seen.not_after).substr(0, 10);
  return {fmt::format("certificate.{}", word(seen.holder)),
          {{"name", is_agent(seen) ? std::string(host) : seen.name},
           {"until", until},
           {"why", std::string(kWhy[static_cast<std::size_t>(level)])}}};
}

Judged take_certificate(Context& context, const CertificateSeen& seen) {
  const std::string key = key_of(seen.holder, seen.name);
  if (is_agent(seen)) {
    const model::Host* host = context.world.hosts.find(agent_of(seen));
    if (host == nullptr || host->revoked) {
      context.world.add("counter/certificates_of_unknown_agents");
      return {};
    }
  }
  const bool from_file =
      seen.holder == CertificateHolder::server || seen.holder == CertificateHolder::authority;
  const auto before = known(context.world, key);
  if (!from_file && before && seen.not_before < before->not_before) return {};
  context.world.set_value(key, kept(seen));
  return look(context, seen);
}

std::optional<Judged> fire_certificate_timer(Context& context, std::string_view key) {
  if (!key.starts_with(kPrefix)) return std::nullopt;
  const auto seen = known(context.world, key);
  return seen ? look(context, *seen) : Judged{};
}

Judged forget_certificate(Context& context, CertificateHolder holder, const std::string& name) {
  const std::string key = key_of(holder, name);
  context.world.timers.clear(key);
  if (context.world.value(key).empty()) return {};
  context.world.set_value(key, "");
  const AgentId agent = holder == CertificateHolder::agent ? AgentId{name} : AgentId{};
  return find_about(context, agent, check_of(key), {});
}

}  // namespace tocsin::collector
