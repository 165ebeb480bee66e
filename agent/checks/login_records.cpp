#include "agent/checks/login_records.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <utmp.h>

#include "agent/os/number.hpp"

namespace tocsin::agent {
namespace {

static_assert(kLoginBytes == sizeof(utmp));

bool read_offset(std::string_view text, std::uint64_t& into) {
  return os::read_number(text, into) && into % kLoginBytes == 0;
}

// Where the newest records begin, at which every look looks.
std::uint64_t newest_from(std::uint64_t size) {
  const std::uint64_t whole = size - size % kLoginBytes;
  return whole - std::min(whole, kNewestLogins);
}

}  // namespace

bool holds_logins(std::string_view file_name) { return file_name == "wtmp" || file_name == "btmp"; }

std::optional<std::size_t> find_zeroed_login(std::string_view bytes) {
  for (std::size_t at = 0; bytes.size() - at >= kLoginBytes; at += kLoginBytes) {
    const std::string_view record = bytes.substr(at, kLoginBytes);
    if (record.find_first_not_of('\0') == std::string_view::npos) return at;
  }
  return std::nullopt;
}

std::string to_text(const LoginPlace& place) {
  return fmt::format("{};{};{}", place.covered, place.next,
                     place.zeroed ? std::to_string(*place.zeroed) : std::string());
}

std::optional<LoginPlace> parse_login_place(std::string_view text) {
  const std::size_t first = text.find(';');
  const std::size_t second = text.find(';', first == std::string_view::npos ? first : first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  LoginPlace place;
  if (!read_offset(text.substr(0, first), place.covered) ||
      !read_offset(text.substr(first + 1, second - first - 1), place.next)) {
    return std::nullopt;
  }
  const std::string_view zeroed = text.substr(second + 1);
  if (!zeroed.empty() && !read_offset(zeroed, place.zeroed.emplace())) return std::nullopt;
  return place;
}

std::uint64_t unread_logins(std::uint64_t size, const LoginPlace& place) {
  const std::uint64_t newest = newest_from(size);
  return newest - std::min(newest, place.covered);
}

LoginPlan plan_logins(std::uint64_t size, const LoginPlace& before) {
  size -= size % kLoginBytes;
  const std::uint64_t newest = newest_from(size);
  std::uint64_t budget = kLoginsInTurn;
  LoginPlan plan;
  plan.next.covered = std::min(before.covered, size);
  const auto go_through = [&](std::uint64_t from, std::uint64_t most) {
    const std::uint64_t to = std::max(from, std::min(most, from + budget));
    if (from < to) plan.ranges.push_back({from, to});
    budget -= to - from;
    return to;
  };
  if (newest < size) plan.ranges.push_back({newest, size});
  if (before.zeroed && size >= kLoginBytes && *before.zeroed <= size - kLoginBytes) {
    plan.ranges.push_back({*before.zeroed, *before.zeroed + kLoginBytes});
  }
  const std::uint64_t again = std::min(plan.next.covered, newest);  // those in turn end here
  if (plan.next.covered < newest) plan.next.covered = go_through(plan.next.covered, newest);
  plan.unread = unread_logins(size, plan.next);
  if (plan.unread == 0) plan.next.covered = size;
  const std::uint64_t from = before.next < again ? before.next : 0;
  plan.next.next = go_through(from, again);
  if (plan.next.next == again) plan.next.next = go_through(0, from);
  return plan;
}

}  // namespace tocsin::agent
