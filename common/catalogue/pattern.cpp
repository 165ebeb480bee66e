#include "common/catalogue/pattern.hpp"

#include <algorithm>

namespace tocsin::catalogue {
namespace {

constexpr std::size_t kMostBytes = 256;

}  // namespace

Result<Pattern> Pattern::parse(std::string_view text) {
  if (text.size() > kMostBytes) {
    return fail(ErrorCode::invalid_argument, "a pattern has at most 256 bytes");
  }
  if (std::any_of(text.begin(), text.end(), [](char c) { return c >= 0 && c < ' '; })) {
    return fail(ErrorCode::invalid_argument, "a pattern has no control characters");
  }
  Pattern pattern;
  pattern.at_start_ = text.starts_with('^') && !text.starts_with("^*");
  if (text.starts_with('^')) text.remove_prefix(1);
  while (!text.empty()) {
    const std::size_t star = std::min(text.find('*'), text.size());
    if (star > 0) pattern.pieces_.emplace_back(text.substr(0, star));
    text.remove_prefix(std::min(star + 1, text.size()));
  }
  if (pattern.pieces_.empty()) {
    return fail(ErrorCode::invalid_argument, "a pattern without any text fits everything");
  }
  return pattern;
}

bool Pattern::fits(std::string_view record) const {
  if (at_start_ && !record.starts_with(pieces_.front())) return false;
  return std::all_of(pieces_.begin(), pieces_.end(), [&](const std::string& piece) {
    const std::size_t at = record.find(piece);
    if (at == std::string_view::npos) return false;
    record.remove_prefix(at + piece.size());
    return true;
  });
}

}  // namespace tocsin::catalogue
