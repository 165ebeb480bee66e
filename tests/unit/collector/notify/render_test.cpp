#include "collector/notify/render.hpp"

#include <gmock/gmock.h>

#include "common/i18n/i18n.hpp"
#include "tests/support/story.hpp"

namespace tocsin::tests {
namespace {

using collector::render;
using ::testing::AllOf;
using ::testing::HasSubstr;

Story with_incident() {
  Story story;
  story.admit("tsm-bk02");
  story.at(60s).sees("tsm-bk02", ports_are({listener(4444, "/usr/bin/nc")}));
  return story;
}

TEST(Render, SaysWhatWhereWhenWhyAndWhatToDoInTheRecipientsLanguage) {
  Story story = with_incident();
  model::Notification row = story.all_notifications().front();
  const collector::OutgoingMessage chinese = render(row);
  EXPECT_EQ(chinese.subject, "[D] 待判定 tsm-bk02 異常通訊埠 4444/tcp (#1)");
  EXPECT_THAT(chinese.text,
              AllOf(HasSubstr("2026-11-22 18:01:00"), HasSubstr("D3"), HasSubstr("M-07"),
                    HasSubstr("tocsinctl ack 1"), HasSubstr("tocsinctl incidents show 1"),
                    HasSubstr("tocsinctl register 1")));
  EXPECT_EQ(chinese.text.find('{'), std::string::npos) << chinese.text;
  row.language = "en";
  const collector::OutgoingMessage english = render(row);
  EXPECT_EQ(english.subject, "[D] provisional tsm-bk02 Unexpected port 4444/tcp (#1)");
  // The body keeps the detail.
  EXPECT_THAT(english.text, HasSubstr("/usr/bin/nc"));
  EXPECT_THAT(english.text, HasSubstr("Since: 2026-11-22 18:01:00 (Asia/Taipei)"));
  EXPECT_EQ(english.idempotency_key, chinese.idempotency_key);
}

TEST(Render, EveryCodeThatTheCoreUsesHasAText) {
  Story story = with_incident();
  for (const model::Notification& row : story.all_notifications()) {
    for (const model::Message& line : row.body) {
      EXPECT_FALSE(i18n::text(i18n::Language::zh_tw, line.code).empty()) << line.code;
    }
    EXPECT_FALSE(i18n::text(i18n::Language::en, row.subject.code).empty()) << row.subject.code;
  }
}

TEST(Render, ASubjectIsOneBoundedLineWhateverAHostIsCalled) {
  model::Notification row = with_incident().all_notifications().front();
  for (model::Parameter& parameter : row.subject.parameters) {
    if (parameter.name == "host") parameter.value = "x\r\nBcc: evil@x " + std::string(900, 'y');
  }
  const std::string subject = render(row).subject;
  EXPECT_LE(subject.size(), 200U);
  EXPECT_EQ(subject.find('\n'), subject.npos);
  EXPECT_EQ(subject.find('\r'), subject.npos);
}

}  // namespace
}  // namespace tocsin::tests
