// The texts that say what a message of the catalogue means and what to do (procedure M-04), for the
// rules and for who explains one. Pure.
#pragma once

#include <string>
#include <string_view>

namespace tocsin::rules {

// True for ANR2997W, ANS1017E, ANE4005E: codes of Storage Protect, listed or not.
bool is_storage_protect(std::string_view id);

// The code of the text for a message's id: "message.sshd.fatal", "message.storage_protect"; with
// ".do" behind it, what to do. Empty: a site's own message, whose words are in its catalogue.
std::string text_of_message(std::string_view id);

}  // namespace tocsin::rules
