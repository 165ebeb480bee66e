// What a TSM (IBM Storage Protect) server is asked, and what its answers mean. Pure.
//
// Asked through dsmadmc, the administrative client, in its own words: SELECT, as documented under
// "SELECT (Perform an SQL query)", whose times are "2026-11-23 02:00:00.000000", and QUERY EVENT.
// Times are of the server's zone; the first question is what time it is there.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/backup_settings.hpp"
#include "common/base/instant.hpp"
#include "common/base/result.hpp"
#include "common/model/check.hpp"

namespace tocsin::agent {

enum class TsmQuestion : std::uint8_t {
  clock = 1,
  database,
  log,
  pools,
  client_events,
  admin_events,
  activity,
  drives,
  paths,
  volumes,
  nodes,
  associations,
};
std::string_view to_string(TsmQuestion question);  // "query database"

// What to ask, in order; `clock` is the first. Of the nodes that the host's own file names their
// file spaces; where it names none, whether anything is scheduled for any.
std::vector<TsmQuestion> tsm_questions(const BackupSettings& backup);
// The words of the call: program, options, one command. No secret is among them.
std::vector<std::string> tsm_call(const BackupSettings& backup, TsmQuestion question);

// How one call of dsmadmc ended.
enum class TsmEnd : std::uint8_t {
  answered = 1,
  unreachable,    // the server
  login_refused,  // the account, its password, or the file that holds it
  refused,        // this command; what the id says
};
struct TsmAnswer {
  TsmEnd end = TsmEnd::answered;
  std::string id;    // of the message that says why; "RC 4" where there is none
  std::string text;  // with it
  std::vector<std::vector<std::string>> rows;
  std::size_t over_limit = 0;
};
// `status`: how the program ended. 0 is success and 11 "nothing matches"; what others mean is
// said by the message numbers.
TsmAnswer read_tsm_answer(int status, std::string_view output, std::string_view errors);

// "2026-11-23 02:00:00.000000" or "11/23/2026 02:00:00" as if it were UTC; nothing where it is
// neither.
std::optional<Instant> parse_tsm_time(std::string_view text);
// "82.3" or "82,3" percent -> 823; nothing where it is no such number.
std::optional<std::uint32_t> parse_percent(std::string_view text);

// Puts the answers together.
class TsmFacts {
 public:
  // `now`: this host's wall clock.
  TsmFacts(const BackupSettings& backup, Instant now);
  void add(TsmQuestion question, const TsmAnswer& answer);
  model::BackupJobFacts take() &&;

 private:
  using Row = std::vector<std::string>;
  bool add_row(TsmQuestion question, const Row& row);
  bool add_clock(const Row& row);
  bool add_database(const Row& row);
  bool add_log(const Row& row);
  bool add_pool(const Row& row);
  bool add_event(const Row& row, bool of_client);
  bool add_activity(const Row& row);
  bool add_device(const Row& row, std::size_t names, std::string_view what, std::string_view sign);
  bool add_node(const Row& row);
  bool add_association(const Row& row);
  bool add_space(std::string_view name, std::string_view total, std::string_view free);
  void add_blind(TsmQuestion question, std::string_view why);
  Instant local(std::string_view text) const;

  const BackupSettings& backup_;
  Instant now_;
  Duration ahead_{};  // the server's zone of UTC
  model::BackupJobFacts facts_;
};

}  // namespace tocsin::agent
