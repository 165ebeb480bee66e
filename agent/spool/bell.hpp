// What the agent's two processes tell each other beside the spool: a file for each direction that
// is written to after something was committed. The database itself is written to before what it
// holds can be read, and far more often. Who was killed between its commit and the bell did not
// ring: who listens also looks by itself now and then.
#pragma once

#include <string>

#include <sys/stat.h>

#include "common/base/result.hpp"
#include "common/net/fd.hpp"

namespace tocsin::agent {

enum class Bell {
  up,    // there are new facts; the link listens
  down,  // there are requests, another assignment, results wanted again; the observer listens
};
std::string spool_bell(const std::string& spool_file, Bell bell);

// To ring it. It belongs to whom the spool belongs, also where root opens it first. Not valid, and
// logged, where it cannot be opened.
net::Fd open_bell(const std::string& spool_file, Bell bell, const struct stat& spool);
// What the system refuses (a full disk) is no error.
void ring(const net::Fd& bell);

// Readable after the bell rang; what it says does not matter. Does not block. Errors:
// resource_exhausted, not_found.
Result<net::Fd> listen_to_bell(const std::string& spool_file, Bell bell);
// Takes what was rung.
void take_rings(const net::Fd& ears);

}  // namespace tocsin::agent
