#include "collector/ctl/yaml.hpp"

#include <algorithm>
#include <optional>

namespace tocsin::ctl {
namespace {

constexpr std::size_t kDepth = 64;  // The contract's messages are far flatter.

// Reads our own JSON: no white space between tokens. A quoted string is the same in YAML.
class Writer {
 public:
  explicit Writer(std::string_view json) : rest_(json) {}

  std::optional<std::string> document() {
    if (!starts('{') || !map(0, false) || !rest_.empty()) return std::nullopt;
    return out_;
  }

 private:
  bool starts(char c) const { return rest_.starts_with(c); }
  bool take(char c) {
    if (!starts(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void indent(std::size_t by) { out_.append(by, ' '); }

  std::optional<std::string_view> scalar() {
    std::size_t end = 0;
    if (starts('"')) {
      for (end = 1; end < rest_.size() && rest_[end] != '"'; ++end) {
        if (rest_[end] == '\\') ++end;
      }
      if (end >= rest_.size()) return std::nullopt;
      ++end;
    } else {
      end = std::min(rest_.find_first_of(",]}"), rest_.size());
    }
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end);
    if (text.empty()) return std::nullopt;
    return text;
  }

  bool key() {
    const auto name = scalar();
    if (!name || name->size() < 3 || !name->starts_with('"') || !take(':')) return false;
    const std::string_view word = name->substr(1, name->size() - 2);
    const bool plain = std::all_of(word.begin(), word.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    });
    // Some plain words mean a truth value to a YAML reader.
    const bool safe = plain && word != "no" && word != "yes" && word != "on" && word != "off";
    out_.append(safe ? word : *name).append(":");
    return true;
  }

  // After a key or a dash. `same_line`: a map goes on where the dash is.
  bool value(std::size_t at, bool same_line) {
    if (at > 2 * kDepth) return false;
    if (rest_.starts_with("{}") || rest_.starts_with("[]")) {
      out_.append(" ").append(rest_.substr(0, 2)).append("\n");
      rest_.remove_prefix(2);
      return true;
    }
    if (starts('{')) {
      out_ += same_line ? " " : "\n";
      return map(at, same_line);
    }
    if (starts('[')) {
      out_ += "\n";
      return list(at);
    }
    const auto text = scalar();
    if (!text) return false;
    out_.append(" ").append(*text).append("\n");
    return true;
  }

  bool map(std::size_t at, bool first_is_placed) {
    if (!take('{')) return false;
    if (take('}')) {
      out_ += "{}\n";
      return true;
    }
    do {
      if (!first_is_placed) indent(at);
      first_is_placed = false;
      if (!key() || !value(at + 2, false)) return false;
    } while (take(','));
    return take('}');
  }

  bool list(std::size_t at) {
    if (!take('[')) return false;
    do {
      indent(at);
      out_ += "-";
      if (!value(at + 2, true)) return false;
    } while (take(','));
    return take(']');
  }

  std::string_view rest_;
  std::string out_;
};

}  // namespace

std::string yaml_of(std::string_view json) {
  std::string out;
  while (!json.empty()) {
    const std::size_t end = std::min(json.find('\n'), json.size());
    const std::string_view line = json.substr(0, end);
    json.remove_prefix(std::min(end + 1, json.size()));
    if (line.empty()) continue;
    if (!out.empty()) out += "---\n";
    const auto document = Writer(line).document();
    out += document ? *document : std::string(line) + "\n";
  }
  return out;
}

}  // namespace tocsin::ctl
