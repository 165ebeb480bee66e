#include "common/rules/messages.hpp"

#include "common/i18n/i18n.hpp"

namespace tocsin::rules {

bool is_storage_protect(std::string_view id) {
  constexpr std::size_t kLength = 8;
  if (id.size() != kLength) return false;
  const std::string_view family = id.substr(0, 3);
  const std::string_view number = id.substr(3, 4);
  return (family == "ANR" || family == "ANS" || family == "ANE") &&
         number.find_first_not_of("0123456789") == number.npos &&
         std::string_view("DEIKSW").find(id.back()) != std::string_view::npos;
}

std::string text_of_message(std::string_view id) {
  std::string code = std::string("message.").append(id);
  if (!id.empty() && !i18n::text(i18n::Language::en, code).empty()) return code;
  return is_storage_protect(id) ? "message.storage_protect" : "";
}

}  // namespace tocsin::rules
