#include "collector/evidence/store.hpp"

#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/evidence/verify.hpp"
#include "common/base/text.hpp"
#include "common/crypto/crypto.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::collector {
namespace {

namespace fs = std::filesystem;

constexpr Instant kNow{1'795'341'600'000'000'000};

class Evidence : public testing::Test {
 protected:
  std::unique_ptr<EvidenceStore> open() {
    auto store = EvidenceStore::open(temp_.file("evidence"), limits_);
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(*store) : nullptr;
  }
  std::string object(const std::string& sha256) const {
    return temp_.file("evidence/objects/" + sha256.substr(0, 2) + "/" + sha256);
  }
  static std::string hash(std::string_view bytes) { return to_hex(crypto::sha256(bytes)); }

  const AgentId agent_{std::string(64, 'a')};
  EvidenceLimits limits_{1000, 600, 1000, 0};
  tests::TempDir temp_;
};

TEST_F(Evidence, KeepsTheSameBytesOnceUnderTheirHash) {
  const auto store = open();
  EXPECT_EQ(store->put("abc").value(), hash("abc"));
  EXPECT_EQ(store->put("abc").value(), hash("abc"));
  EXPECT_EQ(store->used_bytes(), 3U);
  EXPECT_EQ(store->read(hash("abc"), 1, 10).value(), "bc");
  EXPECT_EQ(store->size_of(hash("abc")).value(), 3U);
  struct stat raw {};
  ASSERT_EQ(::stat(object(hash("abc")).c_str(), &raw), 0);
  EXPECT_EQ(raw.st_mode & 0777U, 0400U);
  EXPECT_EQ(open()->used_bytes(), 3U);
}

TEST_F(Evidence, WhatIsOfferedGoesUnlessItIsKept) {
  const auto store = open();
  {
    const auto refused = store->offer("abc").value();
    EXPECT_EQ(refused.sha256(), hash("abc"));
    EXPECT_TRUE(fs::exists(object(hash("abc"))));
    EXPECT_FALSE(store->has(hash("abc"))) << "nobody else may count on it";
  }
  EXPECT_FALSE(fs::exists(object(hash("abc"))));
  EXPECT_EQ(store->used_bytes(), 0U);
  { store->offer("abc").value().keep(); }
  EXPECT_TRUE(store->has(hash("abc")));
  { const auto again = store->offer("abc").value(); }  // It is here already.
  EXPECT_EQ(store->read(hash("abc"), 0, 10).value(), "abc");
  EXPECT_EQ(store->used_bytes(), 3U);
}

TEST_F(Evidence, WhatTwoOfferGoesWithTheLastAndStaysForOneWhoKeepsIt) {
  const auto store = open();
  {
    std::optional<EvidenceStore::Offered> first(store->offer("abc").value());
    std::optional<EvidenceStore::Offered> second(store->offer("abc").value());
    first.reset();
    EXPECT_TRUE(fs::exists(object(hash("abc"))));
    second.reset();
    EXPECT_FALSE(fs::exists(object(hash("abc"))));
  }
  {
    std::optional<EvidenceStore::Offered> first(store->offer("abc").value());
    std::optional<EvidenceStore::Offered> second(store->offer("abc").value());
    second->keep();
    second.reset();
    first.reset();
  }
  EXPECT_TRUE(store->has(hash("abc")));
  EXPECT_EQ(store->used_bytes(), 3U);
}

// A person's file that is refused must not take a host's away which has the same bytes.
TEST_F(Evidence, WhatCameInAnotherWayMeanwhileStays) {
  const auto store = open();
  {
    const auto offered = store->offer("hello").value();
    auto part = store->open_part(agent_, hash("hello")).value();
    ASSERT_TRUE(part.append("hello"));
    ASSERT_TRUE(store->finish_part(std::move(part), hash("hello")));
    ASSERT_TRUE(store->keep_whole(agent_, {hash("hello")}));
    const auto manifest = store->offer("manifest").value();
    EXPECT_EQ(store->put("manifest").value(), hash("manifest"));
  }
  EXPECT_EQ(store->read(hash("hello"), 0, 10).value(), "hello");
  EXPECT_TRUE(store->has(hash("manifest")));
  EXPECT_EQ(store->used_bytes(), 13U);
}

TEST_F(Evidence, NamesThatAreNoHashesAreNowhere) {
  const auto store = open();
  for (const char* name : {"", "..", "../../x", "ABC"}) {
    EXPECT_FALSE(store->has(name));
    EXPECT_FALSE(store->read(name, 0, 1));
    EXPECT_FALSE(store->hash_now(name));
  }
}

TEST_F(Evidence, APartBecomesAFileWithItsHashAndNothingElse) {
  auto store = open();
  {
    auto part = store->open_part(agent_, hash("hello")).value();
    ASSERT_TRUE(part.append("hel"));
  }
  store = open();  // The collector was killed.
  auto part = store->open_part(agent_, hash("hello")).value();
  EXPECT_EQ(part.length(), 3U);
  EXPECT_FALSE(store->has(hash("hello")));
  ASSERT_TRUE(part.append("lo"));
  ASSERT_TRUE(store->finish_part(std::move(part), hash("hello")));
  EXPECT_TRUE(store->has_whole(agent_, hash("hello")));
  EXPECT_FALSE(store->has(hash("hello"))) << "the rest of its collection has not come";
  EXPECT_EQ(store->arriving_bytes(agent_), 5U);
  ASSERT_TRUE(store->keep_whole(agent_, {hash("hello")}));
  EXPECT_EQ(store->read(hash("hello"), 0, 10).value(), "hello");
  EXPECT_EQ(store->used_bytes(), 5U);
  EXPECT_EQ(store->arriving_bytes(agent_), 0U);

  auto other = store->open_part(agent_, hash("world")).value();
  ASSERT_TRUE(other.append("w0rld"));
  const Status kept = store->finish_part(std::move(other), hash("world"));
  EXPECT_EQ(kept.error().code, ErrorCode::data_loss);
  EXPECT_FALSE(store->has(hash("world")));
  EXPECT_EQ(store->open_part(agent_, hash("world"))->length(), 0U);  // From the start again.
  EXPECT_EQ(store->used_bytes(), 5U);
}

TEST_F(Evidence, WhatDoesNotFitIsRefusedAndRoomComesBack) {
  const auto store = open();
  ASSERT_TRUE(store->put(std::string(300, 'x')));
  {
    const auto room = store->reserve(400, 0);
    ASSERT_TRUE(room);
    EXPECT_EQ(store->reserve(301, 0).error().code, ErrorCode::resource_exhausted);
    EXPECT_TRUE(store->reserve(300, 0));
  }
  EXPECT_TRUE(store->reserve(600, 0));
  EXPECT_FALSE(store->reserve(200, 401));  // An agent's own share.
}

// What has arrived is on the disk already: it counts once.
TEST_F(Evidence, RoomShrinksByWhatArrives) {
  const auto store = open();
  auto room = store->reserve(600, 0);
  ASSERT_TRUE(room);
  auto part = store->open_part(agent_, hash("x"));
  ASSERT_TRUE(part->append(std::string(500, 'x')));
  EXPECT_FALSE(store->reserve(1, 0)) << "500 used and 600 to come";
  room->spend(500);
  EXPECT_TRUE(store->reserve(400, 0));
  EXPECT_FALSE(store->reserve(401, 0)) << "100 are still to come";
  EXPECT_EQ(store->part_bytes(agent_, hash("x")), 500U);
  EXPECT_EQ(store->part_bytes(agent_, hash("y")), 0U);
}

TEST_F(Evidence, RoomForTheJournalIsNotGivenAway) {
  limits_.free_bytes = 1ULL << 60;
  EXPECT_FALSE(open()->reserve(1, 0));
}

TEST_F(Evidence, TwoAgentsSendTheSameAndItIsKeptAndCountedOnce) {
  const auto store = open();
  const AgentId other{std::string(64, 'b')};
  for (const AgentId& from : {agent_, other}) {
    auto part = store->open_part(from, hash("hello")).value();
    ASSERT_TRUE(part.append("hello"));
    ASSERT_TRUE(store->finish_part(std::move(part), hash("hello")));
  }
  EXPECT_EQ(store->used_bytes(), 10U);
  ASSERT_TRUE(store->keep_whole(agent_, {hash("hello")}));
  ASSERT_TRUE(store->keep_whole(other, {hash("hello")}));
  EXPECT_EQ(store->used_bytes(), 5U);
  EXPECT_EQ(store->arriving_bytes(other), 0U);
  EXPECT_FALSE(store->keep_whole(agent_, {hash("never came")}));
}

// While the collector runs: months may lie between its starts.
TEST_F(Evidence, ForgetsPartsThatNobodyWentOnWith) {
  const auto store = open();
  const auto path = [&](const std::string& name) {
    return temp_.file("evidence/parts/" + agent_.hex + "/" + name);
  };
  const auto came = [&](const std::string& name, std::int64_t days_ago) {
    const std::int64_t at = kNow.ns / 1'000'000'000 - days_ago * 86400;
    const timespec both[2] = {{at, 0}, {at, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path(name).c_str(), both, 0), 0);
  };
  ASSERT_TRUE(store->open_part(agent_, hash("old"))->append("o"));
  ASSERT_TRUE(store->open_part(agent_, hash("new"))->append("n"));
  auto whole = store->open_part(agent_, hash("whole")).value();
  ASSERT_TRUE(whole.append("whole"));
  ASSERT_TRUE(store->finish_part(std::move(whole), hash("whole")));
  auto slow = store->open_part(agent_, hash("slow")).value();
  ASSERT_TRUE(slow.append("s"));
  came(hash("old"), 8);
  came(hash("new"), 6);
  came(hash("whole") + ".whole", 8);
  came(hash("slow"), 8);
  ASSERT_EQ(store->arriving_bytes(agent_), 8U);
  store->forget_old_parts(kNow);
  EXPECT_FALSE(fs::exists(path(hash("old"))));
  EXPECT_TRUE(fs::exists(path(hash("new"))));
  EXPECT_FALSE(store->has_whole(agent_, hash("whole")));
  EXPECT_TRUE(fs::exists(path(hash("slow")))) << "it is being written";
  EXPECT_EQ(store->used_bytes(), 2U);
  EXPECT_EQ(open()->used_bytes(), 2U);
  slow = {};
  store->forget_old_parts(kNow);
  EXPECT_EQ(store->arriving_bytes(agent_), 1U);
}

// A record of one file and what could not be had, as it is verified.
class Verified : public Evidence {
 protected:
  void SetUp() override {
    limits_ = {};
    limits_.free_bytes = 0;
    store_ = open();
    const std::string key = crypto::make_key_pem().value();
    evidence::Manifest manifest;
    manifest.began = manifest.ended = kNow;
    evidence::Item item;
    item.what = "log";
    item.file = "001-syslog";
    item.taken = kNow;
    item.bytes = 5;
    item.sha256 = store_->put("lines").value();
    manifest.items = {item};
    const auto sealed = evidence::seal(manifest, key).value();
    record_.id = model::EvidenceId{1};
    record_.agent = crypto::agent_id_of_key(key).value();
    record_.manifest = store_->put(sealed.manifest).value();
    ASSERT_TRUE(store_->put_seal(record_.manifest, sealed));
    item_ = item.sha256;
  }
  void spoil(const std::string& path) const {
    ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
    std::ofstream(path, std::ios::app) << "x";
  }

  std::unique_ptr<EvidenceStore> store_;
  model::Evidence record_;
  std::string item_;
};

TEST_F(Verified, IsAsItWasReceived) {
  const EvidenceCheck check = verify_evidence(*store_, record_);
  EXPECT_TRUE(check.damages.empty());
  EXPECT_EQ(check.files, 2U);
  const auto files = files_of(*store_, record_).value();
  ASSERT_EQ(files.size(), 4U);
  EXPECT_EQ(files[0].name, "MANIFEST");
  EXPECT_EQ(files[3].name, "001-syslog");
}

TEST_F(Verified, ATamperedItemIsFoundAndNamed) {
  spoil(object(item_));
  EXPECT_EQ(verify_evidence(*store_, record_).damages,
            (std::vector<EvidenceDamage>{{"001-syslog", "hash"}}));
  fs::remove(object(item_));
  EXPECT_EQ(verify_evidence(*store_, record_).damages,
            (std::vector<EvidenceDamage>{{"001-syslog", "missing"}}));
}

TEST_F(Verified, ATamperedManifestOrSealIsFoundAndNamed) {
  spoil(temp_.file("evidence/seals/" + record_.manifest + ".sig"));
  EXPECT_EQ(verify_evidence(*store_, record_).damages,
            (std::vector<EvidenceDamage>{{"MANIFEST.sig", "seal"}}));
  spoil(object(record_.manifest));
  EXPECT_EQ(verify_evidence(*store_, record_).damages,
            (std::vector<EvidenceDamage>{{"MANIFEST", "hash"}}));
}

// Signed well, by another agent than the record's.
TEST_F(Verified, ASealOfAnotherAgentIsDamage) {
  record_.agent = AgentId{std::string(64, 'b')};
  EXPECT_EQ(verify_evidence(*store_, record_).damages,
            (std::vector<EvidenceDamage>{{"MANIFEST.sig", "seal"}}));
}

}  // namespace
}  // namespace tocsin::collector
