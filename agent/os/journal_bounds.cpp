#include "agent/os/journal_bounds.hpp"

#include "agent/os/files.hpp"
#include "common/base/text.hpp"

namespace tocsin::agent::os {
namespace {

constexpr std::size_t kMostFiles = 1000;
constexpr std::string_view kSignature = "LPKSHHRH";
constexpr std::size_t kSequenceId = 72;  // 16 bytes
constexpr std::size_t kLast = 160;       // tail_entry_seqnum, 8 bytes, the lowest first
constexpr std::size_t kFirst = 168;      // head_entry_seqnum

std::uint64_t number_at(std::string_view header, std::size_t at) {
  std::uint64_t number = 0;
  for (std::size_t i = 8; i-- > 0;) {
    number = number << 8 | static_cast<unsigned char>(header[at + i]);
  }
  return number;
}

void add_folder(const std::string& path, std::vector<JournalBounds>& bounds) {
  const auto names = list_folder(path, kMostFiles);
  if (!names) return;
  for (const std::string& name : *names) {
    if (name.find(".journal") == std::string::npos) continue;
    const auto file = open_regular(path + "/" + name);
    const auto header = file ? read_at(file->fd, 0, kJournalHeaderBytes) : Result<std::string>{};
    auto found = header ? parse_journal_header(*header) : std::nullopt;
    if (found) bounds.push_back(std::move(*found));
  }
}

}  // namespace

std::optional<JournalBounds> parse_journal_header(std::string_view header) {
  if (header.size() < kJournalHeaderBytes || !header.starts_with(kSignature)) return std::nullopt;
  return JournalBounds{to_hex(header.substr(kSequenceId, 16)), number_at(header, kFirst),
                       number_at(header, kLast)};
}

Result<std::vector<JournalBounds>> journal_bounds(std::string_view root) {
  const auto id = read_start(under(root, "/etc/machine-id"), 64);
  if (!id) return fail(id.error());
  const std::string machine = id->substr(0, id->find('\n'));
  if (machine.size() != 32 || machine.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return fail(ErrorCode::not_found, "this host has no machine id yet");
  }
  std::vector<JournalBounds> bounds;
  add_folder(under(root, "/var/log/journal/" + machine), bounds);
  add_folder(under(root, "/run/log/journal/" + machine), bounds);
  return bounds;
}

}  // namespace tocsin::agent::os
