#include "agent/tail/lines.hpp"

#include <algorithm>

namespace tocsin::agent {
namespace {

std::string_view without_frame(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of('\0'), line.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

void give(std::string_view line, std::size_t limit, LinesResult& result,
          const OnRecord& on_record) {
  line = without_frame(line);
  if (line.empty()) return;
  if (line.size() > limit) ++result.long_records;
  ++result.records;
  on_record(line.substr(0, limit));
}

}  // namespace

LinesResult split_lines(std::string_view bytes, std::size_t limit, bool final, bool& skipping,
                        const OnRecord& on_record) {
  LinesResult result;
  std::string_view rest = bytes;
  for (std::size_t end = rest.find('\n'); end != rest.npos; end = rest.find('\n')) {
    if (!skipping) give(rest.substr(0, end), limit, result, on_record);
    skipping = false;
    rest.remove_prefix(end + 1);
  }
  result.taken = bytes.size() - rest.size();
  const std::string_view begun = without_frame(rest);
  if (skipping || (begun.empty() && !rest.ends_with('\r'))) {
    result.taken = bytes.size();  // only what is left out anyway
  } else if (begun.size() > limit || final) {
    skipping = begun.size() > limit && !final;
    give(rest, limit, result, on_record);
    result.taken = bytes.size();
  }
  return result;
}

}  // namespace tocsin::agent
