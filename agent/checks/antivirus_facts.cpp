#include "agent/checks/antivirus_facts.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

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

// Nothing where that is no date of a year of four digits; one that an Instant cannot count to is
// the last that it can.
std::optional<Instant> instant_of(std::int64_t seconds) {
  constexpr std::int64_t kYear9999 = 253'402'300'799;
  if (seconds <= 0 || seconds > kYear9999) return std::nullopt;
  return Instant{} + std::chrono::seconds(std::min(seconds, INT64_MAX / 1'000'000'000));
}

// "Tue Nov 17 09:12:33 2026" as C's ctime writes it, in the zone of this host.
Instant parse_time(std::string_view text) {
  const std::string terminated(text.substr(0, 64));
  tm parts{};
  const char* end = ::strptime(terminated.c_str(), "%a %b %d %H:%M:%S %Y", &parts);
  if (end == nullptr || *end != '\0') return {};
  parts.tm_isdst = -1;  // It does not say; of the hour that comes twice either will do.
  return instant_of(::mktime(&parts)).value_or(Instant{});
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

std::optional<ScannerVersion> parse_signature_file(std::string_view head) {
  // Marker, time, version, signatures, level, sum, signature, maker, time in seconds; the header is
  // 512 bytes long, filled with blanks.
  constexpr std::size_t kFields = 9;
  std::array<std::string_view, kFields> fields;
  std::string_view rest = trimmed(head.substr(0, 512));
  for (std::size_t i = 0; i < kFields; ++i) {
    const bool last = i + 1 == kFields;
    const std::size_t end = last ? rest.size() : rest.find(':');
    if (end == rest.npos) return std::nullopt;
    fields[i] = rest.substr(0, end);
    rest.remove_prefix(last ? end : end + 1);
  }
  if (fields[0] != "ClamAV-VDB") return std::nullopt;
  std::int64_t seconds = 0;
  const std::string_view made = fields[8];
  const auto [end, error] = std::from_chars(made.data(), made.data() + made.size(), seconds);
  if (error != std::errc() || end != made.data() + made.size()) return std::nullopt;
  const auto made_at = instant_of(seconds);
  if (!made_at) return std::nullopt;
  ScannerVersion version;
  version.signatures = clean_text(fields[2], limits::kName);
  version.signatures_at = *made_at;
  return version;
}

void add_unseen(model::AntivirusFacts& facts, std::string_view path, model::FolderUnseen why) {
  model::UnseenFolder folder{clean_text(path, limits::kPath), why};
  const auto same = [&](const model::UnseenFolder& known) { return known.path == folder.path; };
  if (std::any_of(facts.folders_unseen.begin(), facts.folders_unseen.end(), same)) return;
  if (facts.folders_unseen.size() >= limits::kUnseenFolders) {
    ++facts.folders_unseen_over_limit;
  } else {
    facts.folders_unseen.push_back(std::move(folder));
  }
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
