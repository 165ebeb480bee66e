#include "agent/checks/antivirus_facts.hpp"

#include <algorithm>

#include <time.h>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace tocsin::agent {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::string_view blank(" \t\r\n\0", 5);
  while (!text.empty() && blank.find(text.back()) != blank.npos) text.remove_suffix(1);
  while (!text.empty() && blank.find(text.front()) != blank.npos) text.remove_prefix(1);
  return text;
}

// "Tue Nov 17 09:12:33 2026" as C's asctime writes it.
Instant parse_time(std::string_view text) {
  const std::string terminated(text.substr(0, 64));
  tm parts{};
  const char* end = ::strptime(terminated.c_str(), "%a %b %d %H:%M:%S %Y", &parts);
  if (end == nullptr || *end != '\0') return {};
  const time_t seconds = ::timegm(&parts);
  constexpr time_t kYear9999 = 253'402'300'799;
  if (seconds <= 0 || seconds > kYear9999) return {};
  return Instant{} + std::chrono::seconds(std::min<time_t>(seconds, INT64_MAX / 1'000'000'000));
}

}  // namespace

ScannerVersion parse_clamd_version(std::string_view reply) {
  ScannerVersion version;
  std::string_view rest = trimmed(reply);
  if (rest.starts_with("ClamAV ")) rest.remove_prefix(7);
  const std::size_t first = std::min(rest.find('/'), rest.size());
  version.engine = clean_text(rest.substr(0, first), limits::kName);
  if (first == rest.size()) return version;
  rest.remove_prefix(first + 1);
  const std::size_t second = std::min(rest.find('/'), rest.size());
  version.signatures = clean_text(rest.substr(0, second), limits::kName);
  if (second < rest.size()) version.signatures_at = parse_time(rest.substr(second + 1));
  return version;
}

ScanAnswer parse_clamd_scan(std::string_view reply) {
  std::string_view rest = trimmed(reply);
  const std::size_t colon = rest.find(": ");
  if (colon != rest.npos) rest.remove_prefix(colon + 2);
  if (rest == "OK") return {ScanAnswer::Kind::clean, {}};
  constexpr std::string_view kFound = " FOUND";
  if (rest.ends_with(kFound) && rest.size() > kFound.size()) {
    rest.remove_suffix(kFound.size());
    return {ScanAnswer::Kind::infected, clean_text(rest, limits::kName)};
  }
  return {ScanAnswer::Kind::error, clean_text(rest, limits::kName)};
}

void add_hit(model::AntivirusFacts& facts, std::string_view path, std::string_view signature,
             std::uint64_t size_bytes) {
  if (facts.hits.size() >= limits::kAntivirusHits) {
    ++facts.hits_over_limit;
    return;
  }
  facts.hits.push_back(
      {clean_text(path, limits::kPath), clean_text(signature, limits::kName), size_bytes});
}

}  // namespace tocsin::agent
