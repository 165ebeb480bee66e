// Whatever a document says, the answer is a policy or a list of mistakes; never a crash.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "common/config/secret_file.hpp"
#include "common/config/site_policy.hpp"

namespace tocsin::config {
namespace {

const std::string& example() {
  static const std::string kText = read_file(TOCSIN_EXAMPLES "/site.toml", 1 << 20).value();
  return kText;
}

constexpr std::string_view kPieces[] = {"[",
                                        "]",
                                        "[[",
                                        "]]",
                                        "{",
                                        "}",
                                        "=",
                                        "\"",
                                        "'",
                                        "'''",
                                        "\"\"\"",
                                        ".",
                                        ",",
                                        "\n",
                                        "#",
                                        "true",
                                        "0x",
                                        "1e999",
                                        "inf",
                                        "nan",
                                        "-",
                                        "\\u",
                                        "\\",
                                        "\xff",
                                        "\xe7",
                                        "9223372036854775808",
                                        "1979-05-27T07:32:00Z"};

std::string mutated(std::string text) {
  const int edits = *rc::gen::inRange(1, 8);
  for (int i = 0; i < edits && !text.empty(); ++i) {
    const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
    const auto length = *rc::gen::inRange<std::size_t>(0, 40);
    switch (*rc::gen::inRange(0, 5)) {
      case 0:
        text[at] = *rc::gen::arbitrary<char>();
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(at, *rc::gen::elementOf(
                            std::vector<std::string_view>(std::begin(kPieces), std::end(kPieces))));
        break;
      case 3:
        text.insert(at, text.substr(text.size() - at, length));
        break;
      default:
        text.replace(at, length, text.substr(at / 2, length));
        break;
    }
  }
  return text;
}

RC_GTEST_PROP(HostilePolicy, MutatedExamplesAreReadOrRefusedWithAPlace, ()) {
  const auto policy = read_site_policy(mutated(example()), "site.toml");
  if (policy) {
    RC_ASSERT(!policy->site.empty());
  } else {
    RC_ASSERT(policy.error().code == ErrorCode::invalid_argument);
    RC_ASSERT(policy.error().message.starts_with("site.toml:"));
  }
}

RC_GTEST_PROP(HostilePolicy, GarbageIsRefused, (const std::string& garbage)) {
  RC_ASSERT(!read_site_policy(garbage, "site.toml"));
}

}  // namespace
}  // namespace tocsin::config
