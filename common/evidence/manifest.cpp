#include "common/evidence/manifest.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/time/civil.hpp"

namespace tocsin::evidence {
namespace {

constexpr std::string_view kTitle = "# Tocsin evidence manifest 1";
constexpr std::size_t kTextBytes = 512;  // of one value; a longer path is cut
constexpr std::size_t kNameBytes = 80;
constexpr std::size_t kNumberDigits = 3;

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string clean(std::string_view text) { return clean_text(text, kTextBytes); }

// ---- Writing ----

void put(std::string& text, std::string_view key, std::string_view value) {
  if (!value.empty()) text += fmt::format("# {} {}\n", key, clean(value));
}
void put(std::string& text, std::string_view key, std::uint64_t value) {
  if (value != 0) text += fmt::format("# {} {}\n", key, value);
}

void print_item(std::string& text, const Item& item) {
  text += item.file.empty() ? "#\n# missing\n" : "#\n# item\n";
  put(text, "what", item.what);
  put(text, "source", item.source);
  put(text, "taken", time::rfc3339(item.taken));
  if (item.file.empty()) {
    put(text, "reason", item.reason);
    put(text, "detail", item.detail);
    return;
  }
  text += fmt::format("# bytes {}\n", item.bytes);
  put(text, "cut", item.cut);
  put(text, "left-out", item.left_out);
  put(text, "from", item.from);
  if (item.modified) put(text, "modified", time::rfc3339(*item.modified));
  if (item.changed) text += "# changed while it was read\n";
  text += fmt::format("{}  {}\n", item.sha256, item.file);
}

// ---- Reading ----

// The lines of a manifest, one after the other.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) { next(); }

  bool at_end() const { return at_end_; }
  std::string_view line() const { return line_; }
  std::size_t number() const { return number_; }
  void next() {
    at_end_ = rest_.empty();
    if (at_end_) {
      line_ = {};
      return;
    }
    const std::size_t end = rest_.find('\n');
    line_ = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    ++number_;
  }
  bool take(std::string_view whole) {
    if (at_end_ || line_ != whole) return false;
    next();
    return true;
  }
  // "# key value", where it is there.
  std::optional<std::string_view> value(std::string_view key) {
    std::string_view line = line_;
    if (at_end_ || !line.starts_with("# ")) return std::nullopt;
    line.remove_prefix(2);
    if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ' ') {
      return std::nullopt;
    }
    line.remove_prefix(key.size() + 1);
    next();
    return line;
  }
  void text(std::string_view key, std::string& into) {
    if (const auto found = value(key)) into = std::string(*found);
  }
  void number(std::string_view key, std::uint64_t& into) {
    if (const auto found = value(key)) into = number_of(*found).value_or(0);
  }
  std::optional<Instant> time(std::string_view key) {
    const auto found = value(key);
    return found ? time::parse_rfc3339(*found) : std::nullopt;
  }

 private:
  std::string_view rest_;
  std::string_view line_;
  std::size_t number_ = 0;
  bool at_end_ = false;
};

auto wrong(const Lines& lines, std::string_view what) {
  return fail(ErrorCode::invalid_argument,
              fmt::format("manifest: line {}: {}", lines.number(), what));
}

Status parse_head(Lines& lines, Manifest& manifest) {
  if (!lines.take(kTitle)) return wrong(lines, "not a manifest of this version");
  lines.text("host", manifest.host);
  lines.text("agent", manifest.agent);
  lines.text("program", manifest.program);
  lines.text("system", manifest.system);
  lines.text("boot", manifest.boot);
  lines.text("evidence", manifest.evidence);
  lines.text("request", manifest.request);
  lines.text("incident", manifest.incident);
  lines.text("asked-by", manifest.asked_by);
  lines.text("reason", manifest.reason);
  const auto began = lines.time("began");
  const auto ended = began ? lines.time("ended") : std::nullopt;
  if (!ended) return wrong(lines, "when it began and ended is expected");
  manifest.began = *began;
  manifest.ended = *ended;
  return {};
}

Status parse_kept(Lines& lines, Item& item) {
  lines.number("bytes", item.bytes);
  lines.text("cut", item.cut);
  lines.number("left-out", item.left_out);
  lines.number("from", item.from);
  item.modified = lines.time("modified");
  item.changed = lines.take("# changed while it was read");
  const std::string_view line = lines.line();
  constexpr std::size_t kDigits = 64;
  if (line.size() <= kDigits + 2 || line.substr(kDigits, 2) != "  ") {
    return wrong(lines, "a hash and a file are expected");
  }
  item.sha256 = std::string(line.substr(0, kDigits));
  item.file = std::string(line.substr(kDigits + 2));
  if (!is_sha256(item.sha256) || !is_file_name(item.file) || item.bytes > kItemBytes) {
    return wrong(lines, "not a hash, a file's name or a size");
  }
  lines.next();
  return {};
}

Result<Item> parse_item(Lines& lines) {
  Item item;
  if (!lines.take("#")) return wrong(lines, "an item is expected");
  const bool missing = lines.take("# missing");
  if (!missing && !lines.take("# item")) return wrong(lines, "an item is expected");
  lines.text("what", item.what);
  lines.text("source", item.source);
  const auto taken = lines.time("taken");
  if (!taken) return wrong(lines, "when it was taken is expected");
  item.taken = *taken;
  if (!missing) {
    TOCSIN_TRY(parse_kept(lines, item));
    return item;
  }
  lines.text("reason", item.reason);
  lines.text("detail", item.detail);
  if (item.reason.empty()) return wrong(lines, "a reason is expected");
  return item;
}

bool name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

}  // namespace

std::uint64_t Manifest::bytes() const {
  std::uint64_t sum = 0;
  for (const Item& item : items) sum += item.bytes;
  return sum;
}

std::uint32_t Manifest::kept() const {
  return static_cast<std::uint32_t>(
      std::count_if(items.begin(), items.end(), [](const Item& i) { return !i.file.empty(); }));
}

std::uint32_t Manifest::missing() const {
  return static_cast<std::uint32_t>(items.size()) - kept();
}

std::string print_manifest(const Manifest& manifest) {
  std::string text = std::string(kTitle) + "\n";
  put(text, "host", manifest.host);
  put(text, "agent", manifest.agent);
  put(text, "program", manifest.program);
  put(text, "system", manifest.system);
  put(text, "boot", manifest.boot);
  put(text, "evidence", manifest.evidence);
  put(text, "request", manifest.request);
  put(text, "incident", manifest.incident);
  put(text, "asked-by", manifest.asked_by);
  put(text, "reason", manifest.reason);
  put(text, "began", time::rfc3339(manifest.began));
  put(text, "ended", time::rfc3339(manifest.ended));
  for (const Item& item : manifest.items) print_item(text, item);
  return text;
}

Result<Manifest> parse_manifest(std::string_view text) {
  if (text.size() > kManifestBytes) {
    return fail(ErrorCode::invalid_argument, "manifest: larger than 2 MiB");
  }
  Lines lines(text);
  Manifest manifest;
  TOCSIN_TRY(parse_head(lines, manifest));
  while (!lines.at_end()) {
    if (manifest.items.size() == kItems) return wrong(lines, "too many items");
    auto item = parse_item(lines);
    if (!item) return fail(item.error());
    manifest.items.push_back(std::move(*item));
  }
  if (print_manifest(manifest) != text) {
    return fail(ErrorCode::invalid_argument, "manifest: not in its one form");
  }
  return manifest;
}

std::string file_name(std::size_t number, std::string_view path) {
  std::string name(path.substr(path.rfind('/') + 1));
  if (name.size() > kNameBytes) name.erase(0, name.size() - kNameBytes);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !name_character(c); }, '_');
  return fmt::format("{:03}-{}", number, name.empty() ? "item" : name);
}

bool is_file_name(std::string_view name) {
  const std::size_t dash = name.find('-');
  return dash != std::string_view::npos && dash >= kNumberDigits && dash <= 6 &&
         name.size() > dash + 1 && name.size() <= dash + 1 + kNameBytes &&
         std::all_of(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(dash),
                     [](char c) { return c >= '0' && c <= '9'; }) &&
         std::all_of(name.begin(), name.end(), name_character);
}

bool is_sha256(std::string_view hex) {
  return hex.size() == 64 && std::all_of(hex.begin(), hex.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace tocsin::evidence
