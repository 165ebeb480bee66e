// The source tree as the tidy rules see it: text without comments and strings, and its includes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::tidy {

struct Include {
  std::string header;  // as written, without quotes or brackets
  std::size_t line = 0;
};

struct SourceFile {
  std::string path;  // from the root, with '/'
  std::string raw;
  std::string code;  // `raw` with comments and the insides of literals blanked; lines stay in place
  std::vector<Include> includes;

  std::string_view folder() const;  // "common/base" for common/base/x.cpp
  bool is_under(std::string_view prefix) const;
  bool is_cpp() const;  // .cpp or .hpp
};

struct Tree {
  std::vector<SourceFile> files;  // sorted by path
  const SourceFile* find(std::string_view path) const;
};

// Where a rule is broken, and how.
struct Problem {
  std::string path;
  std::size_t line = 0;  // 0: the file as a whole
  std::string what;
};
std::string to_string(const Problem& problem);

// Reads every text file under `root` that is ours: no build output, no hidden folder but .ci, and
// no tests/data, whose samples break the rules on purpose.
Tree read_tree(const std::filesystem::path& root);
SourceFile parse(std::string path, std::string raw);

std::size_t line_of(std::string_view text, std::size_t offset);  // 1 is the first
bool is_word(char c);                                            // may be part of an identifier

}  // namespace tocsin::tidy
