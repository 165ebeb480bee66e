// The journal's hash chain: one link for each commit group. Pure but for the hash function.
//
// An auditor can recompute it from the files alone (sqlite3 and any SHA-256). For a group, in this
// order, every number as 8 bytes, most significant first:
//
//   SHA-256( prev_hash                    32 bytes: the hash of the group before; zeros before the
//   first
//            first, last                  positions of the group's entries
//            for each entry, by position:
//              position, at               at: nanoseconds since 1970-01-01 UTC, two's complement
//              length, body )             length of body in bytes, then body itself
//
// `first`, `last`, `prev_hash` and the result are the columns of table commit_group; `pos`, `at`
// and `body` those of table entry. A group does not leave its segment; the first group of a segment
// has the hash of the last group of the segment before in prev_hash, so the chain runs through all
// files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/ids.hpp"
#include "common/base/instant.hpp"
#include "common/crypto/crypto.hpp"

namespace tocsin::collector {

inline constexpr std::size_t kHashBytes = 32;

// What the first group of a journal has as prev_hash.
std::string first_prev_hash();

// Computes the hash of one group after the other. begin() once, add() for each entry in order,
// finish() returns the 32 bytes; then begin() again.
class GroupHash {
 public:
  void begin(std::string_view prev_hash, Position first, Position last);
  void add(Position position, Instant at, std::string_view body);
  std::string finish();

 private:
  crypto::Sha256 sha_;
};

}  // namespace tocsin::collector
