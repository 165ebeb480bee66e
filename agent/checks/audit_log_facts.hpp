// Whether an audit log is still the log it was (procedure M-05): emptied, replaced, cut,
// overwritten, or only rotated. Pure: what was seen now, and what was kept from the look before,
// give facts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/checks/audit_pieces.hpp"
#include "agent/checks/journal_retention.hpp"
#include "agent/checks/journal_sequence.hpp"
#include "agent/checks/log_heartbeat.hpp"
#include "agent/os/files.hpp"
#include "agent/os/kernel_audit.hpp"
#include "agent/tail/line_ends.hpp"
#include "agent/tail/line_marks.hpp"
#include "agent/tail/prefix.hpp"
#include "common/base/result.hpp"
#include "common/model/check.hpp"

namespace tocsin::agent {

inline constexpr std::size_t kHeadBytes = 4096;

// What was seen of a log that was rotated by copying and cutting it, and is in no older part: it
// was written between the two, or somebody took it out. An honest rotation and a careful intruder
// leave the same, so neither is claimed; what keeps it from being a place to hide is that
// - the copy holds all else, byte by byte (holds_blocks_before_last, ends_reached),
// - a line that a look saw before the copy was made is in it: only what was first seen within
//   kCutFollows of the copy may be missing. Who wants to hide a line has to cut the log before the
//   next look, and then nobody has seen it anyway;
// - all that is missing is kEndLines lines and kEndBytes at most, of all such rotations of a day;
// - for that day it is said, with its length.
struct Uncopied {
  std::uint64_t from = 0;  // the bytes of the log as it was, at the last such rotation
  std::uint64_t to = 0;
  std::uint64_t bytes = 0;  // of all since `since`
  std::uint64_t lines = 0;
  Instant since{};
  friend bool operator==(const Uncopied&, const Uncopied&) = default;
};
inline constexpr Duration kCutFollows = 10s;
inline constexpr Duration kUncopiedIsSaid = 24h;

// What is kept of a file between looks, also across restarts (the check's cursor).
struct AuditPosition {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::size_t head_bytes = 0;  // how much of the start `head_hash` covers, at most kHeadBytes
  std::string head_hash;       // SHA-256 in hex; empty where nothing was read
  bool was_on = false;         // seen with content before
  std::string boot_id;
  // Bytes of its end that are read again, or yet to be read: of a line that was still being
  // written, and what was too much for one look.
  std::uint64_t unread = 0;
  std::uint64_t serial = 0;  // the highest audit serial read, of whole lines; 0: none
  std::optional<std::uint32_t> kernel_lost;  // of this boot; nothing: the kernel did not say
  // What the newest record said that turned auditing on or off.
  model::Tristate recorded_on = model::Tristate::unknown;
  HeartbeatState heartbeat{};
  std::optional<PrefixDigest> prefix;  // of this file
  bool begun_empty = false;            // by a rotation, and nothing was written since
  bool begun_packed = false;           // the same, where a packed part could not be compared
  LineEnds ends{};                     // of all of `size`; empty: it was not all read
  LineMarks marks{};                   // by which this file is known again
  std::optional<Uncopied> uncopied{};  // of the last day
  std::optional<LoginPlace> logins{};  // of a file of login records
  friend bool operator==(const AuditPosition&, const AuditPosition&) = default;
};
// "1;…", and lines of what else there is; nothing where it is not one this version wrote, or the
// one before it.
std::string to_text(const AuditPosition& position);
std::optional<AuditPosition> parse_audit_position(std::string_view text);

// A log that was renamed is made anew by who writes it: at once, or when it was told to. So long
// that is the middle of a rotation.
inline constexpr Duration kRotationTakes = 1min;

// A copy that is what was read but for its last lines.
struct CopyLook {
  std::size_t ends = 0;  // of AuditPosition::ends, that it reaches
  Instant changed{};     // by the kernel's clock; nobody sets that back
  bool packed = false;   // and that, some time after it was made
};

// What one look at a file saw.
struct AuditLook {
  std::string source;
  model::Tristate present = model::Tristate::unknown;
  model::Tristate readable = model::Tristate::unknown;
  os::FileStat stat;                   // where present
  std::string head;                    // its first kHeadBytes, where readable
  std::string tail;                    // its last kHeadBytes, where readable
  std::optional<TrailSeen> trail{};    // of what came since; nothing at the first look
  std::optional<LoginsSeen> logins{};  // of a file of login records
  bool old_content_beside = false;
  bool packed_unread = false;   // a young packed part is beside it that could not be compared
  bool holds_old_part = false;  // some of what it held, and not all
  // Where it is not: what a copy beside it lacks, which the kernel says was last changed then.
  std::optional<CopyLook> short_copy{};
  Duration missing_for{};  // where it is not there: since when this agent misses it
  model::Tristate auditing_on = model::Tristate::unknown;
  model::Tristate disk_full = model::Tristate::unknown;
  std::string boot_id;
  // What the kernel said, where it was asked, and the name of the program that takes its records.
  std::optional<Result<os::AuditStatus>> kernel{};
  std::string kernel_reader{};
  // Whether the record of our own is there; nothing: not looked for.
  std::optional<bool> heartbeat_found{};
  std::optional<PrefixLook> prefix{};
  LineEnds ends{};  // of all of its length; empty: it was not all read
  std::optional<LineMarks> marks{};
  Instant now{};
};

struct AuditResult {
  model::AuditLogFacts facts;
  AuditPosition next;
};
AuditResult audit_log_facts(const AuditLook& look, const std::optional<AuditPosition>& before);

// True where the look cannot be the same file that only grew, or does not find it any more: time to
// search its folder for the old content.
bool has_changed_hands(const AuditLook& look, const std::optional<AuditPosition>& before);

// What such a copy lacks, where it can be the copy of a rotation.
std::optional<Uncopied> uncopied(const CopyLook& copy, const AuditPosition& before, Instant now);

// True where `head` begins with what the position saw at the start of the file.
bool same_head(std::string_view head, const AuditPosition& position);

// Whether a log is one that is only ever appended to, so that what was written must stay.
bool only_grows(std::string_view file_name);

// Where the records go on that this look has not read yet, and where it goes on with them.
std::uint64_t trail_starts(const AuditLook& look, const AuditPosition& before);
TrailReader trail_reader(const AuditLook& look, const AuditPosition& before);

struct JournalPosition {
  std::string cursor;  // of the newest entry seen; empty: none
  std::uint64_t size = 0;
  bool was_on = false;
  std::string boot_id;
  HeartbeatState heartbeat{};
  std::string oldest{};  // cursor of the oldest entry; empty: none, or not looked for
  std::optional<JournalPlaceKept> place{};
  std::vector<ArchivedJournal> archived{};  // files of that place
  friend bool operator==(const JournalPosition&, const JournalPosition&) = default;
};
// "2|…", and a line each of the heartbeat, the oldest entry, the place and its files
std::string to_text(const JournalPosition& position);
std::optional<JournalPosition> parse_journal_position(std::string_view text);

struct JournalLook {
  model::Tristate present = model::Tristate::unknown;
  model::Tristate readable = model::Tristate::unknown;
  std::uint64_t size = 0;
  std::string newest;          // cursor of the newest entry that was counted
  std::uint64_t entries = 0;   // since the position before
  bool counted = false;        // every one of them; else `newest` is the end
  std::string end{};           // cursor of the newest entry there is; empty: as `newest`
  std::uint64_t given_up = 0;  // numbers between them that journald gave to no entry
  std::string oldest{};        // cursor of the oldest entry
  bool oldest_kept = false;    // the one of the position before is still there
  std::optional<JournalPlaceSeen> place{};
  model::Tristate auditing_on = model::Tristate::unknown;
  model::Tristate disk_full = model::Tristate::unknown;
  std::string boot_id;
  std::optional<bool> heartbeat_found{};
  Instant now{};
};
struct JournalResult {
  model::AuditLogFacts facts;
  JournalPosition next;
};
JournalResult journal_facts(const JournalLook& look, const std::optional<JournalPosition>& before);

// journald renames, makes and removes files while they are listed and opened, as often as fifty
// times a second in a flood, and a look at such a moment misses some: entries between others, the
// oldest or the newest. So what seems to be missing counts only where no file came or went from
// before the look until after it. Otherwise it is looked again, kJournalLooks times at most; then
// it is said that it could not be told, and the next look compares with `before`.
inline constexpr int kJournalLooks = 5;
struct JournalEyes {
  std::function<Result<JournalLook>(int looks_before)> look;  // 0 and up
  std::function<bool()> files_changed;                        // since that look began
};
// An error of any look is the result.
Result<JournalResult> settled_journal_facts(const JournalEyes& eyes,
                                            const std::optional<JournalPosition>& before);

}  // namespace tocsin::agent
