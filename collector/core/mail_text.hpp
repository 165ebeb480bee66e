// What a notification says, as message codes; common/i18n puts it in the recipient's language.
#pragma once

#include <vector>

#include "collector/core/correlate.hpp"
#include "collector/core/notify_decision.hpp"
#include "common/model/message.hpp"

namespace tocsin::collector {

// The parameter `title` is left empty: whoever renders fills it with the first line of the body,
// since a message cannot hold another.
model::Message subject_of(const model::Incident& incident, const Occasion& occasion);

// What, where, since when, why this grade, which clause, what to do next with the exact commands.
std::vector<model::Message> body_of(const Context& context, const model::Incident& incident);

}  // namespace tocsin::collector
