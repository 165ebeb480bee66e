// Stage 2, second half: the life of an incident, from the first finding to its end. It opens
// provisional (待判定), is graded again whenever its facts change or a crossing is due, is
// acknowledged and registered by people (or registered by itself at grade C or worse), recovers
// when all has been good for a while, and comes back as the same incident.
#pragma once

#include <string>
#include <string_view>

#include "collector/core/effects.hpp"
#include "collector/core/hosts.hpp"

namespace tocsin::collector {

// Late facts wait this long for the facts that follow them: what is already over is not paged.
inline constexpr Duration kLateHold = 10s;
// An incident that nobody registered and that stayed good this long is closed.
inline constexpr Duration kCloseAfter = 24h;

// Findings that opened or closed, and checks whose verdict changed.
void take_judged(Context& context, const Judged& judged);

// Something else is known about a finding: its incident, if it has one.
void regrade_about(Context& context, FindingId id);
// Every open incident under the policy in force.
void regrade_all(Context& context);

// Timers of this part: "attach/FINDING", and "regrade", "register", "remind", "close", "flapping",
// "milder", "estimate" of an incident. False where the key is none of them.
bool fire_incident_timer(Context& context, std::string_view key);

// A line of the incident's history. `by` without a name: the collector itself.
void note(Context& context, IncidentId id, model::Message message, const model::Principal& by = {});
// Whoever decides on an earlier revision is answered a conflict that names `by`.
void revise(model::Incident& incident, const model::Principal& by);
// Grades again by what is known now; people are told where it is worse than ever.
void regrade(Context& context, IncidentId id);
// Is it so bad that somebody should say how long the repair takes, and nobody did (rule B3)?
bool lacks_estimate(const model::Incident& incident);
// The repair was estimated: grades again, and asks when that time has passed.
void expect_repair(Context& context, IncidentId id);
// Reminders and the registration by itself: set, or cleared, by what people decided of it.
void set_next_duties(Context& context, const model::Incident& incident);
// It is over: `incident` leaves memory, and what was not sent yet is taken back.
void finish(Context& context, model::Incident& incident, const model::Principal& by);

// Marks it as taken over by a person; its reminders end. REQUIRES: it is open.
void acknowledge(Context& context, IncidentId id, const model::Principal& by,
                 const std::string& note);
// Gives the official number. `by` without a name: the collector itself, after the time limit.
// REQUIRES: it is open and has no number.
void register_incident(Context& context, IncidentId id, const model::Principal& by,
                       const std::string& note);

}  // namespace tocsin::collector
