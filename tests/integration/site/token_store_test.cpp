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
    return store().create({wang_, std::string(host), valid}, kNow).value().token;
  }

  // The only file of the folder.
  std::string only_file() const {
    return std::filesystem::directory_iterator(path())->path().string();
  }
  std::ptrdiff_t files() const {
    return std::distance(std::filesystem::directory_iterator(path()),
                         std::filesystem::directory_iterator());
  }

  const AgentId key_{std::string(64, 'a')};
  const AgentId other_{std::string(64, 'b')};
  const model::Principal wang_{"wang", model::Role::officer, "ab12"};
  std::filesystem::path dir_;
};

TEST_F(Tokens, AreGoodOnceAndSayWhoMadeThem) {
  const auto created = store().create({wang_, "", 1h, true}, kNow);
  ASSERT_TRUE(created);
  EXPECT_EQ(created->token.size(), 64U);
  EXPECT_EQ(created->expires, kNow + 1h);
  const auto taken = store().take(created->token, "web1", key_, kNow + 59min);
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_EQ(taken->id, created->id);
  EXPECT_EQ(taken->creator, wang_);
  EXPECT_TRUE(taken->replace);
  ASSERT_TRUE(store().spend(created->token));
  EXPECT_TRUE(store().spend(created->token)) << "spending is harmless";
  EXPECT_EQ(store().take(created->token, "web1", key_, kNow + 59min).error().code,
            ErrorCode::unauthenticated);
}

// As root: what it makes beside the running collector is the collector's to read and to replace.
TEST_F(Tokens, BelongToWhoeverTheFolderBelongsTo) {
  const uid_t owner = ::geteuid() == 0 ? 12345 : ::geteuid();
  ASSERT_EQ(::chown(dir_.c_str(), owner, static_cast<gid_t>(-1)), 0);
  make("");
  for (const std::string& file : {only_file(), path() + ".lock"}) {
    struct stat about {};
    ASSERT_EQ(::stat(file.c_str(), &about), 0) << file;
    EXPECT_EQ(about.st_uid, owner) << file;
    EXPECT_EQ(about.st_mode & 0777U, 0600U) << file;
  }
}

// An enrolment that was not decided in time is tried again; nobody else gets in with it.
TEST_F(Tokens, AreOfTheFirstKeyThatShowsThemUntilTheyAreSpent) {
  const std::string token = make("");
  ASSERT_TRUE(store().take(token, "web1", key_, kNow));
  EXPECT_EQ(store().take(token, "web1", other_, kNow).error().message,
            "the token was shown by another key");
  EXPECT_TRUE(store().take(token, "web1", key_, kNow + 59min));
  EXPECT_EQ(store().take(token, "web1", key_, kNow + 1h).error().code, ErrorCode::unauthenticated);
}

TEST_F(Tokens, EndAtTheirTime) {
  const std::string token = make("");
  EXPECT_EQ(store().take(token, "web1", key_, kNow + 1h).error().code, ErrorCode::unauthenticated);
}

TEST_F(Tokens, ForOneHostAreRefusedToAnotherAndStayGoodForIt) {
  const std::string token = make("Web1");
  EXPECT_EQ(store().take(token, "web2", key_, kNow).error().message,
            "the token is for another host");
  EXPECT_TRUE(store().take(token, "wEB1", key_, kNow));
}

TEST_F(Tokens, ThatNobodyMadeAreRefused) {
  make("");
  for (const std::string& token :
       {std::string(), std::string(64, '0'), std::string(100'000, 'x'), std::string("a\nb")}) {
    EXPECT_EQ(store().take(token, "web1", key_, kNow).error().code, ErrorCode::unauthenticated);
  }
}

TEST_F(Tokens, AreNotInTheFileAndNobodyElseMayReadIt) {
  const std::string token = make("");
  const std::string file = config::read_secret_file(only_file()).value();
  EXPECT_THAT(file, Not(HasSubstr(token)));
  EXPECT_THAT(file, HasSubstr("wang"));
}

TEST_F(Tokens, OfHostileNamesAreRefused) {
  for (const char* host : {"a b", "a\nb", "-", "\x1b[2J", "網"}) {
    EXPECT_EQ(store().create({wang_, host, 1h}, kNow).error().code, ErrorCode::invalid_argument);
  }
  EXPECT_FALSE(store().create({{"a b", model::Role::duty, ""}, "", 1h}, kNow));
}

TEST_F(Tokens, ThatExpiredLeaveTheFile) {
  make("", 1min);
  make("", 1h);
  ASSERT_TRUE(store().create({wang_, "", 1h}, kNow + 30min));
  EXPECT_EQ(files(), 2);
}

TEST_F(Tokens, AreTakenByOneOfManyAtTheSameTime) {
  const std::string token = make("");
  std::atomic<int> taken = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      const AgentId agent{std::string(64, static_cast<char>('a' + i))};
      taken += store().take(token, "web1", agent, kNow) ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, 1);
}

TEST_F(Tokens, MadeAtTheSameTimeAreAllKept) {
  std::vector<std::thread> threads;
  std::vector<std::string> made(8);
  for (std::string& token : made) threads.emplace_back([&] { token = make(""); });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& token : made) EXPECT_TRUE(store().take(token, "web1", key_, kNow));
}

TEST_F(Tokens, OfADamagedFileAreNotGuessed) {
  const std::string token = make("");
  const std::string file = config::read_file(only_file(), 1 << 20).value();
  for (const std::string& damaged : {file.substr(0, file.size() - 5), file + "garbage\n",
                                     std::string(), std::string(10'000, 'x')}) {
    ASSERT_TRUE(config::write_file(only_file(), damaged, 0600));
    EXPECT_FALSE(store().take(token, "web1", key_, kNow)) << damaged.substr(0, 100);
  }
  ASSERT_TRUE(config::write_file(only_file(), file + "garbage\n", 0600));
  EXPECT_EQ(store().take(token, "web1", key_, kNow).error().code, ErrorCode::data_loss);
}

}  // namespace
}  // namespace tocsin::collector
