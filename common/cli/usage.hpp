// What is wrong with the words of a command line, in the reader's language: the parser's own
// sentences are English. And the checks of values, which speak it too.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/i18n/i18n.hpp"

namespace CLI {
class App;
class ParseError;
class Validator;
}  // namespace CLI

namespace tocsin::cli {

// One sentence. `app` is what threw `error`.
std::string usage_text(const CLI::App& app, const CLI::ParseError& error, i18n::Language language);

// One of these words, however its letters are written. To be given to transform(), which takes it
// in the way it stands here; check() would leave it as it was written.
CLI::Validator one_of(std::vector<std::string> words, i18n::Language language);
CLI::Validator a_number(std::uint64_t from, std::uint64_t to, i18n::Language language);
// A duration of a grammar that the program has: `reads` says whether a text is one, `code` is the
// message where it is none ({value}), and `examples` stands in the help: "10m|1h|7d".
CLI::Validator a_duration(std::function<bool(const std::string&)> reads, const char* code,
                          const std::string& examples, i18n::Language language);

}  // namespace tocsin::cli
