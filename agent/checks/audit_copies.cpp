#include "agent/checks/audit_copies.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/tail/line_marks.hpp"
#include "agent/tail/packed.hpp"
#include "agent/tail/rotation.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kMostSiblings = 4096;
// Of copies that lack a little or are packed, in one look: a second of one processor.
constexpr std::uint64_t kMostCompared = 256 << 20;
constexpr std::size_t kPiece = 1 << 16;
// A packed sibling as young as this, or as two intervals, can be the log's old content. Longer
// than a look's interval, because the agent may have been stopped while the log was rotated.
constexpr Duration kYoung = 10min;

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// A name that people give to what they put away: "auth.log.old", "auth.log~". Not "log-10" beside
// "log-1", which is another log.
bool is_kept_beside(std::string_view name, std::string_view sibling) {
  if (!sibling.starts_with(name) || sibling.size() == name.size()) return false;
  const char next = sibling[name.size()];
  return next == '.' || next == '-' || next == '_' || next == '~';
}

// What a packed part holds, compared with what was read of the log while it is unpacked.
class PackedCopy {
 public:
  explicit PackedCopy(const AuditPosition& before) : before_(before) {}

  // False where no more of it is needed.
  bool add(std::string_view piece) {
    size_ += piece.size();
    if (begins_.size() < kHeadBytes) begins_ += piece.substr(0, kHeadBytes - begins_.size());
    const std::size_t to_blocks = static_cast<std::size_t>(
        std::min<std::uint64_t>(piece.size(), before_.ends.from - in_blocks()));
    block_ += piece.substr(0, to_blocks);
    while (block_.size() >= kPrefixBlock) {
      add_block(digest_, block_sum(std::string_view(block_).substr(0, kPrefixBlock)));
      block_.erase(0, kPrefixBlock);
    }
    piece.remove_prefix(to_blocks);
    end_ += piece.substr(0, kEndsCover - end_.size());
    return size_ < before_.size;
  }
  // Where the lines that were read last are not known, its start and length say it.
  bool is_whole() const {
    if (size_ < before_.size) return false;
    if (before_.size == 0) return true;
    if (!before_.prefix || before_.ends.ends.empty()) return same_head(begins_, before_);
    return ends() == before_.ends.ends.size();
  }
  // How many of the ends it reaches, where all before them is the same.
  std::size_t ends() const {
    if (!before_.prefix || before_.ends.ends.empty()) return 0;
    PrefixDigest digest = digest_;
    if (before_.prefix->blocks() > 0) add_block(digest, before_.prefix->last);
    const bool same = digest.level == before_.prefix->level &&
                      digest.nodes == before_.prefix->nodes && digest.rest == before_.prefix->rest;
    return same ? ends_reached(before_.ends, end_).value_or(0) : 0;
  }

 private:
  std::uint64_t in_blocks() const { return digest_.blocks() * kPrefixBlock + block_.size(); }

  const AuditPosition& before_;
  std::uint64_t size_ = 0;
  std::string begins_;
  PrefixDigest digest_;  // of the blocks before the last lines
  std::string block_;
  std::string end_;  // from LineEnds::from on
};

// One search for the old content beside a log.
class Search {
 public:
  Search(const AuditPosition& before, Instant young_since, const std::stop_token& stop,
         AuditLook& look)
      : before_(before), young_since_(young_since), stop_(stop), look_(look) {}

  bool is_found_in(const std::string& file, const RotatedName& rotated) {
    const auto stat = os::stat_of(file);
    if (!stat) return false;
    if (rotated.older && rotated.compressed) return is_packed_in(file, *stat, rotated);
    if (holds_old_content(file, *stat)) return true;
    const bool may_lack = cut() && rotated.older && !look_.short_copy &&
                          stat->size < before_.size && before_.size - stat->size <= kEndBytes;
    const auto copy = may_lack ? os::open_regular(file) : Result<os::OpenedFile>();
    if (copy && copy->fd.valid()) look_.short_copy = short_copy(*copy);
    return false;
  }

 private:
  bool cut() const {
    return look_.stat.device == before_.device && look_.stat.inode == before_.inode;
  }
  // The log still begins as it did: it was cut in its middle, and that is no rotation.
  bool begins_anew(std::string_view copy_begins) const {
    return look_.head.empty() || copy_begins.substr(0, look_.head.size()) != look_.head;
  }

  bool begins_otherwise(std::string_view copy_begins) const {
    return before_.head_bytes > 0 && !same_head(copy_begins, before_);
  }

  // The renamed file itself, or a copy that is as long and begins the same.
  bool holds_old_content(const std::string& file, const os::FileStat& stat) const {
    if (stat.size < before_.size) return false;
    if (stat.device == before_.device && stat.inode == before_.inode) return true;
    const auto opened = os::open_regular(file);
    const auto head = opened ? os::read_at(opened->fd, 0, kHeadBytes) : Result<std::string>();
    return head && same_head(*head, before_);
  }

  // A copy that is what was read, but for its last lines. Everything else in it is compared.
  std::optional<CopyLook> short_copy(const os::OpenedFile& copy) {
    const LineEnds& ends = before_.ends;
    if (!before_.prefix || ends.ends.empty()) return {};
    if (copy.stat.size < ends.ends.front().offset) return {};
    const auto begins = os::read_at(copy.fd, 0, look_.head.size());
    if (!begins || !begins_anew(*begins)) return {};
    const std::uint64_t end = ends.ends.back().offset - ends.from;
    const auto bytes = os::read_at(copy.fd, ends.from, static_cast<std::size_t>(end));
    const auto reached = bytes ? ends_reached(ends, *bytes) : std::nullopt;
    if (!reached || copy.stat.size > budget_) return {};
    budget_ -= copy.stat.size;
    const auto same = holds_blocks_before_last(copy.fd, *before_.prefix, stop_);
    if (!same || !*same) return {};
    return CopyLook{*reached, copy.stat.changed};
  }

  // Packing keeps the time of the last record, so the time counts at which the file itself came to
  // be or got its name.
  bool is_packed_in(const std::string& file, const os::FileStat& stat, const RotatedName& rotated) {
    if (stat.size == 0 || std::max(stat.modified, stat.changed) < young_since_) return false;
    const auto opened = os::open_regular(file);
    if (!opened) return false;
    if (rotated.packing != ".gz") {
      look_.packed_unread = true;
      return false;
    }
    // Another part of the log begins otherwise, as a rule.
    const auto head = unpack_gzip(opened->fd, 0, kHeadBytes);
    if (!head || (head->size() >= before_.head_bytes && begins_otherwise(*head))) return false;
    PackedCopy copy(before_);
    std::uint64_t unpacked = 0;
    const auto status = unpack_pieces(opened->fd, budget_, stop_, [&](std::string_view piece) {
      unpacked += piece.size();
      return copy.add(piece);
    });
    budget_ -= std::min(budget_, unpacked);
    if (!status) {
      look_.packed_unread |= status.error().code != ErrorCode::data_loss;
      return false;
    }
    if (copy.is_whole()) return true;
    const bool may_lack = cut() && !look_.short_copy && begins_anew(*head);
    const std::size_t ends = may_lack ? copy.ends() : 0;
    if (ends > 0) look_.short_copy = CopyLook{ends, stat.changed, true};
    return false;
  }

  const AuditPosition& before_;
  Instant young_since_;
  const std::stop_token& stop_;
  AuditLook& look_;
  std::uint64_t budget_ = kMostCompared;
};

// Does it hold all that was there, where it was there?
Result<bool> holds_all(const os::OpenedFile& file, const AuditPosition& before,
                       const MarkFinder& marks) {
  if (file.stat.size < before.size) return false;
  if (!before.prefix || before.prefix->covered() == 0) return marks.all();
  PrefixProgress progress;
  const auto seen = look_at_prefix(file.fd, file.stat.size, *before.prefix,
                                   PrefixLimits{kMostCompared, 0}, progress);
  if (!seen) return fail(seen.error());
  return !seen->changed;
}

}  // namespace

void look_for_old_content(const std::string& path, const AuditPosition& before, Duration interval,
                          const std::stop_token& stop, AuditLook& look) {
  const std::string name(base_name(path));
  const std::string folder = path.substr(0, path.size() - name.size());
  const auto names = os::list_folder(folder, kMostSiblings);
  if (!names) return;
  Search search(before, look.now - std::max(kYoung, interval * 2), stop, look);
  for (const std::string& sibling : *names) {
    const RotatedName rotated = rotated_name(name, sibling);
    if (sibling == name || !(rotated.older || is_kept_beside(name, sibling))) continue;
    look.old_content_beside = search.is_found_in(folder + sibling, rotated);
    if (look.old_content_beside) return;
  }
}

Status look_for_old_lines(const os::OpenedFile& file, const AuditPosition& before,
                          const std::stop_token& stop, AuditLook& look) {
  if (!only_grows(base_name(look.source))) return {};
  MarkFinder marks(before.marks);
  const std::uint64_t most = before.marks.empty() ? 0 : std::min(file.stat.size, kMostCompared);
  for (std::uint64_t at = 0; at < most;) {
    if (stop.stop_requested()) return fail(ErrorCode::aborted, "asked to stop");
    const auto piece = os::read_at(file.fd, at, kPiece);
    if (!piece) return fail(piece.error());
    if (piece->empty()) break;
    at += piece->size();
    marks.add(*piece);
  }
  const bool same_start = before.head_bytes == kHeadBytes && same_head(look.head, before);
  if (!same_start && !marks.some_of_the_old()) return {};
  const auto all = holds_all(file, before, marks);
  if (!all && all.error().code != ErrorCode::unavailable) return fail(all.error());
  look.holds_old_part = all && !*all;  // Cut while it was looked at: the next look tells.
  return {};
}

}  // namespace tocsin::agent
