// The keys that a site writes down for its servers (procedure M-02), as ssh-keygen writes them.
#include "agent/login/host_key.hpp"

#include <gtest/gtest.h>

namespace tocsin::agent {
namespace {

constexpr const char* kEd25519 =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJAF/n2DFTRvTjeEltY7jVxwFgPLKBSck7/OIyjGBM"
    "gy probe";
constexpr const char* kRsa =
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDIzzo6x6sTywpZk4SAH+TZ9e/ZeiVN52X1dMozVo"
    "O33/NQA7xaULAjQ+c3b0B6dDkQoocH1ucE2rEVZwJCUEcsFb+dP/RbhsS/6CyAZGvTW4Sh5YCmR855"
    "Ot+9xUzJ3mWRJaFAdTz74TGiBKaNpPxSqBTicQCYbfj+dhdumD1Qyn3INfCiETGjgOM2TcTQGsghd+"
    "S8v04baJfTU3/eaap+7mcpPGwnA/vukt2XujVxexFCTISIPhsbzvU04EWGpkFYCeZ3sdxLK3m7XLUS"
    "Qnzm51PfCufWOiS9XDvJldpZBK8k3o9oPs0tIBrp/PlViD+xMPSm1eP7PyMss+15t0on probe";
constexpr const char* kEcdsa =
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBIXwgf"
    "kSvK5G2dWY41sKlAfeKzh3x3tIQtPSjmWpg3MKMntwITCdzSpX7t04PW8HOyv+lupqdiOnx/ODjmum"
    "Un0= probe";

TEST(HostKey, IsReadWithTheAlgorithmsThatProveIt) {
  const auto ed25519 = read_host_key(kEd25519);
  ASSERT_TRUE(ed25519);
  EXPECT_EQ(::ssh_key_type(ed25519->key.get()), SSH_KEYTYPE_ED25519);
  EXPECT_EQ(ed25519->algorithms, "ssh-ed25519");
  const auto ecdsa = read_host_key(kEcdsa);
  ASSERT_TRUE(ecdsa);
  EXPECT_EQ(ecdsa->algorithms, "ecdsa-sha2-nistp256");
  // SHA-1, which the type of the key stands for, proves nothing any more.
  const auto rsa = read_host_key(kRsa);
  ASSERT_TRUE(rsa);
  EXPECT_EQ(rsa->algorithms, "rsa-sha2-512,rsa-sha2-256");
}

TEST(HostKey, WhatIsNoneIsRefused) {
  const std::string good = kEd25519;
  const std::string encoded = good.substr(good.find(' ') + 1);
  for (const std::string& text :
       {std::string(), std::string("ssh-ed25519"), std::string("ssh-ed25519 "),
        std::string("ssh-ed25519  ") + encoded, std::string("ssh-ed25519 AAAA"), encoded,
        "192.0.2.7 " + good, good.substr(0, 40), "ssh-rsa " + encoded, "no-such-type " + encoded,
        std::string("ssh-ed25519 \xff\n\0", 15)}) {
    const auto key = read_host_key(text);
    ASSERT_FALSE(key) << text;
    EXPECT_EQ(key.error().code, ErrorCode::invalid_argument) << text;
  }
}

}  // namespace
}  // namespace tocsin::agent
