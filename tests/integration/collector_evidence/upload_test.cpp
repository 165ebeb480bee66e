// A collection on its way in: whatever breaks it off, what is kept is what the host signed.
#include "collector/evidence/upload.hpp"

#include <map>
#include <memory>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "common/base/text.hpp"
#include "common/crypto/crypto.hpp"
#include "common/crypto/signature.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::collector {
namespace {

constexpr Instant kNow{1'795'341'600'000'000'000};
constexpr const char* kRequest = "7.c1";

// The collector's side with what a test decides, and a host with files in memory.
struct Scene {
  Scene() { reopen(); }

  void reopen() {
    store = EvidenceStore::open(temp.file("evidence"), limits).value();
    parts = std::make_unique<UploadParts>(
        UploadParts{*store,
                    [this](const AgentId& who, const std::string& request) {
                      std::optional<model::Evidence> found;
                      if (who == agent && request == kRequest) found = record;
                      return Result<std::optional<model::Evidence>>(found);
                    },
                    [this](const AgentId&) { return Result<std::uint64_t>(agent_has); },
                    [this](const model::EvidenceEvent& event) {
                      journal.push_back(event);
                      return Status{};
                    }});
  }

  void add(const std::string& name, const std::string& content) {
    evidence::Item item;
    item.what = "log";
    item.source = "/" + name;
    item.file = evidence::file_name(manifest.items.size() + 1, name);
    item.taken = kNow;
    item.bytes = content.size();
    item.sha256 = to_hex(crypto::sha256(content));
    contents[item.sha256] = content;
    manifest.items.push_back(item);
  }
  UploadOffer offer() {
    manifest.began = manifest.ended = kNow;
    manifest.request = kRequest;
    const auto sealed = evidence::seal(manifest, key).value();
    return {kRequest, sealed.manifest, sealed.signature};
  }
  EvidenceUpload upload() { return {*parts, agent, public_key}; }

  // Sends what is wanted in pieces of `piece` bytes, at most `most` of them all. The last answer.
  UploadReply send(EvidenceUpload& upload, std::size_t piece, std::uint64_t most) {
    auto reply = upload.offer(offer());
    EXPECT_TRUE(reply) << reply.error().message;
    if (!reply) return {};
    const auto* wanted = std::get_if<UploadWanted>(&*reply);
    if (wanted == nullptr) return *reply;
    const std::vector<UploadPlace> places = wanted->places;
    UploadReply last = *reply;
    for (const UploadPlace& place : places) {
      const std::string& content = contents.at(manifest.items[place.item].sha256);
      for (std::uint64_t at = place.offset; at < content.size();) {
        const std::size_t size = std::min<std::uint64_t>({piece, content.size() - at, most});
        if (size == 0) return last;
        reply = upload.chunk({place.item, at}, std::string_view(content).substr(at, size));
        EXPECT_TRUE(reply) << reply.error().message;
        if (!reply) return {};
        last = *reply;
        if (upload.ended()) return last;
        at += size;
        most -= size;
      }
    }
    return last;
  }

  tests::TempDir temp;
  EvidenceLimits limits{1 << 26, 1 << 26, 1 << 26, 0};
  const std::string key = crypto::make_key_pem().value();
  const std::string public_key = crypto::public_key_of(key).value();
  const AgentId agent = crypto::agent_id_of_key(key).value();
  model::Evidence record;
  std::uint64_t agent_has = 0;
  evidence::Manifest manifest;
  std::map<std::string, std::string> contents;
  std::vector<model::EvidenceEvent> journal;
  std::unique_ptr<EvidenceStore> store;
  std::unique_ptr<UploadParts> parts;
};

std::string refusal(const UploadReply& reply) {
  const auto* refused = std::get_if<UploadRefused>(&reply);
  return refused == nullptr ? "" : refused->reason.code;
}

TEST(Upload, IsKeptJournaledAndSaidInThisOrder) {
  Scene scene;
  scene.add("syslog", "some lines\n");
  scene.add("empty", "");
  scene.add("copy", "some lines\n");  // The same bytes are sent once.
  auto upload = scene.upload();
  const auto reply = upload.offer(scene.offer());
  EXPECT_EQ(std::get<UploadWanted>(*reply).places, (std::vector<UploadPlace>{{0, 0}}));
  const auto last = upload.chunk({0, 0}, "some lines\n");
  EXPECT_EQ(std::get<UploadKept>(*last).manifest.size(), 64U);
  ASSERT_EQ(scene.journal.size(), 1U);
  EXPECT_EQ(scene.journal[0].act, model::CustodyAct::received);
  EXPECT_EQ(scene.journal[0].bytes, 22U);
  EXPECT_EQ(scene.journal[0].items, 3U);
  EXPECT_TRUE(scene.store->has(scene.journal[0].manifest));
  EXPECT_TRUE(scene.store->sealed(scene.journal[0].manifest));
}

// The link dies, or the collector, or both, at any byte: what is kept in the end is the same.
RC_GTEST_PROP(UploadProperty, ResumedAtAnyByteItGivesTheSameBytes, ()) {
  Scene scene;
  const auto files = *rc::gen::inRange(1, 4);
  std::uint64_t total = 0;
  for (int i = 0; i < files; ++i) {
    const auto size = *rc::gen::inRange<std::size_t>(0, 5000);
    std::string content(size, static_cast<char>('a' + i));
    for (std::size_t at = 0; at < size; at += 7) content[at] = static_cast<char>(at);
    scene.add("f" + std::to_string(i), content);
    total += size;
  }
  for (int breaks = *rc::gen::inRange(0, 4); breaks > 0; --breaks) {
    {
      auto upload = scene.upload();
      scene.send(upload, *rc::gen::inRange<std::size_t>(1, 2000),
                 *rc::gen::inRange<std::uint64_t>(0, total + 1));
    }
    if (*rc::gen::arbitrary<bool>()) scene.reopen();
  }
  auto upload = scene.upload();
  const UploadReply last = scene.send(upload, *rc::gen::inRange<std::size_t>(1, 2000), total);
  RC_ASSERT(std::holds_alternative<UploadKept>(last));
  for (const auto& [sha256, content] : scene.contents) {
    const auto kept = scene.store->read(sha256, 0, content.size() + 1);
    RC_ASSERT(kept.has_value());
    RC_ASSERT(*kept == content);
  }
}

// A byte of what had arrived changed on the disk: found, and sent anew from the start.
TEST(Upload, DamageOfWhatHadArrivedIsFoundAndTheItemComesAgain) {
  Scene scene;
  scene.add("syslog", std::string(3000, 'x'));
  {
    auto upload = scene.upload();
    scene.send(upload, 1000, 2000);
  }
  auto part = scene.store->open_part(scene.agent, scene.manifest.items[0].sha256).value();
  ASSERT_EQ(part.length(), 2000U);
  ASSERT_TRUE(part.cut(1500));
  ASSERT_TRUE(part.append(std::string(500, 'y')));
  auto again = scene.upload();
  const UploadReply spoiled = scene.send(again, 1000, 3000);
  EXPECT_EQ(refusal(spoiled), "evidence.bad_item");
  EXPECT_FALSE(std::get<UploadRefused>(spoiled).for_good);
  EXPECT_TRUE(scene.journal.empty());
  auto last = scene.upload();
  EXPECT_TRUE(std::holds_alternative<UploadKept>(scene.send(last, 1000, 3000)));
}

// Somebody between the host's signature and here changed it: refused for good, named, journaled.
TEST(Upload, ATamperedChunkIsFoundAndNamed) {
  Scene scene;
  scene.add("syslog", std::string(3000, 'x'));
  auto upload = scene.upload();
  ASSERT_TRUE(upload.offer(scene.offer()));
  const auto reply = upload.chunk({0, 0}, std::string(2999, 'x') + "y");
  EXPECT_EQ(refusal(*reply), "evidence.bad_item");
  EXPECT_TRUE(std::get<UploadRefused>(*reply).for_good);
  ASSERT_EQ(scene.journal.size(), 1U);
  EXPECT_EQ(scene.journal[0].act, model::CustodyAct::refused);
  EXPECT_EQ(scene.journal[0].detail.parameters[0].value, "001-syslog");
  EXPECT_FALSE(scene.store->has(scene.manifest.items[0].sha256));
}

TEST(Upload, ATamperedManifestIsRefused) {
  Scene scene;
  scene.add("syslog", "x");
  UploadOffer offer = scene.offer();
  offer.manifest.replace(offer.manifest.find("syslog"), 6, "other0");
  auto upload = scene.upload();
  EXPECT_EQ(refusal(*upload.offer(offer)), "evidence.bad_seal");
  EXPECT_EQ(scene.journal.at(0).act, model::CustodyAct::refused);

  auto foreign = scene.upload();
  scene.manifest.request = "other";
  const auto sealed = evidence::seal(scene.manifest, scene.key).value();
  EXPECT_EQ(refusal(*foreign.offer({kRequest, sealed.manifest, sealed.signature})),
            "evidence.bad_seal");
}

TEST(Upload, WhatNobodyAskedForIsNotTaken) {
  Scene scene;
  scene.add("syslog", "x");
  UploadOffer offer = scene.offer();
  offer.request_id = "8.c2";
  auto upload = scene.upload();
  EXPECT_EQ(refusal(*upload.offer(offer)), "evidence.not_asked");
  EXPECT_TRUE(scene.journal.empty());
}

TEST(Upload, WhatDoesNotFitStaysOnItsHostAndIsSaidOnce) {
  Scene scene;
  scene.limits.agent_bytes = 100;
  scene.reopen();
  scene.agent_has = 50;
  scene.add("syslog", std::string(51, 'x'));
  auto upload = scene.upload();
  const auto reply = upload.offer(scene.offer());
  EXPECT_EQ(refusal(*reply), "evidence.quota");
  EXPECT_FALSE(std::get<UploadRefused>(*reply).for_good);
  ASSERT_EQ(scene.journal.size(), 1U);
  scene.record.problem = scene.journal[0].detail;
  auto again = scene.upload();
  EXPECT_EQ(refusal(*again.offer(scene.offer())), "evidence.quota");
  EXPECT_EQ(scene.journal.size(), 1U);

  scene.limits.collection_bytes = 50;
  scene.reopen();
  auto large = scene.upload();
  EXPECT_EQ(refusal(*large.offer(scene.offer())), "evidence.too_large");
}

// What has come and is in no record is the agent's as well: it cannot fill the store with uploads
// that it never ends.
TEST(Upload, WhatAnAgentBeganAndNeverEndedCountsForItsShare) {
  Scene scene;
  scene.limits.agent_bytes = 5000;
  scene.reopen();
  scene.agent_has = 1000;
  scene.add("first", std::string(3000, 'x'));  // It comes whole, the second never does.
  scene.add("second", std::string(900, 'y'));
  {
    auto upload = scene.upload();
    scene.send(upload, 1000, 3500);
  }
  EXPECT_EQ(scene.store->arriving_bytes(scene.agent), 3500U);
  EXPECT_FALSE(scene.store->has(scene.manifest.items[0].sha256)) << "in no record";

  // The rest of the same fits; 1000 and 3900 are the share.
  scene.add("third", std::string(201, 'z'));
  auto too_much = scene.upload();
  EXPECT_EQ(refusal(*too_much.offer(scene.offer())), "evidence.quota");
  scene.manifest.items.pop_back();
  auto rest = scene.upload();
  const auto reply = rest.offer(scene.offer());
  EXPECT_EQ(std::get<UploadWanted>(*reply).places, (std::vector<UploadPlace>{{1, 500}}));
  const auto last = rest.chunk({1, 500}, std::string(400, 'y'));
  EXPECT_TRUE(std::holds_alternative<UploadKept>(*last));
  EXPECT_EQ(scene.store->arriving_bytes(scene.agent), 0U);
}

// Empty files take no bytes, and still fill a disk.
TEST(Upload, OffersThatNothingFollowsLeaveFewFiles) {
  Scene scene;
  scene.limits.agent_parts = 3;
  scene.reopen();
  for (int i = 0; i < 20; ++i) {
    scene.manifest.items.clear();
    scene.add("a", "first " + std::to_string(i));
    scene.add("b", "second " + std::to_string(i));
    auto upload = scene.upload();
    ASSERT_TRUE(upload.offer(scene.offer()));
    EXPECT_LE(scene.store->arriving_parts(scene.agent), 4U);
  }
}

TEST(Upload, WhatWasBegunBeforeGivesWayToWhatIsOfferedNow) {
  Scene scene;
  scene.limits.agent_bytes = 5000;
  scene.reopen();
  scene.add("given up", std::string(4000, 'x'));
  {
    auto upload = scene.upload();
    scene.send(upload, 1000, 3000);
  }
  scene.manifest.items.clear();
  scene.add("other", std::string(3000, 'y'));
  auto upload = scene.upload();
  EXPECT_TRUE(std::holds_alternative<UploadKept>(scene.send(upload, 1000, 3000)));
  EXPECT_EQ(scene.store->arriving_bytes(scene.agent), 0U);
}

// The last word was lost: it is offered again, and is in the journal once.
TEST(Upload, OfferedAgainItIsKeptAlready) {
  Scene scene;
  scene.add("syslog", "x");
  auto first = scene.upload();
  scene.send(first, 10, 10);
  scene.record.state = model::EvidenceState::received;
  scene.record.manifest = scene.journal.at(0).manifest;
  auto second = scene.upload();
  EXPECT_TRUE(std::holds_alternative<UploadKept>(*second.offer(scene.offer())));
  EXPECT_EQ(scene.journal.size(), 1U);
}

// Whoever has the host later has its key as well.
TEST(Upload, WhatWasReceivedIsNotReplaced) {
  Scene scene;
  scene.add("syslog", "as it was");
  auto first = scene.upload();
  scene.send(first, 10, 10);
  scene.record.state = model::EvidenceState::received;
  scene.record.manifest = scene.journal.at(0).manifest;
  scene.add("more", "forged");
  auto forged = scene.upload();
  const auto reply = forged.offer(scene.offer());
  EXPECT_EQ(refusal(*reply), "evidence.another");
  EXPECT_TRUE(std::get<UploadRefused>(*reply).for_good);
  ASSERT_EQ(scene.journal.size(), 2U);
  EXPECT_EQ(scene.journal[1].act, model::CustodyAct::refused);
  // Said once, however often it is tried.
  scene.record.problem = scene.journal[1].detail;
  auto again = scene.upload();
  EXPECT_EQ(refusal(*again.offer(scene.offer())), "evidence.another");
  EXPECT_EQ(scene.journal.size(), 2U);
}

TEST(Upload, BytesThatNobodyWantsEndIt) {
  Scene scene;
  scene.add("syslog", "abc");
  auto early = scene.upload();
  EXPECT_FALSE(early.chunk({0, 0}, "abc"));
  const auto refused = [&](const UploadPlace& place, std::string_view bytes) {
    auto upload = scene.upload();
    TOCSIN_CHECK(upload.offer(scene.offer()).has_value());
    return !upload.chunk(place, bytes).has_value();
  };
  EXPECT_TRUE(refused({1, 0}, "abc"));
  EXPECT_TRUE(refused({0, 1}, "bc"));
  EXPECT_TRUE(refused({0, 0}, ""));
  EXPECT_TRUE(refused({0, 0}, "abcd"));
  EXPECT_TRUE(refused({0, 0}, std::string(kUploadChunk + 1, 'a')));
  auto twice = scene.upload();
  ASSERT_TRUE(twice.offer(scene.offer()));
  EXPECT_FALSE(twice.offer(scene.offer()));
}

}  // namespace
}  // namespace tocsin::collector
