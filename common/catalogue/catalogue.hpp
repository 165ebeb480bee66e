// Which records of a log are warnings, and how grave (procedure M-04). What ships is compiled in
// from messages.toml; a site adds files of the same form. What a message means and what to do about
// it are texts "message.<id>" and "message.<id>.do" of both languages; a site's own messages bring
// their meaning along, as one text for every reader or as { "zh-TW" = "…", en = "…" }.
//
//   [[message]]
//   id = "sshd.failed_password"
//   level = "notice"
//   programs = ["sshd"]
//   match = ["Failed password for *"]
//   many = { count = 10, within = "5min", level = "error" }
//
// A Storage Protect message needs no pattern: its code stands in the record, and the last letter of
// a code that is not listed gives its level.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/instant.hpp"
#include "common/base/result.hpp"
#include "common/catalogue/pattern.hpp"
#include "common/model/facts.hpp"

namespace tocsin::catalogue {

inline constexpr std::size_t kCatalogueBytes = 256 << 10;
inline constexpr std::size_t kMostMessages = 1024;

// So many within so long are graver than one.
struct Many {
  std::uint32_t count = 0;
  Duration within{};
  model::WarningLevel level = model::WarningLevel::warning;
};

struct Message {
  std::string id;
  model::WarningLevel level = model::WarningLevel::warning;
  std::vector<std::string> programs;  // empty: any
  std::vector<Pattern> patterns;      // any of them
  std::optional<Many> many;
  model::Meaning meaning;  // of a site's own message
};

// What one record is. `message` is nullptr for a code of Storage Protect that is not listed.
struct Match {
  std::string_view id;  // of the catalogue, or a part of the record
  model::WarningLevel level = model::WarningLevel::warning;
  const Message* message = nullptr;
};

class Catalogue {
 public:
  // What ships with this version.
  static Catalogue shipped();
  // Adds a site's messages; one with an id that is there already replaces it. Errors:
  // invalid_argument with every mistake, each with name:line:column; nothing is added then.
  Status add(std::string_view toml, std::string_view name);

  // The first message that fits, in the order of the files. `program`: as syslog names it; empty:
  // not known.
  std::optional<Match> find(std::string_view program, std::string_view record) const;
  const std::vector<Message>& messages() const { return messages_; }

 private:
  void put(Message message);
  std::vector<Message> messages_;
  std::map<std::string, std::size_t, std::less<>> by_id_;
};

// "ANR2997W" where a record holds the code of a Storage Protect message; empty: none.
std::string_view storage_protect_code(std::string_view record);

// True where `text` can be an id: letters, digits, '.', '_', '-'; 1 to 64 bytes.
bool valid_id(std::string_view text);

// "notice", "warning", "error", "critical".
std::string_view to_string(model::WarningLevel level);
std::optional<model::WarningLevel> level_from(std::string_view word);

}  // namespace tocsin::catalogue
