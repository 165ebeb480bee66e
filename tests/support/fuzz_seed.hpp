// Inputs that a fuzzer of encoded messages begins with: what a unit test encodes, so that no kind
// of message can be added without one. TOCSIN_WRITE_SEEDS=1 writes those that are missing.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

namespace tocsin::test {

// `fuzzer` begins with an input `name`. REQUIRES: the target defines TOCSIN_SOURCE_DIR.
inline void expect_seed(const std::string& fuzzer, const std::string& name,
                        const std::string& bytes) {
  const auto path = std::filesystem::path(TOCSIN_SOURCE_DIR) / "tests/data/fuzz" / fuzzer / name;
  if (std::getenv("TOCSIN_WRITE_SEEDS") != nullptr && !std::filesystem::exists(path)) {
    std::ofstream(path, std::ios::binary) << bytes;
  }
  EXPECT_TRUE(std::filesystem::exists(path))
      << path << " is missing: run this test with TOCSIN_WRITE_SEEDS=1 and commit what it writes";
}

}  // namespace tocsin::test
