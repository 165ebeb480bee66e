#include "agent/os/journal_bounds.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "common/base/text.hpp"

namespace tocsin::agent::os {
namespace {

// As systemd 252 writes it; the fields after those that matter are left at zero.
std::string header(std::string_view id, std::uint64_t first, std::uint64_t last) {
  std::string bytes(kJournalHeaderBytes, '\0');
  bytes.replace(0, 8, "LPKSHHRH");
  bytes.replace(72, 16, id);
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[160 + i] = static_cast<char>(last >> (8 * i) & 0xff);
    bytes[168 + i] = static_cast<char>(first >> (8 * i) & 0xff);
  }
  return bytes;
}

TEST(JournalBounds, AreReadFromAFilesHeader) {
  const auto bounds =
      parse_journal_header(header("\x06\x39\xce\x6d\xbf\x1e\x4a\xc2"
                                  "\xb5\xd6\x1f\xa8\xf4\xb1\xbf\x43",
                                  42, 0x8000'0001));
  ASSERT_TRUE(bounds);
  EXPECT_EQ(bounds->sequence_id, "0639ce6dbf1e4ac2b5d61fa8f4b1bf43");
  EXPECT_EQ(bounds->first, 42U);
  EXPECT_EQ(bounds->last, 0x8000'0001U);
}

// Two files in a row as systemd 252 wrote them. The first was full: it has 1052 entries for its
// 1053 numbers, and no entry has the number 89603.
constexpr char kFull[] =
    "4c504b5348485248000000001c00000002000000000000005f38eab75cd143fca26d7640fad5260e71129a12"
    "cdc94d75876330115f0743b31ede9d41f36e42438195ea6e67e5312b402db6da4bbe4e07ae44194cd8b4763f"
    "080100000000000050e1070000000000f815000000000000f07f0000000000001801000000000000d0140000"
    "00000000d0e10700000000005d090000000000001c04000000000000035e010000000000e759010000000000"
    "70a1000000000000f8540b02f46006008fd50b02f46006008fe7656912000000";
constexpr char kNext[] =
    "4c504b5348485248000000001c000000020000000000000028a76ef1661546f488782109b710dd6e71129a12"
    "cdc94d75876330115f0743b31ede9d41f36e42438195ea6e67e5312b402db6da4bbe4e07ae44194cd8b4763f"
    "080100000000000080e1070000000000f815000000000000f07f0000000000001801000000000000d0140000"
    "0000000000e20700000000005d090000000000001c040000000000002062010000000000045e010000000000"
    "70a100000000000043d60b02f460060094480c02f4600600945a666912000000";

TEST(JournalBounds, ShowTheNumberThatAFullFileTook) {
  std::string bytes;
  ASSERT_TRUE(from_hex(kFull, bytes));
  const auto full = parse_journal_header(bytes);
  ASSERT_TRUE(from_hex(kNext, bytes));
  const auto next = parse_journal_header(bytes);
  ASSERT_TRUE(full && next);
  EXPECT_EQ(full->sequence_id, next->sequence_id);
  EXPECT_EQ(full->first, 88551U);
  EXPECT_EQ(full->last, 89603U);
  EXPECT_EQ(next->first, full->last + 1);
}

TEST(JournalBounds, AreNotReadFromAnythingElse) {
  const std::string whole = header("0123456789abcdef", 1, 2);
  EXPECT_TRUE(parse_journal_header(whole + "more"));
  EXPECT_FALSE(parse_journal_header(whole.substr(1)));
  EXPECT_FALSE(parse_journal_header(std::string(kJournalHeaderBytes, 'x')));
  EXPECT_TRUE(rc::check("any bytes", [](std::uint64_t first, std::uint64_t last) {
    const auto id = *rc::gen::container<std::string>(16, rc::gen::arbitrary<char>());
    const auto bounds = parse_journal_header(header(id, first, last));
    RC_ASSERT(bounds && bounds->first == first && bounds->last == last);
  }));
}

}  // namespace
}  // namespace tocsin::agent::os
