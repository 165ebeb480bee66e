#include <cerrno>
#include <cstdio>
#include <mutex>

#include "tocsin/v1/agent.grpc.pb.h"
#include <fcntl.h>
#include <fmt/format.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/server_callback.h>
#include <unistd.h>

#include "common/base/limits.hpp"
#include "tests/bench/bench_ingest.hpp"

namespace tocsin::bench {
namespace {

// A log used again: its blocks are there, so a sync carries only data.
class SyncedLog {
 public:
  static constexpr std::size_t kBytes = 8 << 20;
  Status open(const std::string& path) {
    file_ = ::open(path.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    const std::string blank(kBytes, ' ');
    if (file_ < 0 || ::write(file_, blank.data(), kBytes) != static_cast<ssize_t>(kBytes) ||
        ::fsync(file_) != 0) {
      return fail(system_error("write " + path, errno));
    }
    return {};
  }
  bool is_open() const { return file_ >= 0; }
  void append(const std::string& bytes) {
    const std::lock_guard lock(mutex_);
    if (at_ + bytes.size() > kBytes) at_ = 0;
    TOCSIN_CHECK(::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(at_)) ==
                 static_cast<ssize_t>(bytes.size()));
    TOCSIN_CHECK(::fdatasync(file_) == 0);
    at_ += bytes.size();
  }

 private:
  std::mutex mutex_;
  int file_ = -1;
  std::size_t at_ = 0;
};

// Decodes every fact and acknowledges; the most that the wire allows.
class DecodeStream final : public grpc::ServerBidiReactor<v1::AgentMessage, v1::CollectorMessage> {
 public:
  explicit DecodeStream(SyncedLog& log) : log_(log) { StartRead(&in_); }

  void OnReadDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    if (!ok) {
      finished_ = true;
      if (!writing_) Finish(grpc::Status::OK);
      return;
    }
    if (in_.has_hello()) {
      epoch_ = in_.hello().epoch();
      resume_ = true;
    }
    for (const std::string& bytes : in_.facts().facts()) {
      if (!fact_.ParseFromString(bytes)) ++bad_;
      if (log_.is_open()) log_.append(bytes);
    }
    if (in_.has_facts()) {
      last_ = in_.facts().first_seq() + static_cast<std::uint64_t>(in_.facts().facts_size()) - 1;
    }
    pump();
    StartRead(&in_);
  }
  void OnWriteDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    if (finished_) {
      Finish(grpc::Status::OK);
    } else if (ok) {
      pump();
    }
  }
  void OnDone() override { delete this; }

 private:
  void pump() {
    if (writing_) return;
    if (resume_) {
      out_.mutable_resume()->set_epoch(epoch_);
      resume_ = false;
    } else if (last_ > acked_) {
      out_.mutable_ack()->set_epoch(epoch_);
      out_.mutable_ack()->set_up_to_seq(last_);
      acked_ = last_;
    } else {
      return;
    }
    writing_ = true;
    StartWrite(&out_);
  }

  SyncedLog& log_;
  std::mutex mutex_;
  v1::AgentMessage in_;
  v1::CollectorMessage out_;
  v1::Fact fact_;
  std::uint64_t epoch_ = 0;
  std::uint64_t last_ = 0;
  std::uint64_t acked_ = 0;
  std::uint64_t bad_ = 0;
  bool resume_ = false;
  bool writing_ = false;
  bool finished_ = false;
};

class DecodeService final : public v1::AgentLink::CallbackService {
 public:
  SyncedLog log;

 private:
  grpc::ServerBidiReactor<v1::AgentMessage, v1::CollectorMessage>* Session(
      grpc::CallbackServerContext*) override {
    return new DecodeStream(log);  // Owns itself until OnDone.
  }
};

}  // namespace

Status serve_decode(const std::string& pki, const std::string& log) {
  grpc::SslServerCredentialsOptions tls(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  const auto authority = read_file(pki + "/ca.pem");
  const auto key = read_file(pki + "/collector.key");
  const auto certificate = read_file(pki + "/collector.pem");
  if (!authority || !key || !certificate) {
    return fail(ErrorCode::not_found,
                fmt::format("{}: ca.pem, collector.key or collector.pem", pki));
  }
  tls.pem_root_certs = *authority;
  tls.pem_key_cert_pairs.push_back({*key, *certificate});
  DecodeService service;
  if (!log.empty()) TOCSIN_TRY(service.log.open(log));
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(tls), &port);
  builder.SetMaxReceiveMessageSize(static_cast<int>(limits::kMessageBytes));
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (!server) return fail(ErrorCode::unavailable, "the server did not start");
  fmt::print("{}\n", port);
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  server->Shutdown(std::chrono::system_clock::now());
  return {};
}

}  // namespace tocsin::bench
