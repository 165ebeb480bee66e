#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tidy/rules.hpp"

namespace tocsin::tidy {
namespace {

std::string_view parent_of(std::string_view folder) {
  const auto slash = folder.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : folder.substr(0, slash);
}

// Whether `name` stands in `text` as a whole path.
bool names(std::string_view text, std::string_view name) {
  for (auto at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const auto after = at + name.size();
    const bool starts = at == 0 || (!is_word(text[at - 1]) && text[at - 1] != '/');
    if (starts && (after == text.size() || !is_word(text[after]))) return true;
  }
  return false;
}

// In its folder's CMakeLists.txt, or in one above by its path from there.
bool is_built(const Tree& tree, const SourceFile& file) {
  const std::string_view path = file.path;
  for (auto folder = file.folder(); !folder.empty(); folder = parent_of(folder)) {
    const auto* list = tree.find(std::string(folder) + "/CMakeLists.txt");
    if (list != nullptr && names(list->raw, path.substr(folder.size() + 1))) return true;
  }
  return false;
}

}  // namespace

std::vector<Problem> check_dead_files(const Tree& tree) {
  std::set<std::string_view> included;
  for (const auto& file : tree.files) {
    for (const auto& include : file.includes) included.insert(include.header);
  }
  std::vector<Problem> problems;
  for (const auto& file : tree.files) {
    if (file.path.ends_with(".cpp") && !is_built(tree, file)) {
      problems.push_back({file.path, 0, "is in no CMakeLists.txt"});
    }
    if (file.path.ends_with(".hpp") && !included.contains(file.path)) {
      problems.push_back({file.path, 0, "is included by nothing"});
    }
  }
  return problems;
}

std::vector<Problem> check_notes(const Tree& tree) {
  // In two parts each, so that this file does not break its own rule.
  static const std::array<std::string, 4> kNotes{std::string("TO") + "DO",
                                                 std::string("FIX") + "ME", std::string("XX") + "X",
                                                 std::string("HA") + "CK"};
  std::vector<Problem> problems;
  for (const auto& file : tree.files) {
    for (const auto& note : kNotes) {
      for (auto at = file.raw.find(note); at != std::string::npos;
           at = file.raw.find(note, at + 1)) {
        const auto after = at + note.size();
        const bool starts = at == 0 || !is_word(file.raw[at - 1]);
        const bool ends = after == file.raw.size() || !is_word(file.raw[after]);
        if (starts && ends)
          problems.push_back({file.path, line_of(file.raw, at), "a note to self"});
      }
    }
  }
  return problems;
}

}  // namespace tocsin::tidy
