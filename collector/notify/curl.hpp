// What both channels need of libcurl: one transfer, bounded in time, protocols and answer.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/instant.hpp"

namespace tocsin::collector::curl {

// How one transfer ended. Text of the other side is cleaned and bounded.
struct Outcome {
  bool completed = false;  // libcurl saw no error
  bool login_denied = false;
  long status = 0;    // the last reply's code, SMTP or HTTP; 0: none
  std::string error;  // of libcurl, empty when completed
  std::string reply;  // the last line or the body's beginning
};

// A transfer being prepared; used once.
class Transfer {
 public:
  // `protocols` is what may be spoken at all: "smtp,smtps". Nothing else is followed.
  Transfer(const std::string& url, const char* protocols, Duration deadline);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  void require_tls();                      // STARTTLS or nothing
  void trust(const std::string& ca_file);  // empty: the system's
  void login(const std::string& user, const std::string& password);
  void mail(const std::string& from, const std::string& to, std::string content);
  void post(const std::vector<std::string>& headers, std::string content);
  Outcome perform();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::collector::curl
