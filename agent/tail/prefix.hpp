// Whether what a log held at earlier looks is still what it holds: somebody who rewrites a record
// in place changes neither its length nor its start (procedure M-05).
//
// Everything that was seen of a file is covered by hashes: blocks of 64 KiB, and above them a tree,
// of which at most kPrefixNodes nodes of one size and the few smaller ones that follow are kept. A
// look compares the end (the last whole block and what follows it, 64 to 128 KiB) at once, and of
// the rest `verify_bytes`, in turn: a file of `size` bytes is compared once in
// size / verify_bytes looks, and a change anywhere in it is found within twice as many.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "agent/os/files.hpp"
#include "common/base/result.hpp"

namespace tocsin::agent {

inline constexpr std::uint64_t kPrefixBlock = 64 << 10;
inline constexpr std::size_t kPrefixNodes = 128;  // with the others at most 6 KiB of text
inline constexpr unsigned kPrefixLevels = 40;     // more than any file has

// The first half of a SHA-256: nobody makes another text for one that is given.
using BlockSum = std::array<char, 16>;

// What is kept of a file. A node of level n covers kPrefixBlock << n bytes.
struct PrefixDigest {
  struct Node {
    unsigned level = 0;
    BlockSum sum{};
    friend bool operator==(const Node&, const Node&) = default;
  };
  unsigned level = 0;           // of all `nodes`
  std::vector<BlockSum> nodes;  // from the file's start on
  std::vector<Node> rest;       // what follows, each of a lower level than the one before
  BlockSum last{};              // of the last whole block, where there is one
  std::uint64_t loose = 0;      // bytes after it, less than a block
  BlockSum loose_sum{};
  friend bool operator==(const PrefixDigest&, const PrefixDigest&) = default;

  std::uint64_t blocks() const;  // that are whole
  std::uint64_t covered() const { return blocks() * kPrefixBlock + loose; }
};
// One line of text without its end; nothing where it is not one this version wrote.
std::string to_text(const PrefixDigest& digest);
std::optional<PrefixDigest> parse_prefix_digest(std::string_view text);

BlockSum block_sum(std::string_view bytes);
// Adds the next whole block. REQUIRES: no loose bytes.
void add_block(PrefixDigest& digest, const BlockSum& sum);

// Where the comparison in turn stands. A cache: without it, it begins at the start of the file.
struct PrefixProgress {
  std::uint64_t first = 0;                // block of the node that is compared
  std::uint64_t blocks = 0;               // that it covers; another number: it was merged meanwhile
  std::uint64_t done = 0;                 // blocks of it
  std::vector<PrefixDigest::Node> stack;  // their tree so far
};

struct PrefixLimits {
  std::uint64_t verify_bytes = 4 << 20;  // compared in turn, in one look
  std::uint64_t extend_bytes = 8 << 20;  // new ones that are taken in, in one look
};

struct PrefixLook {
  bool changed = false;
  std::uint64_t from = 0;  // the change lies between these
  std::uint64_t to = 0;
  PrefixDigest next;  // after a change: the file as it is now
};
// Where the last whole block begins; 0 where there is none.
std::uint64_t last_block_start(const PrefixDigest& digest);
// Whether a copy holds all blocks before that one. Errors: as the system says; unavailable where it
// is shorter, aborted where `stop` asks for it.
Result<bool> holds_blocks_before_last(const os::Fd& copy, const PrefixDigest& digest,
                                      const std::stop_token& stop);

// Compares and goes on to `size`. REQUIRES: the file is not shorter than what `before` covers, and
// is only appended to. Errors: as the system says; unavailable where it became shorter meanwhile.
Result<PrefixLook> look_at_prefix(const os::Fd& file, std::uint64_t size,
                                  const PrefixDigest& before, const PrefixLimits& limits,
                                  PrefixProgress& progress);

}  // namespace tocsin::agent
