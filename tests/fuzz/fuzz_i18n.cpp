// Texts with hostile parameters, and tables of hostile cells: nothing moves the cursor, and a
// column is as wide as it says.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/base/text.hpp"
#include "common/i18n/i18n.hpp"
#include "common/i18n/table.hpp"

namespace {

using namespace tocsin;

bool is_clean(const std::string& text) {
  return clean_text(text, std::numeric_limits<std::size_t>::max()) == text;
}

// Every placeholder of the code's text gets the hostile value.
model::Message message_of(std::string_view code, const std::string& value) {
  model::Message message{std::string(code), {}};
  std::string_view rest = i18n::text(i18n::Language::en, code);
  for (std::size_t open = rest.find('{'); open != rest.npos; open = rest.find('{')) {
    const std::size_t close = rest.find('}', open);
    if (close == rest.npos) break;
    message.parameters.push_back({std::string(rest.substr(open + 1, close - open - 1)), value});
    rest.remove_prefix(close + 1);
  }
  return message;
}

void check_cells(const std::string& text, int cells) {
  const std::string cut = i18n::cut(text, cells);
  TOCSIN_CHECK(is_clean(cut) && i18n::display_width(cut) <= cells);
  TOCSIN_CHECK(i18n::display_width(text) > cells ||
               i18n::display_width(cut) == i18n::display_width(text));
  const std::string fit = i18n::fit(text, cells);
  TOCSIN_CHECK(is_clean(fit) && i18n::display_width(fit) == cells);
  const int line_cells = std::max(cells, 2);
  const auto lines = i18n::wrap(text, line_cells);
  TOCSIN_CHECK(!lines.empty());
  for (const std::string& line : lines) {
    TOCSIN_CHECK(is_clean(line) && i18n::display_width(line) <= line_cells);
  }
}

void check_table(const std::string& a, const std::string& b, int width) {
  i18n::Table table({"one", "two"});
  table.add({a, b});
  table.add({b, a});
  const std::string text = table.render(width);
  TOCSIN_CHECK(std::count(text.begin(), text.end(), '\n') == 3);
  std::string_view rest = text;
  while (width > 0 && !rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    TOCSIN_CHECK(i18n::display_width(line) <= std::max(width, 2 * 4 + 2));
    TOCSIN_CHECK(!line.ends_with(' '));
    rest.remove_prefix(line.size() + 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const auto codes = i18n::codes();
  const std::string_view code = codes[(data[0] * 256U + data[1]) % codes.size()];
  const int cells = data[2];
  const std::string text(reinterpret_cast<const char*>(data + 3), size - 3);
  for (const auto language : {i18n::Language::en, i18n::Language::zh_tw}) {
    TOCSIN_CHECK(is_clean(i18n::render(language, message_of(code, text))));
    const std::string unknown = i18n::render(language, {text, {{text, text}}});
    TOCSIN_CHECK(is_clean(unknown) || !i18n::text(language, text).empty());
  }
  check_cells(text, cells);
  check_table(text, text.substr(text.size() / 2), cells);
  return 0;
}
