// The folder that an export fills: new, only its owner's, and never with a name from outside that
// leads elsewhere.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace tocsin::ctl {

class ExportFolder {
 public:
  // Errors: already_exists, as the system says.
  static Result<ExportFolder> create(const std::string& path);
  ExportFolder(ExportFolder&& other) noexcept;
  ExportFolder& operator=(const ExportFolder&) = delete;
  ~ExportFolder();

  // Nothing was put into it: it goes.
  void discard();
  // A new file, then its bytes in order. Errors: invalid_argument (a name that is none of ours), as
  // the system says.
  Status begin(const std::string& name);
  Status append(std::string_view bytes);
  // On the disk.
  Status end();

 private:
  explicit ExportFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
  std::string name_;
  int fd_ = -1;
};

}  // namespace tocsin::ctl
