#include "collector/ctl/context.hpp"

#include <gtest/gtest.h>

namespace tocsin::ctl {
namespace {

using i18n::Language;

TEST(Contexts, ReadTheExampleAndReadBackAsTheyArePrinted) {
  const auto contexts = load_contexts(TOCSIN_EXAMPLES "/contexts.toml");
  ASSERT_TRUE(contexts) << contexts.error().message;
  EXPECT_EQ(choose_context(*contexts, "", Language::en)->collector, "collector.example:8443");
  EXPECT_EQ(choose_context(*contexts, "idc-1", Language::en)->language, "zh-TW");
  EXPECT_EQ(read_contexts(print_config(*contexts), "printed").value(), *contexts);
}

TEST(Contexts, ThatAreNotThereAreNamedWithThoseThatAre) {
  const auto contexts = load_contexts(TOCSIN_EXAMPLES "/contexts.toml").value();
  EXPECT_EQ(choose_context(contexts, "idc-2", Language::en).error().message,
            "there is no context \"idc-2\"; there are: idc-1");
  EXPECT_EQ(choose_context(contexts, "idc-2", Language::zh_tw).error().message,
            "沒有名為「idc-2」的內容設定；現有：idc-1");
  EXPECT_EQ(choose_context(Contexts{}, "", Language::en).error().code, ErrorCode::not_found);
}

TEST(Contexts, ReportMistakesTogether) {
  EXPECT_EQ(read_contexts("current = 'x'\n[[contexts]]\nname = 'a'\ncollector = 'c'\n"
                          "authority_file = '/a'\ncertificate_file = 'b'\nkey_file = '/c'\n"
                          "language = 'fr'\n",
                          "c.toml")
                .error()
                .message,
            "c.toml:1:11: there is no context \"x\"\n"
            "c.toml:4:13: \"c\" is not an address such as \"collector:8444\" or \"[::1]:8444\"\n"
            "c.toml:6:20: \"certificate_file\" must be an absolute path\n"
            "c.toml:8:12: \"language\" is not one of zh-TW, en");
}

}  // namespace
}  // namespace tocsin::ctl
