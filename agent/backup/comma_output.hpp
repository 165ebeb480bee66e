// What `dsmadmc -dataonly=yes -commadelimited` prints. Pure; accepts any bytes.
//
// A row is a line of fields between commas; a field with a comma, quotation mark or line end stands
// in quotation marks, its own doubled. An empty field is no value. A line that begins with a
// message number (ANR2034E, ANS8001I) is a message of the server or the client, not a row.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::agent {

struct ToolMessage {
  std::string id;    // "ANR2034E"
  std::string text;  // what follows it
  friend bool operator==(const ToolMessage&, const ToolMessage&) = default;
};

struct CommaOutput {
  std::vector<std::vector<std::string>> rows;
  std::vector<ToolMessage> messages;
  std::size_t over_limit = 0;  // rows and messages that were left out
};

// "ANR2034E SELECT: No match …" -> its number; empty where the text begins with none.
std::string_view message_id(std::string_view text);

// Keeps at most `most` rows of at most 32 fields, and 32 messages.
CommaOutput parse_comma_output(std::string_view text, std::size_t most);

}  // namespace tocsin::agent
