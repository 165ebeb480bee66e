#include "agent/evidence/console.hpp"

#include <cstdint>

#include <fmt/format.h>

#include "agent/evidence/files.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kHead = 4;
constexpr std::size_t kCellBytes = 4;
constexpr std::size_t kMostCells = 256 * 256;

std::uint32_t cell_at(std::string_view cells, std::size_t index) {
  std::uint32_t value = 0;
  for (std::size_t i = kCellBytes; i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(cells[index * kCellBytes + i]);
  }
  return value;
}

void append_utf8(std::string& text, std::uint32_t c) {
  const auto tail = [&](int shift) { text += static_cast<char>(0x80U | ((c >> shift) & 0x3fU)); };
  const bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
  if (control || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff) {
    text += ' ';
  } else if (c < 0x80) {
    text += static_cast<char>(c);
  } else if (c < 0x800) {
    text += static_cast<char>(0xc0U | c >> 6);
    tail(0);
  } else if (c < 0x10000) {
    text += static_cast<char>(0xe0U | c >> 12);
    tail(6);
    tail(0);
  } else {
    text += static_cast<char>(0xf0U | c >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

Result<std::string> read_device(const std::string& root, const std::string& path,
                                std::size_t limit) {
  const Opened device = open_console(root, path);
  if (!device.reason.empty()) {
    const ErrorCode code = device.reason == "not_found"       ? ErrorCode::not_found
                           : device.reason == "not_permitted" ? ErrorCode::permission_denied
                                                              : ErrorCode::unavailable;
    return fail(code, device.detail);
  }
  return os::read_at(device.fd, 0, limit);
}

}  // namespace

std::string console_text(std::string_view head, std::string_view cells) {
  if (head.size() < 2) return {};
  const std::size_t lines = static_cast<unsigned char>(head[0]);
  const std::size_t columns = static_cast<unsigned char>(head[1]);
  std::string text;
  for (std::size_t line = 0; line < lines; ++line) {
    std::string row;
    for (std::size_t column = 0; column < columns; ++column) {
      const std::size_t index = line * columns + column;
      if ((index + 1) * kCellBytes > cells.size()) break;
      append_utf8(row, cell_at(cells, index));
    }
    row.resize(row.find_last_not_of(' ') + 1);
    text += row + "\n";
  }
  return text;
}

Result<std::string> read_console(const std::string& root, int number) {
  const auto head = read_device(root, fmt::format("/dev/vcsa{}", number), kHead);
  if (!head) return fail(head.error());
  const auto cells = read_device(root, fmt::format("/dev/vcsu{}", number), kMostCells * kCellBytes);
  if (!cells) return fail(cells.error());
  return console_text(*head, *cells);
}

}  // namespace tocsin::agent
