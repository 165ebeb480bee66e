#include "common/evidence/manifest.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace tocsin::evidence {
namespace {

const std::string kHash(64, 'a');

Item kept(std::string what, std::string source, std::size_t number) {
  Item item;
  item.what = std::move(what);
  item.source = std::move(source);
  item.file = file_name(number, item.source);
  item.taken = Instant{1'795'341'600'123'000'000};
  item.bytes = 5;
  item.sha256 = kHash;
  return item;
}

Manifest example() {
  Manifest manifest;
  manifest.host = "tsm-bk02";
  manifest.agent = kHash;
  manifest.program = "tocsin-agent 0.1.0";
  manifest.system = "Debian GNU/Linux 12 (bookworm)";
  manifest.evidence = "E-2";
  manifest.asked_by = "wang";
  manifest.reason = "異常通訊埠";
  manifest.began = Instant{1'795'341'600'000'000'000};
  manifest.ended = Instant{1'795'341'601'000'000'000};
  manifest.items = {kept("sockets", "a look at the sockets", 1),
                    kept("audit", "/var/log/audit/audit.log", 2)};
  manifest.items[1].cut = "item_limit";
  manifest.items[1].left_out = 7;
  manifest.items[1].from = 7;
  manifest.items[1].modified = Instant{1'700'000'000'001'000'000};
  manifest.items[1].changed = true;
  Item missing;
  missing.what = "logins";
  missing.source = "/var/log/btmp";
  missing.taken = manifest.began;
  missing.reason = "not_permitted";
  missing.detail = "open /var/log/btmp: Permission denied";
  manifest.items.push_back(missing);
  return manifest;
}

TEST(Manifest, IsATextThatAPersonReads) {
  EXPECT_EQ(print_manifest(example()),
            "# Tocsin evidence manifest 1\n"
            "# host tsm-bk02\n"
            "# agent " +
                kHash +
                "\n"
                "# program tocsin-agent 0.1.0\n"
                "# system Debian GNU/Linux 12 (bookworm)\n"
                "# evidence E-2\n"
                "# asked-by wang\n"
                "# reason 異常通訊埠\n"
                "# began 2026-11-22T10:00:00.000Z\n"
                "# ended 2026-11-22T10:00:01.000Z\n"
                "#\n"
                "# item\n"
                "# what sockets\n"
                "# source a look at the sockets\n"
                "# taken 2026-11-22T10:00:00.123Z\n"
                "# bytes 5\n" +
                kHash +
                "  001-a_look_at_the_sockets\n"
                "#\n"
                "# item\n"
                "# what audit\n"
                "# source /var/log/audit/audit.log\n"
                "# taken 2026-11-22T10:00:00.123Z\n"
                "# bytes 5\n"
                "# cut item_limit\n"
                "# left-out 7\n"
                "# from 7\n"
                "# modified 2023-11-14T22:13:20.001Z\n"
                "# changed while it was read\n" +
                kHash +
                "  002-audit.log\n"
                "#\n"
                "# missing\n"
                "# what logins\n"
                "# source /var/log/btmp\n"
                "# taken 2026-11-22T10:00:00.000Z\n"
                "# reason not_permitted\n"
                "# detail open /var/log/btmp: Permission denied\n");
}

TEST(Manifest, ComesBackAsItWasAndKnowsItsSums) {
  const auto back = parse_manifest(print_manifest(example()));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, example());
  EXPECT_EQ(back->bytes(), 10U);
  EXPECT_EQ(back->kept(), 2U);
  EXPECT_EQ(back->missing(), 1U);
}

// Whoever owns a file says when it was written: that alone must not spoil all that was collected.
TEST(Manifest, AFileOfAnyYearIsTaken) {
  for (const std::int64_t seconds : {8'900'000'000LL, 9'223'372'036LL, -9'223'372'036LL, -1LL}) {
    Manifest manifest = example();
    manifest.items[1].modified = Instant{seconds * 1'000'000'000};
    const auto back = parse_manifest(print_manifest(manifest));
    ASSERT_TRUE(back) << seconds << back.error().message;
    EXPECT_EQ(*back, manifest);
  }
}

// A newline or an escape in a path must not become a line or a colour.
TEST(Manifest, HostileNamesStayInTheirLine) {
  Manifest manifest = example();
  manifest.items[0].source = "/var/log/x\n" + kHash + "  003-forged\x1b[2J";
  manifest.items[0].file = file_name(1, manifest.items[0].source);
  const std::string text = print_manifest(manifest);
  EXPECT_EQ(text.find("\n" + kHash + "  003-forged"), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_TRUE(parse_manifest(text));
}

TEST(Manifest, AnotherFormOfTheSameIsRefused) {
  const std::string text = print_manifest(example());
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string other = text;
    other.replace(other.find(from), from.size(), to);
    return other;
  };
  EXPECT_FALSE(parse_manifest(text + "\n"));
  EXPECT_FALSE(parse_manifest(text.substr(0, text.size() - 1)));
  EXPECT_FALSE(parse_manifest(changed("# bytes 5", "# bytes 05")));
  EXPECT_FALSE(parse_manifest(changed("# left-out 7", "# left-out 0")));
  EXPECT_FALSE(parse_manifest(changed("T10:00:00.000Z", "T10:00:60.000Z")));
  EXPECT_FALSE(parse_manifest(changed("002-audit.log", "../audit.log")));
  EXPECT_FALSE(parse_manifest(changed("002-audit.log", "002-audit/log")));
  EXPECT_FALSE(parse_manifest(changed("manifest 1", "manifest 2")));
  EXPECT_FALSE(parse_manifest(""));
  EXPECT_EQ(parse_manifest(changed("# taken", "# when")).error().message,
            "manifest: line 15: when it was taken is expected");
}

TEST(FileName, IsMadeOfAnyPathAndNothingElseIsOne) {
  EXPECT_EQ(file_name(7, "/var/log/audit/audit.log"), "007-audit.log");
  EXPECT_EQ(file_name(1234, "/var/log/"), "1234-item");
  EXPECT_EQ(file_name(1, "/x/\n../\\ü"), "001-___");
  EXPECT_TRUE(is_file_name(file_name(1, std::string(5000, 'x'))));
  for (const char* name : {"", "MANIFEST", "01-x", "001-", "001", "001-a/b", "x01-a", "001-a b",
                           "../001-a", "1234567-a"}) {
    EXPECT_FALSE(is_file_name(name)) << name;
  }
}

// Whatever a host calls its files, the manifest comes back and is the one form of itself.
RC_GTEST_PROP(ManifestProperty, AnyTextComesBackClean, ()) {
  Manifest manifest = example();
  manifest.host = *rc::gen::arbitrary<std::string>();
  manifest.reason = *rc::gen::arbitrary<std::string>();
  manifest.items[0].source = *rc::gen::arbitrary<std::string>();
  manifest.items[0].file = file_name(*rc::gen::inRange(1, 9999), manifest.items[0].source);
  manifest.items[0].bytes = *rc::gen::inRange<std::uint64_t>(0, kItemBytes);
  manifest.items[2].detail = *rc::gen::arbitrary<std::string>();
  const std::string text = print_manifest(manifest);
  const auto back = parse_manifest(text);
  RC_ASSERT(back.has_value());
  RC_ASSERT(print_manifest(*back) == text);
  RC_ASSERT(back->items.size() == manifest.items.size());
  RC_ASSERT(back->items[0].file == manifest.items[0].file);
}

// One changed byte is a refusal, or another manifest: never the same one in another form.
RC_GTEST_PROP(ManifestProperty, NoTwoTextsAreTheSameManifest, ()) {
  std::string text = print_manifest(example());
  const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
  const char byte = *rc::gen::arbitrary<char>();
  RC_PRE(text[at] != byte);
  text[at] = byte;
  const auto back = parse_manifest(text);
  if (back) RC_ASSERT(*back != example());
}

}  // namespace
}  // namespace tocsin::evidence
