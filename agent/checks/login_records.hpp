// Login records of nothing but zeros in wtmp and btmp: what wipes a login leaves where it stood
// (procedure M-05). A look goes through the newest records, through what no look has gone through
// yet, and through the others in turn, so that every one is looked at again and again however long
// the file is; one that was found wiped is looked at every time. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::agent {

// True for the files of logins that login records are appended to: wtmp, btmp and their older
// parts. Not lastlog and utmp, where records of zeros are what an account that never came leaves.
bool holds_logins(std::string_view file_name);

inline constexpr std::uint64_t kLoginBytes = 384;                   // of a record
inline constexpr std::uint64_t kNewestLogins = 2500 * kLoginBytes;  // bytes, at every look
inline constexpr std::uint64_t kLoginsInTurn = 7500 * kLoginBytes;  // and of the others

// Where the first such record begins in `bytes`, which begin with a record.
std::optional<std::size_t> find_zeroed_login(std::string_view bytes);

// What is kept of a file between looks. Offsets of whole records.
struct LoginPlace {
  std::uint64_t covered = 0;  // a look has gone through everything before
  std::uint64_t next = 0;     // and goes on here in turn
  std::optional<std::uint64_t> zeroed{};
  friend bool operator==(const LoginPlace&, const LoginPlace&) = default;
};
// One line of text without its end; nothing where it is not one this version wrote.
std::string to_text(const LoginPlace& place);
std::optional<LoginPlace> parse_login_place(std::string_view text);

// Bytes of a file of `size` bytes that no look has gone through.
std::uint64_t unread_logins(std::uint64_t size, const LoginPlace& place);

struct LoginRange {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  friend bool operator==(const LoginRange&, const LoginRange&) = default;
};
struct LoginPlan {
  std::vector<LoginRange> ranges;  // to go through; none is empty
  LoginPlace next;                 // after that, without `zeroed`
  std::uint64_t unread = 0;        // as unread_logins says it then
};
// For a file of `size` bytes that was only appended to since `before`.
LoginPlan plan_logins(std::uint64_t size, const LoginPlace& before);

}  // namespace tocsin::agent
