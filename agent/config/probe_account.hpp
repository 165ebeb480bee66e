// Which accounts a login probe may be given at all. Pure.
#pragma once

#include <string_view>

namespace tocsin::agent {

// True for names such as "tocsin-probe": small letters, digits, '-' and '_' behind "tocsin-", 32
// bytes at most. Nobody is called so: a person's account can never be probed, and locked, by a slip
// in a file.
bool is_probe_account(std::string_view name);

}  // namespace tocsin::agent
