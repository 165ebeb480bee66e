// A manifest that arrives from a host: no text may crash its reader, and what it accepts has
// exactly that one form. And the text of a console, which whoever writes on it makes.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/evidence/console.hpp"
#include "common/base/result.hpp"
#include "common/evidence/manifest.hpp"

namespace {

using namespace tocsin;

void check_console(std::string_view text) {
  const std::string_view head = text.substr(0, 4);
  const std::string screen = agent::console_text(head, text.substr(head.size()));
  TOCSIN_CHECK(screen.empty() || screen.ends_with('\n'));
  for (const char c : screen) {
    const auto byte = static_cast<unsigned char>(c);
    TOCSIN_CHECK(c == '\n' || (byte >= 0x20 && byte != 0x7f));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto manifest = evidence::parse_manifest(text)) {
    TOCSIN_CHECK(evidence::print_manifest(*manifest) == text);
    for (const evidence::Item& item : manifest->items) {
      TOCSIN_CHECK(item.file.empty() || evidence::is_file_name(item.file));
    }
  }
  check_console(text);
  static_cast<void>(evidence::is_file_name(text));
  TOCSIN_CHECK(evidence::is_file_name(evidence::file_name(size % 1000, text)));
  return 0;
}
