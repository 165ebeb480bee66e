// How --help lays out options and commands: names and explanations in columns measured in cells of
// a terminal (a Chinese character takes two; the parser's own layout counts bytes), and values
// named by what may be given, in the reader's language.
#pragma once

#include <map>
#include <memory>
#include <string>

namespace CLI {
class FormatterBase;
}

namespace tocsin::cli {

// `labels`: the parser's fixed words and what stands for them, as CLI::FormatterBase::label takes
// them.
std::shared_ptr<CLI::FormatterBase> help_format(const std::map<std::string, std::string>& labels);

}  // namespace tocsin::cli
