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

struct Judgement {
  Verdict verdict = Verdict::cannot_tell;
  std::vector<Message> reasons;       // why, also for normal; first is the most important
  std::vector<Violation> violations;  // not empty exactly when verdict is abnormal
  friend bool operator==(const Judgement&, const Judgement&) = default;
};

}  // namespace tocsin::model
