#include "agent/checks/antivirus_round.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "agent/checks/sockets_facts.hpp"
#include "agent/os/procfs.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace tocsin::agent {
namespace {

using model::FolderUnseen;

constexpr Duration kScanLimit = 20s;
constexpr Duration kTrusted = 24h;
constexpr int kFolderDepth = 16;
constexpr std::size_t kFolderNames = 1 << 14;  // of one folder
constexpr std::size_t kHeldNames = 1 << 15;    // of a folder and all above it
constexpr std::uint32_t kRoundNames = 1 << 17;
constexpr std::size_t kRemembered = 1 << 16;

FileKey key_of(const os::FileStat& stat) { return {stat.device, stat.inode}; }

// True where a file system is mounted on the folder.
bool is_mounted(const std::string& path) {
  const auto here = os::stat_of(path + "/.");
  const auto above = os::stat_of(path + "/..");
  return here && above && here->device != above->device;
}

FolderUnseen why(const Error& error) {
  if (error.code == ErrorCode::not_found) return FolderUnseen::absent;
  if (error.code == ErrorCode::permission_denied) return FolderUnseen::not_permitted;
  return FolderUnseen::failed;
}

// A path that may be a program's in /proc, which is a link to it.
struct Candidate {
  std::string path;   // to open it
  std::string shown;  // to people, and of the finding
  bool program = false;
};

class Round {
 public:
  Round(const Run& run, const CheckContext& context, Scanner& scanner, AntivirusMemory& memory,
        model::AntivirusFacts facts)
      : run_(run),
        context_(context),
        settings_(context.settings.antivirus),
        scanner_(scanner),
        memory_(memory),
        past_(memory.past),
        files_(os::files_of_host(context.root)),
        from_(std::exchange(memory.next, ScanPlace{})),
        facts_(std::move(facts)) {
    ++memory_.round;
    forget_other_folders();
  }

  model::AntivirusFacts look() && {
    const bool complete = look_from_there() && look_from_start();
    if (complete) forget_what_is_gone();
    tell_what_was_found_before(complete);
    std::sort(facts_.hits.begin(), facts_.hits.end(),
              [](const model::AntivirusHit& a, const model::AntivirusHit& b) {
                return std::tie(a.path, a.name) < std::tie(b.path, b.name);
              });
    return std::move(facts_);
  }

 private:
  // ---- what is looked at, in order

  bool look_from_there() { return look_at_all(); }
  bool look_from_start() {
    if (from_ == ScanPlace{}) return true;
    again_ = true;
    return look_at_all();
  }

  // Everything below says false where the round is over.
  bool look_at_all() {
    place_ = {};
    if (!look_at_programs()) return false;
    for (const std::string& folder : settings_.folders) {
      ++place_.part;
      place_.names.clear();
      if (passes_by() && !place_.leads_to(from_)) continue;
      if (!counted()) note_folder(folder);
      if (!look_into(folder, 0)) return false;
    }
    return true;
  }

  // Whether this place belongs to the other half of the round.
  bool passes_by() const { return (place_ < from_) != again_; }
  // A folder on the way to where the round began is in both of its halves.
  bool counted() const { return again_ && place_.leads_to(from_); }

  bool look_at_programs() {
    const auto proc = os::ProcReader::open(context_.root);
    const auto pids = proc ? proc->process_ids() : Result<std::vector<std::uint32_t>>();
    facts_.programs_unseen = !proc || !pids;
    if (facts_.programs_unseen) return true;
    for (const std::uint32_t pid : *pids) {
      place_.names = {fmt::format("{:010}", pid)};
      if (passes_by()) continue;
      if (out_of_time()) return put_off();
      const auto link = proc->link(pid, "exe");
      if (!link && link.error().code == ErrorCode::permission_denied) ++facts_.unreadable;
      if (!link) continue;
      // Through /proc, so that a program whose file is deleted is seen too.
      const Candidate program{os::under(context_.root, fmt::format("/proc/{}/exe", pid)),
                              parse_executable_link(*link).path, true};
      const auto stat = os::stat_of_executable(program.path);
      if (!stat) note_unread(stat.error());
      if (stat && !look_at_file(program, *stat)) return false;
    }
    return true;
  }

  bool look_into(const std::string& folder, int depth) {
    const std::size_t limit = std::min(kFolderNames, kHeldNames - held_);
    const auto found = os::names_in(os::under(files_, folder), limit, kFolderNames);
    if (!found) {
      note_unseen(folder, depth, found.error());
      return true;
    }
    if (!counted()) facts_.names_over_limit += static_cast<std::uint32_t>(found->over_limit);
    held_ += found->names.size();
    bool goes_on = true;
    for (const std::string& name : found->names) {
      place_.names.push_back(name);
      goes_on = look_at(os::under(folder, "/" + name), depth);
      place_.names.pop_back();
      if (!goes_on) break;
    }
    held_ -= found->names.size();
    return goes_on;
  }

  bool look_at(const std::string& shown, int depth) {
    if (passes_by() && !place_.leads_to(from_)) return true;
    if (++names_ > kRoundNames || out_of_time()) return put_off();
    const std::string path = os::under(files_, shown);
    const auto entry = os::entry_of(path);
    if (!entry) {
      note_unread(entry.error());
      return true;
    }
    if (entry->kind == os::EntryKind::folder) {
      if (depth < kFolderDepth) return look_into(shown, depth + 1);
      add_unseen(facts_, shown, FolderUnseen::too_deep);
    }
    const bool file = entry->kind == os::EntryKind::file && !passes_by();
    return !file || look_at_file({path, shown, false}, entry->stat);
  }

  // ---- one file

  bool look_at_file(const Candidate& file, const os::FileStat& stat) {
    const FileKey key = key_of(stat);
    if (is_known_clean(key, stat)) return true;
    if (seen_.contains(key)) return true;
    if (stat.size > settings_.file_bytes) {
      ++facts_.too_large;
      leave_out(key);
      return true;
    }
    if (asked_ >= settings_.most_files || bytes_ >= settings_.most_bytes) return put_off();
    const auto opened = file.program ? os::open_executable(file.path) : os::open_regular(file.path);
    if (opened) {
      ask(file, *opened);
    } else if (opened.error().code == ErrorCode::permission_denied) {
      ++facts_.unreadable;
      leave_out(key);
    } else if (is_there(file, key)) {
      ++facts_.errors;
      leave_out(key);
    }
    return true;
  }

  bool is_known_clean(const FileKey& key, const os::FileStat& stat) {
    const auto known = memory_.clean.find(key);
    if (known == memory_.clean.end() || known->second.stat != stat) return false;
    if (context_.time.steady() - known->second.at > kTrusted) return false;
    if (known->second.round != memory_.round) ++facts_.scanned;
    known->second.round = memory_.round;
    return true;
  }

  void ask(const Candidate& file, const os::OpenedFile& opened) {
    const os::FileStat& stat = opened.stat;
    const FileKey key = key_of(stat);
    ++asked_;
    bytes_ += stat.size;
    const Duration limit = std::clamp(left(), Duration(1ms), kScanLimit);
    const ScanAnswer answer = scanner_.scan(name_for_scanner(file, stat), opened.fd, limit);
    if (answer.kind == ScanAnswer::Kind::error) {
      if (!is_there(file, key)) return;
      ++facts_.errors;
      leave_out(key);
      return;
    }
    ++facts_.scanned;
    seen_.insert(key);
    if (answer.kind == ScanAnswer::Kind::clean) {
      memory_.clean[key] = {stat, context_.time.steady(), memory_.round};
      past_.infected.erase(key);
      return;
    }
    memory_.clean.erase(key);
    add_hit(facts_, file.shown, answer.text, stat.size);
    if (past_.infected.size() < limits::kAntivirusHits || past_.infected.contains(key)) {
      past_.infected[key] = {clean_text(file.shown, limits::kPath), answer.text, stat.size};
    }
  }

  // False where it went away meanwhile, which is no fault of anybody's. Where another file has its
  // name now, that one is left out of this round.
  bool is_there(const Candidate& file, const FileKey& key) {
    const auto now = file.program ? os::stat_of_executable(file.path) : os::stat_of(file.path);
    if (!now) return now.error().code != ErrorCode::not_found;
    if (key_of(*now) == key) return true;
    ++facts_.skipped;
    return false;
  }

  // A program that opens the file by itself may not go through another process's root: where the
  // same file has its name here too it is told that.
  std::string name_for_scanner(const Candidate& file, const os::FileStat& stat) const {
    if (file.program || file.path == file.shown || files_ == context_.root) return file.path;
    const std::string name = os::under(context_.root, file.shown);
    const auto here = os::stat_of(name);
    return here && key_of(*here) == key_of(stat) ? name : file.path;
  }

  // ---- what is not looked at

  bool put_off() {
    facts_.budget_exhausted = true;
    memory_.next = place_;
    return false;
  }
  bool out_of_time() const { return context_.stop.stop_requested() || left() <= 0s; }
  // Leaves a little of the run's time for its end.
  Duration left() const { return run_.deadline() - context_.time.steady() - 300ms; }

  void note_unread(const Error& error) {
    if (error.code == ErrorCode::not_found) return;  // It is gone already.
    ++(error.code == ErrorCode::permission_denied ? facts_.unreadable : facts_.errors);
  }

  void note_unseen(const std::string& folder, int depth, const Error& error) {
    if (error.code == ErrorCode::not_found) {
      if (depth > 0) return;  // It is gone already.
      // A host need not have each folder that is usual, but does not lose one.
      const bool usual = settings_.folders == AntivirusSettings{}.folders;
      if (usual && !past_.folders.contains(clean_text(folder, limits::kPath))) return;
    }
    add_unseen(facts_, folder, why(error));
  }

  // What was there before an unmount may be infected still.
  void note_folder(const std::string& folder) {
    const std::string path = os::under(files_, folder);
    if (!os::stat_of(path + "/.")) return;
    const bool mounted = is_mounted(path);
    const std::string name = clean_text(folder, limits::kPath);
    bool& before = past_.folders.try_emplace(name, mounted).first->second;
    before |= mounted;
    if (before && !mounted) add_unseen(facts_, folder, FolderUnseen::unmounted);
  }

  // What was found in it is there still, for all that is known.
  void leave_out(const FileKey& key) {
    seen_.insert(key);
    const auto found = past_.infected.find(key);
    if (found == past_.infected.end()) return;
    const model::AntivirusHit& hit = found->second;
    add_hit(facts_, hit.path, hit.name, hit.size_bytes);
  }

  // ---- the end of a round

  void forget_what_is_gone() {
    std::erase_if(memory_.clean,
                  [&](const auto& entry) { return entry.second.round != memory_.round; });
  }

  // Of files that this round did not get to. After a restart of the host a disk may have another
  // number, and the same file is found under both.
  void tell_what_was_found_before(bool complete) {
    std::set<std::string> told;
    for (const model::AntivirusHit& hit : facts_.hits) told.insert(hit.path);
    std::erase_if(past_.infected, [&](const auto& entry) {
      const auto& [key, hit] = entry;
      if (seen_.contains(key)) return false;
      if (complete || told.contains(hit.path)) return true;
      add_hit(facts_, hit.path, hit.name, hit.size_bytes);
      return false;
    });
    if (complete) past_.infected_over_limit = 0;
    facts_.hits_over_limit += past_.infected_over_limit;
  }

  // Of a folder that the host's own file does not name any more nothing is missed.
  void forget_other_folders() {
    std::set<std::string> named;
    for (const std::string& one : settings_.folders) named.insert(clean_text(one, limits::kPath));
    std::erase_if(past_.folders, [&](const auto& entry) { return !named.contains(entry.first); });
  }

  const Run& run_;
  const CheckContext& context_;
  const AntivirusSettings& settings_;
  Scanner& scanner_;
  AntivirusMemory& memory_;
  AntivirusPast& past_;
  const std::string files_;
  const ScanPlace from_;
  model::AntivirusFacts facts_;
  ScanPlace place_;
  bool again_ = false;
  std::set<FileKey> seen_;  // and asked about, or left out, in this round
  std::uint32_t asked_ = 0;
  std::uint32_t names_ = 0;
  std::uint64_t bytes_ = 0;
  std::size_t held_ = 0;
};

}  // namespace

bool ScanPlace::leads_to(const ScanPlace& other) const {
  return part == other.part && names.size() <= other.names.size() &&
         std::equal(names.begin(), names.end(), other.names.begin());
}

model::AntivirusFacts scan_round(const Run& run, const CheckContext& context, Scanner& scanner,
                                 AntivirusMemory& memory, model::AntivirusFacts facts) {
  // What was clean under other signatures says nothing.
  const std::string signatures = fmt::format("{} {} {}", facts.engine_version,
                                             facts.signatures_version, facts.signatures_at.ns);
  if (memory.signatures != signatures || memory.clean.size() > kRemembered) memory.clean.clear();
  memory.signatures = signatures;
  return Round(run, context, scanner, memory, std::move(facts)).look();
}

}  // namespace tocsin::agent
