#include "agent/commands/host_identity.hpp"

#include <array>
#include <string_view>

#include <unistd.h>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/config/secret_file.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kFileBytes = 64 << 10;

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// os-release(5): PRETTY_NAME="…" on a line of its own.
std::string pretty_name(const std::string& os_release) {
  constexpr std::string_view kKey = "PRETTY_NAME=";
  std::size_t at = os_release.starts_with(kKey) ? 0 : os_release.find("\n" + std::string(kKey));
  if (at == std::string::npos) return {};
  if (os_release[at] == '\n') ++at;
  std::string value = first_line(os_release.substr(at + kKey.size()));
  std::erase(value, '"');
  return clean_text(value, limits::kName);
}

}  // namespace

HostIdentity read_host_identity() {
  HostIdentity facts;
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) == 0) {
    facts.host_name = clean_text(name.data(), limits::kName);
  }
  if (const auto text = config::read_file("/etc/os-release", kFileBytes)) {
    facts.operating_system = pretty_name(*text);
  }
  if (const auto text = config::read_file("/proc/sys/kernel/random/boot_id", kFileBytes)) {
    facts.boot_id = clean_text(first_line(*text), limits::kName);
  }
  return facts;
}

}  // namespace tocsin::agent
