#include "agent/os/own_record.hpp"

#include <string>

#include <systemd/sd-journal.h>
#include <unistd.h>

#include "agent/os/files.hpp"
#include "agent/os/local_socket.hpp"
#include "agent/os/open_journal.hpp"

namespace tocsin::agent::os {
namespace {

constexpr int kInformation = 6;

}  // namespace

Status write_syslog(std::string_view root, Facility facility, std::string_view text) {
  // Without a time: the daemon knows it as well, and writes it as it does for everybody.
  const int priority = static_cast<int>(facility) * 8 + kInformation;
  std::string bytes = "<" + std::to_string(priority) + ">";
  bytes.append(kOwnProgram).append(": ").append(text);
  return send_to_local_socket(under(root, "/dev/log"), bytes);
}

Status write_journal(std::string_view root, std::string_view text, std::string_view mark) {
  std::string bytes = "PRIORITY=" + std::to_string(kInformation) + "\nSYSLOG_IDENTIFIER=";
  bytes.append(kOwnProgram).append("\nMESSAGE=").append(text);
  bytes.append("\nTOCSIN_HEARTBEAT=").append(mark).append("\n");
  return send_to_local_socket(under(root, "/run/systemd/journal/socket"), bytes);
}

Result<bool> journal_has(std::string_view root, std::string_view mark) {
  const auto journal = open_journal(root);
  if (!journal) return fail(journal.error());
  // The journal itself says who wrote an entry: nobody else's counts.
  const std::string user = "_UID=" + std::to_string(::getuid());
  const std::string field = "TOCSIN_HEARTBEAT=" + std::string(mark);
  for (const std::string& match : {user, field}) {
    if (const int r = sd_journal_add_match(journal->get(), match.data(), match.size()); r < 0) {
      return fail(system_error("choose of the journal", -r));
    }
  }
  int r = sd_journal_seek_tail(journal->get());
  if (r >= 0) r = sd_journal_previous(journal->get());
  if (r < 0) return fail(system_error("read the journal", -r));
  return r > 0;
}

}  // namespace tocsin::agent::os
