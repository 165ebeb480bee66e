#include "agent/commands/start_pages.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace tocsin::agent {
namespace {

// Resident kilobytes of this process that are pages of files.
long file_kb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssFile:"))
      return std::stol(line.substr(line.find_first_of("0123456789")));
  }
  return 0;
}

// Touches this program's and its libraries' pages that are only read, and says what is in them.
std::size_t sum_of_pages() {
  std::ifstream maps("/proc/self/maps");
  std::size_t sum = 0;
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    std::string range, mode, offset, device, inode, path;
    words >> range >> mode >> offset >> device >> inode >> path;
    if (path.empty() || path.front() != '/' || mode[0] != 'r' || mode[1] == 'w') continue;
    const std::size_t dash = range.find('-');
    const auto* at = reinterpret_cast<const volatile unsigned char*>(
        std::stoull(range.substr(0, dash), nullptr, 16));
    const std::size_t size = std::stoull(range.substr(dash + 1), nullptr, 16) -
                             std::stoull(range.substr(0, dash), nullptr, 16);
    for (std::size_t i = 0; i < size; i += 512) sum = sum * 31 + at[i];
  }
  return sum;
}

std::array<int, 5000> written{};                            // of a segment that is written to
const std::vector<std::string> kMadeAtStart{"one", "two"};  // by a constructor
const char* const kCorrected[] = {"an address that", "the loader corrected"};

TEST(StartPages, AreTakenOutAndComeBackAsTheyWere) {
  std::generate(written.begin(), written.end(), [n = 0]() mutable { return n++; });
  const std::size_t before = sum_of_pages();
  const long all = file_kb();
  give_back_start_pages();
  const long left = file_kb();
  EXPECT_LT(left, all / 2);
  EXPECT_EQ(sum_of_pages(), before);
  EXPECT_GT(file_kb(), left);
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(written[static_cast<std::size_t>(i)], i);
  EXPECT_EQ(kMadeAtStart, (std::vector<std::string>{"one", "two"}));
  EXPECT_STREQ(kCorrected[1], "the loader corrected");
}

}  // namespace
}  // namespace tocsin::agent
