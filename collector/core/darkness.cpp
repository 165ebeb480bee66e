#include "collector/core/darkness.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "collector/core/correlate.hpp"
#include "collector/core/incident.hpp"
#include "collector/core/inquiry.hpp"

namespace tocsin::collector {
namespace {

constexpr const char* kTimer = "dark";
constexpr Duration kTogether = 1min;        // silences that are that near began together
constexpr std::size_t kSilentToHeard = 10;  // nearly all: so many silent ones for one that is heard

model::CheckRef darkness_check() { return {model::CheckKind::collector, "network"}; }

const model::Finding* darkness(const World& world) {
  const model::Finding* finding = world.finding_by_key(dedup_key({}, darkness_check(), kDark, ""));
  return finding == nullptr || finding->closed ? nullptr : finding;
}

struct Heard {
  std::size_t silent = 0;  // since about the same time
  std::size_t heard = 0;
};

Heard heard_of(const World& world) {
  const auto is_silent = [](const model::Host& host) {
    return !host.revoked && host.presence == model::Presence::silent;
  };
  Instant newest{INT64_MIN};
  for (const auto& [agent, host] : world.hosts.rows()) {
    if (is_silent(host)) newest = std::max(newest, host.presence_since);
  }
  Heard all;
  for (const auto& [agent, host] : world.hosts.rows()) {
    if (is_silent(host) && host.presence_since + kTogether >= newest) ++all.silent;
    if (!host.revoked && host.presence == model::Presence::heard) ++all.heard;
  }
  return all;
}

bool is_dark(const Heard& all) {
  return all.silent >= kFewestDark && all.heard * kSilentToHeard <= all.silent;
}

model::Parameter own_words(const Context& context) {
  return {"own", std::string(own_view(context))};
}

model::Violation say(const Context& context, const Heard& all) {
  return {kDark,
          "",
          {kDark,
           {{"silent", std::to_string(all.silent)},
            {"heard", std::to_string(all.heard)},
            own_words(context)}}};
}

// What the collector's own looks said may have come after it was known.
void say_anew(Context& context, FindingId dark, const Heard& all) {
  model::Finding& finding = context.world.change_finding(dark);
  const model::Parameter before = finding.message.parameters.back();
  finding.message = say(context, all).message;
  model::Incident* incident = context.world.incidents.change(finding.incident);
  if (incident == nullptr || incident->findings.front() != dark) return;
  incident->title = finding.message;
  if (finding.message.parameters.back() != before) note(context, incident->id, finding.message);
}

// Who is still silent now is so for a reason of its own.
void release_silent(Context& context, IncidentId id, Judged& judged) {
  model::Incident* incident = context.world.incidents.change(id);
  if (incident == nullptr) return;
  const std::vector<FindingId> findings = incident->findings;
  for (const FindingId of : findings) {
    const model::Finding* finding = context.world.finding(of);
    if (finding == nullptr || finding->closed || finding->code != "agent.silent") continue;
    std::erase(incident->findings, of);
    context.world.change_finding(of).incident = {};
    judged.transitions.push_back({of, Transition::Change::opened, false});
  }
}

Judged judge_darkness(Context& context) {
  const Heard all = heard_of(context.world);
  const model::Finding* known = darkness(context.world);
  if (known == nullptr) {
    if (!is_dark(all)) return {};
    // Looked at once more when the collector's own looks are over.
    context.world.timers.set(kTimer, context.now + kInquiryLife);
    return find_about(context, {}, darkness_check(), {say(context, all)});
  }
  if (all.heard < all.silent) {
    say_anew(context, known->id, all);
    return {};
  }
  const IncidentId incident = known->incident;
  Judged judged = find_about(context, {}, darkness_check(), {});
  release_silent(context, incident, judged);
  return judged;
}

}  // namespace

void look_for_darkness(Context& context, const model::AgentPresence& presence) {
  const bool matters =
      presence.state == model::Presence::silent ||
      (presence.state == model::Presence::heard && darkness(context.world) != nullptr);
  if (matters && !context.world.timers.due(kTimer)) {
    context.world.timers.set(kTimer, context.now + kDarkSettles);
  }
}

std::optional<Judged> fire_darkness_timer(Context& context, std::string_view key) {
  if (key != kTimer) return std::nullopt;
  return judge_darkness(context);
}

std::optional<IncidentId> incident_of_darkness(const Context& context,
                                               const model::Finding& finding) {
  const model::Finding* dark = darkness(context.world);
  const bool is_part = finding.code == "agent.silent" || unreachable_host(context, finding);
  if (dark == nullptr || !is_part || finding.opened + kTogether < dark->opened) return std::nullopt;
  if (context.world.incidents.find(dark->incident) == nullptr) return std::nullopt;
  return dark->incident;
}

Duration settles(const World& world, const model::Finding& finding) {
  const bool may_be_all = world.hosts.rows().size() >= kFewestDark;
  return finding.code == "agent.silent" && may_be_all ? kSilenceSettles : Duration{};
}

}  // namespace tocsin::collector
