// What an operator asked, checked and made a command of the model. Pure.
#pragma once

#include <string_view>

#include "tocsin/v1/journal.pb.h"

#include "common/base/result.hpp"
#include "common/model/journal.hpp"

namespace tocsin::collector {

// The command with `caller` as its principal, whatever the request says. Errors: invalid_argument
// (what is wrong in words), permission_denied (an act that only the collector itself may journal).
Result<model::Command> command_from(const v1::Command& request, const model::Principal& caller);

// 8 to 64 letters, digits, '-' or '_'. Errors: invalid_argument.
Status check_command_id(std::string_view id);

}  // namespace tocsin::collector
