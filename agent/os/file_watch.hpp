// Tells when a log loses something: cut, renamed, removed, replaced. Through inotify, so that
// nobody has to look often. The kernel does not say that a file became shorter, only that it was
// written to; its length is compared here. What only grows is no event.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/result.hpp"

namespace tocsin::agent::os {

class FileWatch {
 public:
  // Errors: resource_exhausted (the user's limit of watches), unavailable.
  static Result<FileWatch> make();
  FileWatch(FileWatch&&) noexcept;
  FileWatch& operator=(FileWatch&&) noexcept;
  ~FileWatch();

  // Watches exactly these files, also those that do not exist yet, and goes on where their folder
  // is removed and made anew. What cannot be watched is left out: the regular look sees it.
  void watch(const std::vector<std::string>& paths);
  // Readable when there is something to take.
  int descriptor() const;
  // The files that lost something since the call before, each once. Never waits.
  std::vector<std::string> take();

 private:
  struct Impl;
  explicit FileWatch(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::agent::os
