#include "agent/os/kernel_audit.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <rapidcheck/gtest.h>

namespace tocsin::agent::os {
namespace {

std::string message(std::uint16_t type, std::string_view payload) {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<std::uint32_t>(NLMSG_HDRLEN + payload.size());
  header.nlmsg_type = type;
  header.nlmsg_seq = 1;
  return std::string(reinterpret_cast<const char*>(&header), sizeof header).append(payload);
}

std::string bytes_of(const std::array<std::uint32_t, 11>& words, std::size_t count = 11) {
  return {reinterpret_cast<const char*>(words.data()), count * sizeof words[0]};
}

// As Linux 6.18 answers `auditctl -e 2`: mask, enabled, failure, pid, rate limit, backlog limit,
// lost, backlog, features, two times.
constexpr std::array<std::uint32_t, 11> kAnswer{0, 2, 1, 812, 0, 8192, 3, 17, 127, 15000, 0};

TEST(KernelAudit, AnswerIsRead) {
  const auto status = parse_audit_status(message(AUDIT_GET, bytes_of(kAnswer)));
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(*status, (AuditStatus{true, true, 1, 812, 3, 17, 8192}));
}

TEST(KernelAudit, AnOldKernelsShorterAnswerIsRead) {
  const auto status = parse_audit_status(message(AUDIT_GET, bytes_of(kAnswer, 8)));
  ASSERT_TRUE(status);
  EXPECT_EQ(status->backlog, 17U);
  EXPECT_FALSE(parse_audit_status(message(AUDIT_GET, bytes_of(kAnswer, 7))));
}

TEST(KernelAudit, ARefusalIsToldApartFromAKernelThatDoesNotAudit) {
  const auto refused = [](int number) {
    const int code = -number;
    std::string payload(reinterpret_cast<const char*>(&code), sizeof code);
    payload.resize(payload.size() + NLMSG_HDRLEN);
    return parse_audit_status(message(NLMSG_ERROR, payload)).error().code;
  };
  EXPECT_EQ(refused(EPERM), ErrorCode::permission_denied);
  EXPECT_EQ(refused(ECONNREFUSED), ErrorCode::not_found);
  EXPECT_EQ(refused(EPROTONOSUPPORT), ErrorCode::not_found);
  EXPECT_EQ(refused(0), ErrorCode::invalid_argument);
  EXPECT_EQ(refused(-1), ErrorCode::invalid_argument);
}

RC_GTEST_PROP(KernelAuditProperty, WhateverComesIsReadOrRefused, ()) {
  const auto bytes = *rc::gen::arbitrary<std::string>();
  const auto type = *rc::gen::element<std::uint16_t>(AUDIT_GET, NLMSG_ERROR, AUDIT_SET);
  RC_ASSERT(parse_audit_status(message(type, bytes)).has_value() ==
            (type == AUDIT_GET && bytes.size() >= 32));
  RC_ASSERT(!parse_audit_status(bytes.substr(0, 15)));
}

}  // namespace
}  // namespace tocsin::agent::os
