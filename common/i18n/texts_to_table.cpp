// Build tool: texts_to_table en.json zh-TW.json out.cpp
//
// Reads the two files of texts (flat JSON, one line a key, keys sorted) and writes the C++ table.
// It refuses what would surprise a reader later: keys that only one language has, other
// placeholders, keys out of order. Errors name file and line.
#include <cstdio>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace {

struct Text {
  std::string key;
  std::string value;
  int line = 0;
};

bool complain(const std::string& file, int line, std::string_view what) {
  fmt::print(stderr, "{}:{}: {}\n", file, line, what);
  return false;
}

// Reads a JSON string at the start of `rest` and moves `rest` behind it. Only the escapes that the
// files use: \" \\ and \n.
bool read_string(std::string_view& rest, std::string& out) {
  out.clear();
  if (rest.empty() || rest.front() != '"') return false;
  rest.remove_prefix(1);
  while (!rest.empty()) {
    const char c = rest.front();
    rest.remove_prefix(1);
    if (c == '"') return true;
    if (c != '\\') {
      out += c;
      continue;
    }
    if (rest.empty()) return false;
    const char escaped = rest.front();
    rest.remove_prefix(1);
    if (escaped != '"' && escaped != '\\' && escaped != 'n') return false;
    out += escaped == 'n' ? '\n' : escaped;
  }
  return false;
}

// One line: `  "key": "value"` and a comma, except on the last.
bool read_line(std::string_view line, Text& text, bool& comma) {
  constexpr std::string_view kIndent = "  ";
  constexpr std::string_view kBetween = ": ";
  if (!line.starts_with(kIndent)) return false;
  line.remove_prefix(kIndent.size());
  if (!read_string(line, text.key) || !line.starts_with(kBetween)) return false;
  line.remove_prefix(kBetween.size());
  if (!read_string(line, text.value)) return false;
  comma = line == ",";
  return line.empty() || comma;
}

bool read_file(const std::string& file, std::vector<Text>& texts) {
  std::ifstream in(file);
  std::string line;
  if (!std::getline(in, line) || line != "{") return complain(file, 1, "expected {");
  bool more = true;
  for (int number = 2; std::getline(in, line); ++number) {
    if (line == "}") return !more || complain(file, number, "a comma before }");
    if (!more) return complain(file, number - 1, "no comma at the end");
    Text text;
    text.line = number;
    if (!read_line(line, text, more)) return complain(file, number, "expected \"key\": \"text\"");
    if (!texts.empty() && texts.back().key >= text.key) {
      return complain(file, number, "keys must be sorted and unique: " + text.key);
    }
    texts.push_back(std::move(text));
  }
  return complain(file, 1, "no } at the end");
}

std::set<std::string> placeholders(std::string_view text) {
  std::set<std::string> names;
  for (std::size_t open = text.find('{'); open != std::string_view::npos;
       open = text.find('{', open + 1)) {
    const std::size_t close = text.find('}', open);
    if (close == std::string_view::npos) break;
    names.emplace(text.substr(open + 1, close - open - 1));
  }
  return names;
}

// Same keys in both, same placeholders for each.
bool agree(const std::string& file_a, const std::vector<Text>& a, const std::string& file_b,
           const std::vector<Text>& b) {
  for (std::size_t i = 0; i < a.size() || i < b.size(); ++i) {
    if (i == b.size() || (i < a.size() && a[i].key < b[i].key)) {
      return complain(file_a, a[i].line, "only in this language: " + a[i].key);
    }
    if (i == a.size() || b[i].key < a[i].key) {
      return complain(file_b, b[i].line, "only in this language: " + b[i].key);
    }
    if (placeholders(a[i].value) != placeholders(b[i].value)) {
      return complain(file_b, b[i].line, "other placeholders than in " + file_a + ": " + b[i].key);
    }
  }
  return true;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

bool write_table(const std::string& file, const std::vector<Text>& en,
                 const std::vector<Text>& zh_tw) {
  std::ofstream out(file);
  out << "// Generated from common/i18n/texts; change those.\n"
         "#include \"common/i18n/texts.hpp\"\n\n#include <array>\n\n"
         "namespace tocsin::i18n {\nnamespace {\n\nconstexpr auto kRows = "
         "std::to_array<TextRow>({\n";
  for (std::size_t i = 0; i < en.size(); ++i) {
    out << "    {" << quoted(en[i].key) << ", " << quoted(en[i].value) << ",\n     "
        << quoted(zh_tw[i].value) << "},\n";
  }
  out << "});\n\n}  // namespace\n\nstd::span<const TextRow> text_rows() { return kRows; }\n\n"
         "}  // namespace tocsin::i18n\n";
  out.close();
  return out.good() || complain(file, 0, "cannot write");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "usage: texts_to_table EN.json ZH-TW.json OUT.cpp\n");
    return 2;
  }
  const std::string en_file = argv[1];
  const std::string zh_tw_file = argv[2];
  std::vector<Text> en;
  std::vector<Text> zh_tw;
  const bool good = read_file(en_file, en) && read_file(zh_tw_file, zh_tw) &&
                    agree(en_file, en, zh_tw_file, zh_tw) && write_table(argv[3], en, zh_tw);
  return good ? 0 : 1;
}
