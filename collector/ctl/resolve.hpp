// Short names for incidents and hosts. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tocsin/v1/operator.pb.h"

#include "common/base/result.hpp"

namespace tocsin::ctl {

// What the collector is asked for `reference`: a whole number or an id ("42", "#42"); empty for
// what can only be an abbreviation ("0042").
std::string exact_reference(std::string_view reference);

// The one incident whose number ends in `part`. Errors: not_found, invalid_argument (several: the
// message lists them).
Result<v1::IncidentState> match_incident(const v1::IncidentList& list, std::string_view part);

// The one host. Errors: not_found, invalid_argument (several: the message lists them).
Result<v1::HostState> only_host(const v1::HostList& list, std::string_view name);

// "sockets", "service:ssh.service"; a kind with a target may stand alone where the host has only
// one such check. Errors: invalid_argument (with what there is).
Result<v1::CheckRef> check_from(std::string_view word, const v1::HostState& host);

// "all": every check of the host that has run before; else the one. Errors: as above, and not_found
// where it has none.
Result<std::vector<v1::CheckRef>> checks_from(std::string_view word, const v1::HostState& host);

// "C" or "C+" (that grade or worse). Errors: invalid_argument.
Result<v1::Severity> severity_from(std::string_view word);

}  // namespace tocsin::ctl
