#include "collector/operate/summary.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "common/wire/proto.hpp"

namespace tocsin::collector {

using model::Severity;

Severity shown_severity(const model::Incident& incident) {
  if (incident.approved != Severity::none) return incident.approved;
  if (incident.live != Severity::none) return incident.live;
  return incident.peak;
}

void count_agents(const std::vector<model::Host>& hosts, v1::Status& status) {
  std::uint32_t heard = 0;
  std::uint32_t total = 0;
  for (const model::Host& host : hosts) {
    if (host.revoked) continue;
    ++total;
    if (host.presence == model::Presence::heard) ++heard;
  }
  status.set_agents_total(total);
  status.set_agents_heard(heard);
  status.set_agents_silent(total - heard);
}

void count_incidents(std::vector<model::Incident> open, v1::Status& status) {
  std::map<Severity, std::uint32_t> by_severity;
  for (const Severity severity :
       {Severity::a, Severity::b, Severity::c, Severity::d, Severity::e}) {
    by_severity[severity] = 0;
  }
  for (const model::Incident& incident : open) ++by_severity[shown_severity(incident)];
  for (auto row = by_severity.rbegin(); row != by_severity.rend(); ++row) {
    auto* count = status.add_open_by_severity();
    count->set_severity(static_cast<v1::Severity>(row->first));
    count->set_count(row->second);
  }

  std::erase_if(open, [](const model::Incident& i) { return i.acknowledged.has_value(); });
  status.set_unacknowledged(static_cast<std::uint32_t>(open.size()));
  std::sort(open.begin(), open.end(), [](const model::Incident& a, const model::Incident& b) {
    const Severity of_a = shown_severity(a);
    const Severity of_b = shown_severity(b);
    return std::tie(of_b, a.opened, a.id) < std::tie(of_a, b.opened, b.id);
  });
  if (open.size() > kNeedsYou) open.resize(kNeedsYou);
  for (const model::Incident& incident : open) wire::to_proto(incident, *status.add_needs_you());
}

namespace {

struct ChannelHealth {
  std::uint32_t pending = 0;
  std::uint32_t failed = 0;
  const model::Notification* last = nullptr;
};

bool went_wrong(const model::Notification& notification) {
  return notification.status == model::NotificationStatus::failed ||
         (notification.status == model::NotificationStatus::pending && notification.attempts > 0);
}

}  // namespace

void describe_channels(const model::SitePolicy& policy,
                       const std::vector<model::Notification>& pending,
                       const std::vector<model::Notification>& last_by_channel,
                       v1::Status& status) {
  std::map<std::string, ChannelHealth> channels;
  for (const model::ChannelPolicy& channel : policy.channels) channels[channel.name];
  for (const model::Notification& last : last_by_channel) {
    ChannelHealth& health = channels[last.channel];
    health.last = &last;
    if (last.status == model::NotificationStatus::failed) ++health.failed;
  }
  for (const model::Notification& waiting : pending) {
    ChannelHealth& health = channels[waiting.channel];
    ++health.pending;
    if (!went_wrong(waiting)) continue;
    ++health.failed;
    // A retry that is under way is the newest word on a channel whose last outcome was a success.
    if (health.last == nullptr || health.last->id < waiting.id) health.last = &waiting;
  }
  for (const auto& [name, health] : channels) {
    auto* row = status.add_channels();
    row->set_name(name);
    row->set_pending(health.pending);
    row->set_failed(health.failed);
    row->set_healthy(health.last == nullptr || !went_wrong(*health.last));
    if (health.last == nullptr) continue;
    wire::to_proto(health.last->last_detail, *row->mutable_last_detail());
    row->set_since_ns(health.last->created.ns);
  }
}

bool needs_attention(const model::Host& host) {
  if (host.revoked) return false;
  if (host.presence != model::Presence::heard) return true;
  const auto any = [&](model::Verdict verdict) {
    return std::any_of(host.checks.begin(), host.checks.end(),
                       [&](const model::CheckStatus& check) { return check.verdict == verdict; });
  };
  return !any(model::Verdict::normal) || any(model::Verdict::abnormal) ||
         any(model::Verdict::cannot_tell);
}

}  // namespace tocsin::collector
