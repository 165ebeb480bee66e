// Which file a program is: of a package and as that put it there, or known by its hash (procedure
// M-07, M-09). A file is hashed once and again only when it changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <tuple>
#include <vector>

#include "agent/os/files.hpp"
#include "agent/os/packages.hpp"
#include "common/model/facts.hpp"

namespace tocsin::agent {

// Hashed in one look at most; what is left is unknown until the next.
inline constexpr std::uint64_t kHashedAtOnce = 256ULL << 20;

// Thread: one at a time.
class ProgramFiles {
 public:
  // `root`: of the host's files. `packages`: what others ask too, or nobody else.
  explicit ProgramFiles(std::string root, std::shared_ptr<os::Packages> packages = nullptr)
      : root_(std::move(root)),
        packages_(packages ? std::move(packages) : std::make_shared<os::Packages>(root_)) {}

  struct Program {
    std::uint32_t process_id = 0;
    std::string path;  // without " (deleted)"
    bool deleted = false;
  };
  os::Packages& packages() { return *packages_; }

  // In the order of `programs`. What cannot be read or is not there any more is unknown.
  std::vector<model::ProgramFile> of(const std::vector<Program>& programs, std::stop_token stop);

  // True where a package was installed, upgraded or removed since the last of(): what that said may
  // hold no longer.
  bool outdated() const;

  // Files that were hashed since the start; for tests and figures.
  std::uint64_t hashed() const { return hashed_; }

 private:
  // A file as it was: device, inode, size, last change of content and of the rest.
  using Key = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, std::int64_t, std::int64_t>;

  static Key key_of(const os::FileStat& stat);
  std::optional<os::FileStat> database_now() const;
  void refresh();
  model::ProgramFile look(const Program& program, const os::Packages::Owner& owner,
                          std::uint64_t& budget);
  std::string sha256_once(const Key& key, const os::OpenedFile& file, std::uint64_t& budget);
  bool is_the_hosts_own(const Program& program, const os::FileStat& stat) const;

  std::string root_;
  std::shared_ptr<os::Packages> packages_;
  std::optional<os::FileStat> database_;  // dpkg's, as it was when `known_` was filled
  std::map<std::pair<Key, std::string>, model::ProgramFile> known_;  // by file and path
  std::map<Key, std::string> sha256_;
  std::uint64_t hashed_ = 0;
};

}  // namespace tocsin::agent
