// Which collector tocsinctl talks to, as whom: ~/.config/tocsin/contexts.toml.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/i18n/i18n.hpp"

namespace tocsin::ctl {

struct Context {
  std::string collector;         // host:port of its operators' door
  std::string server_name;       // in the collector's certificate, where it is not the address
  std::string authority_file;    // PEM
  std::string certificate_file;  // the operator's, PEM
  std::string key_file;          // mode 0600
  std::string language;          // "zh-TW" or "en"; empty: the terminal's
  friend bool operator==(const Context&, const Context&) = default;
};

struct Contexts {
  std::string current;  // used where --context names none
  std::map<std::string, Context> contexts;
  friend bool operator==(const Contexts&, const Contexts&) = default;
};

// Errors: invalid_argument with every mistake, one a line, each with name:line:column.
Result<Contexts> read_contexts(std::string_view toml, std::string_view name);
// The same from a file of at most 1 MiB.
Result<Contexts> load_contexts(const std::string& path);
std::string print_config(const Contexts& contexts);

// The context that is named, or the current one for an empty name. Errors: not_found, with those
// there are, in the reader's language.
Result<Context> choose_context(const Contexts& contexts, std::string_view name,
                               i18n::Language language);

}  // namespace tocsin::ctl
