#include "agent/os/open_journal.hpp"

#include <cstdlib>

#include <sys/stat.h>
#include <systemd/sd-journal.h>

#include "agent/os/files.hpp"

namespace tocsin::agent::os {

Result<Journal> open_journal(std::string_view root) {
  bool exists = false;
  for (const char* folder : {"/var/log/journal", "/run/log/journal"}) {
    struct stat raw {};
    exists = exists || ::stat(under(root, folder).c_str(), &raw) == 0;
  }
  if (!exists) return fail(ErrorCode::not_found, "this host keeps no journal");
  sd_journal* raw = nullptr;
  const int r = under(root, "").empty()
                    ? sd_journal_open(&raw, SD_JOURNAL_LOCAL_ONLY)
                    : sd_journal_open_directory(&raw, under(root, "/var/log/journal").c_str(), 0);
  if (r < 0) return fail(system_error("open the journal", -r));
  return Journal(raw, sd_journal_close);
}

std::string current_cursor(sd_journal* journal) {
  char* raw = nullptr;
  if (sd_journal_get_cursor(journal, &raw) < 0) return {};
  const std::unique_ptr<char, void (*)(void*)> held(raw, std::free);
  return raw;
}

}  // namespace tocsin::agent::os
