// Stage 1: what agents saw becomes verdicts, and verdicts become findings that open, change and
// close. A finding exists at first sight; whether somebody is told is stage 2's business
// (incident.hpp).
#pragma once

#include <vector>

#include "collector/core/effects.hpp"
#include "common/model/journal.hpp"

namespace tocsin::collector {

// A fact older than this at its arrival is late: the agent was cut off, or its clock is wrong.
inline constexpr Duration kLate = 60s;

struct Transition {
  // changed: it is still open, and what it says grades differently now. unwatched: closed because
  // nobody looks any more; whether it is over nobody knows.
  enum class Change : std::uint8_t { opened, changed, closed, unwatched };
  FindingId finding;
  Change change = Change::opened;
  bool late = false;
};

struct Judged {
  std::vector<Transition> transitions;
  std::vector<model::CheckRef> changed;  // checks whose verdict is another one now
  std::vector<FindingId> believed_anew;  // open; whether somebody still looks is another answer now
};

// An agent that is not admitted, or is revoked, changes nothing and is counted.
Judged take_fact(Context& context, const model::AgentFact& fact);
Judged take_presence(Context& context, const model::AgentPresence& presence);
// Values of the world: how many facts agents no longer have that never came, in all, and when such
// a range was found last.
inline constexpr const char* kFactsMissing = "missing/facts";
inline constexpr const char* kFactsMissingSince = "missing/found_ns";
void take_range_lost(Context& context, const model::FactRangeLost& lost);
// What the collector itself found about an agent, or about itself where the agent's id is empty,
// under a check of its own: opens what is new and closes what is not there any more.
Judged find_about(Context& context, const AgentId& agent, const model::CheckRef& check,
                  const std::vector<model::Violation>& violations);
// The agent's key was revoked: what the collector itself found about it is over, and what its
// checks found is not watched any more.
Judged stop_watching(Context& context, const AgentId& agent);
// Nobody looks at this any more. REQUIRES: it is open.
void leave_finding(Context& context, FindingId id, Judged& judged);

// Opens a finding of the collector itself about an agent's host (check: agent_check()).
void open_about_agent(Context& context, const AgentId& agent, const model::Violation& violation,
                      Judged& judged);

// The policy changed: judges what was last seen of every host against it.
Judged judge_again(Context& context);
// The same for some, because what is normal there changed.
Judged judge_again(Context& context, const std::vector<AgentId>& agents);

}  // namespace tocsin::collector
