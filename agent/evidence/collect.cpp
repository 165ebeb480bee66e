#include "agent/evidence/collect.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "agent/evidence/console.hpp"
#include "agent/evidence/pictures.hpp"
#include "agent/os/files.hpp"
#include "agent/os/journal_export.hpp"
#include "agent/tail/rotation.hpp"
#include "common/base/text.hpp"
#include "common/config/secret_file.hpp"
#include "common/crypto/crypto.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kFilesOfFolder = 768;
constexpr std::size_t kNamesBeside = 1 << 14;  // of a log that is watched

// As the first process sees them: the host's own, whatever sandbox this one is in.
constexpr std::array kNetworkFiles{"tcp",  "tcp6",   "udp", "udp6",  "raw",        "raw6",
                                   "unix", "packet", "arp", "route", "ipv6_route", "dev"};
constexpr std::array kKernelFiles{"/proc/1/mounts", "/proc/modules", "/proc/uptime",
                                  "/proc/loadavg",  "/proc/meminfo", "/proc/swaps",
                                  "/proc/cmdline",  "/proc/version", "/proc/sys/kernel/tainted"};
constexpr std::array kLoginFiles{"/run/utmp", "/var/log/wtmp", "/var/log/btmp", "/var/log/lastlog"};
constexpr std::array kOldLoginFiles{"/var/log/wtmp.1", "/var/log/btmp.1", "/var/log/faillog"};
constexpr const char* kAuditFolder = "/var/log/audit";

class Collection {
 public:
  Collection(const EvidenceOrder& order, const EvidencePlace& place, EvidenceWriter& writer)
      : order_(order), place_(place), writer_(writer) {}

  void take_all() {
    take_table("sockets", sockets_table);
    for (const char* name : kNetworkFiles) {
      take_file("network", fmt::format("/proc/1/net/{}", name), Absent::ignored);
    }
    take_table("processes", processes_table);
    for (const char* file : kKernelFiles) take_file("kernel", file, Absent::ignored);
    take_consoles();
    take_table("services", units_table);
    for (const char* file : kLoginFiles) take_file("logins", file, Absent::said);
    for (const char* file : kOldLoginFiles) take_file("logins", file, Absent::ignored);
    take_folder("audit", kAuditFolder, {});
    take_journal();
    take_table("programs", programs_table);
    take_logs();
  }

 private:
  // What reads a source owns all that it uses: it may be left behind.
  using Table = Result<std::string> (*)(const std::string& root, std::stop_token stop,
                                        const RowSink& sink);
  void take_table(const std::string& what, Table table) {
    writer_.add_stream(what, "a look at the " + what,
                       [table, root = place_.root, stop = place_.stop](
                           const EvidenceWriter::Sink& sink) { return table(root, stop, sink); });
  }

  void take_file(const std::string& what, const std::string& path, Absent absent) {
    writer_.add_file(
        what, path, [root = place_.root, path] { return open_file(root, path); }, absent);
  }

  void take_consoles() {
    std::string why = "this host has no console";
    bool any = false;
    for (int number = 1; number <= kConsoles; ++number) {
      const std::string source = fmt::format("/dev/vcs{}", number);
      auto text = writer_.ask<Result<std::string>>(
          "console", source, [root = place_.root, number] { return read_console(root, number); });
      if (!text) return;
      if (*text) {
        any = true;
        writer_.add_text("console", source, std::move(**text));
      } else if (text->error().code != ErrorCode::not_found) {
        why = text->error().message;
      }
    }
    if (!any) writer_.add_missing("console", "/dev/vcs*", "not_found", why);
  }

  void take_folder(const std::string& what, const std::string& folder,
                   const std::vector<std::string>& but) {
    const auto listing = writer_.ask<Listing>(what, folder, [root = place_.root, folder, but] {
      return list_files(root, folder, but, kFilesOfFolder);
    });
    if (!listing) return;
    for (const Found& found : listing->files) {
      if (found.reason.empty()) {
        take_file(what, found.path, Absent::said);
      } else {
        writer_.add_missing(what, found.path, found.reason, found.detail);
      }
    }
    if (!listing->whole) writer_.add_missing(what, folder, "too_many", "more files than are taken");
  }

  void take_journal() {
    const Instant since =
        place_.time.wall() - std::clamp(order_.since, Duration{}, kLongestJournal);
    writer_.add_stream(
        "journal", "the systemd journal, export format",
        [since, root = place_.root, room = writer_.room(),
         stop = place_.stop](const EvidenceWriter::Sink& sink) {
          const auto done = os::export_journal(root, since, room, stop, sink);
          if (!done) return Result<std::string>(fail(done.error()));
          if (done->whole) return Result<std::string>("");
          return Result<std::string>(stop.stop_requested() ? "stopped" : "item_limit");
        });
  }

  // A log, and what lies beside it as an older part of it.
  std::vector<std::string> parts_of(const std::string& log) {
    const std::size_t slash = log.rfind('/');
    if (slash == log.npos) return {};
    const std::string folder = log.substr(0, slash + 1);
    const auto names =
        writer_.ask<Result<os::FolderNames>>("log", log, [root = place_.root, folder] {
          return os::names_in(os::under(root, folder), kNamesBeside, 1);
        });
    std::vector<std::string> parts{log};
    if (!names || !*names) return parts;  // Why is said of the log itself.
    for (const std::string& name : (*names)->names) {
      if (!rotated_name(std::string_view(log).substr(slash + 1), name).older) continue;
      if (parts.size() == kFilesOfFolder) {
        writer_.add_missing("log", log, "too_many", "more older parts than are taken");
        break;
      }
      parts.push_back(folder + name);
    }
    if ((*names)->over_limit > 0) {
      writer_.add_missing("log", folder, "too_many", "more names than are looked through");
    }
    return parts;
  }

  // Those taken already are left out, and the journal's own files, which were exported.
  void take_logs() {
    std::vector<std::string> but{kAuditFolder, "/var/log/journal"};
    but.insert(but.end(), kLoginFiles.begin(), kLoginFiles.end());
    but.insert(but.end(), kOldLoginFiles.begin(), kOldLoginFiles.end());
    const auto taken = [&but](const std::string& path) {
      return std::any_of(but.begin(), but.end(), [&](const std::string& one) {
        return path == one || path.starts_with(one + "/");
      });
    };
    for (const std::string& log : place_.watched_logs) {
      for (const std::string& part : parts_of(log)) {
        if (taken(part)) continue;
        take_file("log", part, Absent::said);
        but.push_back(part);
      }
    }
    for (const std::string& folder : place_.log_folders) take_folder("log", folder, but);
  }

  const EvidenceOrder& order_;
  const EvidencePlace& place_;
  EvidenceWriter& writer_;
};

evidence::Manifest head_of(const EvidenceOrder& order, const EvidencePlace& place) {
  evidence::Manifest manifest;
  manifest.host = place.host_name;
  manifest.program = place.program;
  manifest.system = place.operating_system;
  manifest.boot = place.boot_id;
  manifest.evidence = order.evidence;
  manifest.request = order.request;
  manifest.incident = order.incident;
  manifest.asked_by = order.asked_by;
  manifest.reason = order.reason;
  manifest.began = place.time.wall();
  return manifest;
}

Status write_seal(const evidence::Manifest& manifest, const EvidencePlace& place,
                  EvidenceWriter& writer, Collected& done) {
  const auto key = config::read_secret_file(place.key_file);
  if (!key) {
    done.unsigned_because = key.error().message;
    const std::string text = evidence::print_manifest(manifest);
    done.manifest = to_hex(crypto::sha256(text));
    return writer.add_plain(evidence::kManifestFile, text);
  }
  const auto sealed = evidence::seal(manifest, *key);
  if (!sealed) return fail(sealed.error());
  done.manifest = to_hex(crypto::sha256(sealed->manifest));
  const auto agent = crypto::agent_id_of_key(*key);
  if (!agent) return fail(agent.error());
  done.agent = agent->hex;
  TOCSIN_TRY(writer.add_plain(evidence::kManifestFile, sealed->manifest));
  TOCSIN_TRY(writer.add_plain(evidence::kSignatureFile, sealed->signature));
  return writer.add_plain(evidence::kPublicKeyFile, sealed->public_key_pem);
}

}  // namespace

Result<Collected> collect_evidence(const EvidenceOrder& order, const EvidencePlace& place) {
  auto writer = EvidenceWriter::create(place.folder, place.folder_mode, place.file_mode,
                                       place.limits, place.time, place.stop);
  if (!writer) return fail(writer.error());
  evidence::Manifest manifest = head_of(order, place);
  Collection(order, place, *writer).take_all();
  manifest.items = writer->take_items();
  manifest.ended = place.time.wall();
  Collected done;
  done.bytes = manifest.bytes();
  done.items = manifest.kept();
  done.missing = manifest.missing();
  TOCSIN_TRY(write_seal(manifest, place, *writer, done));
  TOCSIN_TRY(writer->sync());
  return done;
}

}  // namespace tocsin::agent
