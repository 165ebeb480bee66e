// What the host's own file says about single checks: where a scanner listens, which plugins there
// are, which addresses may be probed. The collector never sets any of it. Plain values, each with
// the default that holds where the file says nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/config/backup_settings.hpp"
#include "common/base/instant.hpp"

namespace tocsin::agent {

// A program that speaks the Nagios plugin interface, started without a shell.
struct PluginSettings {
  std::string name;
  std::vector<std::string> command;  // [0]: an absolute path
  friend bool operator==(const PluginSettings&, const PluginSettings&) = default;
};

// Which virus scanner is asked, for what, and how much of it in one run (procedure M-10).
struct AntivirusSettings {
  std::string socket = "/run/clamav/clamd.ctl";  // of clamd
  // A scanner of another make instead: called with one file name more, ends with 0 where that file
  // is clean and with `infected_status` where it is not. Empty: clamd.
  std::vector<std::string> command;
  int infected_status = 1;
  // Where the scanner does not say how old its signatures are: the newest of these files does, by
  // the time in the header of a database of ClamAV's, else by when it was written.
  std::vector<std::string> signatures;
  // Looked through besides the programs that run, in this order, while the budget lasts. Those of
  // this list need not be there; those that a site names must be.
  std::vector<std::string> folders{"/tmp",        "/var/tmp",        "/dev/shm",
                                   "/etc/cron.d", "/var/spool/cron", "/etc/systemd/system"};
  // Of one round, without what is known to be clean; the next goes on where it stopped.
  std::uint32_t most_files = 2000;
  std::uint64_t most_bytes = 512ULL << 20;  // of all files
  std::uint64_t file_bytes = 25ULL << 20;   // a larger file is counted as too large
  friend bool operator==(const AntivirusSettings&, const AntivirusSettings&) = default;
};

// Accounts made for it that a login check may use (procedure M-02); empty: nothing is tried.
struct LoginTarget {
  std::string address;   // host:port of another host's sshd
  std::string account;   // there
  std::string key_file;  // a private key of mode 0600, without passphrase
  std::string host_key;  // "ssh-ed25519 AAAA…": the only host that is told anything
  friend bool operator==(const LoginTarget&, const LoginTarget&) = default;
};
struct LoginSettings {
  std::string account;        // of this host; empty: no local login
  std::string password_file;  // of mode 0600, read only by the program that logs in
  std::string program = "/usr/bin/tocsin-agent-login";
  std::string socket = "/run/tocsin-agent-login.socket";  // of the unit that logs in here
  Duration least_interval = 1min;                         // between two tries, whoever asks
  Duration hold = 15min;  // after a login that was turned down; doubled each time
  std::vector<LoginTarget> targets;
  friend bool operator==(const LoginSettings&, const LoginSettings&) = default;
};

// A service that may be restarted on this host (procedure M-03).
struct RestartSettings {
  std::string unit;
  bool automatic = false;  // once by the agent itself when it failed, not only when a person asks
  // What it must answer afterwards, as the target of an answer check; empty: its unit's state
  // counts.
  std::string probe = {};
  Duration probe_within = 10s;  // from when systemd calls it active
  friend bool operator==(const RestartSettings&, const RestartSettings&) = default;
};
struct ActionSettings {
  bool maintenance = false;  // somebody works on the host: nothing is done; read again each time
  std::vector<RestartSettings> restart;
  friend bool operator==(const ActionSettings&, const ActionSettings&) = default;
};

// Of the warnings checks.
struct WarningsSettings {
  std::vector<std::string> catalogues;  // files with messages beside those that ship
  // What the login probe leaves in a log names one of these accounts and one of these addresses.
  std::vector<std::string> probe_accounts;
  std::vector<std::string> probe_addresses;
  std::string local_probe;  // the account that [login] logs in with on this host
  friend bool operator==(const WarningsSettings&, const WarningsSettings&) = default;
};

// Of the audit_log checks.
struct AuditSettings {
  // How often a record of our own is written to a log that takes one, to see whether it comes back;
  // 0: never.
  Duration heartbeat = 5min;
  bool trail = false;  // also to the kernel's audit trail, which takes CAP_AUDIT_WRITE
  friend bool operator==(const AuditSettings&, const AuditSettings&) = default;
};

// What may be taken as evidence when the collector asks (procedure M-11, H-04), and how much.
struct EvidenceSettings {
  bool allow = true;
  std::vector<std::string> folders{"/var/log"};  // with all log files in and below them
  std::uint64_t item_bytes = 64ULL << 20;
  std::uint64_t total_bytes = 256ULL << 20;    // of one collection
  std::uint64_t waiting_bytes = 512ULL << 20;  // of all that wait for the collector
  friend bool operator==(const EvidenceSettings&, const EvidenceSettings&) = default;
};

struct HostSettings {
  ActionSettings actions;
  AuditSettings audit = {};
  EvidenceSettings evidence;
  std::vector<PluginSettings> plugins;
  AntivirusSettings antivirus;
  WarningsSettings warnings;
  std::vector<BackupSettings> backups;
  std::vector<std::string> probe_targets;  // networks whose hosts port_scan and answer may reach
  LoginSettings login;
  friend bool operator==(const HostSettings&, const HostSettings&) = default;
};

}  // namespace tocsin::agent
