// A notification in the recipient's words. Pure.
#pragma once

#include "collector/ports/channel.hpp"
#include "common/model/incident.hpp"

namespace tocsin::collector {

// An unknown language is written in English. The subject is one line of at most 200 bytes.
OutgoingMessage render(const model::Notification& notification);

}  // namespace tocsin::collector
