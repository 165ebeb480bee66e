#include "collector/ctl/context.hpp"

#include <fmt/format.h>

#include "common/base/text.hpp"
#include "common/config/document.hpp"
#include "common/config/secret_file.hpp"
#include "common/config/text.hpp"

namespace tocsin::ctl {
namespace {

constexpr std::size_t kConfigBytes = 1 << 20;
constexpr std::size_t kContexts = 64;

Context read_context(config::Table& table) {
  Context context;
  table.require({"collector", "authority_file", "certificate_file", "key_file"});
  table.endpoint("collector", context.collector);
  table.text("server_name", context.server_name, 253);
  table.path("authority_file", context.authority_file);
  table.path("certificate_file", context.certificate_file);
  table.path("key_file", context.key_file);
  table.text("language", context.language);
  if (!context.language.empty() && context.language != "zh-TW" && context.language != "en") {
    table.error("language", "\"language\" is not one of zh-TW, en");
  }
  return context;
}

}  // namespace

Result<Contexts> read_contexts(std::string_view toml, std::string_view name) {
  auto document = config::Document::parse(toml, name, kConfigBytes);
  if (!document) return fail(document.error());
  config::Table root = document->root();
  Contexts contexts;
  root.text("current", contexts.current);
  for (config::Table& table : root.tables("contexts", kContexts)) {
    std::string context_name;
    table.require({"name"});
    table.text("name", context_name);
    if (!contexts.contexts.emplace(context_name, read_context(table)).second) {
      table.error("name", fmt::format("\"{}\" is there twice", context_name));
    }
  }
  if (!contexts.current.empty() && !contexts.contexts.contains(contexts.current)) {
    root.error("current", fmt::format("there is no context \"{}\"", contexts.current));
  }
  TOCSIN_TRY(document->finish());
  return contexts;
}

Result<Contexts> load_contexts(const std::string& path) {
  const auto text = config::read_file(path, kConfigBytes);
  if (!text) return fail(text.error());
  return read_contexts(*text, path);
}

std::string print_config(const Contexts& contexts) {
  using config::toml_text;
  std::string text = fmt::format("current = {}\n", toml_text(contexts.current));
  for (const auto& [name, c] : contexts.contexts) {
    text += fmt::format(
        "\n[[contexts]]\nname = {}\ncollector = {}\nserver_name = {}\nauthority_file = {}\n"
        "certificate_file = {}\nkey_file = {}\n",
        toml_text(name), toml_text(c.collector), toml_text(c.server_name),
        toml_text(c.authority_file), toml_text(c.certificate_file), toml_text(c.key_file));
    if (!c.language.empty()) text += fmt::format("language = {}\n", toml_text(c.language));
  }
  return text;
}

Result<Context> choose_context(const Contexts& contexts, std::string_view name,
                               i18n::Language language) {
  const std::string wanted = name.empty() ? contexts.current : std::string(name);
  const auto found = contexts.contexts.find(wanted);
  if (found != contexts.contexts.end()) return found->second;
  std::string known;
  for (const auto& [other, context] : contexts.contexts) {
    known += (known.empty() ? "" : ", ") + other;
  }
  const std::string code = wanted.empty() ? "ctl.context.not_chosen" : "ctl.context.unknown";
  return fail(
      ErrorCode::not_found,
      i18n::render(language,
                   {code, {{"name", clean_text(wanted, 64)}, {"known", std::move(known)}}}));
}

}  // namespace tocsin::ctl
