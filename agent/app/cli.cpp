#include "agent/app/cli.hpp"

#include <filesystem>

#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include "agent/commands/host_identity.hpp"
#include "common/config/secret_file.hpp"
#include "common/log/log.hpp"

namespace tocsin::agent {
namespace {

constexpr int kFailed = 1;

// One heap for all threads: they allocate little, and each heap of its own stays resident. And what
// is large, the lists of packages above all, goes back to the system: left alone, malloc takes the
// size of what was freed once for the size that is worth keeping.
void keep_heap_small() {
  constexpr int kLarge = 128 << 10;
  ::mallopt(M_ARENA_MAX, 1);
  ::mallopt(M_MMAP_THRESHOLD, kLarge);
  ::mallopt(M_TRIM_THRESHOLD, kLarge);
}

}  // namespace

int report(const Status& status) {
  if (status) return 0;
  fmt::print(stderr, "tocsin-agent: {}\n", status.error().message);
  return kFailed;
}

int run_process(const std::string& config_file, Process process) {
  keep_heap_small();
  auto config = load_agent_config(config_file);
  if (!config) return report(fail(config.error()));
  config->file = config_file;
  log::start("tocsin-agent", config->log_level);
  systemd::StopSignal stop;
  return report(process(*config, stop));
}

Result<AgentConfig> config_if_any(const std::string& file) {
  if (!config::file_exists(file)) return AgentConfig{};
  return load_agent_config(file);
}

std::string host_name_of(const AgentConfig& config) {
  return config.host_name.empty() ? read_host_identity().host_name : config.host_name;
}

Result<std::string> program_beside(const char* name) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return fail(system_error("/proc/self/exe", error.value()));
  std::string path = (self.parent_path() / name).string();
  if (::access(path.c_str(), X_OK) != 0) {
    return fail(ErrorCode::not_found, fmt::format("{} is not installed", path));
  }
  return path;
}

}  // namespace tocsin::agent
