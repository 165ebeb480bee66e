// Which backup systems are asked how their backups stand (procedure G-06). What they say is read
// with an account that may only look; no secret is here, only the files that hold one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/instant.hpp"

namespace tocsin::agent {

enum class BackupTool : std::uint8_t { tsm = 1, restic };

struct BackupSettings {
  std::string name;
  BackupTool tool = BackupTool::restic;
  std::string program;  // an absolute path
  // What must be backed up: nodes of tsm; "host" or "host:/path" of restic. Empty: of restic all
  // that is there, of tsm what its schedules say.
  std::vector<std::string> sources;

  std::string credentials_file;  // of tsm, as dsmadmc reads it
  std::string server;            // of tsm: a stanza of dsm.sys; empty: the default

  std::string repository;       // of restic, or
  std::string repository_file;  // a file with its address, which may hold a password
  std::string password_file;
  Duration check_every = 24h;  // integrity; 0: never
  Duration check_limit = 1h;   // of one integrity check or restore test
  std::string check_read;      // how much of the data is read: "5%", "1/10"; empty: none
  bool check_lock = false;   // take the repository's lock meanwhile, which it must be writable for
  std::string restore_file;  // a file that is in the backup; empty: no restore test
  std::string restore_host;  // whose; empty: of the newest backup
  Duration restore_every = 7 * 24h;
  friend bool operator==(const BackupSettings&, const BackupSettings&) = default;
};

}  // namespace tocsin::agent
