// What people decide about an incident: whether it is real (procedure R-02), its grade (R-04,
// S-02), how long the repair takes (P-04), and that it is over (H-08). The facts' own grade stays
// beside each of them. Who may is asked in commands.hpp, but for what the grade decides (S-03).
#pragma once

#include <optional>
#include <string>

#include "collector/core/effects.hpp"

namespace tocsin::collector {

// What the approved grade is while facts do not exceed it; else the worse of it and what they say.
model::Severity grade_in_force(const model::Incident& incident);
// The grade that decides who decides (S-03): the approved one while it holds, else the worst so
// far.
model::Severity governing_grade(const model::Incident& incident);

// May this role change the approved grade to `severity`? What concerns grade A is the officer's and
// the committee's (P-08, P-09).
bool may_approve(model::Role role, const model::Incident& incident, model::Severity severity);
// Is a worse grade put to a person (severity rules A2, A4, B0, B1), and nobody has decided since?
bool awaits_assent(const model::Incident& incident);
// Below A the officer closes (P-08), A the committee (P-09).
bool may_close(model::Role role, const model::Incident& incident);

// Why it cannot be closed with this verdict now: no verdict, not registered (P-06), still bad or
// not good for long enough (H-08). nullopt: it can. What only an agent saw whose key was revoked
// would be bad for ever, and keeps nobody from closing it.
std::optional<model::Message> not_closable(const Context& context, const model::Incident& incident,
                                           model::IncidentVerdict verdict);

// REQUIRES of all: the incident is open.
void judge_incident(Context& context, IncidentId id, model::IncidentVerdict verdict,
                    const model::Principal& by, const std::string& reason);
void approve_grade(Context& context, IncidentId id, model::Severity severity,
                   const model::Principal& by, const std::string& reason);
void estimate_repair(Context& context, IncidentId id, Duration duration, const model::Principal& by,
                     const std::string& reason);
// REQUIRES: it is closable.
void close_incident(Context& context, IncidentId id, model::IncidentVerdict verdict,
                    const model::Principal& by, const std::string& cause);

}  // namespace tocsin::collector
