#include "collector/notify/curl.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

#include <curl/curl.h>

#include "common/base/result.hpp"
#include "common/base/text.hpp"

namespace tocsin::collector::curl {
namespace {

constexpr std::size_t kReplyBytes = 512;

// Keeps the end of what arrives: in SMTP the last line is the answer.
size_t keep_header(char* data, size_t size, size_t count, void* target) {
  auto& text = *static_cast<std::string*>(target);
  text.assign(data, std::min(size * count, kReplyBytes));
  return size * count;
}

// Keeps the beginning of a body, and reads no more than a small answer can be.
size_t keep_body(char* data, size_t size, size_t count, void* target) {
  auto& text = *static_cast<std::string*>(target);
  text.append(data, std::min(size * count, kReplyBytes - std::min(kReplyBytes, text.size())));
  return size * count;
}

struct Upload {
  std::string content;
  std::size_t sent = 0;
};

size_t give_upload(char* buffer, size_t size, size_t count, void* source) {
  auto& upload = *static_cast<Upload*>(source);
  const std::size_t n = std::min(size * count, upload.content.size() - upload.sent);
  std::memcpy(buffer, upload.content.data() + upload.sent, n);
  upload.sent += n;
  return n;
}

std::string without_line_end(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

// libcurl wants this once, before there are threads that use it; a function's static is that.
void initialize() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  TOCSIN_CHECK(started == CURLE_OK);
}

}  // namespace

struct Transfer::Impl {
  Impl() {
    initialize();
    handle = curl_easy_init();
    TOCSIN_CHECK(handle != nullptr);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    curl_easy_cleanup(handle);
    curl_slist_free_all(list);
  }

  template <class Value>
  void set(CURLoption option, Value value) {
    TOCSIN_CHECK(curl_easy_setopt(handle, option, value) == CURLE_OK);
  }
  void add(const std::string& line) {
    curl_slist* longer = curl_slist_append(list, line.c_str());
    TOCSIN_CHECK(longer != nullptr);
    list = longer;
  }

  CURL* handle = nullptr;
  curl_slist* list = nullptr;
  Upload upload;
  std::string header;
  std::string body;
  char error[CURL_ERROR_SIZE] = {};
};

Transfer::Transfer(const std::string& url, const char* protocols, Duration deadline)
    : impl_(std::make_unique<Impl>()) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(deadline).count();
  impl_->set(CURLOPT_URL, url.c_str());
  impl_->set(CURLOPT_PROTOCOLS_STR, protocols);
  impl_->set(CURLOPT_TIMEOUT_MS, static_cast<long>(ms));
  impl_->set(CURLOPT_NOSIGNAL, 1L);
  impl_->set(CURLOPT_FOLLOWLOCATION, 0L);
  impl_->set(CURLOPT_PROXY, "");  // Not from the environment.
  impl_->set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  impl_->set(CURLOPT_ERRORBUFFER, impl_->error);
  impl_->set(CURLOPT_HEADERFUNCTION, &keep_header);
  impl_->set(CURLOPT_HEADERDATA, &impl_->header);
  impl_->set(CURLOPT_WRITEFUNCTION, &keep_body);
  impl_->set(CURLOPT_WRITEDATA, &impl_->body);
}

Transfer::~Transfer() = default;

void Transfer::require_tls() { impl_->set(CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_ALL)); }

void Transfer::trust(const std::string& ca_file) {
  if (ca_file.empty()) return;
  impl_->set(CURLOPT_CAINFO, ca_file.c_str());
  impl_->set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
}

void Transfer::login(const std::string& user, const std::string& password) {
  impl_->set(CURLOPT_USERNAME, user.c_str());
  impl_->set(CURLOPT_PASSWORD, password.c_str());
}

void Transfer::mail(const std::string& from, const std::string& to, std::string content) {
  impl_->upload.content = std::move(content);
  impl_->add("<" + to + ">");
  impl_->set(CURLOPT_MAIL_FROM, ("<" + from + ">").c_str());
  impl_->set(CURLOPT_MAIL_RCPT, impl_->list);
  impl_->set(CURLOPT_UPLOAD, 1L);
  impl_->set(CURLOPT_READFUNCTION, &give_upload);
  impl_->set(CURLOPT_READDATA, &impl_->upload);
}

void Transfer::post(const std::vector<std::string>& headers, std::string content) {
  impl_->upload.content = std::move(content);
  for (const std::string& header : headers) impl_->add(header);
  impl_->set(CURLOPT_HTTPHEADER, impl_->list);
  impl_->set(CURLOPT_POST, 1L);
  impl_->set(CURLOPT_POSTFIELDS, impl_->upload.content.data());
  impl_->set(CURLOPT_POSTFIELDSIZE, static_cast<long>(impl_->upload.content.size()));
}

Outcome Transfer::perform() {
  const CURLcode code = curl_easy_perform(impl_->handle);
  Outcome outcome;
  outcome.completed = code == CURLE_OK;
  outcome.login_denied = code == CURLE_LOGIN_DENIED;
  curl_easy_getinfo(impl_->handle, CURLINFO_RESPONSE_CODE, &outcome.status);
  if (!outcome.completed) {
    outcome.error =
        clean_text(impl_->error[0] != '\0' ? impl_->error : curl_easy_strerror(code), kReplyBytes);
  }
  const std::string& said = impl_->body.empty() ? impl_->header : impl_->body;
  outcome.reply = clean_text(without_line_end(said), kReplyBytes);
  return outcome;
}

}  // namespace tocsin::collector::curl
