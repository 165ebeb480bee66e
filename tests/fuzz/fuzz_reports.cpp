// What other programs print about a host: virus scanners and plugins.
#include <cstddef>
#include <cstdint>

#include "agent/checks/antivirus_facts.hpp"
#include "agent/checks/plugin_facts.hpp"
#include "common/base/limits.hpp"
#include "common/base/result.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto plugin = agent::plugin_facts(text, 0, text, false);
  TOCSIN_CHECK(plugin.performance.size() <= limits::kPerformanceValues);
  TOCSIN_CHECK(plugin.output.size() <= limits::kText);
  const auto version = agent::parse_clamd_version(text);
  TOCSIN_CHECK(version.engine.size() <= limits::kName);
  if (const auto file = agent::parse_signature_file(text)) {
    TOCSIN_CHECK(file->signatures.size() <= limits::kName && file->signatures_at.ns > 0);
  }
  const auto answer = agent::parse_clamd_scan(text);
  TOCSIN_CHECK(answer.text.size() <= limits::kName);
  return 0;
}
