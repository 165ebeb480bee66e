// A directory of a test's own, removed with everything in it.
#pragma once

#include <filesystem>
#include <string>
#include <system_error>

#include <stdlib.h>

#include "common/base/result.hpp"

namespace tocsin::tests {

class TempDir {
 public:
  TempDir() : TempDir(std::filesystem::temp_directory_path().string()) {}
  // For tests that bring their own disk: in memory where the machine has that.
  static TempDir in_memory() {
    return std::filesystem::is_directory("/dev/shm") ? TempDir("/dev/shm") : TempDir();
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  explicit TempDir(const std::string& root) {
    std::string pattern = root + "/tocsin-XXXXXX";
    TOCSIN_CHECK(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }

  std::string path_;
};

}  // namespace tocsin::tests
