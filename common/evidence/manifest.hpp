// What a collection of evidence consists of, as one text that is signed (procedure M-11). Pure.
//
// The text is at the same time a list for `sha256sum --check --strict`: what is said of an item
// stands in comment lines before its line of hash and name. So two programs that every host has
// verify it (see seal.hpp for the signature):
//
//   # Tocsin evidence manifest 1          # item
//   # host tsm-bk02                       # what audit
//   # agent 3f9a…                         # source /var/log/audit/audit.log
//   # …                                   # …
//   #                                     0f1e…  017-audit.log
//
// What could not be had (無法取得) is a block with its reason and without a line of hash. There is
// exactly one text for a manifest: what does not print as it was read is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/instant.hpp"
#include "common/base/result.hpp"

namespace tocsin::evidence {

inline constexpr std::size_t kItems = 1024;             // with those that could not be had
inline constexpr std::size_t kManifestBytes = 2 << 20;  // more than kItems can make
inline constexpr std::uint64_t kItemBytes = 1ULL << 40;

struct Item {
  std::string what;    // "sockets", "processes", "audit", "journal", …
  std::string source;  // a path, or how it was made
  std::string file;    // in the folder; empty: it could not be had
  Instant taken;       // when reading began; milliseconds, as all times here
  std::uint64_t bytes = 0;
  std::string sha256;  // hex
  // Of what was there, where it is not whole.
  std::uint64_t left_out = 0;  // bytes; 0 with a `cut`: nobody knows
  // item_limit, total_limit, disk_full, stopped, read_failed, no_answer, not_permitted
  std::string cut;
  std::uint64_t from = 0;           // the first byte kept
  std::optional<Instant> modified;  // the file, before reading
  bool changed = false;             // the file, while it was read
  // Why it could not be had.
  std::string reason;  // not_found, not_permitted, symbolic_link, not_a_file, total_limit, …
  std::string detail;  // what the system said
  friend bool operator==(const Item&, const Item&) = default;
};

struct Manifest {
  std::string host;
  std::string agent;     // AgentId of the key that signs; empty: not signed
  std::string program;   // "tocsin-agent 0.1.0"
  std::string system;    // operating system
  std::string boot;      // boot id
  std::string evidence;  // "E-2"; empty: nobody but the host's own administrator asked
  std::string request;   // id
  std::string incident;
  std::string asked_by;
  std::string reason;
  Instant began;
  Instant ended;
  std::vector<Item> items;  // in the order they were taken
  friend bool operator==(const Manifest&, const Manifest&) = default;

  std::uint64_t bytes() const;
  std::uint32_t kept() const;     // items with a file
  std::uint32_t missing() const;  // items without
};

// Texts are made safe to show; what is too long is cut.
std::string print_manifest(const Manifest& manifest);
// Errors: invalid_argument, with the line.
Result<Manifest> parse_manifest(std::string_view text);

// "017-audit.log" of item 17 and any path: letters, digits, '.', '_', '-'.
std::string file_name(std::size_t number, std::string_view path);
// As file_name makes it. Nothing else ever names a file of a collection.
bool is_file_name(std::string_view name);
bool is_sha256(std::string_view hex);

}  // namespace tocsin::evidence
