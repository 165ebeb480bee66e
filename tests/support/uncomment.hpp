// The example configurations say in comments what holds when a key is left out:
//   # interval = "30s"    # why
// This takes those comment marks away, so that a test can compare.
#pragma once

#include <string>
#include <utility>

namespace tocsin::tests {

// The text with every "# key = value" line made real, and how many there were.
inline std::pair<std::string, int> uncommented(std::string text) {
  int count = 0;
  for (std::size_t at = text.find("\n# "); at != std::string::npos;
       at = text.find("\n# ", at + 1)) {
    const std::string line = text.substr(at + 3, text.find('\n', at + 1) - at - 3);
    const std::size_t equals = line.find(" = ");
    if (equals == std::string::npos ||
        line.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") != equals) {
      continue;
    }
    text.erase(at + 1, 2);
    ++count;
  }
  return {std::move(text), count};
}

}  // namespace tocsin::tests
