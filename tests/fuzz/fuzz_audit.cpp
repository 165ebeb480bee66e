// What audit logs, journal cursors and a check's own kept position may hold. What a look keeps must
// be readable at the next look, whatever the log holds.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "agent/checks/audit_log_facts.hpp"
#include "agent/checks/login_records.hpp"
#include "common/base/limits.hpp"
#include "common/base/result.hpp"

namespace {

using namespace tocsin;
using namespace tocsin::agent;

// Wherever a text is cut, it says the same.
void check_trail(std::string_view text, std::size_t piece) {
  for (const bool booted : {false, true}) {
    TrailReader whole({7, model::Tristate::unknown}, booted);
    TrailReader pieces({7, model::Tristate::unknown}, booted);
    whole.read(text);
    for (std::size_t at = 0; at < text.size(); at += piece) pieces.read(text.substr(at, piece));
    TOCSIN_CHECK(pieces.place() == whole.place() && pieces.missing() == whole.missing());
    TOCSIN_CHECK(pieces.unfinished() == whole.unfinished());
    TOCSIN_CHECK(whole.unfinished() <= std::min(text.size(), kLongestLine));
  }
}

// What is given up was missing.
void check_numbers(std::string_view text) {
  NumberSkips skips("s=0123;i=1");
  skips.next(text);
  skips.next("s=0123;i=3");
  std::vector<os::JournalBounds> files{{"0123", 3, 2}};
  if (auto bounds = os::parse_journal_header(text)) {
    TOCSIN_CHECK(bounds->sequence_id.size() == 32);
    files.push_back(std::move(*bounds));
  }
  TOCSIN_CHECK(given_up(skips, files) <= skips.numbers().size());
}

void check_cursor(std::string_view text) {
  const auto place = parse_journal_cursor(text);
  if (!place) return;
  TOCSIN_CHECK(place->sequence != 0 && !place->sequence_id.empty());
  TOCSIN_CHECK(parse_journal_cursor(
                   fmt::format("s={};i={:x};b=0", place->sequence_id, place->sequence)) == place);
}

// The limits of any settings can be compared with, and are no nonsense.
void check_settings(std::string_view text) {
  const JournalSettings settings = journal_settings({std::string(text)}, true);
  TOCSIN_CHECK(settings.oldest >= Duration{});
  const JournalLimits limits = journal_limits(settings, true, std::uint64_t{1} << 40);
  TOCSIN_CHECK(limits.largest_file <= limits.most_bytes);
  const JournalPlaceKept kept = kept_of({"0123", true, 1, 0, 0, limits});
  TOCSIN_CHECK(parse_journal_place_kept(to_text(kept)) == kept);
}

// What positions are made of, each by itself too: in a whole position it hardly ever comes out
// right.
void check_parts(std::string_view text) {
  if (const auto digest = parse_prefix_digest(text)) {
    TOCSIN_CHECK(digest->nodes.size() < kPrefixNodes && digest->loose < kPrefixBlock);
    TOCSIN_CHECK(last_block_start(*digest) <= digest->covered());
    TOCSIN_CHECK(parse_prefix_digest(to_text(*digest)) == digest);
    PrefixDigest more = *digest;
    add_block(more, block_sum(text));
    TOCSIN_CHECK(more.blocks() == digest->blocks() + 1);
    TOCSIN_CHECK(parse_prefix_digest(to_text(more)) == more);
  }
  if (auto state = parse_heartbeat(text)) {
    TOCSIN_CHECK(parse_heartbeat(to_text(*state)) == state);
    (void)is_due(*state, 5min, Instant{});
    note_looked(*state, false, Instant{});
    TOCSIN_CHECK(parse_heartbeat(to_text(*state)) == state);
  }
  if (const auto kept = parse_journal_place_kept(text)) {
    TOCSIN_CHECK(parse_journal_place_kept(to_text(*kept)) == kept);
  }
  if (const auto files = parse_archived_journals(text)) {
    TOCSIN_CHECK(files->size() <= kArchivedFollowed);
    TOCSIN_CHECK(parse_archived_journals(to_text(*files)) == files);
    TOCSIN_CHECK(entries_taken_out(*files, *files) == 0);
  }
}

// Names of one folder, a line each.
void check_archived(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    names.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  const auto files = archived_journals(names);
  TOCSIN_CHECK(files.size() <= std::min(kArchivedFollowed, names.size()));
  TOCSIN_CHECK(parse_archived_journals(to_text(files)) == files);
}

// Login records, and what is kept of them, of a file whose size the text's length hints at.
void check_logins(std::string_view text) {
  if (const auto zeroed = find_zeroed_login(text)) {
    TOCSIN_CHECK(*zeroed % kLoginBytes == 0 && *zeroed + kLoginBytes <= text.size());
  }
  const auto place = parse_login_place(text);
  if (!place) return;
  TOCSIN_CHECK(parse_login_place(to_text(*place)) == place);
  LoginPlace before = *place;
  const std::uint64_t most = std::uint64_t{1} << 62;
  for (const std::uint64_t size :
       {std::uint64_t{0}, kLoginBytes, 3 * kNewestLogins, before.covered, before.next, most}) {
    if (size > most) continue;
    const LoginPlan plan = plan_logins(size, before);
    std::uint64_t read = 0;
    for (const LoginRange& range : plan.ranges) {
      TOCSIN_CHECK(range.from < range.to && range.to <= size && range.from % kLoginBytes == 0);
      read += range.to - range.from;
    }
    TOCSIN_CHECK(read <= kNewestLogins + kLoginsInTurn + kLoginBytes);
    TOCSIN_CHECK(plan.next.covered <= size && plan.next.next <= size);
    TOCSIN_CHECK(plan.unread == unread_logins(size - size % kLoginBytes, plan.next));
    TOCSIN_CHECK(parse_login_place(to_text(plan.next)) == plan.next);
  }
}

// One look at a file that begins with `content`, from a position that `text` may be.
void check_look(std::string_view content, const std::optional<AuditPosition>& before) {
  AuditLook look;
  look.source = "/var/log/audit/audit.log";
  look.present = look.readable = model::Tristate::yes;
  look.stat.inode = 7;
  look.stat.size = content.size();
  look.head = content.substr(0, kHeadBytes);
  look.tail = content.substr(content.size() - std::min(content.size(), kHeadBytes));
  look.boot_id = "5c9f7a1e-0000-4000-8000-000000000000";
  const AuditResult result = audit_log_facts(look, before);
  TOCSIN_CHECK(parse_audit_position(to_text(result.next)) == result.next);
  TOCSIN_CHECK(look.head.empty() || same_head(look.head, result.next));
  // A second look at the same file right after finds nothing wrong with it.
  const AuditResult again = audit_log_facts(look, result.next);
  TOCSIN_CHECK(!has_changed_hands(look, result.next));
  TOCSIN_CHECK(!again.facts.replaced && !again.facts.shrunk && !again.facts.head_changed);
  TOCSIN_CHECK(again.facts.sequence_gap == 0 && !again.facts.new_boot);
  TOCSIN_CHECK(again.next == result.next);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_trail(text, size > 0 ? 1 + data[0] % 64U : 1);
  check_numbers(text);
  check_cursor(text);
  check_settings(text);
  check_parts(text);
  check_archived(text);
  check_logins(text);
  (void)journal_cursor_time(text);
  // A kept position has a few lines, the log's content follows an empty one.
  const std::size_t line = std::min(text.find("\n\n"), text.size());
  const auto position = parse_audit_position(text.substr(0, line));
  (void)is_heartbeat("tocsin-agent", text);
  if (const auto status = os::parse_audit_status(text)) {
    TOCSIN_CHECK(text.size() >= 48 && (status->enabled || !status->locked));
  }
  if (position) {
    TOCSIN_CHECK(position->head_bytes <= kHeadBytes);
    TOCSIN_CHECK(parse_audit_position(to_text(*position)) == position);
  }
  check_look(text.substr(line), position);
  if (const auto journal = parse_journal_position(text)) {
    TOCSIN_CHECK(journal->cursor.size() <= limits::kText);
    TOCSIN_CHECK(parse_journal_position(to_text(*journal)) == journal);
    JournalLook look;
    look.present = look.readable = model::Tristate::yes;
    look.newest = journal->cursor;
    look.oldest = journal->oldest;
    look.counted = true;
    const JournalResult same = journal_facts(look, journal);
    TOCSIN_CHECK(!same.facts.replaced && !same.facts.shrunk && same.facts.sequence_gap == 0);
    TOCSIN_CHECK(same.facts.history == model::HistoryGone::none);
    TOCSIN_CHECK(parse_journal_position(to_text(same.next)) == same.next);
  }
  return 0;
}
