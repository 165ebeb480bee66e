#include "collector/core/inquiry.hpp"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "collector/core/correlate.hpp"
#include "collector/core/reach.hpp"

namespace tocsin::collector {
namespace {

constexpr std::string_view kPrefix = "reach/";
constexpr std::string_view kDown = "reach.host_down";
constexpr std::string_view kUnseen = "reach.unseen";
constexpr Duration kPingDeadline = 6s;
constexpr int kPingPackets = 3;

// One question to several places. Kept as text under "reach/ADDRESS": a line for the whole, then
// one for each look, fields separated by tabs.
struct Inquiry {
  std::uint64_t serial = 0;  // journal position of its begin
  Reach reach = Reach::asking;
  Instant unseen_since;  // nobody could tell since then; 0: somebody could
  std::vector<Look> looks;
};

std::string key_of(std::string_view address) { return fmt::format("{}{}", kPrefix, address); }

std::string field(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\t' || c == '\n'; }, ' ');
  return text;
}

std::string to_text(const Inquiry& inquiry) {
  std::string text = fmt::format("{}\t{}\t{}\n", inquiry.serial, static_cast<int>(inquiry.reach),
                                 inquiry.unseen_since.ns);
  for (const Look& look : inquiry.looks) {
    text += fmt::format("{}\t{}\t{}\t{}\t{}\n", look.vantage.agent.hex, field(look.vantage.name),
                        field(look.vantage.rack), static_cast<int>(look.sight),
                        static_cast<int>(look.gateway));
  }
  return text;
}

std::string_view take(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Written by to_text of this or an older version; what is missing is nothing.
std::optional<Inquiry> inquiry_in(const World& world, std::string_view address) {
  std::string_view text = world.value(key_of(address));
  if (text.empty()) return std::nullopt;
  std::string_view head = take(text, '\n');
  Inquiry inquiry;
  inquiry.serial = number(take(head, '\t'));
  inquiry.reach = static_cast<Reach>(number(take(head, '\t')));
  inquiry.unseen_since.ns = static_cast<std::int64_t>(number(take(head, '\t')));
  while (!text.empty()) {
    std::string_view line = take(text, '\n');
    Look look;
    look.vantage.agent.hex = take(line, '\t');
    look.vantage.name = take(line, '\t');
    look.vantage.rack = take(line, '\t');
    look.sight = static_cast<Sight>(number(take(line, '\t')));
    look.gateway = static_cast<model::Tristate>(number(take(line, '\t')));
    inquiry.looks.push_back(std::move(look));
  }
  return inquiry;
}

bool is_asking(const World& world, std::string_view address) {
  const auto inquiry = inquiry_in(world, address);
  return inquiry && inquiry->reach == Reach::asking;
}

Vantage vantage_of(const Context& context, const model::Host& host) {
  const model::HostPolicy* policy = model::host_policy(context.policy, host.name);
  return {host.agent, host.name, policy == nullptr ? std::string() : policy->rack};
}

const model::Host* host_named(const World& world, std::string_view name) {
  for (const auto& [agent, host] : world.hosts.rows()) {
    if (host.name == name && !host.revoked) return &host;
  }
  return nullptr;
}

model::CheckRef ping_of(const std::string& address) { return {model::CheckKind::ping, address}; }

model::CheckDefinition question_about(const model::HostPolicy& host) {
  model::CheckDefinition definition;
  definition.check = ping_of(host.address);
  definition.deadline = kPingDeadline;
  definition.ping_packets = kPingPackets;
  definition.ping_tcp_port = host.tcp_port;
  return definition;
}

// What a vantage that has answered sees differently while others still look.
void see_again(Context& context, const model::HostPolicy& target, Inquiry inquiry,
               const Look& newer) {
  for (Look& look : inquiry.looks) {
    if (look.vantage.agent == newer.vantage.agent && look.sight != Sight::waiting) look = newer;
  }
  context.world.set_value(key_of(target.address), to_text(inquiry));
}

// `first`: what made us ask, already known.
void begin(Context& context, const model::HostPolicy& target, const std::optional<Look>& first) {
  std::optional<Inquiry> under_way = inquiry_in(context.world, target.address);
  if (under_way && under_way->reach == Reach::asking) {
    if (first) see_again(context, target, *std::move(under_way), *first);
    return;
  }
  std::vector<Vantage> agents;
  for (const auto& [agent, host] : context.world.hosts.rows()) {
    const bool asked = first && first->vantage.agent == agent;
    const bool can_look = host.presence == model::Presence::heard && !host.revoked;
    if (can_look && !asked && host.name != target.host) {
      agents.push_back(vantage_of(context, host));
    }
  }
  Inquiry inquiry;
  inquiry.serial = context.position.value;
  if (under_way) inquiry.unseen_since = under_way->unseen_since;
  if (first) inquiry.looks.push_back(*first);
  const std::string id = fmt::format("{}{}/{}", kPrefix, inquiry.serial, target.address);
  const model::Request request{id, kInquiryLife, question_about(target)};
  for (Vantage& vantage : choose_vantages(target.rack, std::move(agents))) {
    if (vantage.agent.hex.empty()) {
      context.effects.own_looks.push_back(request);
    } else {
      context.effects.requests.push_back({vantage.agent, request});
    }
    inquiry.looks.push_back({std::move(vantage), Sight::waiting, model::Tristate::unknown});
  }
  context.world.add("counter/inquiries");
  context.world.set_value(key_of(target.address), to_text(inquiry));
  context.world.timers.set(key_of(target.address), context.now + kInquiryLife);
}

// ---- What an inquiry ends with

// The finding that the host is down belongs to its own agent, or to whoever missed it first.
AgentId owner_of(const Context& context, const model::HostPolicy& target, const Inquiry& inquiry) {
  const model::Host* host = host_named(context.world, target.host);
  if (host != nullptr) return host->agent;
  const auto missed =
      std::find_if(inquiry.looks.begin(), inquiry.looks.end(), [](const Look& look) {
        return look.sight == Sight::missed && !look.vantage.agent.hex.empty();
      });
  return missed == inquiry.looks.end() ? AgentId{} : missed->vantage.agent;
}

// It is known under the agent that owned it first, whoever misses the host now.
std::vector<FindingId> findings_about(const World& world, std::string_view code,
                                      const std::string& address) {
  std::vector<FindingId> found;
  const auto add = [&](const AgentId& agent) {
    const model::Finding* finding =
        world.finding_by_key(dedup_key(agent, agent_check(), code, address));
    if (finding != nullptr && !finding->closed) found.push_back(finding->id);
  };
  for (const auto& [agent, host] : world.hosts.rows()) add(agent);
  add({});  // Nobody but the collector was there to be asked.
  return found;
}

std::vector<FindingId> down_findings(const World& world, const std::string& address) {
  return findings_about(world, kDown, address);
}

// What agents found by pinging the host, and its own silence, that belong to no incident that is
// under way.
std::vector<FindingId> waiting_findings(const Context& context, const model::HostPolicy& target) {
  std::vector<FindingId> found;
  const auto add = [&](const model::Finding* finding) {
    if (finding == nullptr || finding->closed) return;
    const model::Incident* incident = context.world.incidents.find(finding->incident);
    if (incident == nullptr || incident->recovered) found.push_back(finding->id);
  };
  for (const auto& [agent, host] : context.world.hosts.rows()) {
    for (const FindingId id : context.world.findings_of(agent, ping_of(target.address))) {
      add(context.world.finding(id));
    }
    if (host.name != target.host) continue;
    add(context.world.finding_by_key(dedup_key(agent, agent_check(), "agent.silent", "")));
  }
  return found;
}

void say_on_checks(Context& context, const model::HostPolicy& target, const Inquiry& inquiry,
                   const model::Message& message) {
  for (const Look& look : inquiry.looks) {
    model::Host* host = context.world.hosts.change(look.vantage.agent);
    if (host == nullptr) continue;
    for (model::CheckStatus& status : host->checks) {
      if (status.check != ping_of(target.address)) continue;
      std::erase_if(status.reasons,
                    [](const model::Message& reason) { return reason.code.starts_with("reach."); });
      status.reasons.push_back(message);
    }
  }
}

// One that is known says what was seen of it last. What was confirmed stays so until somebody
// reaches the host; a suspicion that becomes a certainty, or comes back, is graded anew.
void tell_down(Context& context, const model::HostPolicy& target, const Inquiry& inquiry,
               const model::Message& message, Judged& judged) {
  const bool missed = inquiry.reach != Reach::cannot_tell;
  const std::vector<FindingId> known = down_findings(context.world, target.address);
  if (known.empty()) {
    if (!missed) return;
    open_about_agent(context, owner_of(context, target, inquiry),
                     {std::string(kDown), target.address, message}, judged);
    return;
  }
  model::Message& said = context.world.change_finding(known.front()).message;
  if (said.code == kDown && message.code != kDown) return;
  const bool another = std::exchange(said, message).code != message.code;
  if (another && missed) {
    judged.transitions.push_back({known.front(), Transition::Change::changed, false});
  }
}

void close_down(Context& context, const model::HostPolicy& target, Judged& judged) {
  for (const FindingId id : down_findings(context.world, target.address)) {
    context.world.close_finding(id, context.now, context.position);
    judged.transitions.push_back({id, Transition::Change::closed, false});
  }
}

// A host that says nothing itself, and of which nobody could tell for long.
void tell_unseen(Context& context, const model::HostPolicy& target, Inquiry& inquiry,
                 Judged& judged) {
  const std::vector<FindingId> known = findings_about(context.world, kUnseen, target.address);
  // One with an agent says itself, or by its silence, how it stands.
  const bool has_agent = host_named(context.world, target.host) != nullptr;
  if (inquiry.reach != Reach::cannot_tell || has_agent) {
    inquiry.unseen_since = {};
    for (const FindingId id : known) {
      context.world.close_finding(id, context.now, context.position);
      judged.transitions.push_back({id, Transition::Change::closed, false});
    }
    return;
  }
  if (inquiry.unseen_since.ns == 0) inquiry.unseen_since = context.now;
  const bool long_enough = inquiry.unseen_since + kUnseenFor <= context.now;
  const bool said_already = !known.empty() || !down_findings(context.world, target.address).empty();
  if (!long_enough || said_already) return;
  model::Message message = reach_message(inquiry.reach, target.host, target.address, inquiry.looks);
  message.code = kUnseen;
  open_about_agent(context, inquiry.looks.front().vantage.agent,
                   {std::string(kUnseen), target.address, std::move(message)}, judged);
}

bool is_reached(Reach reach) {
  return reach == Reach::path || reach == Reach::vantage || reach == Reach::reachable;
}

// Those who waited for the answer go on to their incident, or stay what they are: seen from one
// place only.
void release(Context& context, const model::HostPolicy& target, Reach reach, Judged& judged) {
  for (const FindingId id : waiting_findings(context, target)) {
    const model::Finding& finding = *context.world.finding(id);
    const bool silence = finding.code == "agent.silent";
    context.world.timers.clear(fmt::format("attach/{}", id.value));
    if (silence || !is_reached(reach))
      judged.transitions.push_back({id, Transition::Change::opened, false});
  }
}

Judged conclude(Context& context, const model::HostPolicy& target, Inquiry inquiry) {
  Judged judged;
  inquiry.reach = judge_reach(inquiry.looks, names_racks(context.policy));
  tell_unseen(context, target, inquiry, judged);
  context.world.set_value(key_of(target.address), to_text(inquiry));
  const model::Message message =
      reach_message(inquiry.reach, target.host, target.address, inquiry.looks);
  context.world.add(fmt::format("counter/reach_{}", to_string(inquiry.reach)));
  say_on_checks(context, target, inquiry, message);
  if (is_reached(inquiry.reach)) {
    close_down(context, target, judged);
  } else {
    tell_down(context, target, inquiry, message, judged);
  }
  release(context, target, inquiry.reach, judged);
  context.world.timers.set(key_of(target.address), context.now + kAskAgain);
  return judged;
}

// Asked again as long as anything is open about it, or it says nothing itself and nobody could
// tell.
void ask_again(Context& context, const model::HostPolicy& target, const Inquiry& inquiry) {
  const bool unseen =
      inquiry.reach == Reach::cannot_tell && host_named(context.world, target.host) == nullptr;
  const bool wrong = unseen || !findings_about(context.world, kUnseen, target.address).empty() ||
                     !down_findings(context.world, target.address).empty() ||
                     !waiting_findings(context, target).empty();
  if (wrong) begin(context, target, std::nullopt);
}

Judged take(Context& context, const AgentId& agent, std::string_view request_id,
            const model::Observation* observation) {
  std::string_view rest = request_id.substr(kPrefix.size());
  const std::uint64_t serial = number(take(rest, '/'));
  const std::string address(rest);
  std::optional<Inquiry> inquiry = inquiry_in(context.world, address);
  const model::HostPolicy* target = host_at(context.policy, address);
  const bool late = !inquiry || inquiry->serial != serial || inquiry->reach != Reach::asking;
  if (late || target == nullptr) {
    context.world.add("counter/answers_not_asked_for");
    return {};
  }
  for (Look& look : inquiry->looks) {
    if (look.vantage.agent != agent || look.sight != Sight::waiting) continue;
    const model::Observation nothing{};
    look = look_of(look.vantage, observation == nullptr ? nothing : *observation);
  }
  if (judge_reach(inquiry->looks, names_racks(context.policy)) != Reach::asking) {
    return conclude(context, *target, *std::move(inquiry));
  }
  context.world.set_value(key_of(address), to_text(*inquiry));
  return {};
}

}  // namespace

const model::HostPolicy* unreachable_host(const Context& context, const model::Finding& finding) {
  if (finding.code == kDown || finding.code == kUnseen)
    return host_at(context.policy, finding.subject);
  if (finding.code == "ping.unreachable") return host_at(context.policy, finding.check.target);
  if (finding.code != "agent.silent") return nullptr;
  const model::Host* host = context.world.hosts.find(finding.agent);
  if (host == nullptr) return nullptr;
  const model::HostPolicy* policy = model::host_policy(context.policy, host->name);
  return policy == nullptr || policy->address.empty() ? nullptr : policy;
}

void ask_about(Context& context, const model::AgentFact& fact) {
  const auto* seen = std::get_if<model::Observation>(&fact.fact.body);
  const auto* ping = seen == nullptr ? nullptr : std::get_if<model::PingFacts>(&seen->facts);
  if (ping == nullptr || ping->received > 0) return;
  const model::HostPolicy* target = host_at(context.policy, seen->check.target);
  const model::Host* host = context.world.hosts.find(fact.agent);
  const bool old = seen->at + kLate < context.now;
  if (target == nullptr || host == nullptr || host->revoked || old) return;
  begin(context, *target, look_of(vantage_of(context, *host), *seen));
}

void ask_about(Context& context, const model::AgentPresence& presence) {
  if (presence.state != model::Presence::silent) return;
  const model::Host* host = context.world.hosts.find(presence.agent);
  if (host == nullptr || host->revoked) return;
  const model::HostPolicy* policy = model::host_policy(context.policy, host->name);
  if (policy != nullptr && !policy->address.empty()) begin(context, *policy, std::nullopt);
}

bool is_inquiry(std::string_view request_id) { return request_id.starts_with(kPrefix); }

Judged take_answer(Context& context, const AgentId& agent, const model::RequestResult& result) {
  const bool done = result.outcome == model::RequestOutcome::done && !result.observations.empty();
  return take(context, agent, result.request_id, done ? &result.observations.front() : nullptr);
}

Judged take_look(Context& context, const model::CollectorLook& look) {
  if (!is_inquiry(look.request_id)) return {};
  return take(context, {}, look.request_id, &look.observation);
}

std::string_view own_view(const Context& context) {
  bool reaches = false;
  bool misses = false;
  bool cut_off = false;
  for (const auto& [agent, host] : context.world.hosts.rows()) {
    if (host.revoked || host.presence != model::Presence::silent) continue;
    const model::HostPolicy* policy = model::host_policy(context.policy, host.name);
    if (policy == nullptr || policy->address.empty()) continue;
    const std::optional<Inquiry> inquiry = inquiry_in(context.world, policy->address);
    if (!inquiry) continue;
    for (const Look& look : inquiry->looks) {
      if (!look.vantage.agent.hex.empty()) continue;
      reaches = reaches || look.sight == Sight::reached;
      misses = misses || look.sight == Sight::missed;
      cut_off = cut_off || (look.sight == Sight::blind && look.gateway == model::Tristate::no);
    }
  }
  if (reaches) return "@own_view.reaches";
  if (cut_off) return "@own_view.cut_off";
  return misses ? "@own_view.misses" : "@own_view.unknown";
}

Judged forget_unnamed(Context& context) {
  Judged judged;
  const auto forget = [&](const AgentId& agent) {
    for (const FindingId id : context.world.findings_of(agent, agent_check())) {
      const model::Finding& finding = *context.world.finding(id);
      const bool about_it = finding.code == kDown || finding.code == kUnseen;
      const bool asked = !about_it || host_at(context.policy, finding.subject);
      if (!finding.closed && !asked) leave_finding(context, id, judged);
    }
  };
  for (const auto& [agent, host] : context.world.hosts.rows()) forget(agent);
  forget({});  // Where nobody but the collector was there to be asked.
  return judged;
}

std::optional<Judged> fire_inquiry_timer(Context& context, std::string_view key) {
  if (!key.starts_with(kPrefix)) return std::nullopt;
  const std::string_view address = key.substr(kPrefix.size());
  const model::HostPolicy* target = host_at(context.policy, address);
  std::optional<Inquiry> inquiry = inquiry_in(context.world, address);
  if (target == nullptr || !inquiry) return Judged{};  // The policy does not name it any more.
  if (inquiry->reach != Reach::asking) {
    ask_again(context, *target, *inquiry);
    return Judged{};
  }
  for (Look& look : inquiry->looks) {
    if (look.sight == Sight::waiting) look.sight = Sight::blind;
  }
  return conclude(context, *target, *std::move(inquiry));
}

bool waits_for_inquiry(const Context& context, const model::Finding& finding) {
  const model::HostPolicy* host = unreachable_host(context, finding);
  return host != nullptr && finding.code != kDown && finding.code != kUnseen &&
         is_asking(context.world, host->address);
}

std::optional<IncidentId> incident_of_down_host(const Context& context,
                                                const model::Finding& finding) {
  const model::HostPolicy* host = unreachable_host(context, finding);
  if (host == nullptr) return std::nullopt;
  for (const FindingId id : down_findings(context.world, host->address)) {
    const IncidentId incident = context.world.finding(id)->incident;
    if (context.world.incidents.find(incident) != nullptr) return incident;
  }
  return std::nullopt;
}

}  // namespace tocsin::collector
