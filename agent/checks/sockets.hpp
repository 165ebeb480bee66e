// Which sockets listen, by which program, and who is connected (procedure M-07, M-08).
//
// Facts: listeners with program, user, unit and file, also of other network namespaces; sources by
// service and prefix with first, last and count; what is hidden; what could not be seen. Verdicts:
// abnormal port.unexpected, port.concealed, source.unexpected; cannot tell port.owner_unknown,
// port.file_unknown, source.too_coarse, source.unreadable, source.udp_unseen,
// observation.incomplete, no baseline; normal port.ok, with port.ephemeral, .namespaces_not_seen,
// .taken_unlisted, .not_tried, .none_tried, source.not_exact, .short_unseen, .events_lost beside:
// these say how far a look reached that was made, of the host's own namespace and of what lasted.
//
// No finding: UDP on a dynamic port without other signs, loopback sources, a service without
// approved sources, a bound socket that does not listen on a kernel that does not list those.
//
// Cheap enough for every other second: the kernel gives listeners without walking connections, the
// descriptors of processes are searched only for sockets not seen before, and what is remembered of
// an owner is looked at again at every run. An unconnected UDP socket on an ephemeral port counts
// as a listener once it has been there for 30 s (or since before the first run): name resolvers
// make and drop such sockets all the time.
//
// Between runs the kernel's counters are looked at, and where they moved the list of TCP listeners,
// which costs 0.05 ms whatever the number of connections: at once when the kernel tells that
// something begins to listen (agent/os/listen_events.hpp), and each second; where it does not tell,
// as it takes CAP_PERFMON and tracefs, ten times a second. What such a look can miss, and what
// finds it, is said in listener_gate.hpp.
//
// Connections are counted every 30 s, and those that ended in between come as the kernel's events:
// by network, and by address for the ports that the check names as having finer rules.
// Other network namespaces are looked at every 10 s through /proc/PID/net, which costs a walk
// through the whole machine's connections for each: with many of them as often as a fifth of a
// percent of a processor allows.
//
// A program that every table hides still keeps its port: every ten seconds 32 TCP and 32 UDP ports
// that nobody listens on are bound for some microseconds (agent/os/try_bind.hpp), all of them
// within six hours; the check's `ports`, which answered a scan from elsewhere, at once.
#pragma once

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_sockets(const model::CheckDefinition& check, CheckContext& context);

inline constexpr Duration kSocketsGlance = 120ms;
inline constexpr Duration kSocketsGlanceTold = 1s;
// True where the TCP listeners are not those of the last run.
bool glance_at_sockets(CheckContext& context);

}  // namespace tocsin::agent
