#include "agent/backup/tsm.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "agent/backup/comma_output.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace tocsin::agent {
namespace {

constexpr int kNothingMatches = 11;
constexpr Duration kQuarter = 15min;  // zones are multiples of it
constexpr Duration kFarthestZone = 15h;

struct QuestionRow {
  TsmQuestion question;
  std::string_view name;
  std::string_view command;
};
// A '>' between blanks would redirect dsmadmc's output: comparisons are written the other way
// round.
constexpr std::array kQuestions{
    QuestionRow{TsmQuestion::clock, "query clock", "select current_timestamp from status"},
    QuestionRow{TsmQuestion::database, "query database",
                "select tot_file_system_mb,free_space_mb,last_backup_date from db"},
    QuestionRow{TsmQuestion::log, "query log", "select total_space_mb,free_space_mb from log"},
    QuestionRow{TsmQuestion::pools, "query stgpool",
                "select stgpool_name,pct_utilized from stgpools"},
    QuestionRow{TsmQuestion::client_events, "query event",
                "query event * * begindate=today-1 begintime=now enddate=today endtime=now "
                "exceptionsonly=yes"},
    QuestionRow{TsmQuestion::admin_events, "query event type=administrative",
                "query event * type=administrative begindate=today-1 begintime=now enddate=today "
                "endtime=now exceptionsonly=yes"},
    QuestionRow{TsmQuestion::activity, "query actlog",
                "select count(*),max(date_time),max(message) from actlog where severity in "
                "('E','S') and current_timestamp-24 hours<date_time group by severity,msgno"},
    QuestionRow{TsmQuestion::drives, "query drive",
                "select library_name,drive_name,online from drives where online<>'YES'"},
    QuestionRow{TsmQuestion::paths, "query path",
                "select source_name,destination_name,online from paths where online<>'YES'"},
    QuestionRow{TsmQuestion::volumes, "query volume",
                "select stgpool_name,volume_name,access from volumes where access in "
                "('UNAVAILABLE','READONLY','DESTROYED')"},
    QuestionRow{TsmQuestion::nodes, "query filespace",
                "select node_name,max(backup_end) from filespaces where node_name in ({}) "
                "group by node_name"},
    QuestionRow{TsmQuestion::associations, "query association", "query association * *"},
};

const QuestionRow& row_of(TsmQuestion question) {
  return *std::find_if(kQuestions.begin(), kQuestions.end(),
                       [&](const QuestionRow& row) { return row.question == question; });
}

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return result;
}

// What the client says when it finds no server, and when the server does not let it in.
constexpr std::array<std::string_view, 3> kUnreachable{"ANS1017E", "ANS1029E", "ANS8023E"};
constexpr std::array<std::string_view, 5> kLoginRefused{"ANS1025E", "ANS1051I", "ANS1353E",
                                                        "ANS2050E", "ANS8034E"};

const ToolMessage* first_of(const std::vector<ToolMessage>& messages, const auto& ids) {
  const auto found = std::find_if(messages.begin(), messages.end(), [&](const ToolMessage& m) {
    return std::find(ids.begin(), ids.end(), m.id) != ids.end();
  });
  return found == messages.end() ? nullptr : &*found;
}

const ToolMessage* first_error(const std::vector<ToolMessage>& messages) {
  const auto found = std::find_if(messages.begin(), messages.end(), [](const ToolMessage& m) {
    return m.id.back() == 'E' || m.id.back() == 'S';
  });
  return found == messages.end() ? nullptr : &*found;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Takes a whole number of exactly or at most `digits` digits off the front.
bool take_number(std::string_view& text, std::size_t digits, int& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto length = static_cast<std::size_t>(end - text.data());
  if (error != std::errc() || length > digits || number < 0) return false;
  text.remove_prefix(length);
  return true;
}

bool take_sign(std::string_view& text, char sign) {
  if (!text.starts_with(sign)) return false;
  text.remove_prefix(1);
  return true;
}

// The whole part of a number of megabytes such as "20480" or "20480.0".
std::optional<std::uint64_t> megabytes(std::string_view text) {
  text = trimmed(text);
  std::uint64_t whole = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
  const bool ends = end == text.data() + text.size() || *end == '.' || *end == ',';
  if (error != std::errc() || !ends || whole > (1ULL << 50)) return std::nullopt;
  return whole;
}

std::string name_of(std::string_view text) { return clean_text(trimmed(text), limits::kName); }

template <class Item>
void keep(std::vector<Item>& list, std::size_t most, model::BackupJobFacts& facts, Item item) {
  if (list.size() == most) {
    ++facts.over_limit;
  } else {
    list.push_back(std::move(item));
  }
}

}  // namespace

std::string_view to_string(TsmQuestion question) { return row_of(question).name; }

std::vector<TsmQuestion> tsm_questions(const BackupSettings& backup) {
  std::vector<TsmQuestion> questions;
  for (const QuestionRow& row : kQuestions) {
    const bool left_out = backup.sources.empty() ? row.question == TsmQuestion::nodes
                                                 : row.question == TsmQuestion::associations;
    if (!left_out) questions.push_back(row.question);
  }
  return questions;
}

std::vector<std::string> tsm_call(const BackupSettings& backup, TsmQuestion question) {
  std::vector<std::string> words{backup.program, "-credentialsfile=" + backup.credentials_file,
                                 "-dataonly=yes", "-commadelimited"};
  if (!backup.server.empty()) words.push_back("-se=" + backup.server);
  std::string command(row_of(question).command);
  if (question == TsmQuestion::nodes) {
    std::vector<std::string> names;
    for (const std::string& source : backup.sources) names.push_back("'" + upper(source) + "'");
    command = fmt::format(fmt::runtime(command), fmt::join(names, ","));
  }
  words.push_back(std::move(command));
  return words;
}

TsmAnswer read_tsm_answer(int status, std::string_view output, std::string_view errors) {
  CommaOutput said = parse_comma_output(output, limits::kBackupSources);
  const CommaOutput aside = parse_comma_output(errors, 0);
  said.messages.insert(said.messages.end(), aside.messages.begin(), aside.messages.end());
  TsmAnswer answer;
  const auto because = [&](TsmEnd end, const ToolMessage* message) {
    answer.end = end;
    answer.id = message != nullptr ? message->id : fmt::format("RC {}", status);
    if (message != nullptr) answer.text = clean_text(message->text, limits::kText);
    return answer;
  };
  if (const ToolMessage* message = first_of(said.messages, kLoginRefused)) {
    return because(TsmEnd::login_refused, message);
  }
  if (const ToolMessage* message = first_of(said.messages, kUnreachable)) {
    return because(TsmEnd::unreachable, message);
  }
  constexpr std::array<std::string_view, 1> kNoMatch{"ANR2034E"};
  if (status == kNothingMatches || first_of(said.messages, kNoMatch) != nullptr) return answer;
  if (status != 0) return because(TsmEnd::refused, first_error(said.messages));
  answer.rows = std::move(said.rows);
  answer.over_limit = said.over_limit;
  return answer;
}

std::optional<Instant> parse_tsm_time(std::string_view text) {
  text = trimmed(text);
  int year = 0;
  int month = 0;
  int day = 0;
  const bool iso = text.size() > 4 && text[4] == '-';
  const bool date =
      iso ? take_number(text, 4, year) && take_sign(text, '-') && take_number(text, 2, month) &&
                take_sign(text, '-') && take_number(text, 2, day)
          : take_number(text, 2, month) && take_sign(text, '/') && take_number(text, 2, day) &&
                take_sign(text, '/') && take_number(text, 4, year);
  if (!date || year < 1970 || year > 2200) return std::nullopt;
  const std::chrono::year_month_day civil{std::chrono::year(year),
                                          std::chrono::month(static_cast<unsigned>(month)),
                                          std::chrono::day(static_cast<unsigned>(day))};
  if (!civil.ok()) return std::nullopt;
  int hour = 0;
  int minute = 0;
  int second = 0;
  text = trimmed(text);
  const bool clock = take_number(text, 2, hour) && take_sign(text, ':') &&
                     take_number(text, 2, minute) && take_sign(text, ':') &&
                     take_number(text, 2, second);
  const bool ends = text.empty() || text.front() == '.';
  if (!clock || !ends || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const Duration since = std::chrono::sys_days(civil).time_since_epoch();
  return Instant{(since + std::chrono::hours(hour) + std::chrono::minutes(minute) +
                  std::chrono::seconds(second))
                     .count()};
}

std::optional<std::uint32_t> parse_percent(std::string_view text) {
  text = trimmed(text);
  int whole = 0;
  if (!take_number(text, 4, whole)) return std::nullopt;
  int tenth = 0;
  if (take_sign(text, '.') || take_sign(text, ',')) {
    if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
    tenth = text.front() - '0';
    if (text.find_first_not_of("0123456789") != text.npos) return std::nullopt;
  } else if (!text.empty()) {
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(whole * 10 + tenth);
}

TsmFacts::TsmFacts(const BackupSettings& backup, Instant now) : backup_(backup), now_(now) {
  facts_.job = backup.name;
  facts_.tool = "tsm";
  facts_.reachable = model::Tristate::yes;
}

void TsmFacts::add(TsmQuestion question, const TsmAnswer& answer) {
  if (answer.end == TsmEnd::unreachable) facts_.reachable = model::Tristate::no;
  if (answer.end != TsmEnd::answered) return add_blind(question, answer.id);
  facts_.over_limit += static_cast<std::uint32_t>(answer.over_limit);
  std::size_t unread = 0;
  for (const Row& row : answer.rows) unread += add_row(question, row) ? 0 : 1;
  if (question == TsmQuestion::associations && unread == 0 && answer.over_limit == 0 &&
      facts_.scheduled != model::Tristate::yes) {
    facts_.scheduled = model::Tristate::no;
  }
  const bool nothing = question == TsmQuestion::clock && answer.rows.empty();
  if (unread > 0 || nothing) add_blind(question, "unreadable");
}

void TsmFacts::add_blind(TsmQuestion question, std::string_view why) {
  keep(facts_.blind, limits::kBackupEvents, facts_,
       {std::string(to_string(question)), clean_text(why, limits::kName), Instant{}, 1});
}

bool TsmFacts::add_row(TsmQuestion question, const Row& row) {
  switch (question) {
    case TsmQuestion::clock:
      return add_clock(row);
    case TsmQuestion::database:
      return add_database(row);
    case TsmQuestion::log:
      return add_log(row);
    case TsmQuestion::pools:
      return add_pool(row);
    case TsmQuestion::client_events:
      return add_event(row, true);
    case TsmQuestion::admin_events:
      return add_event(row, false);
    case TsmQuestion::activity:
      return add_activity(row);
    case TsmQuestion::drives:
      return add_device(row, 2, "drive", "/");
    case TsmQuestion::paths:
      return add_device(row, 2, "path", " > ");
    case TsmQuestion::volumes:
      return add_device(row, 2, "volume", " ");
    case TsmQuestion::nodes:
      return add_node(row);
    case TsmQuestion::associations:
      return add_association(row);
  }
  return false;
}

bool TsmFacts::add_clock(const Row& row) {
  const auto there = row.size() == 1 ? parse_tsm_time(row[0]) : std::nullopt;
  if (!there) return false;
  const Duration ahead = *there - now_;
  const Duration half = ahead < Duration{} ? -kQuarter / 2 : kQuarter / 2;
  ahead_ = (ahead + half) / kQuarter * kQuarter;
  if (ahead_ <= kFarthestZone && ahead_ >= -kFarthestZone) return true;
  ahead_ = {};
  return false;
}

Instant TsmFacts::local(std::string_view text) const {
  const auto there = parse_tsm_time(text);
  return there ? *there - ahead_ : Instant{};
}

bool TsmFacts::add_space(std::string_view name, std::string_view total, std::string_view free) {
  const auto all = megabytes(total);
  const auto left = megabytes(free);
  if (!all || !left || *left > *all) return false;
  const std::uint64_t used = *all == 0 ? 0 : (*all - *left) * 1000 / *all;
  keep(facts_.spaces, limits::kBackupEvents, facts_,
       model::BackupSpace{std::string(name), static_cast<std::uint32_t>(used)});
  return true;
}

bool TsmFacts::add_database(const Row& row) {
  if (row.size() != 3) return false;
  facts_.last_database_backup = local(row[2]);
  return add_space("database", row[0], row[1]);
}

bool TsmFacts::add_log(const Row& row) {
  return row.size() == 2 && add_space("recovery_log", row[0], row[1]);
}

bool TsmFacts::add_pool(const Row& row) {
  const auto used = row.size() == 2 ? parse_percent(row[1]) : std::nullopt;
  // A pool without volumes has no share: the field is empty.
  if (row.size() == 2 && trimmed(row[1]).empty()) return true;
  if (!used) return false;
  keep(facts_.spaces, limits::kBackupEvents, facts_, model::BackupSpace{name_of(row[0]), *used});
  return true;
}

// Scheduled start, actual start, schedule, node (of a client's), status.
bool TsmFacts::add_event(const Row& row, bool of_client) {
  const std::size_t fields = of_client ? 5 : 4;
  if (row.size() != fields) return false;
  const std::string status = name_of(row.back());
  // Of what is not over yet and of what the server does not know any more nothing is said.
  for (const std::string_view open :
       {"Future", "Pending", "Started", "In Progress", "Restarted", "Uncertain", "Completed"}) {
    if (status == open) return true;
  }
  std::string name = name_of(row[2]);
  if (of_client) name = clean_text(name + " " + name_of(row[3]), limits::kName);
  keep(facts_.schedules, limits::kBackupEvents, facts_,
       model::BackupEvent{std::move(name), status, local(row[0]), 1});
  return true;
}

bool TsmFacts::add_activity(const Row& row) {
  if (row.size() != 3) return false;
  const auto count = megabytes(row[0]);
  const std::string_view id = message_id(trimmed(row[2]));
  if (!count || id.empty()) return false;
  keep(
      facts_.errors, limits::kBackupEvents, facts_,
      model::BackupEvent{std::string(id), clean_text(trimmed(row[2]), limits::kName), local(row[1]),
                         static_cast<std::uint32_t>(std::min<std::uint64_t>(*count, UINT32_MAX))});
  return true;
}

bool TsmFacts::add_device(const Row& row, std::size_t names, std::string_view what,
                          std::string_view sign) {
  if (row.size() != names + 1) return false;
  const std::string name = fmt::format("{} {}{}{}", what, name_of(row[0]), sign, name_of(row[1]));
  keep(facts_.devices, limits::kBackupEvents, facts_,
       model::BackupEvent{clean_text(name, limits::kName), name_of(row[2]), Instant{}, 1});
  return true;
}

bool TsmFacts::add_node(const Row& row) {
  if (row.size() != 2) return false;
  keep(facts_.sources, limits::kBackupSources, facts_,
       model::BackupSource{name_of(row[0]), local(row[1])});
  return true;
}

// Policy domain, schedule, the nodes that have it; a schedule may have none.
bool TsmFacts::add_association(const Row& row) {
  if (row.size() < 2) return false;
  const auto named = [](const std::string& field) { return !trimmed(field).empty(); };
  if (std::any_of(row.begin() + 2, row.end(), named)) facts_.scheduled = model::Tristate::yes;
  return true;
}

model::BackupJobFacts TsmFacts::take() && {
  const bool asked = std::none_of(facts_.blind.begin(), facts_.blind.end(), [](const auto& blind) {
    return blind.name == to_string(TsmQuestion::nodes);
  });
  for (const std::string& source : backup_.sources) {
    const std::string name = upper(source);
    const bool known = std::any_of(facts_.sources.begin(), facts_.sources.end(),
                                   [&](const model::BackupSource& s) { return s.name == name; });
    // A node without a file space was never backed up.
    if (!known && asked && facts_.reachable == model::Tristate::yes) {
      facts_.sources.push_back({name, Instant{}});
    }
  }
  const auto by_age = [](const model::BackupSource& a, const model::BackupSource& b) {
    return std::pair(a.last_success.ns, a.name) < std::pair(b.last_success.ns, b.name);
  };
  std::sort(facts_.sources.begin(), facts_.sources.end(), by_age);
  for (const model::BackupSource& source : facts_.sources) {
    facts_.last_success = std::max(facts_.last_success, source.last_success);
  }
  return std::move(facts_);
}

}  // namespace tocsin::agent
