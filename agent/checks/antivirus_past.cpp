#include "agent/checks/antivirus_past.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <vector>

#include <fmt/format.h>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kMostBytes = 48 << 10;
constexpr std::size_t kMostFolders = 256;
constexpr std::string_view kHead = "antivirus 1\n";

// The fields of a line. clean_text leaves neither tabs nor line ends in what they hold.
std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  for (;;) {
    const std::size_t tab = line.find('\t');
    fields.push_back(line.substr(0, tab));
    if (tab == line.npos) return fields;
    line.remove_prefix(tab + 1);
  }
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool is_clean(std::string_view text, std::size_t limit) {
  return !text.empty() && clean_text(text, limit) == text;
}

bool read_folder(const std::vector<std::string_view>& fields, AntivirusPast& past) {
  if (fields.size() != 3 || past.folders.size() >= kMostFolders) return false;
  if (fields[1] != "0" && fields[1] != "1") return false;
  if (!is_clean(fields[2], limits::kPath)) return false;
  return past.folders.emplace(fields[2], fields[1] == "1").second;
}

bool read_hit(const std::vector<std::string_view>& fields, AntivirusPast& past) {
  if (fields.size() != 6 || past.infected.size() >= limits::kAntivirusHits) return false;
  FileKey key;
  model::AntivirusHit hit;
  if (!read_number(fields[1], key.first) || !read_number(fields[2], key.second) ||
      !read_number(fields[3], hit.size_bytes)) {
    return false;
  }
  if (!fields[4].empty() && !is_clean(fields[4], limits::kName)) return false;
  if (!is_clean(fields[5], limits::kPath)) return false;
  hit.name = fields[4];
  hit.path = fields[5];
  return past.infected.emplace(key, std::move(hit)).second;
}

bool read_line(std::string_view line, AntivirusPast& past) {
  const auto fields = fields_of(line);
  if (fields[0] == "folder") return read_folder(fields, past);
  if (fields[0] == "hit") return read_hit(fields, past);
  return fields[0] == "more" && fields.size() == 2 && past.infected_over_limit == 0 &&
         read_number(fields[1], past.infected_over_limit) && past.infected_over_limit > 0;
}

}  // namespace

std::string to_text(const AntivirusPast& past) {
  constexpr std::size_t kForMore = 32;
  std::string text(kHead);
  std::size_t folders = 0;
  for (const auto& [folder, mounted] : past.folders) {
    const std::string line = fmt::format("folder\t{}\t{}\n", mounted ? 1 : 0, folder);
    if (++folders > kMostFolders || text.size() + line.size() > kMostBytes / 2) break;
    text += line;
  }
  std::uint64_t more = past.infected_over_limit;
  for (const auto& [key, hit] : past.infected) {
    const std::string line = fmt::format("hit\t{}\t{}\t{}\t{}\t{}\n", key.first, key.second,
                                         hit.size_bytes, hit.name, hit.path);
    if (text.size() + line.size() + kForMore > kMostBytes) {
      ++more;
    } else {
      text += line;
    }
  }
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  if (more > 0) text += fmt::format("more\t{}\n", std::min(more, kMost));
  return text;
}

std::optional<AntivirusPast> parse_antivirus_past(std::string_view text) {
  if (text.size() > kMostBytes || !text.starts_with(kHead)) return std::nullopt;
  text.remove_prefix(kHead.size());
  AntivirusPast past;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == text.npos || !read_line(text.substr(0, end), past)) return std::nullopt;
    text.remove_prefix(end + 1);
  }
  return past;
}

}  // namespace tocsin::agent
