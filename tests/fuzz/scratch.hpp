// A file of a fuzzer's own, written anew for each input: for what can only be read by its path.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <unistd.h>

#include "common/base/result.hpp"

namespace tocsin::fuzz {

class Scratch {
 public:
  Scratch() {
    // In memory where that can be, for a fuzzer is as fast as its slowest call.
    constexpr const char* kMemory = "/dev/shm";
    const bool memory = ::access(kMemory, W_OK) == 0;
    std::string folder = memory ? kMemory : std::filesystem::temp_directory_path().string();
    folder += "/tocsin-fuzz-XXXXXX";
    TOCSIN_CHECK(::mkdtemp(folder.data()) != nullptr);
    folder_ = folder;
    path_ = folder_ / "file";
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const std::string& path() const { return path_; }
  void put(std::string_view bytes) const {
    std::ofstream file(path_, std::ios::binary | std::ios::trunc);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    TOCSIN_CHECK(file.flush().good());
  }
  void remove() const { std::filesystem::remove(path_); }

 private:
  std::filesystem::path folder_;
  std::string path_;
};

}  // namespace tocsin::fuzz
