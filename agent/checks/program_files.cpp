#include "agent/checks/program_files.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "agent/os/file_sum.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kMostKnown = 4096;

// Takes the file's bytes off what may be hashed in this look. One that is larger than all of that
// has a look of its own, or its size would hide it.
bool afford(std::uint64_t size, std::uint64_t& budget) {
  if (size > budget && budget < kHashedAtOnce) return false;
  budget -= std::min(size, budget);
  return true;
}

}  // namespace

std::vector<model::ProgramFile> ProgramFiles::of(const std::vector<Program>& programs,
                                                 std::stop_token stop) {
  refresh();
  std::vector<std::string> paths;
  paths.reserve(programs.size());
  for (const Program& program : programs) paths.push_back(program.path);
  const auto owners = packages_->owners(paths, stop);
  std::vector<model::ProgramFile> files(programs.size());
  // A host without dpkg: every program is known by its hash. Where dpkg could not be asked a
  // packaged program would look like one of nobody.
  if (!owners && owners.error().code != ErrorCode::not_found) return files;
  std::uint64_t budget = kHashedAtOnce;
  for (std::size_t i = 0; i < programs.size() && !stop.stop_requested(); ++i) {
    if (!programs[i].path.starts_with('/')) continue;
    files[i] = look(programs[i], owners ? (*owners)[i] : os::Packages::Owner{}, budget);
  }
  return files;
}

std::optional<os::FileStat> ProgramFiles::database_now() const {
  const auto now = os::stat_of(os::under(root_, "/var/lib/dpkg/status"));
  return now ? std::optional(*now) : std::nullopt;
}

bool ProgramFiles::outdated() const { return database_ != database_now(); }

// What packages vouch for is asked again when one was installed, upgraded or removed.
void ProgramFiles::refresh() {
  const auto database = database_now();
  if (database_ != database || known_.size() > kMostKnown) known_.clear();
  if (sha256_.size() > kMostKnown) sha256_.clear();
  database_ = database;
}

// In a container the same path is another file, of which the host's packages know nothing.
bool ProgramFiles::is_the_hosts_own(const Program& program, const os::FileStat& stat) const {
  const auto on_host = os::stat_of(os::under(root_, program.path));
  return on_host && on_host->device == stat.device && on_host->inode == stat.inode;
}

ProgramFiles::Key ProgramFiles::key_of(const os::FileStat& stat) {
  return {stat.device, stat.inode, stat.size, stat.modified.ns, stat.changed.ns};
}

model::ProgramFile ProgramFiles::look(const Program& program, const os::Packages::Owner& owner,
                                      std::uint64_t& budget) {
  const std::string link = os::under(root_, fmt::format("/proc/{}/exe", program.process_id));
  const auto now = os::stat_of_executable(link);
  if (!now) return {};
  const auto known = known_.find({key_of(*now), program.path});
  if (known != known_.end()) return known->second;
  const auto file = os::open_executable(link);
  if (!file) return {};
  const os::FileStat& stat = file->stat;
  const Key key = key_of(stat);

  model::ProgramFile found;
  const bool packaged = !owner.package.empty();
  if (packaged && program.deleted) {
    // Replaced while it ran: what the package says now is about the next file.
    found.package = owner.package;
  } else if (packaged && is_the_hosts_own(program, stat)) {
    found.package = owner.package;
    if (const auto wanted = packages_->sum_of(owner)) {
      if (!afford(stat.size, budget)) return found;
      ++hashed_;
      const auto sum = os::md5_of(file->fd);
      if (sum) found.intact = model::tristate(*sum == *wanted);
    }
  }
  if (found.package.empty() || found.intact == model::Tristate::no) {
    found.sha256 = sha256_once(key, *file, budget);
    if (found.sha256.empty()) return found;  // Again at the next look.
  }
  known_[{key, program.path}] = found;
  return found;
}

std::string ProgramFiles::sha256_once(const Key& key, const os::OpenedFile& file,
                                      std::uint64_t& budget) {
  const auto known = sha256_.find(key);
  if (known != sha256_.end()) return known->second;
  if (!afford(file.stat.size, budget)) return {};
  ++hashed_;
  const auto sum = os::sha256_of(file.fd);
  if (!sum) return {};
  return sha256_[key] = *sum;
}

}  // namespace tocsin::agent
