#include "agent/evidence/console.hpp"

#include <gtest/gtest.h>

#include "agent/evidence/outbox.hpp"
#include "agent/os/journal_export.hpp"

namespace tocsin::agent {
namespace {

std::string cells(std::u32string_view text) {
  std::string bytes;
  for (const char32_t c : text) {
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>((c >> shift) & 0xff);
  }
  return bytes;
}

std::string head(int lines, int columns) {
  return {static_cast<char>(lines), static_cast<char>(columns), 0, 0};
}

// vcsa(4): lines and columns first; then a character a cell, line after line, without line ends.
TEST(Console, IsBrokenIntoItsLines) {
  EXPECT_EQ(console_text(head(2, 8), cells(U"panic:  not sync")), "panic:\nnot sync\n");
  EXPECT_EQ(console_text(head(1, 4), cells(U"異常é😀")), "異常é😀\n");
}

TEST(Console, HasNoControlCharacters) {
  EXPECT_EQ(console_text(head(1, 5), cells(U"a\x1b\x9b\xd800z")), "a   z\n");
}

TEST(Console, OfWrongSizeIsWhatThereIs) {
  EXPECT_EQ(console_text("", cells(U"abc")), "");
  EXPECT_EQ(console_text(head(3, 2), cells(U"abc")), "ab\nc\n\n");
  EXPECT_EQ(console_text(head(1, 2), "abc"), "\n");
}

// systemd's Journal Export Format: a length where a value is no plain line.
TEST(JournalExport, WritesPlainFieldsAsLinesAndOthersWithTheirLength) {
  std::string entry;
  os::append_export_field(entry, "MESSAGE", "hello\tworld");
  os::append_export_field(entry, "MESSAGE", "a\nb");
  EXPECT_EQ(entry, std::string("MESSAGE=hello\tworld\nMESSAGE\n\x03\0\0\0\0\0\0\0a\nb\n", 40));
}

TEST(EvidenceOutbox, TakesNoIdThatLeadsElsewhere) {
  EXPECT_TRUE(EvidenceOutbox::is_id("812.0b1c-2d3e_f"));
  for (const char* id : {"", ".", "..", ".x", "a/b", "a b", "\xff"}) {
    EXPECT_FALSE(EvidenceOutbox::is_id(id)) << id;
  }
  EXPECT_FALSE(EvidenceOutbox::is_id(std::string(129, 'a')));
}

}  // namespace
}  // namespace tocsin::agent
