#include "common/config/starter_baseline.hpp"

#include <map>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/config/text.hpp"

namespace tocsin::config {
namespace {

using model::Listener;
using model::Tristate;

bool is_suspicious(const Listener& listener) {
  return listener.executable_deleted == Tristate::yes ||
         listener.executable_world_writable == Tristate::yes ||
         listener.executable.starts_with("/memfd:");
}

auto key_of(const Listener& listener) {
  return std::tuple(listener.protocol, listener.port, listener.address_class, listener.executable,
                    listener.user);
}

// A comment must stay one line whatever a host calls its programs.
std::string comment(const std::string& text) { return "# " + clean_text(text, 512) + "\n"; }

std::string describe(const Listener& listener) {
  return fmt::format(
      "{} {} port {} by {} ({})", model::to_string(listener.protocol), listener.address,
      listener.port,
      listener.executable.empty() ? "a program that is not known" : listener.executable,
      listener.user.empty() ? fmt::format("uid {}", listener.uid) : listener.user);
}

std::string rule_of(const Listener& listener) {
  std::string text =
      fmt::format("\n[[baselines.listeners]]\nprotocol = {}\naddresses = [{}]\nport = {}\n",
                  toml_text(model::to_string(listener.protocol)),
                  toml_text(model::to_string(listener.address_class)), listener.port);
  if (listener.executable.empty()) {
    text += "# executable: not known to the agent; any program may use the port\n";
  } else {
    text +=
        fmt::format("executable = {}\n", toml_text(clean_text(listener.executable, limits::kPath)));
  }
  if (!listener.user.empty()) {
    text += fmt::format("user = {}\n", toml_text(clean_text(listener.user, limits::kName)));
  }
  if (!listener.unit.empty()) {
    text += fmt::format("reason = {}\n",
                        toml_text("was there at first: " + clean_text(listener.unit, 128)));
  }
  return text;
}

}  // namespace

std::string starter_baseline_toml(const model::SocketsFacts& facts, std::string_view name,
                                  std::uint32_t version) {
  std::map<decltype(key_of(Listener{})), const Listener*> proposed;
  std::string notes;
  for (const Listener& listener : facts.listeners) {
    if (is_suspicious(listener)) {
      notes += comment("Not proposed, look at it: " + describe(listener) +
                       "; its file is deleted or may be written by anybody.");
    } else {
      proposed.emplace(key_of(listener), &listener);
    }
  }
  if (facts.listeners_over_limit > 0) {
    notes += comment(fmt::format("{} more listeners were over the limit and are not here.",
                                 facts.listeners_over_limit));
  }
  if (facts.owners_unknown > 0) {
    notes += comment(
        fmt::format("The program behind {} sockets could not be seen.", facts.owners_unknown));
  }
  std::string text =
      "# What listened on the host when this was made. Keep what belongs there, say\n"
      "# why in `reason`, and delete the rest.\n";
  text += notes + fmt::format("[[baselines]]\nname = {}\nversion = {}\n", toml_text(name), version);
  if (proposed.empty()) text += "listeners = []\n";
  for (const auto& [key, listener] : proposed) text += rule_of(*listener);
  return text;
}

}  // namespace tocsin::config
