// Completion for shells, made from the same table of commands as the help.
#pragma once

#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace tocsin::ctl {

// `shell` is "bash" or "zsh". The script only looks at the words typed; it asks no collector.
std::string completion_script(const CLI::App& app, std::string_view shell);

}  // namespace tocsin::ctl
