// Where a reader of a log stands, so that after a rotation or a restart it goes on at the very next
// byte. Pure: what was kept, and what is there now.
//
// A part of a log is known by device, inode, the inode's generation, the hash of its first 4 KiB
// and the hash of the bytes right before the offset. The inode alone is not enough (a new file may
// get the number of the old one, and not every file system counts generations), the start alone is
// not (a copy has it too), the length says nothing at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/instant.hpp"

namespace tocsin::agent {

inline constexpr std::size_t kTailHeadBytes = 4096;
inline constexpr std::size_t kTailLastBytes = 256;  // right before the offset
inline constexpr std::size_t kTailParts = 8;        // of one log, that are read at a time

// A reader's place in one file.
struct TailPlace {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t generation = 0;  // as os::generation_of; 0: not known
  std::uint64_t offset = 0;      // everything before it was given out
  std::uint64_t seen = 0;        // how long the file was at the last look, at least `offset`
  std::size_t head_bytes = 0;    // what `head_hash` covers
  std::string head_hash;         // in hex; empty where head_bytes is 0
  std::size_t last_bytes = 0;    // what `last_hash` covers, right before `offset`
  std::string last_hash;
  bool skipping = false;  // in the middle of a record over its limit
  bool closed = false;    // nobody writes to it any more: a copy, or packed
  // What copytruncate makes of the log before it cuts it: nothing of it is read, for the log's own
  // place goes through the same bytes.
  bool copy = false;
  // No longer the log itself: renamed, and perhaps still written to by who has it open.
  std::optional<Instant> left;
  friend bool operator==(const TailPlace&, const TailPlace&) = default;
};

struct TailPosition {
  // Oldest first. The log itself is the last one, where it is not `left`; none where there was no
  // such file.
  std::vector<TailPlace> places;
  // When the newest of the older parts beside the log was last written to: what is newer came by a
  // rotation after this look. 0: there was none.
  Instant newest_sibling;
  friend bool operator==(const TailPosition&, const TailPosition&) = default;
};
// Was there a log at that look, under its own name?
bool had_log(const TailPosition& position);
// Lines of text, each ending in '\n'; nothing where it is not one this version wrote.
std::string to_text(const TailPosition& position);
std::optional<TailPosition> parse_tail_position(std::string_view text);

// A new place at the start of a file.
TailPlace place_at_start(std::uint64_t device, std::uint64_t inode, std::uint64_t generation);
// Notes that the bytes before `offset` were given out. `head`: the file's first bytes, at most
// kTailHeadBytes; `last`: those right before `offset`, at most kTailLastBytes.
void note_offset(TailPlace& place, std::uint64_t offset, std::string_view head,
                 std::string_view last);

// True where `head`, a file's first bytes, begins as what was read so far.
bool starts_as_read(const TailPlace& place, std::string_view head);
// True where a file with this start and these bytes before `place.offset` is what was read so far,
// or a copy of it. Says nothing of a place where nothing was ever seen.
bool holds_what_was_read(const TailPlace& place, std::uint64_t size, std::string_view head,
                         std::string_view last);

}  // namespace tocsin::agent
