#include "agent/checks/antivirus.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <sys/stat.h>

#include "agent/checks/antivirus_facts.hpp"
#include "agent/checks/observation.hpp"
#include "agent/checks/sockets_facts.hpp"
#include "agent/os/clamd.hpp"
#include "agent/os/files.hpp"
#include "agent/os/procfs.hpp"
#include "agent/os/program.hpp"

namespace tocsin::agent {
namespace {

constexpr Duration kVersionLimit = 2s;
constexpr Duration kScanLimit = 20s;
constexpr int kFolderDepth = 6;
constexpr std::size_t kFolderNames = 4096;

// A file that was clean under the same signatures, as long as it is the same file.
using CleanFiles = std::map<std::pair<std::uint64_t, std::uint64_t>, os::FileStat>;

struct AntivirusMemory final : CheckMemory {
  std::string signatures;
  CleanFiles clean;
};

// Where the scanner's answer about one open file comes from.
class Scanner {
 public:
  virtual ~Scanner() = default;
  virtual Status ask_version(model::AntivirusFacts& facts) = 0;
  virtual ScanAnswer scan(const std::string& path, const os::Fd& file, Duration limit) = 0;
};

class ClamdScanner final : public Scanner {
 public:
  explicit ClamdScanner(const std::string& socket) : clamd_(socket) {}
  Status ask_version(model::AntivirusFacts& facts) override {
    const auto reply = clamd_.version(kVersionLimit);
    if (!reply) return fail(reply.error());
    const ScannerVersion version = parse_clamd_version(*reply);
    facts.engine = "clamd";
    facts.engine_version = version.engine;
    facts.signatures_version = version.signatures;
    facts.signatures_at = version.signatures_at;
    return {};
  }
  ScanAnswer scan(const std::string&, const os::Fd& file, Duration limit) override {
    const auto reply = clamd_.scan(file, limit);
    if (!reply) return {ScanAnswer::Kind::error, reply.error().message};
    return parse_clamd_scan(*reply);
  }

 private:
  os::Clamd clamd_;
};

// Another make, asked through its exit code. It opens the file by name itself.
class ProgramScanner final : public Scanner {
 public:
  ProgramScanner(const AntivirusSettings& settings, const CheckContext& context)
      : settings_(settings), context_(context) {}
  Status ask_version(model::AntivirusFacts& facts) override {
    facts.engine = settings_.command.front();
    return os::stat_of(settings_.command.front()).map([](const os::FileStat&) {});
  }
  ScanAnswer scan(const std::string& path, const os::Fd&, Duration limit) override {
    os::ProgramCall call;
    call.words = settings_.command;
    call.words.push_back(path);
    call.limit = limit;
    const auto end = os::run_program(call, context_.time, context_.stop);
    if (!end) return {ScanAnswer::Kind::error, end.error().message};
    if (!end->timed_out && end->status == 0) return {ScanAnswer::Kind::clean, {}};
    const std::string line = end->output.substr(0, end->output.find('\n'));
    if (!end->timed_out && end->status == settings_.infected_status) {
      // clamscan and its like print "path: NAME FOUND".
      const ScanAnswer said = parse_clamd_scan(line);
      return {ScanAnswer::Kind::infected, said.text};
    }
    return {ScanAnswer::Kind::error, line};
  }

 private:
  const AntivirusSettings& settings_;
  const CheckContext& context_;
};

// Where the host's folders are. This agent's sandbox has a /tmp of its own, which nobody else ever
// writes to: the host's first process sees what the host sees.
std::string files_of_host(const std::string& root) {
  constexpr const char* kOfFirstProcess = "/proc/1/root";
  return root == "/" && os::list_folder(kOfFirstProcess, 1) ? kOfFirstProcess : root;
}

class Round {
 public:
  Round(const Run& run, CheckContext& context, Scanner& scanner, AntivirusMemory& memory)
      : run_(run),
        context_(context),
        scanner_(scanner),
        memory_(memory),
        files_(files_of_host(context.root)) {}

  model::AntivirusFacts look(model::AntivirusFacts facts) {
    facts_ = std::move(facts);
    look_at_programs();
    for (const std::string& folder : context_.settings.antivirus.folders) {
      look_into(folder, kFolderDepth);
    }
    return std::move(facts_);
  }

 private:
  bool spent() {
    const AntivirusSettings& settings = context_.settings.antivirus;
    const bool over = facts_.scanned >= settings.most_files || bytes_ >= settings.most_bytes ||
                      context_.stop.stop_requested() || left() <= 0s;
    facts_.budget_exhausted |= over;
    return over;
  }
  // Leaves a little of the run's time for its end.
  Duration left() const { return run_.deadline() - context_.time.steady() - 300ms; }

  void look_at_programs() {
    const auto proc = os::ProcReader::open(context_.root);
    const auto pids = proc ? proc->process_ids() : Result<std::vector<std::uint32_t>>();
    if (!proc || !pids) return;
    for (const std::uint32_t pid : *pids) {
      if (spent()) return;
      // Through /proc, so that a program whose file is deleted is seen too.
      const auto link = proc->link(pid, "exe");
      if (!link) continue;
      const std::string path = parse_executable_link(*link).path;
      scan(os::under(context_.root, "/proc/" + std::to_string(pid) + "/exe"), path, true);
    }
  }

  void look_into(const std::string& folder, int depth) {
    const auto names = os::list_folder(os::under(files_, folder), kFolderNames);
    if (!names) {
      if (names.error().code != ErrorCode::not_found) ++facts_.errors;
      return;
    }
    for (const std::string& name : *names) {
      if (spent()) return;
      const std::string shown = folder + "/" + name;
      const std::string path = os::under(files_, shown);
      struct stat raw {};
      if (::lstat(path.c_str(), &raw) != 0) continue;  // It is gone already.
      if (S_ISDIR(raw.st_mode) && depth > 0) look_into(shown, depth - 1);
      if (S_ISDIR(raw.st_mode) && depth == 0) ++facts_.skipped;
      if (S_ISREG(raw.st_mode)) scan(path, shown, false);
    }
  }

  // A program that opens the file by itself may not go through another process's root: where the
  // same file has its name here too it is told that.
  std::string name_for_scanner(const std::string& path, const std::string& shown,
                               const os::FileStat& stat) const {
    if (path == shown || files_ == context_.root) return path;
    const auto here = os::stat_of(os::under(context_.root, shown));
    const bool same = here && here->device == stat.device && here->inode == stat.inode;
    return same ? os::under(context_.root, shown) : path;
  }

  void scan(const std::string& path, const std::string& shown, bool follow) {
    const auto file = follow ? os::open_executable(path) : os::open_regular(path);
    if (!file) {
      if (file.error().code == ErrorCode::permission_denied) ++facts_.skipped;
      return;  // Otherwise it is gone, or no file.
    }
    const os::FileStat& stat = file->stat;
    const std::pair key{stat.device, stat.inode};
    if (!seen_.insert(key).second) return;
    if (stat.size > context_.settings.antivirus.file_bytes) {
      ++facts_.too_large;
      return;
    }
    const auto known = memory_.clean.find(key);
    if (known != memory_.clean.end() && known->second == stat) {
      ++facts_.scanned;
      return;
    }
    bytes_ += stat.size;
    const std::string name = follow ? path : name_for_scanner(path, shown, stat);
    const ScanAnswer answer = scanner_.scan(name, file->fd, std::min(kScanLimit, left()));
    note(answer, shown, key, stat);
  }

  void note(const ScanAnswer& answer, const std::string& shown,
            const std::pair<std::uint64_t, std::uint64_t>& key, const os::FileStat& stat) {
    switch (answer.kind) {
      case ScanAnswer::Kind::clean:
        ++facts_.scanned;
        memory_.clean[key] = stat;
        return;
      case ScanAnswer::Kind::infected:
        ++facts_.scanned;
        add_hit(facts_, shown, answer.text, stat.size);
        return;
      case ScanAnswer::Kind::error:
        ++facts_.errors;
        return;
    }
  }

  const Run& run_;
  CheckContext& context_;
  Scanner& scanner_;
  AntivirusMemory& memory_;
  std::string files_;
  model::AntivirusFacts facts_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> seen_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

model::Observation observe_antivirus(const model::CheckDefinition& check, CheckContext& context) {
  const Run run(check, context);
  if (!context.memory) context.memory = std::make_unique<AntivirusMemory>();
  auto& memory = static_cast<AntivirusMemory&>(*context.memory);
  const AntivirusSettings& settings = context.settings.antivirus;
  ClamdScanner clamd(os::under(context.root, settings.socket));
  ProgramScanner program(settings, context);
  Scanner& scanner = settings.command.empty() ? static_cast<Scanner&>(clamd) : program;

  model::AntivirusFacts facts;
  const Status there = scanner.ask_version(facts);
  facts.scanner_available = model::tristate(there.has_value());
  if (!there && there.error().code != ErrorCode::not_found &&
      there.error().code != ErrorCode::unavailable) {
    return run.unseen(there.error());
  }
  if (!there) return run.seen(std::move(facts));
  // What was clean under other signatures says nothing; neither does anything after 65,536 files.
  constexpr std::size_t kRemembered = 1 << 16;
  if (memory.signatures != facts.signatures_version || memory.clean.size() > kRemembered) {
    memory.clean.clear();
    memory.signatures = facts.signatures_version;
  }
  return run.seen(Round(run, context, scanner, memory).look(std::move(facts)));
}

}  // namespace tocsin::agent
