#include "agent/backup/restic.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include <boost/json/src.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/time/civil.hpp"

namespace tocsin::agent {
namespace json = boost::json;
namespace {

constexpr std::size_t kDepth = 8;
constexpr std::size_t kPaths = 256;
constexpr int kWrongPassword = 12;  // restic 0.17 and later

std::optional<json::value> parse(std::string_view text) {
  json::parse_options options;
  options.max_depth = kDepth;
  boost::system::error_code error;
  json::value value = json::parse({text.data(), text.size()}, error, {}, options);
  if (error) return std::nullopt;
  return value;
}

const json::value* member(const json::object& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &found->value();
}

std::optional<std::string> text_of(const json::object& object, const char* name) {
  const json::value* value = member(object, name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  const json::string& text = value->get_string();
  return std::string(text.data(), text.size());
}

std::optional<ResticSnapshot> snapshot_of(const json::value& value) {
  if (!value.is_object()) return std::nullopt;
  const json::object& object = value.get_object();
  const auto time = text_of(object, "time");
  const auto at = time ? time::parse_rfc3339(*time) : std::nullopt;
  const auto host = text_of(object, "hostname");
  const json::value* paths = member(object, "paths");
  if (!at || !host || paths == nullptr || !paths->is_array()) return std::nullopt;
  ResticSnapshot snapshot{clean_text(*host, limits::kName), {}, *at};
  for (const json::value& path : paths->get_array()) {
    if (!path.is_string() || snapshot.paths.size() == kPaths) return std::nullopt;
    const json::string& text = path.get_string();
    snapshot.paths.push_back(clean_text({text.data(), text.size()}, limits::kPath));
  }
  return snapshot;
}

std::optional<ResticFile> file_of(const json::value& value, std::string_view path) {
  if (!value.is_object()) return std::nullopt;
  const json::object& object = value.get_object();
  if (text_of(object, "path") != path || text_of(object, "type") != "file") return std::nullopt;
  const auto time = text_of(object, "mtime");
  const auto modified = time ? time::parse_rfc3339(*time) : std::nullopt;
  // A file without a size is empty: restic leaves it out then.
  const json::value* size = member(object, "size");
  ResticFile file;
  if (!modified) return std::nullopt;
  file.modified = *modified;
  if (size != nullptr && size->is_int64() && size->get_int64() >= 0) {
    file.size = static_cast<std::uint64_t>(size->get_int64());
  }
  return file;
}

// Takes exactly `digits` digits off the front.
bool take_sign(std::string_view& text, char sign) {
  if (!text.starts_with(sign)) return false;
  text.remove_prefix(1);
  return true;
}

bool is_of(const ResticSnapshot& snapshot, std::string_view wanted) {
  const std::size_t colon = wanted.find(":/");
  if (snapshot.host != wanted.substr(0, colon)) return false;
  if (colon == wanted.npos) return true;
  const std::string_view path = wanted.substr(colon + 1);
  return std::find(snapshot.paths.begin(), snapshot.paths.end(), path) != snapshot.paths.end();
}

bool says(std::string_view errors, std::string_view what) {
  return errors.find(what) != errors.npos;
}

bool read_instant(std::string_view& text, Instant& at) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), at.ns);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return take_sign(text, ' ');
}

bool read_state(std::string_view& text, model::Tristate& state) {
  if (text.empty() || text.front() < '0' || text.front() > '2') return false;
  state = static_cast<model::Tristate>(text.front() - '0');
  text.remove_prefix(1);
  return take_sign(text, ' ');
}

}  // namespace

Result<std::vector<ResticSnapshot>> parse_snapshots(std::string_view text) {
  const auto refused = [] {
    return fail(ErrorCode::invalid_argument, "restic's list of snapshots cannot be read");
  };
  const auto value = parse(text);
  // An empty repository: null before 0.15, an empty list later.
  if (value && value->is_null()) return std::vector<ResticSnapshot>{};
  if (!value || !value->is_array()) return refused();
  std::vector<ResticSnapshot> snapshots;
  for (const json::value& one : value->get_array()) {
    auto snapshot = snapshot_of(one);
    if (!snapshot) return refused();
    snapshots.push_back(*std::move(snapshot));
  }
  return snapshots;
}

Result<ResticFile> parse_ls(std::string_view lines, std::string_view path) {
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    const auto value = parse(lines.substr(0, end));
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (!value) continue;
    if (const auto file = file_of(*value, path)) return *file;
  }
  return fail(ErrorCode::not_found, clean_text(path, limits::kName) + " is not in the backup");
}

ResticEnd restic_end(int status, std::string_view errors) {
  if (status == 0) return ResticEnd::done;
  if (status == kWrongPassword || says(errors, "wrong password or no key found") ||
      says(errors, "Resolving password failed") || says(errors, "an empty password")) {
    return ResticEnd::login_refused;
  }
  if (says(errors, "repository contains errors")) return ResticEnd::damaged;
  return ResticEnd::failed;
}

std::string restic_reason(std::string_view errors) {
  const std::size_t fatal = errors.find("Fatal: ");
  if (fatal != errors.npos) errors.remove_prefix(fatal + 7);
  return clean_text(errors.substr(0, errors.find('\n')), limits::kName);
}

std::vector<model::BackupSource> newest_of(const std::vector<ResticSnapshot>& snapshots,
                                           const std::vector<std::string>& wanted) {
  std::map<std::string, Instant> newest;
  for (const std::string& name : wanted) newest.emplace(name, Instant{});
  for (const ResticSnapshot& snapshot : snapshots) {
    for (const std::string& name : wanted) {
      if (is_of(snapshot, name)) newest[name] = std::max(newest[name], snapshot.at);
    }
    if (!wanted.empty()) continue;
    const std::string name = fmt::format("{}:{}", snapshot.host, fmt::join(snapshot.paths, ","));
    Instant& at = newest[clean_text(name, limits::kText)];
    at = std::max(at, snapshot.at);
  }
  std::vector<model::BackupSource> sources;
  sources.reserve(newest.size());
  for (const auto& [name, at] : newest) sources.push_back({name, at});
  std::stable_sort(sources.begin(), sources.end(),
                   [](const auto& a, const auto& b) { return a.last_success < b.last_success; });
  return sources;
}

std::string print_tests(const ResticTests& tests) {
  return fmt::format("1 {} {} {} {} ", tests.checked.ns, static_cast<int>(tests.check_ok),
                     tests.restored.ns, static_cast<int>(tests.restore_ok));
}

ResticTests parse_tests(std::string_view text) {
  ResticTests tests;
  const bool read = take_sign(text, '1') && take_sign(text, ' ') &&
                    read_instant(text, tests.checked) && read_state(text, tests.check_ok) &&
                    read_instant(text, tests.restored) && read_state(text, tests.restore_ok);
  return read && text.empty() ? tests : ResticTests{};
}

}  // namespace tocsin::agent
