// The rules' answer for one observation.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/message.hpp"

namespace tocsin::model {

// Never merged: "no scanner installed" is not "no virus".
enum class Verdict : std::uint8_t { normal = 1, abnormal, cannot_tell, not_run, not_applicable };
std::string_view to_string(Verdict verdict);

// One thing found abnormal. `code` is a key of the grading table ("port.unexpected"); `subject`
// names the thing stably ("tcp any 4444 /tmp/x root", never a pid), so that code and subject make
// the finding's dedup key together with host and check.
struct Violation {
  std::string code;
  std::string subject;
  Message message;
  friend bool operator==(const Violation&, const Violation&) = default;
};

// What an observation did not look at, whatever its verdict: violations of `code` (every code that
// begins with it; empty: all) with these subjects. That none is seen there proves nothing, and a
// finding that is open stays so.
struct Unseen {
  // `like`: '*' stands for any text.
  enum class Subjects : std::uint8_t { any, these, beginning, ending, like, but_these };
  std::string code;
  Subjects which = Subjects::any;
  std::vector<std::string> subjects;  // or how they begin, end or look; of `any`: none
  friend bool operator==(const Unseen&, const Unseen&) = default;
};

struct Judgement {
  Verdict verdict = Verdict::cannot_tell;
  std::vector<Message> reasons;       // why, also for normal; first is the most important
  std::vector<Violation> violations;  // not empty exactly when verdict is abnormal
  std::vector<Unseen> unseen;         // also beside normal and abnormal
  friend bool operator==(const Judgement&, const Judgement&) = default;
};

// Whether the observation looked at this: only then does a violation's absence mean that all is
// well.
bool looked_at(const Judgement& judgement, std::string_view code, std::string_view subject);

}  // namespace tocsin::model
