#include "common/model/verdict.hpp"

#include <algorithm>

namespace tocsin::model {
namespace {

bool is_like(std::string_view pattern, std::string_view subject) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == subject;
  if (!subject.starts_with(pattern.substr(0, star))) return false;
  subject.remove_prefix(star);
  pattern.remove_prefix(star + 1);
  const std::size_t next = pattern.find('*');
  if (next == std::string_view::npos) return subject.ends_with(pattern);
  // The first place where the text between two stars fits leaves the most for the rest.
  const std::size_t at = subject.find(pattern.substr(0, next));
  return at != std::string_view::npos && is_like(pattern.substr(next), subject.substr(at + next));
}

bool is_among(const Unseen& unseen, std::string_view subject) {
  const auto any = [&](auto fits) {
    return std::any_of(unseen.subjects.begin(), unseen.subjects.end(), fits);
  };
  const auto same = [&](const std::string& one) { return one == subject; };
  switch (unseen.which) {
    case Unseen::Subjects::any:
      return true;
    case Unseen::Subjects::these:
      return any(same);
    case Unseen::Subjects::beginning:
      return any([&](const std::string& one) { return subject.starts_with(one); });
    case Unseen::Subjects::ending:
      return any([&](const std::string& one) { return subject.ends_with(one); });
    case Unseen::Subjects::like:
      return any([&](const std::string& one) { return is_like(one, subject); });
    case Unseen::Subjects::but_these:
      return !any(same);
  }
  return true;
}

}  // namespace

bool looked_at(const Judgement& judgement, std::string_view code, std::string_view subject) {
  return std::none_of(judgement.unseen.begin(), judgement.unseen.end(), [&](const Unseen& unseen) {
    return code.starts_with(unseen.code) && is_among(unseen, subject);
  });
}

}  // namespace tocsin::model
