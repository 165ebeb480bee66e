// Which host a check looks at, where that is not the host that runs it: pings, port scans, service
// answers and logins of one host tell about another, which may have no agent of its own.
#pragma once

#include <string>

#include "common/model/check.hpp"
#include "common/model/policy.hpp"

namespace tocsin::collector {

// The address in the check's target: "10.20.0.7" of "https://10.20.0.7:8080/health". Empty: the
// check looks at its own host, or at a loopback address, which is another host everywhere.
std::string address_looked_at(const model::CheckRef& check);

// The host of the policy with this address, or nullptr.
const model::HostPolicy* host_at(const model::SitePolicy& policy, std::string_view address);

}  // namespace tocsin::collector
