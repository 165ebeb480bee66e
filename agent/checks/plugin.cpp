#include "agent/checks/plugin.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "agent/checks/metrics_facts.hpp"
#include "agent/checks/observation.hpp"
#include "agent/checks/plugin_facts.hpp"
#include "agent/os/program.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kOutputBytes = 64 << 10;
constexpr std::size_t kErrorBytes = 200;
constexpr int kWorstStatus = 3;
// A plugin is killed this long before the run's deadline, so that the run can still say so.
constexpr Duration kMargin = 200ms;

const PluginSettings* plugin_named(const std::string& name, const HostSettings& settings) {
  const auto found = std::find_if(settings.plugins.begin(), settings.plugins.end(),
                                  [&](const PluginSettings& p) { return p.name == name; });
  return found == settings.plugins.end() ? nullptr : &*found;
}

}  // namespace

model::Observation observe_plugin(const model::CheckDefinition& check, CheckContext& context) {
  const Run run(check, context);
  const PluginSettings* plugin = plugin_named(check.check.target, context.settings);
  if (plugin == nullptr) return run.unseen(model::Outcome::not_applicable, {"plugin.unnamed", {}});
  os::ProgramCall call;
  call.words = plugin->command;
  call.limit = std::max(check.deadline - kMargin, check.deadline / 2);
  call.output_limit = kOutputBytes;
  const auto end = os::run_program(call, context.time, context.stop);
  if (!end) return run.unseen(end.error());
  if (end->timed_out) {
    return run.unseen(model::Outcome::timed_out,
                      {"run.past_deadline", {{"ms", std::to_string(check.deadline / 1ms)}}});
  }
  if (end->signal != 0 || end->status > kWorstStatus) {
    // Not an answer of the plugin interface: the shell's 126 and 127, a crash.
    std::string how = end->signal != 0 ? fmt::format("signal {}", end->signal)
                                       : fmt::format("status {}", end->status);
    std::string_view errors = std::string_view(end->errors).substr(0, kErrorBytes);
    while (errors.ends_with('\n')) errors.remove_suffix(1);
    if (!errors.empty()) how.append("; ").append(errors);
    return run.unseen(model::Outcome::failed, error_detail(how));
  }
  model::PluginFacts facts =
      plugin_facts(plugin->name, static_cast<std::uint32_t>(end->status), end->output, end->cut);
  context.samples = samples_of(facts, context.time.wall());
  return run.seen(std::move(facts));
}

}  // namespace tocsin::agent
