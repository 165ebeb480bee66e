#include "agent/checks/audit_log.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "agent/checks/audit_copies.hpp"
#include "agent/checks/audit_log_facts.hpp"
#include "agent/checks/observation.hpp"
#include "agent/os/files.hpp"
#include "agent/os/journal.hpp"
#include "agent/os/journal_store.hpp"
#include "agent/os/kernel_audit.hpp"
#include "agent/os/own_record.hpp"
#include "agent/os/procfs.hpp"
#include "agent/os/systemd.hpp"
#include "common/base/text.hpp"
#include "common/crypto/crypto.hpp"

namespace tocsin::agent {
namespace {

constexpr std::uint64_t kMostEntries = 100'000;
constexpr std::size_t kFileBytes = 4096;
// Of what came after our own record was written: it stands near the beginning.
constexpr std::size_t kHeartbeatBytes = 4 << 20;
// A daemon that starts has the kernel's records a moment after it runs.
constexpr Duration kReaderStarts = 200ms;
constexpr Duration kKernelAnswers = 500ms;  // all questions of one look; and as long for a record
constexpr Duration kFileIsChanged = 20ms;   // by journald: renamed, and made anew
constexpr std::array<std::string_view, 1> kAuditWriters{"auditd"};
constexpr std::array<std::string_view, 3> kSyslogWriters{"rsyslogd", "syslog-ng", "syslogd"};
constexpr std::array<std::string_view, 1> kJournalWriters{"systemd-journal"};
constexpr std::array<std::string_view, 6> kSyslogFiles{"auth.log", "kern.log", "maillog",
                                                       "messages", "secure",   "syslog"};

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// The programs that write a log; empty where that is not known.
std::span<const std::string_view> writers_of(std::string_view source) {
  if (source == "journal") return kJournalWriters;
  if (source.starts_with("/var/log/audit/")) return kAuditWriters;
  const auto name = base_name(source);
  const bool syslog =
      std::find(kSyslogFiles.begin(), kSyslogFiles.end(), name) != kSyslogFiles.end();
  if (source.starts_with("/var/log/") && syslog) return kSyslogWriters;
  return {};
}

model::Tristate any_runs(const std::string& root, std::span<const std::string_view> names) {
  if (names.empty()) return model::Tristate::unknown;
  const auto proc = os::ProcReader::open(root);
  if (!proc) return model::Tristate::unknown;
  const auto pids = proc->process_ids();
  if (!pids) return model::Tristate::unknown;
  for (const std::uint32_t pid : *pids) {
    const auto text = proc->read(pid, "stat", kFileBytes);
    const auto stat = text ? os::parse_stat(*text) : std::nullopt;
    if (!stat || stat->kernel_thread() || stat->state == 'Z') continue;
    if (std::find(names.begin(), names.end(), stat->name) != names.end()) {
      return model::Tristate::yes;
    }
  }
  return model::Tristate::no;
}

model::Tristate disk_full(const std::string& folder) {
  const auto full = os::file_system_full(folder);
  return full ? model::tristate(*full) : model::Tristate::unknown;
}

// Where the comparison of what was written stands, which begins anew without; and since when there
// is no file.
struct AuditMemory final : CheckMemory {
  PrefixProgress progress;
  std::optional<MonoTime> missing_since;
};
AuditMemory& memory_of(CheckContext& context) {
  if (!context.memory) context.memory = std::make_unique<AuditMemory>();
  return static_cast<AuditMemory&>(*context.memory);
}

// ---- The kernel's auditing ----

// On the check's own thread, where it delays no other; the kernel answers within microseconds.
void ask_kernel(const time::TimeSource& time, AuditLook& look) {
  const MonoTime until = time.steady() + kKernelAnswers;
  look.kernel = os::audit_status(time, until);
  if (*look.kernel && (*look.kernel)->enabled && (*look.kernel)->reader_pid == 0) {
    os::pause(kReaderStarts);
    look.kernel = os::audit_status(time, until);
  }
  if (!*look.kernel || (*look.kernel)->reader_pid == 0) return;
  const auto proc = os::ProcReader::open("/");
  const auto text =
      proc ? proc->read((*look.kernel)->reader_pid, "stat", kFileBytes) : Result<std::string>{};
  const auto stat = text ? os::parse_stat(*text) : std::nullopt;
  if (stat) look.kernel_reader = stat->name;
}

// ---- A record of our own ----

enum class Channel { none, journal, trail, syslog_daemon, syslog_authpriv };

// Which way a record takes that ends in this log; none where that is not known, or not wanted.
Channel channel_of(std::string_view source, const AuditSettings& settings) {
  if (settings.heartbeat <= 0s) return Channel::none;
  if (source == "journal") return Channel::journal;
  if (source.starts_with("/var/log/audit/")) {
    return settings.trail ? Channel::trail : Channel::none;
  }
  if (source == "/var/log/auth.log" || source == "/var/log/secure") return Channel::syslog_authpriv;
  const bool all = source == "/var/log/syslog" || source == "/var/log/messages";
  return all ? Channel::syslog_daemon : Channel::none;
}

Status write_record(Channel channel, const CheckContext& context, const std::string& mark) {
  const std::string text = heartbeat_text(mark);
  switch (channel) {
    case Channel::journal:
      return os::write_journal(context.root, text, mark);
    case Channel::trail:
      return os::write_audit_record(std::string(os::kOwnProgram).append(" ").append(text),
                                    context.time, context.time.steady() + kKernelAnswers);
    case Channel::syslog_daemon:
      return os::write_syslog(context.root, os::Facility::daemon, text);
    case Channel::syslog_authpriv:
      return os::write_syslog(context.root, os::Facility::authpriv, text);
    case Channel::none:
      break;
  }
  return {};
}

// Would writing wait for the kernel's queue, which is full? Unknown is no.
bool trail_is_stuck(const AuditLook& look) {
  return look.kernel && *look.kernel && !os::has_room(**look.kernel);
}

// Not at the first look: who looks once never sees it come back.
void write_heartbeat(std::string_view source, std::uint64_t size, bool stuck,
                     const CheckContext& context, HeartbeatState& state,
                     model::AuditLogFacts& facts) {
  const Channel channel = channel_of(source, context.settings.audit);
  const Instant now = context.time.wall();
  if (channel == Channel::none || !context.cursor || facts.readable != model::Tristate::yes) return;
  if (!is_due(state, context.settings.audit.heartbeat, now)) return;
  std::string mark = to_hex(crypto::random_bytes(8));
  const bool taken = !stuck && write_record(channel, context, mark).has_value();
  note_written(state, taken, std::move(mark), size, now);
  facts.heartbeat = state.last;
}

// Compares what was written with what it was, where nothing says already that it is another.
Status compare_content(const os::OpenedFile& file, const std::optional<AuditPosition>& before,
                       CheckContext& context, AuditLook& look) {
  if (!only_grows(base_name(look.source))) return {};
  const bool same = before && before->prefix && !has_changed_hands(look, before) &&
                    before->inode == file.stat.inode && before->prefix->covered() <= file.stat.size;
  PrefixProgress& progress = memory_of(context).progress;
  if (!same) progress = {};
  auto seen = look_at_prefix(file.fd, file.stat.size, same ? *before->prefix : PrefixDigest{},
                             PrefixLimits{}, progress);
  if (seen) {
    look.prefix = std::move(*seen);
  } else if (seen.error().code != ErrorCode::unavailable) {
    return fail(seen.error());
  } else if (same) {
    look.prefix = PrefixLook{false, 0, 0, *before->prefix};  // Cut while it was read.
  }
  return {};
}

// Where the last lines end, so that a copy that lacks them is known.
Status note_line_ends(const os::OpenedFile& file, const std::optional<AuditPosition>& before,
                      const CheckContext& context, AuditLook& look) {
  const std::uint64_t size = file.stat.size;
  if (!look.prefix || look.prefix->next.covered() != size) return {};
  const bool same = before && before->inode == file.stat.inode && !has_changed_hands(look, before);
  if (same && before->size == size && !look.prefix->changed && !before->ends.ends.empty()) {
    look.ends = before->ends;
    look.marks = before->marks;
    return {};
  }
  const std::uint64_t from = last_block_start(look.prefix->next);
  const auto bytes = os::read_at(file.fd, from, static_cast<std::size_t>(size - from));
  if (!bytes) return fail(bytes.error());
  if (bytes->size() != size - from) return {};  // Cut while it was read.
  look.ends = line_ends(from, *bytes, context.time.wall());
  if (same) keep_first_seen(look.ends, before->ends);
  look.marks = line_marks(look.head, *bytes);
  return {};
}

Status look_for_heartbeat(const os::OpenedFile& file, const HeartbeatState& state,
                          AuditLook& look) {
  if (state.mark.empty() || state.from > file.stat.size) return {};
  const auto bytes = os::read_at(file.fd, state.from, kHeartbeatBytes);
  if (!bytes) return fail(bytes.error());
  look.heartbeat_found = holds_heartbeat(*bytes, state.mark);
  return {};
}

// Goes on with the records where the look before ended.
Status read_records(const os::OpenedFile& file, const std::optional<AuditPosition>& before,
                    const std::stop_token& stop, AuditLook& look) {
  if (holds_logins(base_name(look.source))) {
    const bool same = before && before->logins && before->inode == file.stat.inode &&
                      !has_changed_hands(look, before);
    auto logins = read_logins(file, same ? *before->logins : LoginPlace{});
    if (!logins) return fail(logins.error());
    look.logins = *logins;
  } else if (before) {
    auto trail = read_trail(file, trail_starts(look, *before), trail_reader(look, *before),
                            kMostTrailBytes, stop);
    if (!trail) return fail(trail.error());
    look.trail = *trail;
  }
  return {};
}

Status read_content(const os::OpenedFile& file, const std::optional<AuditPosition>& before,
                    CheckContext& context, AuditLook& look) {
  auto head = os::read_at(file.fd, 0, kHeadBytes);
  if (!head) return fail(head.error());
  look.head = std::move(*head);
  const std::uint64_t size = file.stat.size;
  auto tail = os::read_at(file.fd, size > kHeadBytes ? size - kHeadBytes : 0, kHeadBytes);
  if (!tail) return fail(tail.error());
  look.tail = std::move(*tail);
  TOCSIN_TRY(read_records(file, before, context.stop, look));
  if (before) TOCSIN_TRY(look_for_heartbeat(file, before->heartbeat, look));
  TOCSIN_TRY(compare_content(file, before, context, look));
  if (has_changed_hands(look, before)) {
    TOCSIN_TRY(look_for_old_lines(file, *before, context.stop, look));
  }
  return note_line_ends(file, before, context, look);
}

Status look_at_file(const std::string& path, const std::optional<AuditPosition>& before,
                    CheckContext& context, AuditLook& look) {
  const auto stat = os::stat_of(path);
  if (!stat && stat.error().code == ErrorCode::permission_denied) {
    look.readable = model::Tristate::no;
    return {};
  }
  if (!stat && stat.error().code != ErrorCode::not_found) return fail(stat.error());
  look.present = model::tristate(stat.has_value());
  if (!stat) return {};
  look.stat = *stat;
  const auto opened = os::open_regular(path);
  look.readable = model::tristate(opened.has_value());
  if (!opened) {
    if (opened.error().code == ErrorCode::permission_denied) return {};
    return fail(opened.error());
  }
  look.stat = opened->stat;
  return read_content(*opened, before, context, look);
}

Duration missing_for(const AuditLook& look, CheckContext& context) {
  auto& since = memory_of(context).missing_since;
  if (look.present != model::Tristate::no) {
    since.reset();
    return {};
  }
  const MonoTime now = context.time.steady();
  if (!since) since = now;
  return now - *since;
}

model::Observation observe_file(const Run& run, const std::string& target, Duration interval,
                                CheckContext& context) {
  const auto before =
      context.cursor ? parse_audit_position(*context.cursor) : std::optional<AuditPosition>();
  const std::string path = os::under(context.root, target);
  AuditLook look;
  look.source = target;
  look.boot_id = os::boot_id(context.root);
  look.now = context.time.wall();
  if (const auto status = look_at_file(path, before, context, look); !status) {
    return run.unseen(status.error());
  }
  look.missing_for = missing_for(look, context);
  // What lies beside a log that is away for longer explains nothing any more.
  if (look.missing_for < kRotationTakes && has_changed_hands(look, before)) {
    look_for_old_content(path, *before, interval, context.stop, look);
  }
  look.auditing_on = any_runs(context.root, writers_of(target));
  look.disk_full = disk_full(path.substr(0, path.rfind('/') + 1));
  const auto writers = writers_of(target);
  const bool audit_trail = !writers.empty() && writers.front() == kAuditWriters.front();
  if (audit_trail && context.root == "/") ask_kernel(context.time, look);
  AuditResult result = audit_log_facts(look, before);
  write_heartbeat(target, look.stat.size, trail_is_stuck(look), context, result.next.heartbeat,
                  result.facts);
  context.new_cursor = to_text(result.next);
  return run.seen(std::move(result.facts));
}

std::optional<JournalPlaceSeen> journal_place(const std::string& root) {
  const auto store = os::look_at_journal_store(root);
  if (!store) return std::nullopt;
  JournalPlaceSeen seen{store->machine_id,
                        store->on_disk,
                        store->files.size(),
                        store->bytes,
                        store->free,
                        {},
                        archived_journals(store->files),
                        store->largest};
  seen.limits = journal_limits(journal_settings(store->settings, store->all_settings),
                               store->on_disk, store->space);
  return seen;
}

// The names of its files, in order; none where that cannot be told.
std::vector<std::string> journal_file_names(const std::string& root) {
  const auto store = os::look_at_journal_store(root);
  std::vector<std::string> names = store ? store->files : std::vector<std::string>();
  std::sort(names.begin(), names.end());
  return names;
}

Result<JournalLook> look_at_journal(const CheckContext& context,
                                    const std::optional<JournalPosition>& before) {
  JournalLook look;
  look.boot_id = os::boot_id(context.root);
  look.now = context.time.wall();
  look.place = journal_place(context.root);  // first, so that what is new since counts as read
  os::JournalAsked asked;
  NumberSkips skips(before ? before->cursor : std::string());
  if (before) {
    asked = {before->cursor, before->oldest, kMostEntries,
             [&](const std::string& cursor) { skips.next(cursor); }};
  }
  const auto end = os::read_journal(context.root, asked, context.stop);
  if (end) {
    look.present = model::Tristate::yes;  // its folder at least
    look.readable = model::Tristate::yes;
    look.size = end->bytes;
    look.newest = end->newest;
    look.entries = end->entries;
    look.counted = end->counted;
    look.end = end->end;
    const auto files = skips.numbers().empty() ? Result<std::vector<os::JournalBounds>>{}
                                               : os::journal_bounds(context.root);
    if (files) look.given_up = given_up(skips, *files);
    look.oldest = end->oldest;
    look.oldest_kept = end->oldest_kept;
  } else if (end.error().code == ErrorCode::not_found) {
    look.present = model::Tristate::no;
  } else if (end.error().code == ErrorCode::permission_denied) {
    look.readable = model::Tristate::no;
  } else {
    return fail(end.error());
  }
  look.auditing_on = any_runs(context.root, writers_of("journal"));
  look.disk_full = disk_full(os::under(context.root, "/var/log"));
  if (before && !before->heartbeat.mark.empty() && end) {
    if (const auto has = os::journal_has(context.root, before->heartbeat.mark)) {
      look.heartbeat_found = *has;
    }
  }
  return look;
}

model::Observation observe_journal(const Run& run, CheckContext& context) {
  const auto before =
      context.cursor ? parse_journal_position(*context.cursor) : std::optional<JournalPosition>();
  std::vector<std::string> files;
  const auto look = [&](int looks_before) {
    os::pause(looks_before * kFileIsChanged);
    files = journal_file_names(context.root);
    return look_at_journal(context, before);
  };
  const auto files_changed = [&] { return journal_file_names(context.root) != files; };
  auto result = settled_journal_facts({look, files_changed}, before);
  if (!result) return run.unseen(result.error());
  write_heartbeat("journal", 0, false, context, result->next.heartbeat, result->facts);
  context.new_cursor = to_text(result->next);
  return run.seen(std::move(result->facts));
}

}  // namespace

model::Observation observe_audit_log(const model::CheckDefinition& check, CheckContext& context) {
  const Run run(check, context);
  const std::string& target = check.check.target;
  if (target == "journal") return observe_journal(run, context);
  if (!target.starts_with('/') || target.find('\0') != std::string::npos) {
    return run.unseen(Error{ErrorCode::invalid_argument, "not an absolute path: " + target});
  }
  return observe_file(run, target, check.interval, context);
}

}  // namespace tocsin::agent
