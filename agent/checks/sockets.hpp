// Which sockets listen, by which program, and who is connected (procedure M-07, M-08).
//
// Cheap enough for every other second: the kernel gives listeners without walking connections, the
// descriptors of processes are searched only for sockets not seen before, and what is remembered of
// an owner is looked at again at every run. Connections are counted every 30 s. An unconnected UDP
// socket on an ephemeral port counts as a listener once it has been there for 30 s (or since before
// the first run): name resolvers make and drop such sockets all the time.
#pragma once

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_sockets(const model::CheckDefinition& check, CheckContext& context);

}  // namespace tocsin::agent
