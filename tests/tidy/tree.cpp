#include "tests/tidy/tree.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <iterator>
#include <sstream>

namespace tocsin::tidy {
namespace {

constexpr std::array<std::string_view, 9> kTextEndings{".cpp",   ".hpp",  ".txt", ".cmake", ".sh",
                                                       ".proto", ".json", ".md",  ".toml"};
constexpr std::array<std::string_view, 8> kOurs{"agent", "collector", "common", "deploy",
                                                "proto", "tests",     ".ci",    "docs"};

bool ends_with_any(std::string_view path) {
  return std::any_of(kTextEndings.begin(), kTextEndings.end(),
                     [&](std::string_view ending) { return path.ends_with(ending); });
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool is_script(std::string_view raw) { return raw.starts_with("#!/bin/bash"); }

// Blanks `code` from `from` up to `to`, keeping line ends.
void blank(std::string& code, std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < to && i < code.size(); ++i) {
    if (code[i] != '\n') code[i] = ' ';
  }
}

// The offset after the literal that opens at `at` with `quote`.
std::size_t after_literal(std::string_view text, std::size_t at, char quote) {
  std::size_t i = at + 1;
  while (i < text.size() && text[i] != quote && text[i] != '\n') i += text[i] == '\\' ? 2 : 1;
  return std::min(i + 1, text.size());
}

// The offset after R"mark(…)mark", whose quote is at `at`.
std::size_t after_raw_literal(std::string_view text, std::size_t at) {
  const auto open = text.find('(', at);
  if (open == std::string_view::npos) return text.size();
  std::string close = ")";
  close += text.substr(at + 1, open - at - 1);
  close += '"';
  const auto end = text.find(close, open);
  return end == std::string_view::npos ? text.size() : end + close.size();
}

std::string without_comments_and_literals(std::string_view raw) {
  std::string code(raw);
  for (std::size_t i = 0; i < raw.size();) {
    if (raw.substr(i, 2) == "//") {
      const auto end = std::min(raw.find('\n', i), raw.size());
      blank(code, i, end);
      i = end;
    } else if (raw.substr(i, 2) == "/*") {
      const auto end = raw.find("*/", i + 2);
      const auto after = end == std::string_view::npos ? raw.size() : end + 2;
      blank(code, i, after);
      i = after;
    } else if (raw[i] == '"' && i > 0 && raw[i - 1] == 'R') {
      const auto after = after_raw_literal(raw, i);
      blank(code, i + 1, after - 1);
      i = after;
    } else if (raw[i] == '"' || (raw[i] == '\'' && (i == 0 || !is_word(raw[i - 1])))) {
      const auto after = after_literal(raw, i, raw[i]);
      blank(code, i + 1, after - 1);
      i = after;
    } else {
      ++i;
    }
  }
  return code;
}

std::vector<Include> includes_of(std::string_view raw) {
  std::vector<Include> includes;
  std::istringstream lines{std::string(raw)};
  std::string line;
  for (std::size_t number = 1; std::getline(lines, line); ++number) {
    if (!line.starts_with("#include ")) continue;
    const auto open = line.find_first_of("<\"");
    if (open == std::string::npos) continue;
    const auto close = line.find_first_of(">\"", open + 1);
    if (close == std::string::npos) continue;
    includes.push_back({line.substr(open + 1, close - open - 1), number});
  }
  return includes;
}

}  // namespace

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

std::size_t line_of(std::string_view text, std::size_t offset) {
  const auto part = text.substr(0, offset);
  return 1 + static_cast<std::size_t>(std::count(part.begin(), part.end(), '\n'));
}

std::string_view SourceFile::folder() const {
  const std::string_view whole = path;
  const auto slash = whole.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : whole.substr(0, slash);
}

bool SourceFile::is_under(std::string_view prefix) const {
  return path == prefix ||
         (path.starts_with(prefix) && path.size() > prefix.size() && path[prefix.size()] == '/');
}

bool SourceFile::is_cpp() const { return path.ends_with(".cpp") || path.ends_with(".hpp"); }

const SourceFile* Tree::find(std::string_view path) const {
  const auto found = std::lower_bound(
      files.begin(), files.end(), path,
      [](const SourceFile& file, std::string_view wanted) { return file.path < wanted; });
  return found != files.end() && found->path == path ? &*found : nullptr;
}

std::string to_string(const Problem& problem) {
  return problem.path + ":" + std::to_string(problem.line) + ": " + problem.what;
}

SourceFile parse(std::string path, std::string raw) {
  SourceFile file;
  file.path = std::move(path);
  file.raw = std::move(raw);
  if (file.is_cpp()) {
    file.code = without_comments_and_literals(file.raw);
    file.includes = includes_of(file.raw);
  }
  return file;
}

Tree read_tree(const std::filesystem::path& root) {
  Tree tree;
  for (const auto top : kOurs) {
    const auto start = root / top;
    if (!std::filesystem::is_directory(start)) continue;
    for (std::filesystem::recursive_directory_iterator it(start), end; it != end; ++it) {
      const auto path = it->path().lexically_relative(root).generic_string();
      if (it->is_directory()) {
        const auto name = it->path().filename().string();
        if (path == "tests/data" || name == "node_modules" || name == "dist" || name[0] == '.') {
          it.disable_recursion_pending();
        }
        continue;
      }
      if (!it->is_regular_file()) continue;
      auto raw = read_file(it->path());
      if (ends_with_any(path) || is_script(raw)) tree.files.push_back(parse(path, std::move(raw)));
    }
  }
  std::sort(tree.files.begin(), tree.files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return tree;
}

}  // namespace tocsin::tidy
