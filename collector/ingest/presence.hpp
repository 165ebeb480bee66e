// Whether an agent is heard: a small state machine for each, whose changes are journaled. Pure; the
// time is an argument.
#pragma once

#include <optional>
#include <string>

#include "common/base/instant.hpp"
#include "common/model/incident.hpp"
#include "common/model/journal.hpp"

namespace tocsin::collector {

class AgentWatch {
 public:
  // `known` is what the journal said last, if anything; silence counts from `now`.
  AgentWatch(std::optional<model::Presence> known, MonoTime now)
      : state_(known), heard_(now), clone_(now) {}

  // What is journaled of a change; nothing where there is none.
  struct Change {
    model::Presence state = model::Presence::heard;
    Duration since{};  // ago
    model::Message detail;
  };

  // It said Hello; `description` is its versions and names, told again when they change.
  std::optional<Change> greeted(MonoTime now, const std::string& description);
  // Any other message, or a moment in which we did not listen.
  std::optional<Change> heard(MonoTime now);
  // Heard, but none of its checks has run for too long: the observer beside the link has stopped.
  std::optional<Change> stalled(MonoTime now, Duration idle);
  // Asked now and then.
  std::optional<Change> look(MonoTime now, Duration silent_after);
  // Another one with the same key tried to connect.
  std::optional<Change> clone_seen(MonoTime now);
  // Its spool is an older one, or a copy: restored, or used on another host.
  std::optional<Change> restored_seen(MonoTime now);

  std::optional<model::Presence> state() const { return state_; }
  MonoTime last_heard() const { return heard_; }

 private:
  std::optional<Change> become(model::Presence state, Duration since, model::Message detail);

  std::optional<model::Presence> state_;
  MonoTime heard_;
  MonoTime clone_;
  std::string description_;
  bool greeted_ = false;
  bool stalled_ = false;
};

}  // namespace tocsin::collector
