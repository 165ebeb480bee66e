#include "collector/site/token_record.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

#include <fmt/format.h>

namespace tocsin::collector {
namespace {

constexpr std::string_view kHeader = "tocsin token 2 ";
constexpr std::size_t kNameBytes = 253;
constexpr std::size_t kFields = 7;

// Fields are separated by spaces, so none may contain one; "-" stands for an empty one.
std::string field(const std::string& text) { return text.empty() ? "-" : text; }
std::string unfield(std::string_view text) { return text == "-" ? "" : std::string(text); }

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> fields;
  while (fields.size() <= kFields) {
    const std::size_t space = line.find(' ');
    fields.push_back(line.substr(0, space));
    if (space == std::string_view::npos) break;
    line.remove_prefix(space + 1);
  }
  return fields;
}

}  // namespace

bool fits_token_record(std::string_view name) {
  return name.size() <= kNameBytes && name != "-" &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

std::string to_text(const TokenRecord& r) {
  return fmt::format("{}{} {} {} {} {} {} {}\n", kHeader, r.expires.ns,
                     model::to_string(r.creator.role), field(r.creator.name),
                     field(r.creator.fingerprint), field(r.host_name), field(r.agent.hex),
                     r.replace ? "replace" : "-");
}

std::optional<TokenRecord> parse_token_record(std::string_view text) {
  if (!text.starts_with(kHeader) || !text.ends_with('\n')) return std::nullopt;
  text.remove_prefix(kHeader.size());
  text.remove_suffix(1);
  const auto fields = split(text);
  if (fields.size() != kFields) return std::nullopt;
  TokenRecord record;
  const char* end = fields[0].data() + fields[0].size();
  const auto [stop, error] = std::from_chars(fields[0].data(), end, record.expires.ns);
  const auto role = model::role_from(fields[1]);
  if (error != std::errc() || stop != end || !role) return std::nullopt;
  record.creator = {unfield(fields[2]), *role, unfield(fields[3])};
  record.host_name = unfield(fields[4]);
  record.agent.hex = unfield(fields[5]);
  record.replace = fields[6] == "replace";
  if (!record.replace && fields[6] != "-") return std::nullopt;
  return record;
}

}  // namespace tocsin::collector
