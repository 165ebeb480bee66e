#include "collector/site/token_store.hpp"

#include <atomic>
#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/config/secret_file.hpp"

namespace tocsin::collector {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr Instant kNow{1'795'000'000'000'000'000};

class Tokens : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "tocsin-tokens-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    dir_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }
  std::string path() const { return dir_ / "tokens"; }
  TokenStore store() const { return TokenStore(path()); }
  std::string make(std::string_view host, Duration valid = 1h) const {
    return store().create(wang_, host, valid, kNow).value().token;
  }

  const model::Principal wang_{"wang", model::Role::officer, "ab12"};
  std::filesystem::path dir_;
};

TEST_F(Tokens, AreGoodOnceAndSayWhoMadeThem) {
  const auto created = store().create(wang_, "", 1h, kNow);
  ASSERT_TRUE(created);
  EXPECT_EQ(created->token.size(), 64U);
  EXPECT_EQ(created->expires, kNow + 1h);
  const auto taken = store().take(created->token, "web1", kNow + 59min);
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_EQ(taken->id, created->id);
  EXPECT_EQ(taken->creator, wang_);
  EXPECT_EQ(store().take(created->token, "web1", kNow + 59min).error().code,
            ErrorCode::unauthenticated);
}

// As root: what it makes beside the running collector is the collector's to read and to replace.
TEST_F(Tokens, BelongToWhoeverTheFolderBelongsTo) {
  const uid_t owner = ::geteuid() == 0 ? 12345 : ::geteuid();
  ASSERT_EQ(::chown(dir_.c_str(), owner, static_cast<gid_t>(-1)), 0);
  make("");
  for (const std::string& file : {path(), path() + ".lock"}) {
    struct stat about {};
    ASSERT_EQ(::stat(file.c_str(), &about), 0) << file;
    EXPECT_EQ(about.st_uid, owner) << file;
    EXPECT_EQ(about.st_mode & 0777U, 0600U) << file;
  }
}

TEST_F(Tokens, EndAtTheirTime) {
  const std::string token = make("");
  EXPECT_EQ(store().take(token, "web1", kNow + 1h).error().code, ErrorCode::unauthenticated);
}

TEST_F(Tokens, ForOneHostAreRefusedToAnotherAndStayGoodForIt) {
  const std::string token = make("Web1");
  EXPECT_EQ(store().take(token, "web2", kNow).error().message, "the token is for another host");
  EXPECT_TRUE(store().take(token, "wEB1", kNow));
}

TEST_F(Tokens, ThatNobodyMadeAreRefused) {
  make("");
  for (const std::string& token :
       {std::string(), std::string(64, '0'), std::string(100'000, 'x'), std::string("a\nb")}) {
    EXPECT_EQ(store().take(token, "web1", kNow).error().code, ErrorCode::unauthenticated);
  }
}

TEST_F(Tokens, AreNotInTheFileAndNobodyElseMayReadIt) {
  const std::string token = make("");
  const std::string file = config::read_secret_file(path()).value();
  EXPECT_THAT(file, Not(HasSubstr(token)));
  EXPECT_THAT(file, HasSubstr("wang"));
}

TEST_F(Tokens, OfHostileNamesAreRefused) {
  for (const char* host : {"a b", "a\nb", "-", "\x1b[2J", "網"}) {
    EXPECT_EQ(store().create(wang_, host, 1h, kNow).error().code, ErrorCode::invalid_argument);
  }
  EXPECT_FALSE(store().create({"a b", model::Role::duty, ""}, "", 1h, kNow));
}

TEST_F(Tokens, ThatExpiredLeaveTheFile) {
  make("", 1min);
  make("", 1h);
  ASSERT_TRUE(store().create(wang_, "", 1h, kNow + 30min));
  const std::string file = config::read_file(path(), 1 << 20).value();
  EXPECT_EQ(std::count(file.begin(), file.end(), '\n'), 3) << "a header and two tokens";
}

TEST_F(Tokens, AreTakenByOneOfManyAtTheSameTime) {
  const std::string token = make("");
  std::atomic<int> taken = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { taken += store().take(token, "web1", kNow) ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, 1);
}

TEST_F(Tokens, MadeAtTheSameTimeAreAllKept) {
  std::vector<std::thread> threads;
  std::vector<std::string> made(8);
  for (std::string& token : made) threads.emplace_back([&] { token = make(""); });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& token : made) EXPECT_TRUE(store().take(token, "web1", kNow));
}

TEST_F(Tokens, OfADamagedFileAreNotGuessed) {
  const std::string token = make("");
  std::string file = config::read_file(path(), 1 << 20).value();
  ASSERT_TRUE(config::write_file(path(), file.substr(0, file.size() - 5), 0600));
  EXPECT_EQ(store().take(token, "web1", kNow).error().code, ErrorCode::data_loss);
  ASSERT_TRUE(config::write_file(path(), file + "garbage\n", 0600));
  const auto refused = store().take(token, "web1", kNow);
  EXPECT_EQ(refused.error().message, path() + ":3: not a token's record");
}

}  // namespace
}  // namespace tocsin::collector
