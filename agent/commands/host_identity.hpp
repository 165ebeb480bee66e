// What the host calls itself. Blocks briefly; an empty text where the host does not say.
#pragma once

#include <string>

namespace tocsin::agent {

struct HostIdentity {
  std::string host_name;
  std::string operating_system;  // "Debian GNU/Linux 12 (bookworm)"
  std::string boot_id;
};
HostIdentity read_host_identity();

}  // namespace tocsin::agent
