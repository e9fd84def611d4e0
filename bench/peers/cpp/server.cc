// SPDX-License-Identifier: Apache-2.0
// The echo of the benchmarks on gRPC C++ with callbacks, with its defaults: server HOST:PORT [CERT KEY].
#include <grpcpp/grpcpp.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "echo.grpc.pb.h"

namespace {

class Downloader final : public grpc::ServerWriteReactor<bench::Message> {
 public:
  explicit Downloader(const bench::StreamRequest& request) : count_(request.count()) {
    message_.set_payload(std::string(request.size(), '\0'));
    Next();
  }
  void OnWriteDone(bool ok) override {
    if (ok)
      Next();
    else
      Finish(grpc::Status(grpc::StatusCode::CANCELLED, "the client has gone"));
  }
  void OnDone() override { delete this; }

 private:
  void Next() {
    if (count_ == 0 || sent_++ < count_)
      StartWrite(&message_);
    else
      Finish(grpc::Status::OK);
  }

  const int64_t count_;
  int64_t sent_ = 0;
  bench::Message message_;
};

class Uploader final : public grpc::ServerReadReactor<bench::Message> {
 public:
  explicit Uploader(bench::Summary* summary) : summary_(summary) { StartRead(&message_); }
  void OnReadDone(bool ok) override {
    if (!ok) {
      Finish(grpc::Status::OK);
      return;
    }
    summary_->set_count(summary_->count() + 1);
    summary_->set_bytes(summary_->bytes() + static_cast<int64_t>(message_.payload().size()));
    StartRead(&message_);
  }
  void OnDone() override { delete this; }

 private:
  bench::Summary* const summary_;
  bench::Message message_;
};

class Chatter final : public grpc::ServerBidiReactor<bench::Message, bench::Message> {
 public:
  Chatter() { StartRead(&message_); }
  void OnReadDone(bool ok) override {
    if (ok)
      StartWrite(&message_);
    else
      Finish(grpc::Status::OK);
  }
  void OnWriteDone(bool ok) override {
    if (ok)
      StartRead(&message_);
    else
      Finish(grpc::Status(grpc::StatusCode::CANCELLED, "the client has gone"));
  }
  void OnDone() override { delete this; }

 private:
  bench::Message message_;
};

class Echo final : public bench::Echo::CallbackService {
  grpc::ServerUnaryReactor* Unary(grpc::CallbackServerContext* context, const bench::Message* request,
                                  bench::Message* reply) override {
    reply->set_payload(request->payload());
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
  grpc::ServerWriteReactor<bench::Message>* Download(grpc::CallbackServerContext*,
                                                     const bench::StreamRequest* request) override {
    return new Downloader(*request);
  }
  grpc::ServerReadReactor<bench::Message>* Upload(grpc::CallbackServerContext*, bench::Summary* summary) override {
    return new Uploader(summary);
  }
  grpc::ServerBidiReactor<bench::Message, bench::Message>* Chat(grpc::CallbackServerContext*) override {
    return new Chatter();
  }
};

std::string ReadFile(const char* path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::shared_ptr<grpc::ServerCredentials> Credentials(int argc, char** argv) {
  if (argc < 4) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs.push_back({ReadFile(argv[3]), ReadFile(argv[2])});
  return grpc::SslServerCredentials(options);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 4) {
    std::fputs("server HOST:PORT [CERT KEY]\n", stderr);
    return 2;
  }
  std::string address = argv[1];
  Echo service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, Credentials(argc, argv), &port);
  builder.RegisterService(&service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (!server || port == 0) return 1;
  std::printf("listening on %s:%d\n", address.substr(0, address.rfind(':')).c_str(), port);
  std::fflush(stdout);
  server->Wait();
  return 0;
}
