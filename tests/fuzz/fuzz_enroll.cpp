// What stands between a stranger and the site: the line that an administrator carries to a host,
// the record of a token, and the list of operators' certificates that are revoked.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/enroll/token_line.hpp"
#include "collector/operate/callers.hpp"
#include "collector/site/token_record.hpp"
#include "common/base/limits.hpp"
#include "common/base/result.hpp"

namespace {

using namespace tocsin;

bool is_fingerprint(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

void check_token_line(std::string_view text) {
  const auto line = agent::parse_token_line(text);
  if (!line) {
    // A token may be in it.
    const Error error = agent::parse_token_line("").error();
    TOCSIN_CHECK(line.error().code == error.code && line.error().message == error.message);
    return;
  }
  TOCSIN_CHECK(!line->token.empty() && line->token.size() <= limits::kTokenBytes);
  TOCSIN_CHECK(line->fingerprint.empty() || is_fingerprint(line->fingerprint));
  TOCSIN_CHECK(line->collector.empty() || !line->fingerprint.empty());
  std::string again = line->token;
  if (!line->fingerprint.empty()) again += " " + line->fingerprint;
  if (!line->collector.empty()) again += " " + line->collector;
  const auto same = agent::parse_token_line(again + "\n");
  TOCSIN_CHECK(same && same->token == line->token && same->fingerprint == line->fingerprint);
  TOCSIN_CHECK(same->collector == line->collector);
}

void check_revocations(std::string_view text) {
  const auto list = collector::parse_revocations(text);
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  TOCSIN_CHECK(list.fingerprints.size() + list.bad_lines <= lines);
  std::string again;
  for (const std::string& one : list.fingerprints) {
    TOCSIN_CHECK(is_fingerprint(one));
    again += one + "\n";
  }
  const auto same = collector::parse_revocations(again);
  TOCSIN_CHECK(same.fingerprints == list.fingerprints && same.bad_lines == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_token_line(text);
  if (const auto print = agent::parse_fingerprint(text)) TOCSIN_CHECK(is_fingerprint(*print));
  check_revocations(text);
  if (const auto record = collector::parse_token_record(text)) {
    TOCSIN_CHECK(collector::parse_token_record(to_text(*record)) == record);
  }
  return 0;
}
