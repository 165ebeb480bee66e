// messages.toml, as it was when this was built.
#pragma once

#include <string_view>

namespace tocsin::catalogue {

extern const std::string_view kShippedMessages;

}  // namespace tocsin::catalogue
