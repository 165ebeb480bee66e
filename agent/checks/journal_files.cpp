#include "agent/checks/journal_files.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "agent/os/number.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kIdDigits = 32;
constexpr std::size_t kNumberDigits = 16;

bool is_id(std::string_view text) {
  return text.size() == kIdDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool older(const ArchivedJournal& a, const ArchivedJournal& b) {
  return std::tie(a.at_us, a.sequence_id, a.sequence) <
         std::tie(b.at_us, b.sequence_id, b.sequence);
}

// "ID-SEQUENCE-TIME", the numbers hexadecimal.
std::optional<ArchivedJournal> parse_name(std::string_view text) {
  const std::size_t first = text.find('-');
  const std::size_t second = text.find('-', std::min(first, text.size() - 1) + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return std::nullopt;
  ArchivedJournal file;
  file.sequence_id = std::string(text.substr(0, first));
  if (!is_id(file.sequence_id) ||
      !os::read_number(text.substr(first + 1, second - first - 1), file.sequence, 16) ||
      !os::read_number(text.substr(second + 1), file.at_us, 16) || file.sequence == 0) {
    return std::nullopt;
  }
  return file;
}

}  // namespace

std::optional<ArchivedJournal> parse_archived_journal(std::string_view file_name) {
  constexpr std::string_view kEnd = ".journal";
  const std::size_t at = file_name.find('@');
  if (at == std::string_view::npos || !file_name.ends_with(kEnd)) return std::nullopt;
  const std::string_view name = file_name.substr(at + 1, file_name.size() - at - 1 - kEnd.size());
  if (name.size() != kIdDigits + 2 * (1 + kNumberDigits)) return std::nullopt;
  return parse_name(name);
}

std::vector<ArchivedJournal> archived_journals(const std::vector<std::string>& file_names) {
  std::vector<ArchivedJournal> files;
  for (const std::string& name : file_names) {
    if (auto file = parse_archived_journal(name)) files.push_back(std::move(*file));
  }
  std::sort(files.begin(), files.end(), older);
  files.erase(std::unique(files.begin(), files.end()), files.end());
  if (files.size() > kArchivedFollowed) {
    files.erase(files.begin(), files.end() - static_cast<std::ptrdiff_t>(kArchivedFollowed));
  }
  return files;
}

std::string to_text(const std::vector<ArchivedJournal>& files) {
  std::string text;
  for (const ArchivedJournal& file : files) {
    text += fmt::format("{}{}-{:x}-{:x}", text.empty() ? "" : ",", file.sequence_id, file.sequence,
                        file.at_us);
  }
  return text;
}

std::optional<std::vector<ArchivedJournal>> parse_archived_journals(std::string_view text) {
  std::vector<ArchivedJournal> files;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    auto file = comma > 0 ? parse_name(text.substr(0, comma)) : std::nullopt;
    if (!file || files.size() == kArchivedFollowed || comma + 1 == text.size()) return std::nullopt;
    if (!files.empty() && !older(files.back(), *file)) return std::nullopt;
    files.push_back(std::move(*file));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return files;
}

std::uint64_t entries_taken_out(const std::vector<ArchivedJournal>& before,
                                const std::vector<ArchivedJournal>& now) {
  std::uint64_t entries = 0;
  for (const ArchivedJournal& file : before) {
    if (std::find(now.begin(), now.end(), file) != now.end()) continue;
    bool has_older = false;
    std::uint64_t next = 0;  // the first number after it
    for (const ArchivedJournal& other : now) {
      if (other.sequence_id != file.sequence_id) continue;
      has_older = has_older || (other.sequence < file.sequence && other.at_us < file.at_us);
    }
    for (const auto* files : {&before, &now}) {
      for (const ArchivedJournal& other : *files) {
        const bool later = other.sequence_id == file.sequence_id && other.sequence > file.sequence;
        if (later && (next == 0 || other.sequence < next)) next = other.sequence;
      }
    }
    // Of the last one nobody knows how many it had.
    if (has_older) entries += next > 0 ? next - file.sequence : 1;
  }
  return entries;
}

}  // namespace tocsin::agent
