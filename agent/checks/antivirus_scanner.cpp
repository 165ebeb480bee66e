#include "agent/checks/antivirus_scanner.hpp"

#include <optional>

#include "agent/os/clamd.hpp"
#include "agent/os/program.hpp"

namespace tocsin::agent {
namespace {

constexpr Duration kVersionLimit = 2s;
constexpr std::size_t kHeaderBytes = 512;

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
  explicit ProgramScanner(const CheckContext& context)
      : settings_(context.settings.antivirus), context_(context) {}
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

std::optional<ScannerVersion> version_of_file(const std::string& path) {
  const auto head = os::read_start(path, kHeaderBytes);
  if (head) {
    if (const auto said = parse_signature_file(*head)) return said;
  }
  const auto stat = os::stat_of_executable(path);
  if (!stat) return std::nullopt;
  ScannerVersion version;
  version.signatures_at = stat->modified;
  return version;
}

}  // namespace

std::unique_ptr<Scanner> make_scanner(const CheckContext& context) {
  const AntivirusSettings& settings = context.settings.antivirus;
  if (!settings.command.empty()) return std::make_unique<ProgramScanner>(context);
  return std::make_unique<ClamdScanner>(os::under(context.root, settings.socket));
}

void ask_signature_files(const CheckContext& context, model::AntivirusFacts& facts) {
  if (facts.signatures_at.ns != 0) return;
  for (const std::string& file : context.settings.antivirus.signatures) {
    const auto version = version_of_file(os::under(context.root, file));
    if (!version || version->signatures_at <= facts.signatures_at) continue;
    facts.signatures_at = version->signatures_at;
    facts.signatures_version = version->signatures;
  }
}

}  // namespace tocsin::agent
