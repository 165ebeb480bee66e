#include "agent/tail/lines.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tocsin::agent {
namespace {

using Records = std::vector<std::string>;

struct Split {
  LinesResult result;
  Records records;
  bool skipping = false;
};
Split split(std::string_view bytes, std::size_t limit = 16, bool final = false,
            bool skipping = false) {
  Split split;
  split.skipping = skipping;
  split.result = split_lines(bytes, limit, final, split.skipping,
                             [&](std::string_view r) { split.records.emplace_back(r); });
  return split;
}

TEST(Lines, LeaveTheRecordThatIsNotWholeYet) {
  const Split s = split("one\ntwo\r\n\nthr");
  EXPECT_EQ(s.records, (Records{"one", "two"}));
  EXPECT_EQ(s.result.taken, 10U);
}

TEST(Lines, GiveItOutWhenNothingFollows) {
  EXPECT_EQ(split("one\nthr", 16, true).records, (Records{"one", "thr"}));
}

TEST(Lines, CutALongRecordAndSkipItsRest) {
  const Split cut = split("0123456789abcdefXYZ");
  EXPECT_EQ(cut.records, (Records{"0123456789abcdef"}));
  EXPECT_EQ(cut.result.long_records, 1U);
  EXPECT_TRUE(cut.skipping);
  const Split rest = split("more of it\nnext\n", 16, false, true);
  EXPECT_EQ(rest.records, (Records{"next"}));
  EXPECT_FALSE(rest.skipping);
}

TEST(Lines, LeaveOutTheZerosOfACopyAndTruncate) {
  EXPECT_EQ(split(std::string(40, '\0') + "one\n").records, (Records{"one"}));
  const Split only_zeros = split(std::string(40, '\0'));
  EXPECT_TRUE(only_zeros.records.empty());
  EXPECT_EQ(only_zeros.result.taken, 40U);
}

// However the bytes are dealt out to calls, the same records come out.
RC_GTEST_PROP(LinesProperty, DoNotDependOnHowTheBytesArrive, ()) {
  const std::string text = *rc::gen::container<std::string>(
      rc::gen::element('a', 'b', '\n', '\r', '\0', '\x1b', '\xe4'));
  const Split whole = split(text, 4, true);
  Records records;
  bool skipping = false;
  std::size_t start = 0;
  std::size_t end = 0;
  std::uint32_t long_records = 0;
  while (end < text.size()) {
    end += *rc::gen::inRange<std::size_t>(1, text.size() - end + 1);
    const LinesResult result =
        split_lines(std::string_view(text).substr(start, end - start), 4, end == text.size(),
                    skipping, [&](std::string_view r) { records.emplace_back(r); });
    start += result.taken;
    long_records += result.long_records;
  }
  RC_ASSERT(records == whole.records);
  RC_ASSERT(long_records == whole.result.long_records);
}

}  // namespace
}  // namespace tocsin::agent
