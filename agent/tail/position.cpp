#include "agent/tail/position.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "agent/os/number.hpp"
#include "common/base/text.hpp"
#include "common/crypto/crypto.hpp"

namespace tocsin::agent {
namespace {

constexpr std::string_view kVersion = "tail1";

std::string hash_of(std::string_view bytes) {
  return bytes.empty() ? std::string() : to_hex(crypto::sha256(bytes));
}

bool good_hash(std::size_t bytes, std::string_view hash) {
  return hash.size() == (bytes > 0 ? 64U : 0U) &&
         hash.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// The text up to the separator, which is taken away; nothing where there is none.
std::optional<std::string_view> take_part(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(end + 1);
  return part;
}

std::optional<TailPlace> parse_place(std::string_view line) {
  std::array<std::string_view, 10> parts;
  for (std::string_view& part : parts) {
    const auto next = take_part(line, ';');
    if (!next) return std::nullopt;
    part = *next;
  }
  TailPlace place;
  Instant left;
  // Written without it before there was one.
  if (!line.empty()) {
    const auto generation = take_part(line, ';');
    if (!generation || !os::read_number(*generation, place.generation)) return std::nullopt;
  }
  const bool numbers =
      os::read_number(parts[0], place.device) && os::read_number(parts[1], place.inode) &&
      os::read_number(parts[2], place.offset) && os::read_number(parts[3], place.seen) &&
      os::read_number(parts[4], place.head_bytes) && os::read_number(parts[6], place.last_bytes) &&
      os::read_stamp(parts[9], left);
  const std::string_view flags = parts[8];
  if (!numbers || !line.empty() || flags.size() != 1 || flags[0] < '0' || flags[0] > '7') {
    return std::nullopt;
  }
  place.head_hash = std::string(parts[5]);
  place.last_hash = std::string(parts[7]);
  place.skipping = ((flags[0] - '0') & 1) != 0;
  place.closed = ((flags[0] - '0') & 2) != 0;
  place.copy = ((flags[0] - '0') & 4) != 0;
  if (left != Instant{}) place.left = left;
  const bool sound = (!place.copy || place.left) && place.head_bytes <= kTailHeadBytes &&
                     place.last_bytes <= kTailLastBytes && place.last_bytes <= place.offset &&
                     place.offset <= place.seen && good_hash(place.head_bytes, place.head_hash) &&
                     good_hash(place.last_bytes, place.last_hash);
  if (!sound) return std::nullopt;
  return place;
}

}  // namespace

bool had_log(const TailPosition& position) {
  return !position.places.empty() && !position.places.back().left;
}

std::string to_text(const TailPosition& position) {
  std::string text = fmt::format("{};{};\n", kVersion, position.newest_sibling.ns);
  for (const TailPlace& p : position.places) {
    text += fmt::format("{};{};{};{};{};{};{};{};{};{};{};\n", p.device, p.inode, p.offset, p.seen,
                        p.head_bytes, p.head_hash, p.last_bytes, p.last_hash,
                        (p.skipping ? 1 : 0) + (p.closed ? 2 : 0) + (p.copy ? 4 : 0),
                        p.left ? p.left->ns : 0, p.generation);
  }
  return text;
}

std::optional<TailPosition> parse_tail_position(std::string_view text) {
  const auto version = take_part(text, ';');
  const auto newest = take_part(text, ';');
  TailPosition position;
  if (!version || *version != kVersion || !newest ||
      !os::read_number(*newest, position.newest_sibling.ns) || !text.starts_with('\n')) {
    return std::nullopt;
  }
  text.remove_prefix(1);
  while (!text.empty()) {
    const auto line = take_part(text, '\n');
    auto place = line ? parse_place(*line) : std::nullopt;
    if (!place || position.places.size() == kTailParts) return std::nullopt;
    position.places.push_back(std::move(*place));
  }
  return position;
}

TailPlace place_at_start(std::uint64_t device, std::uint64_t inode, std::uint64_t generation) {
  TailPlace place;
  place.device = device;
  place.inode = inode;
  place.generation = generation;
  return place;
}

void note_offset(TailPlace& place, std::uint64_t offset, std::string_view head,
                 std::string_view last) {
  place.offset = offset;
  place.seen = std::max(place.seen, offset);
  place.head_bytes = head.size();
  place.head_hash = hash_of(head);
  place.last_bytes = last.size();
  place.last_hash = hash_of(last);
}

bool starts_as_read(const TailPlace& place, std::string_view head) {
  return head.size() >= place.head_bytes &&
         hash_of(head.substr(0, place.head_bytes)) == place.head_hash;
}

bool holds_what_was_read(const TailPlace& place, std::uint64_t size, std::string_view head,
                         std::string_view last) {
  return size >= place.offset && starts_as_read(place, head) && last.size() == place.last_bytes &&
         hash_of(last) == place.last_hash;
}

}  // namespace tocsin::agent
