#include "agent/os/journal.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>

#include <sys/stat.h>
#include <systemd/sd-journal.h>

#include "agent/os/files.hpp"
#include "agent/os/number.hpp"
#include "agent/os/open_journal.hpp"

namespace tocsin::agent::os {
namespace {

// "<microseconds since 1970> <text>"
std::string message_of(sd_journal* journal) {
  constexpr std::size_t kLineBytes = 2048;
  std::uint64_t at = 0;
  sd_journal_get_realtime_usec(journal, &at);
  const void* data = nullptr;
  std::size_t size = 0;
  std::string_view text;
  if (sd_journal_get_data(journal, "MESSAGE", &data, &size) >= 0) {
    text = {static_cast<const char*>(data), size};
    text.remove_prefix(std::min(text.size(), std::string_view("MESSAGE=").size()));
  }
  return std::to_string(at).append(" ").append(text.substr(0, kLineBytes));
}

// Counts what comes after the cursor given; stands anywhere afterwards. False where it stopped
// before the newest entry.
bool count(sd_journal* journal, const JournalAsked& asked, std::stop_token stop, JournalEnd& end) {
  if (sd_journal_seek_cursor(journal, asked.after.c_str()) < 0) return true;
  int r = sd_journal_next(journal);
  // The entry itself is not new; where it is gone the next one is.
  if (r > 0 && sd_journal_test_cursor(journal, asked.after.c_str()) > 0) {
    r = sd_journal_next(journal);
  }
  while (r > 0 && end.entries < asked.most_entries && !stop.stop_requested()) {
    ++end.entries;
    end.newest = current_cursor(journal);
    if (asked.on_entry) asked.on_entry(end.newest);
    r = sd_journal_next(journal);
  }
  end.counted = r >= 0;
  return r <= 0;
}

// Is the entry of this cursor there? Stands anywhere afterwards.
bool holds(sd_journal* journal, const std::string& cursor) {
  return !cursor.empty() && sd_journal_seek_cursor(journal, cursor.c_str()) >= 0 &&
         sd_journal_next(journal) > 0 && sd_journal_test_cursor(journal, cursor.c_str()) > 0;
}

// The value of a field of the entry that the journal stands at; empty where it has none.
std::string_view field(sd_journal* journal, const char* name) {
  const void* data = nullptr;
  std::size_t size = 0;
  if (sd_journal_get_data(journal, name, &data, &size) < 0) return {};
  std::string_view text(static_cast<const char*>(data), size);
  text.remove_prefix(std::min(text.find('=') + 1, text.size()));
  return text;
}

Instant time_of(sd_journal* journal) {
  std::uint64_t us = 0;
  if (sd_journal_get_realtime_usec(journal, &us) < 0) return {};
  return Instant{static_cast<std::int64_t>(us) * 1000};
}

void give(sd_journal* journal, const OnJournalEntry& on_entry) {
  JournalEntry entry;
  entry.at = time_of(journal);
  // What get_data returned holds until the next call, so each is copied before that.
  const std::string identifier(field(journal, "SYSLOG_IDENTIFIER"));
  const std::string process(identifier.empty() ? field(journal, "_COMM") : std::string_view());
  entry.program = identifier.empty() ? process : identifier;
  if (!read_number(field(journal, "_PID"), entry.pid)) entry.pid = 0;
  if (!read_number(field(journal, "PRIORITY"), entry.priority)) entry.priority = 7;
  entry.message = field(journal, "MESSAGE");
  on_entry(entry);
}

}  // namespace

Result<JournalRead> read_journal_entries(std::string_view root, const std::string& after,
                                         std::uint64_t most_entries, std::stop_token stop,
                                         const OnJournalEntry& on_entry) {
  const auto opened = open_journal(root);
  if (!opened) return fail(opened.error());
  sd_journal* journal = opened->get();
  JournalRead read;
  if (const int r = sd_journal_seek_cursor(journal, after.c_str()); r < 0) {
    return fail(system_error("find the place in the journal", -r));
  }
  int r = sd_journal_next(journal);
  read.place_gone = r > 0 && sd_journal_test_cursor(journal, after.c_str()) <= 0;
  if (r > 0 && !read.place_gone) r = sd_journal_next(journal);
  while (r > 0 && read.entries < most_entries && !stop.stop_requested()) {
    ++read.entries;
    read.newest = current_cursor(journal);
    if (read.first.empty()) read.first = read.newest;
    give(journal, on_entry);
    r = sd_journal_next(journal);
  }
  if (r < 0) return fail(system_error("read the journal", -r));
  read.more = r > 0;
  return read;
}

Result<JournalRead> read_newest_entries(std::string_view root, Instant since, std::uint64_t most,
                                        std::stop_token stop, const OnJournalEntry& on_entry) {
  const auto opened = open_journal(root);
  if (!opened) return fail(opened.error());
  sd_journal* journal = opened->get();
  JournalRead read;
  if (const int r = sd_journal_seek_tail(journal); r < 0) {
    return fail(system_error("look at the end of the journal", -r));
  }
  std::uint64_t back = 0;
  int r = sd_journal_previous(journal);
  if (r > 0) read.newest = current_cursor(journal);
  while (r > 0 && back < most && time_of(journal) >= since && !stop.stop_requested()) {
    ++back;
    r = sd_journal_previous(journal);
  }
  if (r == 0) r = sd_journal_seek_head(journal);  // All of them are new enough.
  if (r >= 0) r = sd_journal_next(journal);
  for (; r > 0 && read.entries < back; r = sd_journal_next(journal)) {
    ++read.entries;
    if (read.first.empty()) read.first = current_cursor(journal);
    give(journal, on_entry);
  }
  if (r < 0) return fail(system_error("read the journal", -r));
  return read;
}

Result<JournalEnd> read_journal(std::string_view root, const JournalAsked& asked,
                                std::stop_token stop) {
  const auto journal = open_journal(root);
  if (!journal) return fail(journal.error());
  JournalEnd end;
  if (const int r = sd_journal_get_usage(journal->get(), &end.bytes); r < 0) {
    return fail(system_error("measure the journal", -r));
  }
  end.oldest_kept = holds(journal->get(), asked.oldest);
  if (sd_journal_seek_head(journal->get()) >= 0 && sd_journal_next(journal->get()) > 0) {
    end.oldest = current_cursor(journal->get());
  }
  const bool whole = asked.after.empty() || count(journal->get(), asked, stop, end);
  end.end = end.newest;
  if (end.counted && end.entries > 0 && whole) return end;
  if (sd_journal_seek_tail(journal->get()) >= 0 && sd_journal_previous(journal->get()) > 0) {
    end.end = current_cursor(journal->get());
  }
  // Nothing new, or it cannot be counted: the place is the end.
  if (whole) end.newest = end.end;
  return end;
}

Result<std::vector<std::string>> journal_tail(std::string_view root, const std::string& unit,
                                              std::size_t most, std::stop_token stop) {
  const auto journal = open_journal(root);
  if (!journal) return fail(journal.error());
  for (const char* field : {"_SYSTEMD_UNIT=", "UNIT="}) {
    const std::string match = field + unit;
    int r = sd_journal_add_match(journal->get(), match.data(), match.size());
    if (r >= 0) r = sd_journal_add_disjunction(journal->get());
    if (r < 0) return fail(system_error("choose of the journal", -r));
  }
  std::vector<std::string> lines;
  if (const int r = sd_journal_seek_tail(journal->get()); r < 0) {
    return fail(system_error("read the journal", -r));
  }
  while (lines.size() < most && !stop.stop_requested() && sd_journal_previous(journal->get()) > 0) {
    lines.push_back(message_of(journal->get()));
  }
  std::reverse(lines.begin(), lines.end());
  return lines;
}

}  // namespace tocsin::agent::os
