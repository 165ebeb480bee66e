#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tidy/rules.hpp"

namespace tocsin::tidy {
namespace {

using Words = std::vector<std::string_view>;

// Which of our folders a folder may include beside itself. Longest match wins; a path with an
// ending is that one file. Folders of one line below another are adapters side by side: they do not
// know each other, `app` puts them together.
struct Allowed {
  std::string_view folder;
  Words may_include;
};

const std::vector<Allowed>& our_table() {
  static const std::vector<Allowed> table{
      // Pure: no clock, no log, no I/O.
      {"common/base", {}},
      {"common/model", {"common/base"}},
      {"common/i18n", {"common/base", "common/model"}},
      {"common/rules", {"common/base", "common/model", "common/i18n"}},
      // Adapters that both programs use.
      {"common/time", {"common/base"}},
      {"common/net", {"common/base", "common/model", "common/time"}},
      {"common/async", {"common/base", "common/time"}},
      {"common/log", {"common/base"}},
      {"common/config", {"common/base", "common/model", "common/time/civil.hpp"}},
      {"common/catalogue", {"common/base", "common/model", "common/config/document.hpp"}},
      {"common/crypto", {"common/base", "common/model"}},
      {"common/evidence", {"common/base", "common/crypto", "common/time/civil.hpp"}},
      {"common/systemd", {"common/base"}},
      {"common/cli", {"common/base", "common/i18n", "common/model"}},
      {"common/sqlite", {"common/base"}},
      {"common/series", {"common/base"}},
      {"common/wire",
       {"common/base", "common/model", "common/crypto", "common/series/sample.hpp", "tocsin/v1"}},
      {"common/rpc",
       {"common/base", "common/async", "common/config/secret_file.hpp", "common/crypto",
        "common/log", "tocsin/v1"}},

      {"agent/spool", {"common"}},
      {"agent/os", {"common"}},
      {"agent/tail", {"agent/os", "common"}},
      {"agent/backup", {"agent/config/backup_settings.hpp", "common"}},
      {"agent/login", {"agent/os", "agent/config", "common"}},
      {"agent/checks",
       {"agent/backup", "agent/os", "agent/tail", "agent/config", "agent/login/answer.hpp",
        "common"}},
      {"agent/actions", {"agent/os", "agent/config", "common"}},
      {"agent/evidence", {"agent/os", "agent/tail", "agent/config", "common"}},
      {"agent/link", {"agent/spool", "agent/evidence", "agent/config", "common", "tocsin/v1"}},
      {"agent/config", {"agent/link", "common"}},
      {"agent/diagnose", {"agent/checks", "agent/os", "common"}},
      {"agent/enroll", {"common", "tocsin/v1"}},
      {"agent/commands", {"agent", "common"}},
      {"agent/app", {"agent", "common", "tocsin/v1"}},

      // The ports are plain values and interfaces; core works on those values.
      {"collector/ports", {"common/base", "common/model", "common/rules", "common/time/civil.hpp"}},
      {"collector/core",
       {"collector/ports", "common/base", "common/model", "common/rules", "common/time/civil.hpp"}},
      {"collector/engine",
       {"collector/ports", "collector/core", "common/base", "common/model", "common/rules",
        "common/time", "common/log", "common/async", "common/config", "common/wire"}},
      {"collector/store", {"collector/ports", "collector/core", "common"}},
      {"collector/writer", {"collector/ports", "collector/core", "common"}},
      {"collector/notify", {"collector/ports", "collector/core", "common"}},
      {"collector/samples", {"common"}},
      {"collector/vantage", {"collector/ports", "common"}},
      {"collector/records", {"collector/ports", "collector/core", "common"}},
      {"collector/enroll",
       {"collector/engine", "collector/ports", "collector/core", "collector/operate/workers.hpp",
        "common", "tocsin/v1"}},
      {"collector/replay", {"collector/store", "collector/ports", "collector/core", "common"}},
      {"collector/config", {"common"}},
      {"collector/site", {"collector/config", "collector/ctl/context.hpp", "common"}},
      {"collector/evidence", {"collector/ports", "collector/core", "common"}},
      {"collector/ingest",
       {"collector/engine", "collector/evidence", "collector/ports", "collector/core", "common",
        "tocsin/v1"}},
      {"collector/operate",
       {"collector/engine", "collector/evidence", "collector/ports", "collector/core", "common",
        "tocsin/v1"}},
      {"collector/http",
       {"collector/engine", "collector/ports", "collector/core", "common", "tocsin/v1"}},
      {"collector/ctl", {"collector/core/grade.hpp", "common", "tocsin/v1"}},
      {"collector/app", {"collector", "common", "tocsin/v1"}},

      {"tests/unit", {"agent", "collector", "common", "tests/support", "tocsin/v1"}},
      {"tests/support", {"agent", "collector", "common", "tocsin/v1"}},
      {"tests", {"agent", "collector", "common", "tests", "tocsin/v1"}},
  };
  return table;
}

// Which folders may include a third-party header. Longest match wins.
const std::vector<Allowed>& foreign_table() {
  static const std::vector<Allowed> table{
      {"spdlog/", {"common/log"}},
      {"toml++/", {"common/config"}},
      {"sqlite3.h", {"common/sqlite", "tests"}},
      {"libpq-fe.h", {"collector/store"}},
      {"curl/", {"collector/notify"}},
      {"openssl/", {"common/crypto", "tests/support"}},
      {"zlib.h", {"agent/tail", "tests"}},
      {"utf8proc.h", {"common/base", "common/i18n"}},
      {"absl/time/", {"common/time"}},
      {"CLI/", {"common/cli", "agent/app", "collector/app", "collector/ctl", "tests"}},
      {"systemd/", {"agent/os", "tests"}},
      {"libmnl/", {"agent/os", "tests"}},
      {"libssh/", {"agent/login"}},
      {"security/", {"agent/login", "tests"}},
      {"grpcpp/",
       {"common/rpc", "agent/enroll", "agent/link", "collector/ingest", "collector/operate",
        "collector/enroll", "collector/ctl", "collector/app", "tests"}},
      {"grpc/",
       {"common/rpc", "agent/enroll", "agent/link", "collector/ingest", "collector/operate",
        "collector/enroll", "collector/ctl", "collector/app", "tests"}},
      {"google/protobuf/",
       {"common/wire", "common/rpc", "agent/link", "collector/ingest", "collector/operate",
        "collector/enroll", "collector/http", "collector/ctl", "tests"}},
      // What touches the machine stays out of the pure folders.
      {"boost/", {"common/async", "common/rpc", "common/time", "agent", "collector", "tests"}},
      {"sys/", {"common", "agent", "collector", "tests"}},
      {"unistd.h", {"common", "agent", "collector", "tests"}},
      {"fcntl.h", {"common", "agent", "collector", "tests"}},
      {"filesystem", {"common", "agent", "collector", "tests"}},
      {"fstream", {"common", "agent", "collector", "tests"}},
      {"thread", {"common", "agent", "collector", "tests"}},
      {"mutex", {"common", "agent", "collector", "tests"}},
      {"random", {"common", "agent", "collector", "tests"}},
  };
  return table;
}

constexpr std::array<std::string_view, 5> kPure{"common/base", "common/model", "common/rules",
                                                "collector/core", "collector/ports"};

bool covers(std::string_view folder, std::string_view path) {
  return path == folder || (path.starts_with(folder) && path[folder.size()] == '/');
}

const Allowed* longest(const std::vector<Allowed>& table, std::string_view path, bool as_folder) {
  const Allowed* best = nullptr;
  for (const auto& row : table) {
    const bool fits = as_folder ? covers(row.folder, path) : path.starts_with(row.folder);
    if (fits && (best == nullptr || row.folder.size() > best->folder.size())) best = &row;
  }
  return best;
}

bool is_ours(std::string_view header) {
  constexpr std::array<std::string_view, 5> kTops{"agent/", "collector/", "common/", "tests/",
                                                  "tocsin/v1/"};
  return std::any_of(kTops.begin(), kTops.end(),
                     [&](std::string_view top) { return header.starts_with(top); });
}

bool is_pure(std::string_view folder) {
  return std::any_of(kPure.begin(), kPure.end(),
                     [&](std::string_view pure) { return covers(pure, folder); });
}

bool may_include_ours(const SourceFile& file, std::string_view header) {
  const auto folder = file.folder();
  const Allowed* row = longest(our_table(), folder, true);
  if (row == nullptr) return false;
  if (covers(row->folder, header)) return true;
  return std::any_of(row->may_include.begin(), row->may_include.end(),
                     [&](std::string_view allowed) { return covers(allowed, header); });
}

bool may_include_foreign(const SourceFile& file, std::string_view header) {
  const Allowed* row = longest(foreign_table(), header, false);
  if (row == nullptr) return true;
  const auto folder = file.folder();
  for (const auto& allowed : row->may_include) {
    if (!covers(allowed, folder)) continue;
    // A whole tree ("common") does not open its pure folders; a pure folder named itself does.
    return allowed.find('/') != std::string_view::npos || !is_pure(folder);
  }
  return false;
}

}  // namespace

std::vector<Problem> check_includes(const Tree& tree) {
  std::vector<Problem> problems;
  for (const auto& file : tree.files) {
    if (!file.is_cpp()) continue;
    for (const auto& include : file.includes) {
      const bool ours = is_ours(include.header);
      const bool fine =
          ours ? may_include_ours(file, include.header) : may_include_foreign(file, include.header);
      if (fine) continue;
      problems.push_back({file.path, include.line,
                          std::string(file.folder()) + " must not include " + include.header});
    }
  }
  return problems;
}

}  // namespace tocsin::tidy
