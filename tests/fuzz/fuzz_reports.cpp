// What other programs print about a host, virus scanners and plugins, and what is kept of it.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/checks/antivirus_facts.hpp"
#include "agent/checks/antivirus_past.hpp"
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
  if (const auto past = agent::parse_antivirus_past(text)) {
    TOCSIN_CHECK(past->infected.size() <= limits::kAntivirusHits);
    const std::string kept = agent::to_text(*past);
    TOCSIN_CHECK(kept.size() <= 48 << 10);
    const auto again = agent::parse_antivirus_past(kept);
    TOCSIN_CHECK(again && agent::to_text(*again) == kept);
  }
  return 0;
}
