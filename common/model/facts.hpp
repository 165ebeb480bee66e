// What the checks see, kind by kind: plain values. Shapes and meanings follow
// proto/tocsin/v1/model.proto field by field. An Instant of 0 is "unknown" where that is said.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/instant.hpp"

namespace tocsin::model {

enum class Tristate : std::uint8_t { unknown, yes, no };
constexpr Tristate tristate(bool value) { return value ? Tristate::yes : Tristate::no; }

enum class PingMethod : std::uint8_t { icmp_datagram = 1, icmp_raw, tcp, neighbour };

struct PingFacts {
  std::string address;
  PingMethod method = PingMethod::icmp_datagram;
  std::uint32_t sent = 0;
  std::uint32_t received = 0;
  std::uint32_t rtt_min_us = 0;
  std::uint32_t rtt_avg_us = 0;
  std::uint32_t rtt_max_us = 0;
  std::uint32_t unreachable = 0;
  // Of the vantage, where nothing answered. Its default gateway (empty: it has none), and whether
  // that answers; without one, whether the address is on a network to which the vantage is cabled.
  Tristate gateway_reachable = Tristate::unknown;
  std::string gateway = {};
  bool on_link = false;
  friend bool operator==(const PingFacts&, const PingFacts&) = default;
};

struct ServiceFacts {
  std::string unit;
  std::string load_state;
  std::string active_state;
  std::string sub_state;
  std::string result;
  std::uint32_t restarts = 0;
  std::uint32_t main_pid = 0;
  std::int32_t exit_status = 0;
  Instant state_since;
  bool one_shot = false;
  std::uint32_t recent_restarts = 0;  // by systemd itself, in the last ten minutes seen
  bool job_pending = false;           // systemd was asked to start, stop or restart it
  std::uint32_t lasted_s = 0;         // while changing: 60 or 300 once it lasted that long
  friend bool operator==(const ServiceFacts&, const ServiceFacts&) = default;
};

// What the kernel says of auditing; asked where a log is the audit daemon's.
enum class KernelUnasked : std::uint8_t {
  none = 0,       // it answered, or was not to be asked
  not_permitted,  // no CAP_AUDIT_CONTROL, or within a container
  not_supported,  // a kernel without auditing
  failed,
};
struct KernelAudit {
  Tristate enabled = Tristate::unknown;  // unknown: it did not answer
  bool locked = false;                   // nobody can change it until the next start
  std::uint32_t failure = 0;     // what a lost record does: 0 nothing, 1 a message, 2 a panic
  std::uint32_t reader_pid = 0;  // who takes the records; 0: nobody
  std::string reader;            // the name of that program
  std::uint32_t lost = 0;        // records, since the start
  std::uint32_t lost_since = 0;  // since the look before, in the same boot
  std::uint32_t backlog = 0;     // records that wait
  std::uint32_t backlog_limit = 0;
  KernelUnasked unasked = KernelUnasked::none;
  friend bool operator==(const KernelAudit&, const KernelAudit&) = default;
};

// The agent's own record in a log: does what is written there come back?
enum class LogHeartbeat : std::uint8_t {
  none = 0,     // not written to this log
  waiting,      // written, and not looked for long enough
  returned,     // found again
  missing,      // not found in time
  not_written,  // nobody takes it
};

// Why the oldest records that a journal had are not in it any more.
enum class HistoryGone : std::uint8_t {
  none = 0,            // they are there, or this is a file
  unexplained,         // nothing that was looked at removes them
  by_retention,        // its settings remove as much
  maybe_by_retention,  // they allow it, or could not be read
  disk_short,          // less is free than is to be kept free
  settings_changed,    // those that say how much is kept
  machine_changed,     // another machine id, which has a journal of its own
  files_unread,        // files are there that could not be opened
  in_memory,           // it was, before a restart
};

struct AuditLogFacts {
  std::string source;
  Tristate present = Tristate::unknown;
  Tristate readable = Tristate::unknown;
  std::uint64_t size_bytes = 0;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  Instant modified;
  std::uint64_t records_seen = 0;
  bool auditing_was_on = false;
  Tristate auditing_on = Tristate::unknown;
  bool replaced = false;
  bool shrunk = false;
  bool rotated_sibling = false;
  bool head_changed = false;
  bool zeroed = false;
  std::uint64_t sequence_gap = 0;
  Tristate disk_full = Tristate::unknown;
  std::uint64_t previous_size_bytes = 0;
  std::string boot_id;
  bool new_boot = false;
  KernelAudit kernel{};
  // What the newest record says that turned auditing on or off.
  Tristate recorded_on = Tristate::unknown;
  LogHeartbeat heartbeat = LogHeartbeat::none;
  bool heartbeat_worked = false;  // one came back before
  // Other bytes than at an earlier look, where nothing but appending should happen.
  bool content_changed = false;
  std::uint64_t changed_from = 0;
  std::uint64_t changed_to = 0;
  std::uint64_t covered_bytes = 0;  // compared with what they were, some at each look
  HistoryGone history = HistoryGone::none;
  Instant oldest{};  // of a journal's entries, now and at the look before; 0: unknown
  Instant previous_oldest{};
  // What no look has gone through yet for what is missing, turned off or wiped: bytes of a file,
  // entries of a journal.
  std::uint64_t unread = 0;
  // Another file, or begun anew, that holds some of what it held and not all.
  bool old_part_only = false;
  bool packed_sibling = false;  // a young packed part is beside it that could not be compared
  friend bool operator==(const AuditLogFacts&, const AuditLogFacts&) = default;
};

enum class Protocol : std::uint8_t { tcp = 1, udp };
enum class AddressClass : std::uint8_t { any = 1, loopback, private_network, public_network };
std::string_view to_string(Protocol protocol);
std::string_view to_string(AddressClass address_class);  // "any", "loopback", "private", "public"
std::optional<Protocol> protocol_from(std::string_view word);
std::optional<AddressClass> address_class_from(std::string_view word);

// Where a program's file comes from. A package vouches for it while its sum is the package's own.
struct ProgramFile {
  std::string package;                  // empty: none, or not known
  Tristate intact = Tristate::unknown;  // the file is as its package put it there
  std::string sha256;                   // hex, where no package vouches for it; empty: unknown
  friend bool operator==(const ProgramFile&, const ProgramFile&) = default;
};

struct Listener {
  Protocol protocol = Protocol::tcp;
  AddressClass address_class = AddressClass::any;
  std::string address;
  std::uint16_t port = 0;
  std::string executable;
  Tristate executable_deleted = Tristate::unknown;
  Tristate executable_world_writable = Tristate::unknown;
  std::uint32_t uid = 0;
  std::string user;
  std::string unit;
  std::vector<std::uint32_t> process_ids;
  std::string network_namespace;
  ProgramFile file{};
  friend bool operator==(const Listener&, const Listener&) = default;
};

struct PeerAggregate {
  Protocol protocol = Protocol::tcp;
  std::uint16_t local_port = 0;
  bool inbound = false;
  std::string remote_prefix;  // "10.0.0.0/24"; an address where the check is exact about the port
  std::uint16_t remote_port = 0;
  std::uint32_t count = 0;  // there now, or ended since the row is kept
  Instant first = {};
  Instant last = {};
  friend bool operator==(const PeerAggregate&, const PeerAggregate&) = default;
};

// A listener that one way of asking the kernel shows and another hides, again and again.
struct HiddenListener {
  Protocol protocol = Protocol::tcp;
  std::uint16_t port = 0;
  bool by_netlink = false;
  bool by_text = false;
  bool by_bind = false;  // neither shows it, and the port is taken all the same
  friend auto operator<=>(const HiddenListener&, const HiddenListener&) = default;
};

inline constexpr std::uint32_t kNoPortTried = 65536;

struct SocketsFacts {
  std::vector<Listener> listeners;
  std::vector<PeerAggregate> peers;
  std::uint32_t listeners_over_limit = 0;
  std::uint32_t peers_over_limit = 0;
  std::uint32_t owners_unknown = 0;
  // The kernel tells of connections that ended between two looks; else one that was shorter than
  // the time between them may be missed.
  bool source_events = false;
  std::uint32_t source_event_overflows = 0;  // each time some of those were lost
  std::uint32_t namespaces = 0;              // other network namespaces looked into
  std::uint32_t namespaces_not_seen = 0;     // over the limit, without a process, or not permitted
  std::vector<HiddenListener> hidden = {};
  // Ports that are taken while nobody lists them, on a kernel that does not tell of sockets that
  // are bound and do not listen.
  std::uint32_t taken_unlisted = 0;
  // The first port that is tried for listeners which every table hides: the agent may not bind
  // those before it. kNoPortTried: the kernel lists no sockets to the agent. 0: not said.
  std::uint32_t ports_tried_from = 0;
  // Networks that stand for addresses which should have been told one by one: too many of them, or
  // from before that was asked for.
  std::uint32_t sources_not_exact = 0;
  friend bool operator==(const SocketsFacts&, const SocketsFacts&) = default;
};

struct ProcessGroup {
  std::string name;
  std::string executable;
  std::uint32_t uid = 0;
  std::string user;
  std::string unit;
  std::uint32_t count = 0;
  bool kernel_thread = false;
  Tristate executable_deleted = Tristate::unknown;
  Tristate memory_only = Tristate::unknown;
  Tristate executable_world_writable = Tristate::unknown;
  bool imitates_kernel_thread = false;
  Tristate preload = Tristate::unknown;
  std::uint32_t example_pid = 0;
  Tristate packaged = Tristate::unknown;  // a package installed the executable
  ProgramFile file{};
  friend bool operator==(const ProcessGroup&, const ProcessGroup&) = default;
};

// A service or timer that runs or starts by itself.
struct UnitEntry {
  std::string unit;
  bool active = false;
  bool enabled = false;
  Tristate packaged = Tristate::unknown;  // a package installed the file that defines it
  friend bool operator==(const UnitEntry&, const UnitEntry&) = default;
};
struct ProcessesFacts {
  std::vector<ProcessGroup> groups;
  std::uint32_t processes = 0;
  std::uint32_t groups_over_limit = 0;
  std::uint32_t vanished = 0;
  std::uint32_t not_permitted = 0;
  bool preload_file = false;
  std::vector<std::uint32_t> hidden{};  // ids that the kernel knows and /proc does not list
  std::uint32_t hidden_over_limit = 0;
  Tristate hidden_searched = Tristate::unknown;  // no: /proc does not show the agent everything
  std::vector<UnitEntry> units{};
  std::uint32_t units_over_limit = 0;
  Tristate units_known = Tristate::unknown;  // no: systemd did not say
  friend bool operator==(const ProcessesFacts&, const ProcessesFacts&) = default;
};

// A login with an account made for it (procedure M-02, M-06): each way to fail apart.
enum class LoginMethod : std::uint8_t { local = 1, ssh };
enum class LoginOutcome : std::uint8_t {
  succeeded = 1,
  refused,  // nothing listens
  timed_out,
  banner_only,       // the server names itself and no more
  rejected,          // the credential
  locked,            // the account
  expired,           // the account or its password
  session_failed,    // authenticated, but no session or not the answer that was agreed
  host_key_changed,  // another host than agreed answers; it was told nothing
  unreachable,       // no way to the host, or its name is not known
};
std::string_view to_string(LoginOutcome outcome);  // "session_failed"
struct LoginFacts {
  LoginMethod method = LoginMethod::local;
  std::string address;  // of ssh: host:port
  std::string account;
  LoginOutcome outcome = LoginOutcome::succeeded;
  std::string banner;
  // Our own end, "address:port": how the log checks tell this probe from a person. Of ssh.
  std::string own_end;
  std::uint32_t took_ms = 0;
  std::string said{};                      // of a failure: what the system said, cleaned
  bool held = false;                       // not tried again for now: that would harm the account
  bool worked_before = false;              // a login with the same settings succeeded before
  bool since_boot = false;                 // it did, and one failed since the host booted; of local
  Tristate no_logins = Tristate::unknown;  // yes: it starts, stops or is maintained
  Tristate disk_full = Tristate::unknown;
  Instant tried_at = {};  // of the last try, where it is held
  friend bool operator==(const LoginFacts&, const LoginFacts&) = default;
};

// Records of a log that a catalogue knows as warnings, counted by meaning (procedure M-04).
enum class WarningLevel : std::uint8_t { notice = 1, warning, error, critical };
// In a site's own words, for readers of either language; both empty: it says nothing.
struct Meaning {
  std::string en;
  std::string zh_tw;
  friend bool operator==(const Meaning&, const Meaning&) = default;
};
struct WarningGroup {
  std::string id;  // of the message catalogue: "sshd.failed_password", "ANR2997W"
  WarningLevel level = WarningLevel::warning;
  std::uint32_t count = 0;  // since the observation before
  Instant first;
  Instant last;
  std::string example;  // one record, cleaned and cut
  Meaning meaning;      // of the host's own catalogue; what ships has texts "message.<id>"
  friend bool operator==(const WarningGroup&, const WarningGroup&) = default;
};
struct WarningsFacts {
  std::string source;         // path, or "journal"
  std::uint64_t records = 0;  // read since the observation before
  std::uint64_t bytes = 0;
  std::uint64_t bytes_behind = 0;  // there, not read yet: more came than the budget allows
  std::uint32_t rotations = 0;
  std::uint64_t lost_bytes = 0;    // gone before they could be read
  std::uint32_t long_records = 0;  // cut at their limit
  std::uint32_t own_records = 0;   // of our own login probe, left out
  std::vector<WarningGroup> groups;
  std::uint32_t groups_over_limit = 0;
  // Is there a log at all? Unknown: not now, and it may only be between two of them (rotation).
  Tristate present = Tristate::unknown;
  bool lost_track = false;  // of a journal: the place is gone, and nobody knows what came after it
  friend bool operator==(const WarningsFacts&, const WarningsFacts&) = default;
};

// TCP ports that answer from another machine (procedure M-07).
struct PortScanFacts {
  std::string address;
  std::uint32_t tried = 0;
  std::vector<std::uint16_t> open;
  std::uint32_t open_over_limit = 0;
  std::uint32_t closed = 0;
  std::uint32_t filtered = 0;  // no answer at all
  bool complete = false;       // every port asked for was tried
  friend bool operator==(const PortScanFacts&, const PortScanFacts&) = default;
};

// Does a service answer its own protocol (procedure M-03)?
enum class AnswerOutcome : std::uint8_t {
  answered = 1,
  refused,
  timed_out,
  unreachable,
  tls_failed,
  no_answer,  // connected, then silence
  wrong_answer,
};
struct AnswerFacts {
  std::string url;  // tcp://h:p, tls://h:p, http://…, https://…, banner://h:p
  AnswerOutcome outcome = AnswerOutcome::answered;
  std::uint32_t status = 0;  // of HTTP
  std::string said;          // first line, cleaned
  std::uint32_t took_ms = 0;
  Instant certificate_ends;  // of TLS; 0: unknown
  friend bool operator==(const AnswerFacts&, const AnswerFacts&) = default;
};

// What a virus scanner says (procedure M-10).
struct AntivirusHit {
  std::string path;
  std::string name;  // of the signature
  std::uint64_t size_bytes = 0;
  friend bool operator==(const AntivirusHit&, const AntivirusHit&) = default;
};
// A folder that should have been looked into, or one below it, and why it was not.
enum class FolderUnseen : std::uint8_t {
  absent = 1,
  unmounted,  // a file system was mounted there at an earlier look
  not_permitted,
  too_deep,
  failed,
};
struct UnseenFolder {
  std::string path;
  FolderUnseen why = FolderUnseen::failed;
  friend bool operator==(const UnseenFolder&, const UnseenFolder&) = default;
};
struct AntivirusFacts {
  std::string engine;  // "clamd", or the name of a scanner of the host's own file
  std::string engine_version;
  std::string signatures_version;
  Instant signatures_at;  // 0: unknown
  Tristate scanner_available = Tristate::unknown;
  std::uint32_t scanned = 0;
  std::uint32_t skipped = 0;  // another file took its name meanwhile
  std::uint32_t too_large = 0;
  std::uint32_t errors = 0;
  bool budget_exhausted = false;
  std::vector<AntivirusHit> hits;
  std::uint32_t hits_over_limit = 0;
  std::uint32_t names_over_limit = 0;  // in folders that hold too many
  std::vector<UnseenFolder> folders_unseen;
  std::uint32_t folders_unseen_over_limit = 0;
  bool programs_unseen = false;  // which programs run could not be seen
  std::uint32_t unreadable = 0;  // programs and files that the agent may not read
  friend bool operator==(const AntivirusFacts&, const AntivirusFacts&) = default;
};

// A backup system or job (procedure G-06).
struct BackupEvent {
  std::string name;    // schedule and node, volume, drive, message id
  std::string status;  // the tool's own word: "Missed", "Failed", "offline", "unavailable"
  Instant at;          // 0: unknown
  std::uint32_t count = 1;
  friend bool operator==(const BackupEvent&, const BackupEvent&) = default;
};
struct BackupSpace {
  std::string name;  // "database", "recovery_log", a storage pool
  std::uint32_t used_permille = 0;
  friend bool operator==(const BackupSpace&, const BackupSpace&) = default;
};
struct BackupSource {
  std::string name;      // "host:/path" of restic, "NODE /space" of tsm
  Instant last_success;  // 0: never
  friend bool operator==(const BackupSource&, const BackupSource&) = default;
};
struct BackupJobFacts {
  std::string job;       // of the host's own file
  std::string tool;      // "tsm", "restic"
  Instant last_success;  // 0: never, or unknown
  Instant last_check;    // integrity check; 0: never
  Tristate check_ok = Tristate::unknown;
  Instant last_restore_test;  // 0: never
  Tristate restore_ok = Tristate::unknown;
  Instant last_database_backup;        // of tsm
  std::vector<BackupEvent> schedules;  // missed or failed
  std::vector<BackupEvent> errors;     // of the activity log, by message id
  std::vector<BackupEvent> devices;    // libraries, drives, volumes that are not available
  std::vector<BackupSpace> spaces;
  std::uint32_t over_limit = 0;        // events, spaces and sources not listed
  std::vector<BackupSource> sources;   // what is backed up, the oldest first
  Tristate reachable = Tristate::yes;  // no: the server or repository did not answer
  std::vector<BackupEvent> blind;      // what was asked and not answered, with the tool's code
  bool integrity_wanted = false;       // the host's own file asks for integrity checks
  bool restore_wanted = false;         // and for restore tests
  // In which it was looked: a backup that does not come changes nothing else, and is told hourly.
  Instant hour;
  // Of tsm without sources: whether any client schedule has a node; unknown: not asked, no answer.
  Tristate scheduled = Tristate::unknown;
  friend bool operator==(const BackupJobFacts&, const BackupJobFacts&) = default;
};

// How the host fares, in steps coarse enough to be the same from look to look.
struct FileSystemUse {
  std::string mount;
  std::uint32_t used_permille = 0;
  std::uint32_t inodes_used_permille = 0;
  bool read_only = false;  // turned so by the kernel: it was mounted for writing
  friend bool operator==(const FileSystemUse&, const FileSystemUse&) = default;
};
struct MetricsFacts {
  std::uint32_t memory_available_permille = 0;
  std::uint32_t swap_used_permille = 0;
  std::uint32_t processors = 0;
  std::uint32_t cpu_busy_permille = 0;  // since the look before
  std::uint32_t load_1m_permille = 0;   // load average * 1000
  Tristate clock_synchronized = Tristate::unknown;
  std::int64_t clock_offset_us = 0;
  std::uint32_t stalled_permille = 0;  // memory pressure, some, 60 s
  std::uint64_t oom_kills = 0;         // since boot
  std::vector<FileSystemUse> file_systems;
  std::uint32_t file_systems_over_limit = 0;
  // In the last ten minutes that this agent saw; where they can be told apart (kills_apart),
  // without those by the limit of a control group, which are recent_limit_kills.
  std::uint32_t recent_oom_kills = 0;
  Tristate stalled_known = Tristate::unknown;  // no: this kernel does not tell pressure
  std::uint32_t file_systems_unseen = 0;       // that could not be looked at
  Tristate memory_known = Tristate::unknown;   // no: the kernel did not tell how much there is
  std::uint32_t recent_limit_kills = 0;
  Tristate kills_apart = Tristate::unknown;
  friend bool operator==(const MetricsFacts&, const MetricsFacts&) = default;
};

// A program that speaks the Nagios plugin interface.
struct PerformanceValue {
  std::string label;
  std::string value;  // a decimal number as the plugin wrote it; "U" where it could not tell
  std::string unit;
  friend bool operator==(const PerformanceValue&, const PerformanceValue&) = default;
};
struct PluginFacts {
  std::string name;          // of the host's own file
  std::uint32_t status = 3;  // 0 ok, 1 warning, 2 critical, 3 unknown
  std::string output;        // first line, cleaned
  bool output_cut = false;
  std::vector<PerformanceValue> performance;
  std::uint32_t performance_over_limit = 0;  // also what could not be read
  friend bool operator==(const PluginFacts&, const PluginFacts&) = default;
};

}  // namespace tocsin::model
