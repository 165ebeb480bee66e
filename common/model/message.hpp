// A message code and its parameters. What people read is rendered from it by common/i18n, in their
// language; nothing stores a sentence.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace tocsin::model {

struct Parameter {
  std::string name;
  std::string value;
  friend bool operator==(const Parameter&, const Parameter&) = default;
};

struct Message {
  std::string code;  // "port.unexpected"; empty: no message
  std::vector<Parameter> parameters;
  friend bool operator==(const Message&, const Message&) = default;
};

}  // namespace tocsin::model
