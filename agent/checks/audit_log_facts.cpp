#include "agent/checks/audit_log_facts.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "agent/os/number.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/crypto/crypto.hpp"
#include "common/rules/checks.hpp"

namespace tocsin::agent {
namespace {

bool read_flag(std::string_view text, bool& into) {
  into = text == "1";
  return text == "0" || text == "1";
}

// Exactly N parts; false where there are more or fewer.
template <std::size_t N>
bool split(std::string_view text, char separator, std::array<std::string_view, N>& parts) {
  for (std::size_t i = 0; i < N; ++i) {
    const std::size_t end = text.find(separator);
    const bool last = i + 1 == N;
    if (last != (end == std::string_view::npos)) return false;
    parts[i] = text.substr(0, end);
    text.remove_prefix(last ? text.size() : end + 1);
  }
  return true;
}

std::string hash_of(std::string_view bytes) { return to_hex(crypto::sha256(bytes)); }

bool all_zero(std::string_view bytes) {
  return !bytes.empty() && bytes.find_first_not_of('\0') == std::string_view::npos;
}

bool same_file(const AuditLook& look, const AuditPosition& before) {
  return look.stat.device == before.device && look.stat.inode == before.inode;
}

bool head_differs(const AuditLook& look, const AuditPosition& before) {
  if (look.readable != model::Tristate::yes || before.head_hash.empty()) return false;
  return look.head.size() >= before.head_bytes && !same_head(look.head, before);
}

model::KernelUnasked unasked(const Error& error) {
  switch (error.code) {
    case ErrorCode::permission_denied:
      return model::KernelUnasked::not_permitted;
    case ErrorCode::not_found:
      return model::KernelUnasked::not_supported;
    default:
      return model::KernelUnasked::failed;
  }
}

model::KernelAudit kernel_facts(const AuditLook& look, const AuditPosition& before) {
  model::KernelAudit facts;
  if (!look.kernel) return facts;
  if (!*look.kernel) {
    facts.unasked = unasked(look.kernel->error());
    return facts;
  }
  const os::AuditStatus& status = **look.kernel;
  facts.enabled = model::tristate(status.enabled);
  facts.locked = status.locked;
  facts.failure = status.failure;
  facts.reader_pid = status.reader_pid;
  facts.reader = clean_text(look.kernel_reader, limits::kName);
  facts.lost = status.lost;
  // Before the daemon runs a starting host loses some as a rule, so only what comes later counts.
  const bool comparable = before.boot_id == look.boot_id && before.kernel_lost;
  if (comparable && status.lost > *before.kernel_lost) {
    facts.lost_since = status.lost - *before.kernel_lost;
  }
  facts.backlog = status.backlog;
  facts.backlog_limit = status.backlog_limit;
  return facts;
}

// What became of our own record: the state for the next look, and the facts of this one.
// What a look that missed a file may say.
bool something_is_missing(const model::AuditLogFacts& facts) {
  return facts.sequence_gap > 0 || facts.shrunk || facts.replaced ||
         facts.history == model::HistoryGone::unexplained ||
         (facts.auditing_was_on && facts.present == model::Tristate::yes && facts.size_bytes == 0);
}

// The next look compares with what this one could not be compared with.
JournalResult not_compared(JournalResult seen, const JournalPosition& before) {
  model::AuditLogFacts& facts = seen.facts;
  facts.sequence_gap = 0;
  facts.shrunk = false;
  facts.replaced = false;
  facts.size_bytes = before.size;
  facts.history = model::HistoryGone::files_unread;
  HeartbeatState heartbeat = std::move(seen.next.heartbeat);
  seen.next = before;
  seen.next.heartbeat = std::move(heartbeat);
  return seen;
}

// A record of our own that is older than the oldest entry went with what was removed.
bool went_with_the_oldest(const HeartbeatState& state, const JournalLook& look) {
  const auto oldest = journal_cursor_time(look.oldest);
  return oldest && *oldest > state.written;
}

void follow_heartbeat(HeartbeatState& state, std::optional<bool> found, bool lost_track,
                      Instant now, model::AuditLogFacts& facts) {
  if (lost_track) {
    forget_record(state);
  } else if (found && !state.mark.empty()) {
    note_looked(state, *found, now);
  }
  facts.heartbeat = state.last;
  facts.heartbeat_worked = state.worked;
}

// "name;rest" of the lines after the first.
bool take_line(std::string_view& text, std::string_view& name, std::string_view& rest) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  const std::size_t semicolon = line.find(';');
  if (semicolon == std::string_view::npos) return false;
  name = line.substr(0, semicolon);
  rest = line.substr(semicolon + 1);
  return true;
}

std::string to_text(const Uncopied& u) {
  return fmt::format("{};{};{};{};{}", u.from, u.to, u.bytes, u.lines, u.since.ns);
}

std::optional<Uncopied> parse_uncopied(std::string_view text) {
  std::array<std::string_view, 5> parts;
  Uncopied u;
  const bool good = split(text, ';', parts) && os::read_number(parts[0], u.from) &&
                    os::read_number(parts[1], u.to) && os::read_number(parts[2], u.bytes) &&
                    os::read_number(parts[3], u.lines) && os::read_stamp(parts[4], u.since);
  if (!good || u.from >= u.to || u.bytes > kEndBytes || u.lines > kEndLines) return std::nullopt;
  return u;
}

template <class T>
bool set_if(std::optional<T> value, T& into) {
  if (value) into = std::move(*value);
  return value.has_value();
}

bool read_more(std::string_view name, std::string_view rest, AuditPosition& p) {
  if (name == "heartbeat") return set_if(parse_heartbeat(rest), p.heartbeat);
  if (name == "prefix") return (p.prefix = parse_prefix_digest(rest)).has_value();
  if (name == "ends") return set_if(parse_line_ends(rest), p.ends) && !p.ends.ends.empty();
  if (name == "uncopied") return (p.uncopied = parse_uncopied(rest)).has_value();
  if (name == "logins") return (p.logins = parse_login_place(rest)).has_value();
  if (name == "begun") return read_flag(rest, p.begun_empty);
  if (name == "packed") return read_flag(rest, p.begun_packed);
  if (name == "marks") return set_if(parse_line_marks(rest), p.marks);
  if (name == "unfinished") return os::read_number(rest, p.unread);
  if (name == "lost") return os::read_number(rest, p.kernel_lost.emplace());
  bool on = false;
  if (name != "recorded" || !read_flag(rest, on)) return false;
  p.recorded_on = model::tristate(on);
  return true;
}

bool read_more(std::string_view name, std::string_view rest, JournalPosition& p) {
  if (name == "heartbeat") return set_if(parse_heartbeat(rest), p.heartbeat);
  if (name == "place") return (p.place = parse_journal_place_kept(rest)).has_value();
  if (name == "files") return set_if(parse_archived_journals(rest), p.archived);
  p.oldest = std::string(rest);
  return name == "oldest" && !rest.empty() && rest.size() <= limits::kText;
}

// The entries of a journal between where it ended and where it ends now: which are missing?
void compare_newest(const JournalLook& look, const JournalPosition& before,
                    model::AuditLogFacts& facts) {
  const auto old_place = parse_journal_cursor(before.cursor);
  const auto new_place = parse_journal_cursor(look.newest);
  if (!old_place || !new_place) return;
  const bool same = old_place->sequence_id == new_place->sequence_id;
  facts.replaced = !same;
  facts.shrunk = same && new_place->sequence < old_place->sequence;
  if (!same || facts.shrunk || !look.counted) return;
  // What was removed from the beginning is told apart, and no gap between others.
  const auto oldest = parse_journal_cursor(look.oldest);
  const bool removed = oldest && oldest->sequence_id == new_place->sequence_id &&
                       oldest->sequence > old_place->sequence;
  const std::uint64_t from = removed ? oldest->sequence - 1 : old_place->sequence;
  const std::uint64_t numbered = new_place->sequence - std::min(from, new_place->sequence);
  const std::uint64_t accounted = look.entries + look.given_up;
  if (numbered > accounted) facts.sequence_gap = numbered - accounted;
}

// How many entries, by their numbers, no look has counted yet, or can.
std::uint64_t uncounted(const JournalLook& look, const std::optional<JournalPosition>& before) {
  const auto end = parse_journal_cursor(look.end.empty() ? look.newest : look.end);
  const auto from = parse_journal_cursor(look.counted || !before ? look.newest : before->cursor);
  if (!end || !from) return 0;
  if (end->sequence_id != from->sequence_id) return look.end == look.newest ? 0 : 1;
  return end->sequence - std::min(from->sequence, end->sequence);
}

// Is the oldest entry there that was the oldest before?
void compare_oldest(const JournalLook& look, const JournalPosition& before,
                    model::AuditLogFacts& facts) {
  const auto was = journal_cursor_time(before.oldest);
  const auto is = journal_cursor_time(look.oldest);
  if (!was || !is) return;
  facts.previous_oldest = *was;
  facts.oldest = *is;
  // One that was copied into another file has another cursor and its old time.
  if (look.oldest_kept || *is <= *was) return;
  facts.history =
      why_gone({*was, *is, before.size, look.size, before.boot_id != look.boot_id, look.now},
               before.place, look.place);
}

// Is a file missing between others? In one place: what journald moves to the disk is gone in
// memory.
void compare_files(const JournalLook& look, const JournalPosition& before,
                   model::AuditLogFacts& facts) {
  if (!look.place || !before.place || look.place->on_disk != before.place->on_disk) return;
  if (look.place->machine_id != before.place->machine_id) return;
  facts.sequence_gap += entries_taken_out(before.archived, look.place->archived);
}

// What is still said of rotations before. A clock that was set back begins the day anew.
std::optional<Uncopied> still_said(const AuditPosition& before, Instant now) {
  if (!before.uncopied || now - before.uncopied->since >= kUncopiedIsSaid) return std::nullopt;
  Uncopied said = *before.uncopied;
  said.since = std::min(said.since, now);
  return said;
}

// A log that was cut to nothing, beside a copy that lacks a little of what it held.
std::optional<Uncopied> lost_at_cut(const AuditLook& look, const AuditPosition& before) {
  const bool cut = same_file(look, before) && has_changed_hands(look, before);
  if (!cut || look.old_content_beside || !look.short_copy) return std::nullopt;
  return uncopied(*look.short_copy, before, look.now);
}

void compare(const AuditLook& look, const AuditPosition& before,
             const std::optional<Uncopied>& lost, model::AuditLogFacts& facts) {
  facts.auditing_was_on = before.was_on;
  facts.previous_size_bytes = before.size;
  if (look.present == model::Tristate::no) {
    facts.rotated_sibling = look.old_content_beside && look.missing_for < kRotationTakes;
    facts.packed_sibling = look.packed_unread && look.missing_for < kRotationTakes;
  }
  if (look.present != model::Tristate::yes || before.inode == 0) return;
  const bool same = same_file(look, before);
  facts.replaced = !same;
  facts.shrunk = same && look.stat.size < before.size;
  facts.head_changed = same && head_differs(look, before);
  const bool beside = look.old_content_beside || lost;
  facts.rotated_sibling = (has_changed_hands(look, before) && beside) ||
                          (same && look.stat.size == 0 && before.begun_empty);
  facts.packed_sibling = (has_changed_hands(look, before) && look.packed_unread) ||
                         (same && look.stat.size == 0 && before.begun_packed);
  facts.old_part_only = look.holds_old_part;
  if (look.trail && before.boot_id == look.boot_id) facts.sequence_gap = look.trail->missing;
  if (look.prefix && look.prefix->changed && !has_changed_hands(look, before)) {
    facts.content_changed = true;
    facts.changed_from = look.prefix->from;
    facts.changed_to = look.prefix->to;
  }
}

// Where the records were read to. At the first look those at its end alone count.
void follow_trail(const AuditLook& look, bool same, AuditPosition& next) {
  if (look.trail) {
    next.serial = look.trail->place.serial;
    next.recorded_on = look.trail->place.recorded_on;
    next.unread = look.trail->unfinished + look.trail->unread;
  } else if (!same) {
    TrailReader reader({});
    reader.read(look.tail);
    next.serial = reader.place().serial;
    next.unread = reader.unfinished();
  }
}

// What no look has gone through, and of a log that is another now no look will.
std::uint64_t unread_bytes(const AuditLook& look, const std::optional<AuditPosition>& before) {
  std::uint64_t bytes = 0;
  if (look.trail) bytes += look.trail->unread;
  if (look.logins) bytes += look.logins->unread;
  if (before && look.present == model::Tristate::yes && has_changed_hands(look, before)) {
    if (before->unread > kLongestLine) bytes += before->unread;
    if (before->logins) bytes += unread_logins(before->size, *before->logins);
  }
  return bytes;
}

AuditPosition next_position(const AuditLook& look, const std::optional<AuditPosition>& before) {
  // A log in memory ends with the boot: one that nobody has written to since was not emptied.
  const bool ended = before && before->boot_id != look.boot_id && rules::is_in_memory(look.source);
  AuditPosition next = before && !ended ? *before : AuditPosition{};
  const bool same = before && !ended && same_file(look, *before);
  if (next.boot_id != look.boot_id) next.recorded_on = model::Tristate::unknown;
  next.boot_id = look.boot_id;
  // A log that is away keeps its place, so that what comes back is compared with what went.
  if (look.present != model::Tristate::yes) return next;
  if (!same) next.serial = 0;
  if (!same) next.prefix.reset();
  if (!same) next.ends = {};
  if (!same) next.marks = {};
  if (look.kernel) next.kernel_lost.reset();
  if (look.kernel && *look.kernel) next.kernel_lost = (*look.kernel)->lost;
  next.device = look.stat.device;
  next.inode = look.stat.inode;
  next.size = look.stat.size;
  if (look.readable != model::Tristate::yes) {
    if (!same) next.head_bytes = 0, next.head_hash.clear();
    return next;
  }
  next.head_bytes = look.head.size();
  next.head_hash = look.head.empty() ? std::string() : hash_of(look.head);
  next.was_on = next.was_on || (!look.head.empty() && !all_zero(look.head));
  follow_trail(look, same, next);
  next.logins = look.logins ? std::optional(look.logins->next) : std::nullopt;
  next.prefix = look.prefix ? std::optional(look.prefix->next) : std::nullopt;
  next.ends = look.ends;
  if (look.marks) next.marks = *look.marks;
  return next;
}

}  // namespace

bool same_head(std::string_view head, const AuditPosition& position) {
  return position.head_bytes > 0 && head.size() >= position.head_bytes &&
         hash_of(head.substr(0, position.head_bytes)) == position.head_hash;
}

bool has_changed_hands(const AuditLook& look, const std::optional<AuditPosition>& before) {
  if (!before || before->inode == 0) return false;
  if (look.present == model::Tristate::no) return true;
  if (look.present != model::Tristate::yes) return false;
  return !same_file(look, *before) || look.stat.size < before->size || head_differs(look, *before);
}

std::optional<Uncopied> uncopied(const CopyLook& copy, const AuditPosition& before, Instant now) {
  const std::vector<LineEnd>& ends = before.ends.ends;
  if (copy.ends == 0 || copy.ends >= ends.size() || ends.back().offset != before.size) {
    return std::nullopt;
  }
  if (copy.changed < Instant{} || copy.changed > now + kUncopiedIsSaid) return std::nullopt;
  // Stamps of files are some milliseconds coarse, and what copies may set its owner at the end.
  constexpr Duration kSlack = 1s;
  constexpr Duration kPackingTakes = 1min;
  const Instant from = copy.changed - (copy.packed ? kPackingTakes : kSlack);
  for (std::size_t i = copy.ends; i < ends.size(); ++i) {
    if (ends[i].seen < from || ends[i].seen > copy.changed + kCutFollows) {
      return std::nullopt;
    }
  }
  const auto said = still_said(before, now).value_or(Uncopied{0, 0, 0, 0, now});
  Uncopied lost{ends[copy.ends - 1].offset, ends.back().offset, 0, 0, said.since};
  lost.bytes = said.bytes + (lost.to - lost.from);
  lost.lines = said.lines + (ends.size() - copy.ends);
  if (lost.bytes > kEndBytes || lost.lines > kEndLines) return std::nullopt;
  return lost;
}

AuditResult audit_log_facts(const AuditLook& look, const std::optional<AuditPosition>& before) {
  AuditResult result;
  model::AuditLogFacts& facts = result.facts;
  facts.source = clean_text(look.source, limits::kPath);
  facts.present = look.present;
  facts.readable = look.readable;
  facts.size_bytes = look.stat.size;
  facts.device = look.stat.device;
  facts.inode = look.stat.inode;
  facts.modified = look.stat.modified;
  facts.auditing_on = look.auditing_on;
  facts.disk_full = look.disk_full;
  facts.boot_id = look.boot_id;
  facts.new_boot = !before || before->boot_id != look.boot_id;
  facts.zeroed =
      all_zero(look.head) || all_zero(look.tail) || (look.logins && look.logins->next.zeroed);
  std::optional<Uncopied> lost;
  if (before) {
    lost = lost_at_cut(look, *before);
    compare(look, *before, lost, facts);
    if (!lost) lost = still_said(*before, look.now);
  }
  if (lost && !facts.content_changed) {
    facts.changed_from = lost->from;
    facts.changed_to = lost->to;
  }
  facts.kernel = kernel_facts(look, before.value_or(AuditPosition{}));
  result.next = next_position(look, before);
  result.next.uncopied = lost;
  if (look.present == model::Tristate::yes) {
    result.next.begun_empty = look.stat.size == 0 && facts.rotated_sibling;
    result.next.begun_packed = look.stat.size == 0 && facts.packed_sibling;
  }
  facts.recorded_on = result.next.recorded_on;
  facts.unread = unread_bytes(look, before);
  facts.covered_bytes = result.next.prefix ? result.next.prefix->covered() : 0;
  follow_heartbeat(result.next.heartbeat, look.heartbeat_found,
                   facts.new_boot || has_changed_hands(look, before), look.now, facts);
  return result;
}

std::string to_text(const AuditPosition& p) {
  std::string text = fmt::format("1;{};{};{};{};{};{};{};{}", p.device, p.inode, p.size,
                                 p.head_bytes, p.head_hash, p.was_on ? 1 : 0, p.boot_id, p.serial);
  if (p.begun_empty) text += "\nbegun;1";
  if (p.begun_packed) text += "\npacked;1";
  if (p.uncopied) text += "\nuncopied;" + to_text(*p.uncopied);
  if (p.unread > 0) text += fmt::format("\nunfinished;{}", p.unread);
  if (p.kernel_lost) text += fmt::format("\nlost;{}", *p.kernel_lost);
  if (p.recorded_on != model::Tristate::unknown) {
    text += fmt::format("\nrecorded;{}", p.recorded_on == model::Tristate::yes ? 1 : 0);
  }
  if (p.heartbeat != HeartbeatState{}) text += "\nheartbeat;" + to_text(p.heartbeat);
  if (p.logins) text += "\nlogins;" + to_text(*p.logins);
  if (p.prefix) text += "\nprefix;" + to_text(*p.prefix);
  if (!p.ends.ends.empty()) text += "\nends;" + to_text(p.ends);
  if (!p.marks.empty()) text += "\nmarks;" + to_text(p.marks);
  return text;
}

std::optional<AuditPosition> parse_audit_position(std::string_view text) {
  std::array<std::string_view, 9> parts;
  AuditPosition p;
  const std::size_t first = std::min(text.find('\n'), text.size());
  std::string_view more = text.substr(std::min(first + 1, text.size()));
  text = text.substr(0, first);
  if (!split(text, ';', parts) || parts[0] != "1") return std::nullopt;
  if (!os::read_number(parts[1], p.device) || !os::read_number(parts[2], p.inode) ||
      !os::read_number(parts[3], p.size) || !os::read_number(parts[4], p.head_bytes) ||
      !read_flag(parts[6], p.was_on) || !os::read_number(parts[8], p.serial)) {
    return std::nullopt;
  }
  p.head_hash = std::string(parts[5]);
  p.boot_id = std::string(parts[7]);
  const bool hashed = p.head_bytes > 0;
  if (p.head_bytes > kHeadBytes || p.head_hash.size() != (hashed ? 64U : 0U)) return std::nullopt;
  if (p.boot_id.size() > limits::kName) return std::nullopt;
  for (std::string_view name, rest; !more.empty();) {
    if (!take_line(more, name, rest) || !read_more(name, rest, p)) return std::nullopt;
  }
  return p;
}

bool only_grows(std::string_view file_name) {
  // Tables of accounts and the journal's own files are written anywhere in them.
  constexpr std::array<std::string_view, 5> kTables{"faillog", "lastlog", "tallylog", "utmp",
                                                    "wtmpdb"};
  return std::find(kTables.begin(), kTables.end(), file_name) == kTables.end() &&
         !file_name.ends_with(".journal") && !file_name.ends_with(".db");
}

std::uint64_t trail_starts(const AuditLook& look, const AuditPosition& before) {
  const bool same = same_file(look, before) && !has_changed_hands(look, before);
  return same ? before.size - std::min(before.size, before.unread) : 0;
}

TrailReader trail_reader(const AuditLook& look, const AuditPosition& before) {
  // Only of what came in this boot: the kernel starts without auditing.
  const bool booted = before.boot_id != look.boot_id;
  TrailPlace place{before.serial, booted ? model::Tristate::unknown : before.recorded_on};
  // Another file may begin with any number: nobody knows what the last of the other one was.
  if (!same_file(look, before) || has_changed_hands(look, before)) place.serial = 0;
  return TrailReader(place, booted);
}

std::string to_text(const JournalPosition& p) {
  std::string text = fmt::format("2|{}|{}|{}|{}", p.cursor, p.size, p.was_on ? 1 : 0, p.boot_id);
  if (p.heartbeat != HeartbeatState{}) text += "\nheartbeat;" + to_text(p.heartbeat);
  if (!p.oldest.empty()) text += "\noldest;" + p.oldest;
  if (p.place) text += "\nplace;" + to_text(*p.place);
  if (!p.archived.empty()) text += "\nfiles;" + to_text(p.archived);
  return text;
}

std::optional<JournalPosition> parse_journal_position(std::string_view text) {
  std::array<std::string_view, 5> parts;
  JournalPosition p;
  const std::size_t first = std::min(text.find('\n'), text.size());
  std::string_view more = text.substr(std::min(first + 1, text.size()));
  text = text.substr(0, first);
  if (!split(text, '|', parts) || parts[0] != "2") return std::nullopt;
  if (!os::read_number(parts[2], p.size) || !read_flag(parts[3], p.was_on)) return std::nullopt;
  p.cursor = std::string(parts[1]);
  p.boot_id = std::string(parts[4]);
  if (p.cursor.size() > limits::kText || p.boot_id.size() > limits::kName) return std::nullopt;
  for (std::string_view name, rest; !more.empty();) {
    if (!take_line(more, name, rest) || !read_more(name, rest, p)) return std::nullopt;
  }
  return p;
}

JournalResult journal_facts(const JournalLook& look, const std::optional<JournalPosition>& before) {
  JournalResult result;
  model::AuditLogFacts& facts = result.facts;
  facts.source = "journal";
  facts.present = look.present;
  facts.readable = look.readable;
  facts.size_bytes = look.size;
  facts.records_seen = look.entries;
  facts.unread = uncounted(look, before);
  facts.auditing_on = look.auditing_on;
  facts.disk_full = look.disk_full;
  facts.boot_id = look.boot_id;
  facts.new_boot = !before || before->boot_id != look.boot_id;
  if (before) {
    facts.auditing_was_on = before->was_on;
    facts.previous_size_bytes = before->size;
    compare_newest(look, *before, facts);
    compare_oldest(look, *before, facts);
    compare_files(look, *before, facts);
  }
  result.next = before.value_or(JournalPosition{});
  result.next.boot_id = look.boot_id;
  if (look.readable == model::Tristate::yes) {
    result.next.size = look.size;
    if (!look.newest.empty()) result.next.cursor = look.newest;
    result.next.was_on = result.next.was_on || !look.newest.empty();
    if (!look.oldest.empty() && !look.oldest_kept) result.next.oldest = look.oldest;
    if (look.place) {
      result.next.place = kept_of(*look.place);
      result.next.archived = look.place->archived;
    }
  }
  const bool lost_track = facts.new_boot || went_with_the_oldest(result.next.heartbeat, look);
  follow_heartbeat(result.next.heartbeat, look.heartbeat_found, lost_track, look.now, facts);
  return result;
}

Result<JournalResult> settled_journal_facts(const JournalEyes& eyes,
                                            const std::optional<JournalPosition>& before) {
  for (int looks = 0;; ++looks) {
    const auto seen = eyes.look(looks);
    if (!seen) return fail(seen.error());
    JournalResult result = journal_facts(*seen, before);
    if (!before || !something_is_missing(result.facts) || !eyes.files_changed()) return result;
    if (looks + 1 == kJournalLooks) return not_compared(std::move(result), *before);
  }
}

}  // namespace tocsin::agent
