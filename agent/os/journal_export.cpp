#include "agent/os/journal_export.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>

#include <fmt/format.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>

#include "agent/os/files.hpp"
#include "agent/os/open_journal.hpp"

namespace tocsin::agent::os {
namespace {

constexpr std::size_t kFieldBytes = 1 << 20;

bool is_plain(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 || c == '\t';
  });
}

// The entry that the journal stands at; empty where it cannot be read.
std::string entry_of(sd_journal* journal) {
  std::uint64_t wall = 0;
  std::uint64_t monotonic = 0;
  sd_id128_t boot{};
  if (sd_journal_get_realtime_usec(journal, &wall) < 0) return {};
  std::string entry;
  append_export_field(entry, "__CURSOR", current_cursor(journal));
  append_export_field(entry, "__REALTIME_TIMESTAMP", std::to_string(wall));
  if (sd_journal_get_monotonic_usec(journal, &monotonic, &boot) >= 0) {
    append_export_field(entry, "__MONOTONIC_TIMESTAMP", std::to_string(monotonic));
  }
  const void* data = nullptr;
  std::size_t size = 0;
  sd_journal_restart_data(journal);
  while (sd_journal_enumerate_available_data(journal, &data, &size) > 0) {
    const std::string_view field(static_cast<const char*>(data), size);
    const std::size_t equals = field.find('=');
    if (equals == std::string_view::npos) continue;
    append_export_field(entry, field.substr(0, equals), field.substr(equals + 1));
  }
  return entry + "\n";
}

// Goes back from the end while entries fit; stands at the oldest that does. How many there are.
std::uint64_t go_back(sd_journal* journal, Instant since, std::uint64_t most,
                      const std::stop_token& stop, bool& whole) {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
  const std::int64_t since_us = std::max<std::int64_t>(since.ns, 0) / 1000;
  int more = sd_journal_seek_tail(journal);
  while (more >= 0 && (more = sd_journal_previous(journal)) > 0) {
    std::uint64_t wall = 0;
    static_cast<void>(sd_journal_get_realtime_usec(journal, &wall));
    if (static_cast<std::int64_t>(wall) < since_us) break;
    bytes += entry_of(journal).size();
    if (bytes > most || stop.stop_requested()) {
      whole = false;
      break;
    }
    ++entries;
  }
  if (more < 0) whole = false;
  return entries;
}

}  // namespace

void append_export_field(std::string& entry, std::string_view name, std::string_view value) {
  if (is_plain(value)) {
    entry.append(name).append("=").append(value).append("\n");
    return;
  }
  entry.append(name).append("\n");
  for (std::size_t i = 0; i < 8; ++i) {
    entry += static_cast<char>((static_cast<std::uint64_t>(value.size()) >> (8 * i)) & 0xffU);
  }
  entry.append(value).append("\n");
}

Result<JournalExport> export_journal(std::string_view root, Instant since, std::uint64_t most_bytes,
                                     std::stop_token stop,
                                     const std::function<bool(std::string_view)>& sink) {
  const auto journal = open_journal(root);
  if (!journal) return fail(journal.error());
  static_cast<void>(sd_journal_set_data_threshold(journal->get(), kFieldBytes));
  JournalExport done;
  std::uint64_t left = go_back(journal->get(), since, most_bytes, stop, done.whole);
  // As many entries from the end; what came meanwhile is left to the next time.
  if (left == 0) return done;
  int there = sd_journal_seek_tail(journal->get());
  if (there >= 0) there = sd_journal_previous_skip(journal->get(), left);
  while (there > 0 && left > 0 && !stop.stop_requested()) {
    if (!sink(entry_of(journal->get()))) break;
    ++done.entries;
    if (--left > 0) there = sd_journal_next(journal->get());
  }
  if (left > 0) done.whole = false;
  return done;
}

}  // namespace tocsin::agent::os
