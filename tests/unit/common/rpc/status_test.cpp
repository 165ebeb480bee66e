#include "common/rpc/status.hpp"

#include <gtest/gtest.h>

namespace tocsin::rpc {
namespace {

TEST(RpcStatus, EveryErrorCodeComesBackAsItself) {
  for (int i = 0; i <= static_cast<int>(ErrorCode::internal); ++i) {
    const auto code = static_cast<ErrorCode>(i);
    const Error back = from_grpc(to_grpc(Error{code, "disk is full"}));
    EXPECT_EQ(back.code, code) << to_string(code);
    EXPECT_EQ(back.message, "disk is full");
  }
}

TEST(RpcStatus, CodesThatWeNeverSendBecomeTheNearest) {
  EXPECT_EQ(from_grpc({grpc::StatusCode::CANCELLED, ""}).code, ErrorCode::unavailable);
  EXPECT_EQ(from_grpc({grpc::StatusCode::OUT_OF_RANGE, ""}).code, ErrorCode::invalid_argument);
  EXPECT_EQ(from_grpc({grpc::StatusCode::UNIMPLEMENTED, ""}).code, ErrorCode::failed_precondition);
  EXPECT_EQ(from_grpc({grpc::StatusCode::UNKNOWN, ""}).code, ErrorCode::internal);
}

TEST(RpcStatus, AMessageOfTheOtherSideCannotMoveTheCursor) {
  EXPECT_EQ(from_grpc({grpc::StatusCode::NOT_FOUND, "a\x1b[2Jb"}).message, "a\\x1b[2Jb");
}

}  // namespace
}  // namespace tocsin::rpc
