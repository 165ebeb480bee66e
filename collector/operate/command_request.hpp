// What an operator asked, checked and made a command of the model. Pure.
#pragma once

#include "tocsin/v1/journal.pb.h"

#include "common/base/result.hpp"
#include "common/model/journal.hpp"

namespace tocsin::collector {

// The command with `caller` as its principal, whatever the request says. Errors: invalid_argument
// (what is wrong in words), permission_denied (an act that only the collector itself may journal).
Result<model::Command> command_from(const v1::Command& request, const model::Principal& caller);

}  // namespace tocsin::collector
