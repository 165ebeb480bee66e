#include "agent/config/backup_config.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "common/config/duration.hpp"
#include "common/config/text.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kBackups = 16;
constexpr std::size_t kSources = 64;

std::optional<BackupTool> tool_from(std::string_view word) {
  if (word == "tsm") return BackupTool::tsm;
  if (word == "restic") return BackupTool::restic;
  return std::nullopt;
}

bool only(std::string_view text, std::string_view more) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           more.find(c) != more.npos;
  });
}

// They become part of a query: as tsm names its nodes, and no more.
bool is_node(std::string_view text) { return !text.empty() && only(text, "_.-&+"); }

bool has_password(std::string_view address) {
  const std::size_t scheme = address.find("://");
  if (scheme == address.npos) return false;
  const std::string_view rest = address.substr(scheme + 3);
  const std::size_t at = rest.substr(0, rest.find('/')).rfind('@');
  return at != rest.npos && rest.substr(0, at).find(':') != rest.npos;
}

void read_tsm(config::Table& table, BackupSettings& backup) {
  backup.program = "/usr/bin/dsmadmc";
  table.require({"credentials_file"});
  table.path("credentials_file", backup.credentials_file);
  table.text("server", backup.server, 64);
  if (!only(backup.server, "_.-")) table.error("server", "\"server\" is a stanza of dsm.sys");
  for (const std::string& node : backup.sources) {
    if (!is_node(node)) table.error("sources", "a source of tsm is the name of a node");
  }
}

void read_checks_of(config::Table& table, BackupSettings& backup) {
  table.duration("check_every", backup.check_every, {0s, 90 * 24h});
  table.duration("check_limit", backup.check_limit, {1s, 24h});
  table.text("check_read", backup.check_read, 16);
  if (!only(backup.check_read, "%/.")) {
    table.error("check_read", "\"check_read\" is a part such as \"5%\" or \"1/10\"");
  }
  table.flag("check_lock", backup.check_lock);
  table.path("restore_file", backup.restore_file);
  // restic takes these for a pattern.
  if (backup.restore_file.find_first_of("*?[]\\$") != std::string::npos) {
    table.error("restore_file", "\"restore_file\" is one file, not a pattern");
  }
  table.text("restore_host", backup.restore_host, 253);
  table.duration("restore_every", backup.restore_every, {1s, 400 * 24h});
}

void read_restic(config::Table& table, BackupSettings& backup) {
  backup.program = "/usr/bin/restic";
  table.require({"password_file"});
  table.path("password_file", backup.password_file);
  table.text("repository", backup.repository, limits::kPath);
  table.path("repository_file", backup.repository_file);
  if (backup.repository.empty() == backup.repository_file.empty()) {
    table.error("repository", "either \"repository\" or \"repository_file\" is needed");
  }
  if (has_password(backup.repository)) {
    table.error("repository", "a repository with a password belongs into a \"repository_file\"");
  }
  read_checks_of(table, backup);
}

}  // namespace

std::vector<BackupSettings> read_backups(config::Table& root) {
  std::vector<BackupSettings> backups;
  for (config::Table& table : root.tables("backups", kBackups)) {
    BackupSettings& backup = backups.emplace_back();
    table.require({"name", "tool"});
    table.text("name", backup.name, limits::kName);
    table.word("tool", backup.tool, tool_from, "tsm, restic");
    table.texts("sources", backup.sources, kSources, limits::kPath);
    if (backup.tool == BackupTool::tsm) {
      read_tsm(table, backup);
    } else {
      read_restic(table, backup);
    }
    table.path("program", backup.program);
    const auto same = [&](const BackupSettings& other) { return other.name == backup.name; };
    if (std::count_if(backups.begin(), backups.end(), same) > 1) {
      table.error("name", fmt::format("backup \"{}\" is there twice", backup.name));
    }
  }
  return backups;
}

std::string print_backups(const std::vector<BackupSettings>& backups) {
  using config::duration_text;
  using config::toml_text;
  std::string text;
  for (const BackupSettings& backup : backups) {
    const bool tsm = backup.tool == BackupTool::tsm;
    text += fmt::format("\n[[backups]]\nname = {}\ntool = {}\nprogram = {}\nsources = {}\n",
                        toml_text(backup.name), toml_text(tsm ? "tsm" : "restic"),
                        toml_text(backup.program), config::toml_list(backup.sources));
    if (tsm) {
      text += fmt::format("credentials_file = {}\nserver = {}\n",
                          toml_text(backup.credentials_file), toml_text(backup.server));
      continue;
    }
    const bool file = !backup.repository_file.empty();
    text += fmt::format("{} = {}\npassword_file = {}\n", file ? "repository_file" : "repository",
                        toml_text(file ? backup.repository_file : backup.repository),
                        toml_text(backup.password_file));
    text += fmt::format("check_every = {}\ncheck_limit = {}\ncheck_read = {}\ncheck_lock = {}\n",
                        toml_text(duration_text(backup.check_every)),
                        toml_text(duration_text(backup.check_limit)), toml_text(backup.check_read),
                        backup.check_lock);
    if (!backup.restore_file.empty()) {
      text += fmt::format("restore_file = {}\n", toml_text(backup.restore_file));
    }
    text += fmt::format("restore_host = {}\nrestore_every = {}\n", toml_text(backup.restore_host),
                        toml_text(duration_text(backup.restore_every)));
  }
  return text;
}

}  // namespace tocsin::agent
