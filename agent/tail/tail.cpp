#include "agent/tail/tail.hpp"

#include <algorithm>
#include <limits>
#include <string_view>
#include <vector>

#include <unistd.h>

#include "agent/tail/packed.hpp"
#include "agent/tail/rotation.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kMostSiblings = 4096;
constexpr std::size_t kChunk = 256 << 10;
constexpr std::size_t kNewest = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kStartBytes = 64 << 10;

using Key = TailMemory::Key;
Key key_of(const TailPlace& place) { return {place.device, place.inode, place.generation}; }

// The log itself or an older part of it.
struct Part {
  std::string path;
  os::FileStat stat;
  std::string mark;
  bool packed = false;
  bool gzip = false;
  std::uint64_t generation = 0;
};
Key key_of(const Part& part) { return {part.stat.device, part.stat.inode, part.generation}; }
TailPlace start_of(const Part& part) {
  return place_at_start(part.stat.device, part.stat.inode, part.generation);
}

// A part's bytes, as they were written.
class Source {
 public:
  Source(const os::Fd& file, bool gzip) : file_(file), gzip_(gzip) {}
  Result<std::string> read(std::uint64_t offset, std::size_t limit) const {
    return gzip_ ? unpack_gzip(file_, offset, limit) : os::read_at(file_, offset, limit);
  }

 private:
  const os::Fd& file_;
  bool gzip_;
};

std::string read_or_nothing(const Source& source, std::uint64_t offset, std::size_t limit) {
  return source.read(offset, limit).value_or(std::string());
}

bool matches(const Source& source, std::uint64_t size, const TailPlace& place) {
  const std::string head = read_or_nothing(source, 0, place.head_bytes);
  // Before the rest of a packed part is unpacked.
  if (!starts_as_read(place, head)) return false;
  const std::string last =
      read_or_nothing(source, place.offset - place.last_bytes, place.last_bytes);
  return holds_what_was_read(place, size, head, last);
}

struct Folder {
  std::optional<Part> log;
  std::vector<Part> older;  // oldest first
};

Result<Folder> look_into(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  const std::string folder = path.substr(0, path.size() - name.size());
  Folder found;
  const auto names = os::list_folder(folder, kMostSiblings);
  if (!names && names.error().code != ErrorCode::not_found &&
      names.error().code != ErrorCode::permission_denied) {
    return fail(names.error());
  }
  for (const std::string& sibling : names.value_or(std::vector<std::string>())) {
    const RotatedName rotated = rotated_name(name, sibling);
    const auto stat = rotated.older ? os::stat_of(folder + sibling) : Result<os::FileStat>{};
    if (!rotated.older || !stat) continue;
    found.older.push_back({folder + sibling, *stat, std::string(rotated.mark), rotated.compressed,
                           rotated.packing == ".gz", os::generation_of(folder + sibling)});
  }
  std::stable_sort(found.older.begin(), found.older.end(),
                   [](const Part& a, const Part& b) { return is_older_mark(a.mark, b.mark); });
  return found;
}

class Look {
 public:
  Look(const std::string& path, const TailLimits& limits, Instant now, TailMemory& memory,
       const OnRecord& on_record, const OnRecord& on_past)
      : path_(path),
        limits_(limits),
        now_(now),
        memory_(memory),
        on_record_(on_record),
        on_past_(on_past) {}

  Result<TailOutcome> run(const std::optional<TailPosition>& before) {
    auto folder = look_into(path_);
    if (!folder) return fail(folder.error());
    folder_ = std::move(*folder);
    TOCSIN_TRY(open_log());
    if (before) {
      settle(*before);
      read_all();
    } else if (folder_.log) {
      begin_at_end();
    }
    finish();
    return std::move(outcome_);
  }

 private:
  // A place with where its bytes are found in this look.
  struct Reading {
    TailPlace place;
    const os::Fd* file;  // of memory_
    bool gzip = false;
    std::uint64_t size = 0;  // as long as the file is; packed: unknown, 0
    bool is_log = false;
    std::size_t age = kNewest;  // among the older parts: their order
    bool removed = false;       // its file has no name any more
  };

  Status open_log() {
    auto opened = os::open_regular(path_);
    if (!opened) {
      if (opened.error().code == ErrorCode::not_found) return {};
      return fail(opened.error());
    }
    folder_.log = Part{path_, opened->stat, "", false, false, os::generation_of(opened->fd)};
    outcome_.present = true;
    const Key key = key_of(*folder_.log);
    if (!memory_.open.contains(key)) memory_.open.emplace(key, std::move(opened->fd));
    return {};
  }

  const os::Fd* held(const Key& key) const {
    const auto found = memory_.open.find(key);
    return found == memory_.open.end() ? nullptr : &found->second;
  }

  Reading reading_of_log(TailPlace place) const {
    const os::FileStat& stat = folder_.log->stat;
    place.left.reset();
    return {std::move(place), held(key_of(*folder_.log)), false, stat.size, true, kNewest};
  }

  // ---- Where everything is now ----

  void settle(const TailPosition& before) {
    newest_before_ = before.newest_sibling;
    note_copies(0, [&](const Part& part) { return part.stat.modified > newest_before_; });
    bool continued = false;
    std::optional<std::size_t> known;  // the newest of the older parts that was read before
    bool unseen = before.places.empty() || before.places.back().left.has_value();
    for (TailPlace place : before.places) {
      add_generation(place);
      if (!place.copy && is_log_now(place)) {
        continued = true;
        unseen = unseen || place.head_bytes == 0;
        readings_.push_back(reading_of_log(place));
        continue;
      }
      if (!place.left) ++outcome_.rotations;
      const auto part = place.copy ? find_copy(place) : find(place);
      if (part) taken_.push_back(key_of(folder_.older[*part]));
      // Where nothing was ever seen its inode alone says which part it is, and that can be a new
      // file's by now: nothing follows from it for the others.
      // A copy stays in mind while newer parts are read to their end and forgotten.
      if (part && place.head_bytes > 0 && !place.copy) known = std::max(known, part);
    }
    if (known) note_copies(*known + 1, [](const Part&) { return true; });
    go_on_in_copy();
    for (TailPlace& copy : old_copies_) {
      copy.closed = copy.closed || !continued;
      if (!copy.closed) copy.left = now_;
      copies_.push_back(std::move(copy));
    }
    if (!continued || unseen) add_new_parts(known);
    if (folder_.log && !continued) readings_.push_back(reading_of_log(start_of(*folder_.log)));
    // Oldest first, and the log last, whatever it was called before.
    std::stable_sort(readings_.begin(), readings_.end(), [](const Reading& a, const Reading& b) {
      return std::pair(a.is_log, a.age) < std::pair(b.is_log, b.age);
    });
    keep_one_of_each();
    close_all_but_newest();
    while (readings_.size() > kTailParts) {
      lose(readings_.front());
      readings_.erase(readings_.begin());
    }
    copies_.resize(std::min(copies_.size(), kTailParts - readings_.size()));
  }

  // A place that was kept without the generation of its file, or that is known by what was read: a
  // file system may count anew when it is mounted again.
  void add_generation(TailPlace& place) const {
    const auto add_of = [&](const Part& part) {
      const bool free =
          place.generation == 0 || part.generation == 0 || (place.head_bytes > 0 && !place.copy);
      if (free && part.stat.device == place.device && part.stat.inode == place.inode) {
        place.generation = part.generation;
      }
    };
    if (folder_.log) add_of(*folder_.log);
    for (const Part& part : folder_.older) add_of(part);
  }

  static void move_to(const Part& part, TailPlace& place) {
    place.device = part.stat.device;
    place.inode = part.stat.inode;
    place.generation = part.generation;
  }

  static bool is_of(const os::OpenedFile& opened, const Part& part) {
    return opened.stat.device == part.stat.device && opened.stat.inode == part.stat.inode;
  }

  bool is_log_now(const TailPlace& place) const {
    if (!folder_.log || key_of(*folder_.log) != key_of(place)) return false;
    return matches(Source(*held(key_of(place)), false), folder_.log->stat.size, place);
  }

  // Finds what is no longer the log and adds it to what is read. Returns the older part that holds
  // it, where there is one.
  std::optional<std::size_t> find(TailPlace place) {
    if (place.closed && place.head_bytes == 0) return std::nullopt;  // Empty, and stays so.
    // A copy got the inode of what went and of which nothing was ever seen.
    if (place.head_bytes == 0 && is_copy(key_of(place))) return std::nullopt;
    const bool was_log = !place.left;
    if (was_log) place.left = now_;
    const os::Fd* file = held(key_of(place));
    const bool usable = file != nullptr && !is_truncated_log(place) && !is_packed(place);
    const std::uint64_t size = usable ? size_of(*file) : 0;
    const bool in_hand = usable && matches(Source(*file, false), size, place);
    if (in_hand && place.head_bytes == 0) {
      note_offset(place, 0, read_or_nothing(Source(*file, false), 0, kTailHeadBytes), {});
    }
    const auto part = part_with(place, was_log);
    if (in_hand) {
      // What is nowhere to be seen went last if it was the log until now, else long ago.
      const std::size_t age = part ? *part : was_log ? kNewest : 0;
      readings_.push_back({std::move(place), file, false, size, false, age, !part});
    } else if (part) {
      add_part(*part, std::move(place));
    } else {
      if (was_log) return short_copy_of(std::move(place));
      outcome_.lost_bytes += place.seen - place.offset;
    }
    return part;
  }

  // ---- Copies of the log that is still to be cut ----

  bool is_copy(const Key& key) const {
    const auto is_it = [&](const TailPlace& copy) { return key_of(copy) == key; };
    return std::any_of(copies_.begin(), copies_.end(), is_it) ||
           std::any_of(old_copies_.begin(), old_copies_.end(), is_it);
  }

  std::optional<std::size_t> find_copy(const TailPlace& place) {
    std::optional<std::size_t> part;
    // Where it is packed already and was found there, it is not unpacked again at each look.
    for (std::size_t i = 0; i < folder_.older.size() && !part && place.generation != 0; ++i) {
      if (folder_.older[i].packed && key_of(folder_.older[i]) == key_of(place)) part = i;
    }
    if (!part) part = part_with(place, false);
    if (!part || is_copy(key_of(folder_.older[*part]))) return part;
    old_copies_.push_back(place);
    move_to(folder_.older[*part], old_copies_.back());
    return part;
  }

  // An older part that holds what the log begins with is a copy that copytruncate has made, or is
  // making: the log's own place has gone through it, or will.
  template <typename IsNew>
  void note_copies(std::size_t from, IsNew is_new) {
    if (!folder_.log) return;
    const Key log_key = key_of(*folder_.log);
    const Source log(*held(log_key), false);
    for (std::size_t i = from; i < folder_.older.size(); ++i) {
      const Part& part = folder_.older[i];
      const Key key = key_of(part);
      if (part.packed || part.stat.size == 0 || key == log_key || is_copy(key)) continue;
      if (!is_new(part) || is_read(part)) continue;
      // Not into memory_: what is open there is what a look before had in hand.
      const auto opened = os::open_regular(part.path);
      if (!opened || !is_of(*opened, part)) continue;
      TailPlace copy = start_of(part);
      note(copy, Source(opened->fd, false), part.stat.size);
      if (!matches(log, folder_.log->stat.size, copy)) continue;
      copy.copy = true;
      copy.left = now_;
      taken_.push_back(key);
      copies_.push_back(std::move(copy));
    }
  }

  // The copy of a log that was read further than it was copied before it was cut, where no look
  // came upon the two: 4 KiB that are the same are no other log's.
  std::optional<std::size_t> short_copy_of(TailPlace place) {
    std::optional<std::size_t> part;
    if (place.head_bytes == kTailHeadBytes) {
      TailPlace start = place_at_start(place.device, place.inode, place.generation);
      start.head_bytes = place.head_bytes;
      start.head_hash = place.head_hash;
      part = part_with(start, true);
    }
    cut_ = std::move(place);
    return part;
  }

  // The log was cut before it was read as far as its copy goes; the start that was seen of it may
  // be longer than the copy is.
  void go_on_in_copy() {
    if (!cut_) return;
    TailPlace place = std::move(*cut_);
    const auto copy = std::find_if(old_copies_.rbegin(), old_copies_.rend(),
                                   [](const TailPlace& c) { return !c.closed; });
    if (copy != old_copies_.rend()) {
      for (std::size_t i = 0; i < folder_.older.size(); ++i) {
        const Part& part = folder_.older[i];
        // It may have grown since a look noted it.
        const std::uint64_t size = part.packed ? copy->offset : part.stat.size;
        if (key_of(part) == key_of(*copy) && size > place.offset) {
          return add_part(i, std::move(place));
        }
      }
    }
    outcome_.lost_bytes += place.seen - place.offset;
  }

  // The place's file is still the log, with other content.
  bool is_truncated_log(const TailPlace& place) const {
    return folder_.log && key_of(*folder_.log) == key_of(place);
  }

  bool is_packed(const TailPlace& place) const {
    return std::any_of(folder_.older.begin(), folder_.older.end(), [&](const Part& part) {
      return part.packed && key_of(part) == key_of(place);
    });
  }

  static std::uint64_t size_of(const os::Fd& file) {
    return static_cast<std::uint64_t>(std::max<off_t>(::lseek(file.get(), 0, SEEK_END), 0));
  }

  // The same file under another name, else a copy or a packed one: newest first. What was copied
  // from the log since the look before is newer than every part that was there then.
  std::optional<std::size_t> part_with(const TailPlace& place, bool was_log) {
    for (std::size_t i = folder_.older.size(); i-- > 0;) {
      const Part& part = folder_.older[i];
      if (key_of(part) == key_of(place) && part_matches(part, place)) return i;
    }
    if (place.head_bytes == 0) return std::nullopt;  // Everything would be a copy of it.
    for (std::size_t i = folder_.older.size(); i-- > 0;) {
      const Part& part = folder_.older[i];
      if (was_log && part.stat.modified <= newest_before_) continue;
      if (part_matches(part, place)) return i;
    }
    return std::nullopt;
  }

  bool part_matches(const Part& part, const TailPlace& place) {
    if (part.packed && !part.gzip) return false;
    if (!part.packed && part.stat.size < place.offset) return false;
    const os::Fd* file = open_part(part);
    if (file == nullptr) return false;
    const std::uint64_t size = part.packed ? place.offset : part.stat.size;
    return matches(Source(*file, part.gzip), size, place);
  }

  const os::Fd* open_part(const Part& part) {
    const Key key = key_of(part);
    if (const os::Fd* file = held(key)) return file;
    auto opened = os::open_regular(part.path);
    if (!opened || !is_of(*opened, part)) return nullptr;
    return &memory_.open.emplace(key, std::move(opened->fd)).first->second;
  }

  void add_part(std::size_t index, TailPlace place) {
    const Part& part = folder_.older[index];
    const os::Fd* file = open_part(part);
    const bool same_file = key_of(part) == key_of(place);
    move_to(part, place);
    place.closed = place.closed || part.packed || !same_file;
    if (!place.left) place.left = now_;
    const std::uint64_t size = part.packed ? 0 : part.stat.size;
    if (!same_file && !part.packed && place.seen > size) {
      outcome_.lost_bytes += place.seen - size;  // Written to the log after it was copied.
      place.seen = size;
    }
    readings_.push_back({std::move(place), file, part.gzip, size, false, index});
  }

  bool is_read(const Part& part) const {
    const Key key = key_of(part);
    return std::find(taken_.begin(), taken_.end(), key) != taken_.end() ||
           std::any_of(readings_.begin(), readings_.end(),
                       [&](const Reading& r) { return key_of(r.place) == key; });
  }

  // Parts that were the log for a while between this look and the one before.
  void add_new_parts(std::optional<std::size_t> after) {
    for (std::size_t i = after ? *after + 1 : 0; i < folder_.older.size(); ++i) {
      const Part& part = folder_.older[i];
      if (!after && part.stat.modified <= newest_before_) continue;
      if (is_read(part) || (part.packed && !part.gzip) || open_part(part) == nullptr) continue;
      ++outcome_.rotations;
      TailPlace place = start_of(part);
      place.closed = i + 1 < folder_.older.size();
      add_part(i, std::move(place));
    }
  }

  // A file can have got the inode of one that went and of which nothing was ever seen: the place
  // that knows its file by content is the right one.
  void keep_one_of_each() {
    std::vector<Reading> kept;
    for (Reading& reading : readings_) {
      const auto same = std::find_if(kept.begin(), kept.end(), [&](const Reading& k) {
        return key_of(k.place) == key_of(reading.place);
      });
      if (same == kept.end()) {
        kept.push_back(std::move(reading));
      } else if (reading.place.head_bytes > same->place.head_bytes) {
        *same = std::move(reading);
      }
    }
    readings_ = std::move(kept);
  }

  // Who still writes to a renamed part writes to the newest one. What was removed says nothing of
  // the others.
  void close_all_but_newest() {
    bool newest = true;
    for (auto reading = readings_.rbegin(); reading != readings_.rend(); ++reading) {
      if (reading->is_log || reading->removed) continue;
      reading->place.closed = reading->place.closed || !newest;
      newest = false;
    }
  }

  // ---- Reading ----

  void read_all() {
    for (Reading& reading : readings_) read_one(reading);
    for (const Reading& reading : readings_) {
      if (exhausted_) outcome_.bytes_behind += reading.place.seen - reading.place.offset;
    }
  }

  // No more is coming: nobody has it open any more, or nobody should.
  bool is_final(const Reading& reading) const {
    const TailPlace& place = reading.place;
    return place.left && (place.closed || now_ - *place.left >= limits_.late_writes);
  }

  void read_one(Reading& reading) {
    const Source source(*reading.file, reading.gzip);
    TailPlace& place = reading.place;
    skip_hole(reading);
    std::uint64_t at = place.offset;
    bool at_end = false;
    while (!at_end && outcome_.bytes < limits_.bytes) {
      const std::size_t limit = std::max(kChunk, 2 * limits_.record_bytes);
      const auto bytes = source.read(at, limit);
      if (!bytes) return give_up(reading);
      at_end = bytes->size() < limit;
      const bool final = at_end && is_final(reading);
      const LinesResult lines =
          split_lines(*bytes, limits_.record_bytes, final, place.skipping, on_record_);
      at += lines.taken;
      outcome_.bytes += lines.taken;
      outcome_.records += lines.records;
      outcome_.long_records += lines.long_records;
      place.seen = std::max(place.seen, at + (bytes->size() - lines.taken));
    }
    exhausted_ = exhausted_ || !at_end;
    place.seen = std::max(place.seen, reading.size);
    note(place, source, at);
    done_.push_back(at_end && is_final(reading));
  }

  // Packed badly, or too long to unpack: it will not be better next time.
  void give_up(const Reading& reading) {
    lose(reading);
    done_.push_back(!reading.is_log);
  }

  // What copytruncate leaves where the writer does not append: nothing to read, however long.
  void skip_hole(Reading& reading) const {
    if (reading.gzip || reading.place.offset != 0) return;
    const off_t data = ::lseek(reading.file->get(), 0, SEEK_DATA);
    if (data > 0) reading.place.offset = static_cast<std::uint64_t>(data);
  }

  static void note(TailPlace& place, const Source& source, std::uint64_t offset) {
    const std::string head = read_or_nothing(source, 0, kTailHeadBytes);
    const std::size_t last_bytes =
        static_cast<std::size_t>(std::min<std::uint64_t>(offset, kTailLastBytes));
    note_offset(place, offset, head, read_or_nothing(source, offset - last_bytes, last_bytes));
  }

  void lose(const Reading& reading) {
    const std::uint64_t end = std::max(reading.size, reading.place.seen);
    outcome_.lost_bytes += end - reading.place.offset;
  }

  // ---- The first look ----

  void begin_at_end() {
    Reading reading = reading_of_log(start_of(*folder_.log));
    const Source source(*reading.file, false);
    const std::uint64_t size = reading.size;
    const std::uint64_t from = size - std::min<std::uint64_t>(size, kStartBytes);
    const std::string end = read_or_nothing(source, from, static_cast<std::size_t>(size - from));
    // A record that is half written is new when it is whole.
    const std::size_t line_end = end.rfind('\n');
    const bool found = line_end != std::string::npos;
    reading.place.skipping = !found && from > 0;
    const std::uint64_t offset = found ? from + line_end + 1 : reading.place.skipping ? size : 0;
    note(reading.place, source, offset);
    reading.place.seen = std::max(size, offset);
    if (found && on_past_) {
      bool within = from > 0;  // The first of them is cut off at its start.
      split_lines(std::string_view(end).substr(0, line_end + 1), limits_.record_bytes, false,
                  within, on_past_);
    }
    readings_.push_back(std::move(reading));
    done_.push_back(false);
  }

  // ---- What is kept ----

  void finish() {
    std::map<Key, os::Fd> kept;
    for (std::size_t i = 0; i < readings_.size(); ++i) {
      if (done_[i]) continue;
      TailPlace& place = readings_[i].place;
      if (auto node = memory_.open.extract(key_of(place))) kept.insert(std::move(node));
      outcome_.next.places.push_back(std::move(place));
    }
    for (TailPlace& copy : copies_) {
      if (now_ - *copy.left >= limits_.late_writes) continue;
      outcome_.next.places.insert(outcome_.next.places.begin(), std::move(copy));
    }
    memory_.open = std::move(kept);
    for (const Part& part : folder_.older) {
      outcome_.next.newest_sibling = std::max(outcome_.next.newest_sibling, part.stat.modified);
    }
  }

  const std::string& path_;
  const TailLimits& limits_;
  const Instant now_;
  TailMemory& memory_;
  const OnRecord& on_record_;
  const OnRecord& on_past_;
  Folder folder_;
  std::vector<Reading> readings_;
  // Kept in mind and not read. `closed`: of what was the log before.
  std::vector<TailPlace> copies_;
  std::vector<TailPlace> old_copies_;  // that an earlier look noted
  std::optional<TailPlace> cut_;       // what was the log and is in no older part as it was read
  std::vector<Key> taken_;  // parts that hold what one of readings_ has in hand, and copies
  Instant newest_before_;
  std::vector<bool> done_;  // of readings_: read to an end that stays
  bool exhausted_ = false;
  TailOutcome outcome_;
};

}  // namespace

Result<TailOutcome> read_tail(const std::string& path, const std::optional<TailPosition>& before,
                              const TailLimits& limits, Instant now, TailMemory& memory,
                              const OnRecord& on_record, const OnRecord& on_past) {
  return Look(path, limits, now, memory, on_record, on_past).run(before);
}

}  // namespace tocsin::agent
