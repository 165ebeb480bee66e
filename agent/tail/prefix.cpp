#include "agent/tail/prefix.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "agent/os/number.hpp"
#include "common/base/text.hpp"
#include "common/crypto/crypto.hpp"

namespace tocsin::agent {
namespace {

using Node = PrefixDigest::Node;

BlockSum sum_of_two(const BlockSum& left, const BlockSum& right) {
  std::string both(left.data(), left.size());
  both.append(right.data(), right.size());
  return block_sum(both);
}

// Nodes of falling level; two of one level become one of the next.
void push_node(std::vector<Node>& stack, Node node) {
  while (!stack.empty() && stack.back().level == node.level) {
    node = {node.level + 1, sum_of_two(stack.back().sum, node.sum)};
    stack.pop_back();
  }
  stack.push_back(node);
}

Result<std::string> read_exactly(const os::Fd& file, std::uint64_t from, std::uint64_t size) {
  auto bytes = os::read_at(file, from, static_cast<std::size_t>(size));
  if (!bytes) return bytes;
  if (bytes->size() != size) return fail(ErrorCode::unavailable, "the log became shorter");
  return bytes;
}

std::string_view take_part(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

std::string hex_of(const BlockSum& sum) { return to_hex({sum.data(), sum.size()}); }

bool read_sum(std::string_view text, BlockSum& into) {
  std::string bytes;
  if (!from_hex(text, bytes) || bytes.size() != into.size()) return false;
  std::copy(bytes.begin(), bytes.end(), into.begin());
  return true;
}

bool read_nodes(std::string_view text, std::vector<BlockSum>& nodes) {
  constexpr std::size_t kHex = 2 * sizeof(BlockSum);
  if (text.size() % kHex != 0 || text.size() / kHex >= kPrefixNodes) return false;
  for (; !text.empty(); text.remove_prefix(kHex)) {
    if (!read_sum(text.substr(0, kHex), nodes.emplace_back())) return false;
  }
  return true;
}

// "3:HEX,1:HEX"
bool read_rest(std::string_view text, unsigned below, std::vector<Node>& rest) {
  while (!text.empty()) {
    std::string_view part = take_part(text, ',');
    Node node;
    if (!os::read_number(take_part(part, ':'), node.level) || !read_sum(part, node.sum))
      return false;
    if (node.level >= below) return false;
    below = node.level;
    rest.push_back(node);
  }
  return true;
}

// One node of the tree: its place in the file, and what it must be.
struct Piece {
  std::uint64_t first = 0;  // block
  std::uint64_t blocks = 0;
  BlockSum sum{};
};

// The node that holds a block. REQUIRES: it is covered.
Piece piece_with(const PrefixDigest& digest, std::uint64_t block) {
  const std::uint64_t index = block >> digest.level;
  if (index < digest.nodes.size()) {
    return {index << digest.level, std::uint64_t{1} << digest.level, digest.nodes[index]};
  }
  Piece piece{static_cast<std::uint64_t>(digest.nodes.size()) << digest.level, 0, {}};
  for (const Node& node : digest.rest) {
    piece = {piece.first + piece.blocks, std::uint64_t{1} << node.level, node.sum};
    if (block < piece.first + piece.blocks) break;
  }
  return piece;
}

struct Range {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
};

// What was last when the look before ended: where a record is taken out that was just written.
Result<std::optional<Range>> compare_end(const os::Fd& file, const PrefixDigest& digest) {
  const std::uint64_t whole = digest.blocks() * kPrefixBlock;
  if (digest.loose > 0) {
    const auto bytes = read_exactly(file, whole, digest.loose);
    if (!bytes) return fail(bytes.error());
    if (block_sum(*bytes) != digest.loose_sum) return Range{whole, whole + digest.loose};
  }
  if (whole > 0) {
    const auto bytes = read_exactly(file, whole - kPrefixBlock, kPrefixBlock);
    if (!bytes) return fail(bytes.error());
    if (block_sum(*bytes) != digest.last) return Range{whole - kPrefixBlock, whole};
  }
  return std::nullopt;
}

// The node whose turn it is. One that was merged with its neighbour meanwhile begins anew.
Piece begin_piece(const PrefixDigest& digest, PrefixProgress& progress) {
  if (progress.first >= digest.blocks()) progress.first = 0;
  const Piece piece = piece_with(digest, progress.first);
  if (piece.first == progress.first && piece.blocks == progress.blocks) return piece;
  progress = {piece.first, piece.blocks, 0, {}};
  return piece;
}

Result<std::optional<Range>> compare_in_turn(const os::Fd& file, const PrefixDigest& digest,
                                             std::uint64_t budget, PrefixProgress& progress) {
  const std::uint64_t most =
      std::min(std::max<std::uint64_t>(budget / kPrefixBlock, 1), digest.blocks());
  for (std::uint64_t i = 0; i < most; ++i) {
    const Piece piece = begin_piece(digest, progress);
    const auto bytes =
        read_exactly(file, (piece.first + progress.done) * kPrefixBlock, kPrefixBlock);
    if (!bytes) return fail(bytes.error());
    push_node(progress.stack, {0, block_sum(*bytes)});
    if (++progress.done < piece.blocks) continue;
    const bool same = progress.stack.front().sum == piece.sum;
    progress = {piece.first + piece.blocks, 0, 0, {}};
    if (!same) {
      return Range{piece.first * kPrefixBlock, (piece.first + piece.blocks) * kPrefixBlock};
    }
  }
  return std::nullopt;
}

// Takes in what came since.
Status extend(const os::Fd& file, std::uint64_t size, std::uint64_t budget, PrefixDigest& digest) {
  std::uint64_t at = digest.blocks() * kPrefixBlock;
  const std::uint64_t end = std::min(size, digest.covered() + budget);
  while (at + kPrefixBlock <= end) {
    const auto bytes = read_exactly(file, at, kPrefixBlock);
    if (!bytes) return fail(bytes.error());
    digest.last = block_sum(*bytes);
    digest.loose = 0;
    digest.loose_sum = {};
    add_block(digest, digest.last);
    at += kPrefixBlock;
  }
  if (end <= at || end - at == digest.loose) return {};
  const auto bytes = read_exactly(file, at, end - at);
  if (!bytes) return fail(bytes.error());
  digest.loose = end - at;
  digest.loose_sum = block_sum(*bytes);
  return {};
}

}  // namespace

std::uint64_t PrefixDigest::blocks() const {
  std::uint64_t count = static_cast<std::uint64_t>(nodes.size()) << level;
  for (const Node& node : rest) count += std::uint64_t{1} << node.level;
  return count;
}

BlockSum block_sum(std::string_view bytes) {
  const std::string hash = crypto::sha256(bytes);
  BlockSum sum;
  std::copy_n(hash.begin(), sum.size(), sum.begin());
  return sum;
}

void add_block(PrefixDigest& digest, const BlockSum& sum) {
  push_node(digest.rest, {0, sum});
  if (digest.rest.front().level == digest.level) {
    digest.nodes.push_back(digest.rest.front().sum);
    digest.rest.erase(digest.rest.begin());
  }
  if (digest.nodes.size() < kPrefixNodes || digest.level + 1 == kPrefixLevels) return;
  for (std::size_t i = 0; i < kPrefixNodes / 2; ++i) {
    digest.nodes[i] = sum_of_two(digest.nodes[2 * i], digest.nodes[2 * i + 1]);
  }
  digest.nodes.resize(kPrefixNodes / 2);
  ++digest.level;
}

std::string to_text(const PrefixDigest& digest) {
  std::string text = fmt::format("{};", digest.level);
  for (const BlockSum& sum : digest.nodes) text += hex_of(sum);
  text += ';';
  for (const Node& node : digest.rest) {
    text += fmt::format("{}{}:{}", &node == &digest.rest.front() ? "" : ",", node.level,
                        hex_of(node.sum));
  }
  return text +
         fmt::format(";{};{};{}", hex_of(digest.last), digest.loose, hex_of(digest.loose_sum));
}

std::optional<PrefixDigest> parse_prefix_digest(std::string_view text) {
  PrefixDigest digest;
  if (!os::read_number(take_part(text, ';'), digest.level) || digest.level >= kPrefixLevels ||
      !read_nodes(take_part(text, ';'), digest.nodes) ||
      !read_rest(take_part(text, ';'), digest.level, digest.rest) ||
      !read_sum(take_part(text, ';'), digest.last) ||
      !os::read_number(take_part(text, ';'), digest.loose) || digest.loose >= kPrefixBlock ||
      !read_sum(text, digest.loose_sum)) {
    return std::nullopt;
  }
  return digest;
}

std::uint64_t last_block_start(const PrefixDigest& digest) {
  const std::uint64_t blocks = digest.blocks();
  return blocks == 0 ? 0 : (blocks - 1) * kPrefixBlock;
}

Result<bool> holds_blocks_before_last(const os::Fd& copy, const PrefixDigest& digest,
                                      const std::stop_token& stop) {
  const std::uint64_t blocks = digest.blocks();
  for (std::uint64_t block = 0; block < blocks;) {
    const Piece piece = piece_with(digest, block);
    std::vector<Node> stack;
    for (; block < piece.first + piece.blocks; ++block) {
      if (stop.stop_requested()) return fail(ErrorCode::aborted, "asked to stop");
      // Of the last one the sum that was read stands in: the node it is in covers others too.
      BlockSum sum = digest.last;
      if (block + 1 < blocks) {
        const auto bytes = read_exactly(copy, block * kPrefixBlock, kPrefixBlock);
        if (!bytes) return fail(bytes.error());
        sum = block_sum(*bytes);
      }
      push_node(stack, {0, sum});
    }
    if (stack.front().sum != piece.sum) return false;
  }
  return true;
}

Result<PrefixLook> look_at_prefix(const os::Fd& file, std::uint64_t size,
                                  const PrefixDigest& before, const PrefixLimits& limits,
                                  PrefixProgress& progress) {
  auto changed = compare_end(file, before);
  if (changed && !*changed) changed = compare_in_turn(file, before, limits.verify_bytes, progress);
  if (!changed) return fail(changed.error());
  PrefixLook look;
  if (*changed) {
    look = {true, (*changed)->from, (*changed)->to, {}};
    progress = {};
  } else {
    look.next = before;
  }
  TOCSIN_TRY(extend(file, size, limits.extend_bytes, look.next));
  return look;
}

}  // namespace tocsin::agent
