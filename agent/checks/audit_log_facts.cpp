#include "agent/checks/audit_log_facts.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>
#include <utmp.h>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/crypto/crypto.hpp"

namespace tocsin::agent {
namespace {

template <class T>
bool read_number(std::string_view text, T& into, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into, base);
  return error == std::errc{} && end == text.data() + text.size();
}

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

std::uint64_t serials_missing(const std::vector<std::uint64_t>& serials, std::uint64_t before) {
  const auto first_new = std::upper_bound(serials.begin(), serials.end(), before);
  if (before == 0 || first_new == serials.end()) return 0;
  return serials.back() - before - static_cast<std::uint64_t>(serials.end() - first_new);
}

void compare(const AuditLook& look, const AuditPosition& before, model::AuditLogFacts& facts) {
  facts.auditing_was_on = before.was_on;
  facts.previous_size_bytes = before.size;
  if (look.present != model::Tristate::yes || before.inode == 0) return;
  const bool same = same_file(look, before);
  facts.replaced = !same;
  facts.shrunk = same && look.stat.size < before.size;
  facts.head_changed = same && head_differs(look, before);
  facts.rotated_sibling = has_changed_hands(look, before) && look.old_content_beside;
  const bool same_boot = before.boot_id == look.boot_id;
  if (same && same_boot && !facts.shrunk && !facts.head_changed) {
    facts.sequence_gap = serials_missing(parse_audit_serials(look.appended), before.serial);
  }
}

AuditPosition next_position(const AuditLook& look, const std::optional<AuditPosition>& before) {
  AuditPosition next = before.value_or(AuditPosition{});
  const bool same = before && same_file(look, *before);
  next.boot_id = look.boot_id;
  // A log that is away keeps its place, so that what comes back is compared with what went.
  if (look.present != model::Tristate::yes) return next;
  if (!same) next.serial = 0;
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
  const auto serials = parse_audit_serials(look.appended.empty() ? look.tail : look.appended);
  if (!serials.empty()) next.serial = serials.back();
  return next;
}

}  // namespace

bool same_head(std::string_view head, const AuditPosition& position) {
  return position.head_bytes > 0 && head.size() >= position.head_bytes &&
         hash_of(head.substr(0, position.head_bytes)) == position.head_hash;
}

bool has_changed_hands(const AuditLook& look, const std::optional<AuditPosition>& before) {
  if (!before || before->inode == 0 || look.present != model::Tristate::yes) return false;
  return !same_file(look, *before) || look.stat.size < before->size || head_differs(look, *before);
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
  facts.zeroed = all_zero(look.head) || all_zero(look.tail) || look.zeroed_logins > 0;
  if (before) compare(look, *before, facts);
  result.next = next_position(look, before);
  return result;
}

std::string to_text(const AuditPosition& p) {
  return fmt::format("1;{};{};{};{};{};{};{};{}", p.device, p.inode, p.size, p.head_bytes,
                     p.head_hash, p.was_on ? 1 : 0, p.boot_id, p.serial);
}

std::optional<AuditPosition> parse_audit_position(std::string_view text) {
  std::array<std::string_view, 9> parts;
  AuditPosition p;
  if (!split(text, ';', parts) || parts[0] != "1") return std::nullopt;
  if (!read_number(parts[1], p.device) || !read_number(parts[2], p.inode) ||
      !read_number(parts[3], p.size) || !read_number(parts[4], p.head_bytes) ||
      !read_flag(parts[6], p.was_on) || !read_number(parts[8], p.serial)) {
    return std::nullopt;
  }
  p.head_hash = std::string(parts[5]);
  p.boot_id = std::string(parts[7]);
  const bool hashed = p.head_bytes > 0;
  if (p.head_bytes > kHeadBytes || p.head_hash.size() != (hashed ? 64U : 0U)) return std::nullopt;
  if (p.boot_id.size() > limits::kName) return std::nullopt;
  return p;
}

bool holds_logins(std::string_view file_name) { return file_name == "wtmp" || file_name == "btmp"; }

std::size_t zeroed_logins(std::string_view bytes) {
  std::size_t count = 0;
  for (; bytes.size() >= sizeof(utmp); bytes.remove_prefix(sizeof(utmp))) {
    if (all_zero(bytes.substr(0, sizeof(utmp)))) ++count;
  }
  return count;
}

std::vector<std::uint64_t> parse_audit_serials(std::string_view text) {
  constexpr std::string_view kStart = "msg=audit(";
  std::vector<std::uint64_t> serials;
  for (std::size_t at = text.find(kStart); at != std::string_view::npos;
       at = text.find(kStart, at + 1)) {
    const std::string_view stamp = text.substr(at + kStart.size(), 64);
    const std::size_t colon = stamp.find(':');
    const std::size_t close = stamp.find(')');
    if (close == std::string_view::npos || colon == std::string_view::npos || colon > close) {
      continue;
    }
    std::uint64_t serial = 0;
    if (read_number(stamp.substr(colon + 1, close - colon - 1), serial)) serials.push_back(serial);
  }
  std::sort(serials.begin(), serials.end());
  serials.erase(std::unique(serials.begin(), serials.end()), serials.end());
  return serials;
}

std::optional<JournalPlace> parse_journal_cursor(std::string_view cursor) {
  JournalPlace place;
  while (!cursor.empty()) {
    const std::size_t end = cursor.find(';');
    const std::string_view part = cursor.substr(0, end);
    cursor.remove_prefix(end == std::string_view::npos ? cursor.size() : end + 1);
    if (part.starts_with("s=")) place.sequence_id = std::string(part.substr(2));
    if (part.starts_with("i=") && !read_number(part.substr(2), place.sequence, 16)) {
      return std::nullopt;
    }
  }
  if (place.sequence_id.empty() || place.sequence == 0) return std::nullopt;
  return place;
}

std::string to_text(const JournalPosition& p) {
  return fmt::format("2|{}|{}|{}|{}", p.cursor, p.size, p.was_on ? 1 : 0, p.boot_id);
}

std::optional<JournalPosition> parse_journal_position(std::string_view text) {
  std::array<std::string_view, 5> parts;
  JournalPosition p;
  if (!split(text, '|', parts) || parts[0] != "2") return std::nullopt;
  if (!read_number(parts[2], p.size) || !read_flag(parts[3], p.was_on)) return std::nullopt;
  p.cursor = std::string(parts[1]);
  p.boot_id = std::string(parts[4]);
  if (p.cursor.size() > limits::kText || p.boot_id.size() > limits::kName) return std::nullopt;
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
  facts.auditing_on = look.auditing_on;
  facts.disk_full = look.disk_full;
  facts.boot_id = look.boot_id;
  facts.new_boot = !before || before->boot_id != look.boot_id;
  if (before) {
    facts.auditing_was_on = before->was_on;
    facts.previous_size_bytes = before->size;
    const auto old_place = parse_journal_cursor(before->cursor);
    const auto new_place = parse_journal_cursor(look.newest);
    if (old_place && new_place) {
      const bool same = old_place->sequence_id == new_place->sequence_id;
      facts.replaced = !same;
      facts.shrunk = same && new_place->sequence < old_place->sequence;
      const std::uint64_t numbered = new_place->sequence - old_place->sequence;
      if (same && !facts.shrunk && look.counted && numbered > look.entries) {
        facts.sequence_gap = numbered - look.entries;
      }
    }
  }
  result.next = before.value_or(JournalPosition{});
  result.next.boot_id = look.boot_id;
  if (look.readable == model::Tristate::yes) {
    result.next.size = look.size;
    if (!look.newest.empty()) result.next.cursor = look.newest;
    result.next.was_on = result.next.was_on || !look.newest.empty();
  }
  return result;
}

}  // namespace tocsin::agent
