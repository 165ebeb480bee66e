#include "collector/core/hidden_ports.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "collector/core/looked_at.hpp"

namespace tocsin::collector {
namespace {

constexpr std::string_view kPrefix = "bind/";
constexpr Duration kAskAgain = 10min;
constexpr std::size_t kPortsAsked = 32;

// What a host says it listens on.
struct OwnList {
  AgentId agent;
  const model::SocketsFacts* facts = nullptr;  // nullptr: it does not say, or not all
};
OwnList own_list(const World& world, const model::SitePolicy& policy, const std::string& address) {
  const model::HostPolicy* scanned = host_at(policy, address);
  if (scanned == nullptr) return {};
  for (const auto& [agent, host] : world.hosts.rows()) {
    if (host.name != scanned->host || host.presence != model::Presence::heard || host.revoked) {
      continue;
    }
    for (const model::CheckStatus& status : host.checks) {
      const auto* facts = std::get_if<model::SocketsFacts>(&status.observation.facts);
      if (facts != nullptr && facts->listeners_over_limit == 0) return {agent, facts};
    }
  }
  return {};
}

// A listener in a container has the port in a network of its own: what answers at the host's
// address is not shown by it.
bool lists(const model::SocketsFacts& facts, std::uint16_t port) {
  return std::any_of(facts.listeners.begin(), facts.listeners.end(),
                     [&](const model::Listener& listener) {
                       return listener.protocol == model::Protocol::tcp && listener.port == port &&
                              listener.network_namespace.empty() &&
                              listener.address_class != model::AddressClass::loopback;
                     });
}

// The site says that the port is passed on to somewhere else.
bool is_redirect(const model::Baseline* baseline, std::uint16_t port) {
  return baseline != nullptr && std::any_of(baseline->listeners.begin(), baseline->listeners.end(),
                                            [&](const model::ListenerRule& rule) {
                                              return rule.redirect && rule.port <= port &&
                                                     port <= std::max(rule.port, rule.port_to);
                                            });
}

std::string key_of(std::string_view address) { return fmt::format("{}{}", kPrefix, address); }

// The last question about an address, kept as text under "bind/ADDRESS": "ASKED_NS AGENT/SERIAL",
// without the second while nothing is waited for.
struct Question {
  Instant asked;
  std::string waits_for;
};

Question question_in(const World& world, const std::string& key) {
  const std::string_view text = world.value(key);
  Question question;
  const char* end = text.data() + text.size();
  const char* rest = std::from_chars(text.data(), end, question.asked.ns).ptr;
  if (rest != end) question.waits_for.assign(rest + 1, end);
  return question;
}

void keep(World& world, const std::string& key, const Question& question) {
  world.set_value(key, fmt::format("{} {}", question.asked.ns, question.waits_for));
}

std::string waited_for(const AgentId& agent, std::string_view serial) {
  return fmt::format("{}/{}", agent.hex, serial);
}

void end(World& world, const std::string& key, Question question) {
  question.waits_for.clear();
  keep(world, key, question);
  world.timers.clear(key);
}

}  // namespace

std::optional<HiddenPorts> hidden_ports(const World& world, const model::SitePolicy& policy,
                                        const model::Baseline* baseline,
                                        const model::Observation& scan) {
  const auto* facts = std::get_if<model::PortScanFacts>(&scan.facts);
  if (facts == nullptr) return std::nullopt;
  HiddenPorts hidden;
  hidden.address = facts->address;
  const OwnList own = own_list(world, policy, facts->address);
  if (own.facts == nullptr) return hidden;
  hidden.agent = own.agent;
  std::copy_if(
      facts->open.begin(), facts->open.end(), std::back_inserter(hidden.ports),
      [&](std::uint16_t port) { return !lists(*own.facts, port) && !is_redirect(baseline, port); });
  return hidden;
}

model::Judgement with_hidden_ports(model::Judgement judgement, const HiddenPorts& hidden) {
  if (!hidden.agent) {
    judgement.unseen.push_back({"port.hidden", model::Unseen::Subjects::any, {}});
    return judgement;
  }
  for (const std::uint16_t port : hidden.ports) {
    const std::string text = std::to_string(port);
    const model::Message message{"port.hidden", {{"address", hidden.address}, {"port", text}}};
    judgement.verdict = model::Verdict::abnormal;
    judgement.reasons.insert(judgement.reasons.begin(), message);
    judgement.violations.push_back({"port.hidden", hidden.address + " tcp " + text, message});
  }
  return judgement;
}

// Whether the ports are taken there can be told on the host alone.
void ask_about_ports(Context& context, const HiddenPorts& hidden) {
  if (!hidden.agent || hidden.ports.empty()) return;
  const std::string key = key_of(hidden.address);
  const Question before = question_in(context.world, key);
  if (before.asked.ns != 0 && context.now - before.asked < kAskAgain) return;
  const std::size_t count = std::min(hidden.ports.size(), kPortsAsked);
  model::CheckDefinition about;
  about.check = {model::CheckKind::sockets, {}};
  for (std::size_t i = 0; i < count; ++i) {
    about.ports.append(i == 0 ? "" : ",").append(std::to_string(hidden.ports[i]));
  }
  const std::string serial = std::to_string(context.position.value);
  keep(context.world, key, {context.now, waited_for(*hidden.agent, serial)});
  context.world.timers.set(key, context.now + kPortQuestionLife);
  context.effects.requests.push_back({*hidden.agent,
                                      {fmt::format("{}{}/{}", kPrefix, serial, hidden.address),
                                       kPortQuestionLife, std::move(about)}});
}

bool is_port_question(std::string_view request_id) { return request_id.starts_with(kPrefix); }

void take_port_answer(Context& context, const AgentId& agent, const model::RequestResult& result) {
  const std::string_view rest = std::string_view(result.request_id).substr(kPrefix.size());
  const std::size_t slash = rest.find('/');
  const std::string key = key_of(slash == rest.npos ? "" : rest.substr(slash + 1));
  const Question question = question_in(context.world, key);
  if (question.waits_for.empty() ||
      question.waits_for != waited_for(agent, rest.substr(0, slash))) {
    context.world.add("counter/answers_not_asked_for");
    return;
  }
  end(context.world, key, question);
  if (result.outcome != model::RequestOutcome::done) {
    context.world.add("counter/port_questions_refused");
  }
}

bool fire_port_timer(Context& context, std::string_view key) {
  if (!key.starts_with(kPrefix)) return false;
  const std::string name(key);
  end(context.world, name, question_in(context.world, name));
  context.world.add("counter/port_questions_unanswered");
  return true;
}

}  // namespace tocsin::collector
