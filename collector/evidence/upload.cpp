#include "collector/evidence/upload.hpp"

#include <set>
#include <utility>

#include <fmt/format.h>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/crypto/crypto.hpp"
#include "common/log/log.hpp"

namespace tocsin::collector {
namespace {

auto wrong(std::string_view what) {
  return fail(ErrorCode::invalid_argument, fmt::format("evidence upload: {}", what));
}

}  // namespace

EvidenceUpload::EvidenceUpload(const UploadParts& parts, AgentId agent, std::string public_key_pem)
    : parts_(parts), agent_(std::move(agent)) {
  sealed_.public_key_pem = std::move(public_key_pem);
}

model::EvidenceEvent EvidenceUpload::event(model::CustodyAct act) const {
  model::EvidenceEvent event;
  event.agent = agent_;
  event.request_id = request_id_;
  event.act = act;
  event.manifest = manifest_sha256_;
  event.bytes = manifest_.bytes();
  event.items = manifest_.kept();
  event.missing = manifest_.missing();
  return event;
}

std::set<std::string_view> EvidenceUpload::hashes() const {
  std::set<std::string_view> all;
  for (const evidence::Item& item : manifest_.items) {
    if (item.bytes > 0) all.insert(item.sha256);
  }
  return all;
}

Result<UploadReply> EvidenceUpload::refuse(model::Message reason, bool for_good, bool journaled) {
  log::warning("evidence.refused", {{"agent", agent_.hex},
                                    {"request", request_id_},
                                    {"reason", reason.code},
                                    {"for_good", for_good}});
  ended_ = true;
  // The same again is no news: a host cannot fill the journal, nor push out who had the evidence.
  const bool told = record_ && record_->problem == reason;
  if (journaled && !told) {
    model::EvidenceEvent refused = event(model::CustodyAct::refused);
    refused.detail = reason;
    TOCSIN_TRY(parts_.journal(refused));
  }
  return UploadRefused{std::move(reason), for_good};
}

Result<UploadReply> EvidenceUpload::offer(const UploadOffer& offer) {
  if (std::exchange(offered_, true) || ended_) return wrong("a second offer");
  request_id_ = clean_text(offer.request_id, limits::kName);
  auto record = parts_.record(agent_, request_id_);
  if (!record) return fail(record.error());
  if (!*record) return refuse({"evidence.not_asked", {}}, true, false);
  record_ = std::move(*record);
  sealed_.manifest = offer.manifest;
  sealed_.signature = offer.signature;
  auto manifest = evidence::open_sealed(sealed_);
  if (manifest && (manifest->agent != agent_.hex || manifest->request != request_id_)) {
    manifest = fail(ErrorCode::permission_denied, "it is of another agent or request");
  }
  if (!manifest) {
    return refuse({"evidence.bad_seal", {{"what", manifest.error().message}}}, true, true);
  }
  manifest_ = std::move(*manifest);
  manifest_sha256_ = to_hex(crypto::sha256(sealed_.manifest));
  // Who has the host later has its key too: what was received stays what it is.
  const bool received = record_->state == model::EvidenceState::received;
  if (received && record_->manifest != manifest_sha256_) {
    return refuse({"evidence.another", {{"manifest", manifest_sha256_}}}, true, true);
  }
  if (manifest_.bytes() > parts_.store.limits().collection_bytes) {
    return refuse({"evidence.too_large", {{"bytes", std::to_string(manifest_.bytes())}}}, true,
                  true);
  }
  return open_places();
}

// What is not here yet. An item without bytes has nothing to send.
Result<UploadReply> EvidenceUpload::open_places() {
  std::set<std::string_view> wanted;
  std::uint64_t bytes = 0;
  for (std::uint32_t number = 0; number < manifest_.items.size(); ++number) {
    const evidence::Item& item = manifest_.items[number];
    if (item.file.empty()) continue;
    if (item.bytes == 0) {
      const auto empty = parts_.store.put("");
      if (!empty) return fail(empty.error());
      if (*empty != item.sha256)
        return refuse({"evidence.bad_item", {{"file", item.file}}}, true, true);
      continue;
    }
    if (parts_.store.has(item.sha256) || parts_.store.has_whole(agent_, item.sha256)) continue;
    if (!wanted.insert(item.sha256).second) continue;
    places_.push_back({number, 0});
    bytes += item.bytes - std::min(item.bytes, parts_.store.part_bytes(agent_, item.sha256));
  }
  if (places_.empty()) return finish();
  auto room = room_for(bytes);
  if (!room && room.error().code != ErrorCode::resource_exhausted) return fail(room.error());
  if (!room) return refuse({"evidence.quota", {{"bytes", std::to_string(bytes)}}}, false, true);
  room_ = std::move(*room);
  UploadWanted reply;
  for (UploadPlace& place : places_) {
    const evidence::Item& item = manifest_.items[place.item];
    // As long as it may be, or longer: its hash decides, and the last byte is what asks for that.
    place.offset = std::min(parts_.store.part_bytes(agent_, item.sha256), item.bytes - 1);
    reply.places.push_back(place);
  }
  TOCSIN_TRY(next_item());
  return reply;
}

// Where it does not fit, what the agent began and does not offer now goes: it can be sent again,
// and must not keep out for days what is asked for.
Result<EvidenceStore::Room> EvidenceUpload::room_for(std::uint64_t bytes) {
  const auto had = parts_.agent_bytes(agent_);
  if (!had) return fail(had.error());
  if (parts_.store.arriving_parts(agent_) >= parts_.store.limits().agent_parts) {
    parts_.store.forget_parts_but(agent_, hashes());
  }
  auto room = parts_.store.reserve(bytes, *had + parts_.store.arriving_bytes(agent_));
  if (room || room.error().code != ErrorCode::resource_exhausted) return room;
  parts_.store.forget_parts_but(agent_, hashes());
  return parts_.store.reserve(bytes, *had + parts_.store.arriving_bytes(agent_));
}

Result<UploadReply> EvidenceUpload::next_item() {
  auto part = parts_.store.open_part(agent_, item().sha256);
  if (!part) return fail(part.error());
  part_ = std::move(*part);
  TOCSIN_TRY(part_.cut(places_[at_].offset));
  synced_ = part_.length();
  return UploadReply{};
}

Result<UploadReply> EvidenceUpload::chunk(const UploadPlace& place, std::string_view bytes) {
  if (!offered_ || ended_ || at_ >= places_.size()) return wrong("bytes that nobody wants");
  if (place.item != places_[at_].item || place.offset != part_.length()) {
    return wrong("bytes of another place than is next");
  }
  if (bytes.empty() || bytes.size() > kUploadChunk || bytes.size() > item().bytes - place.offset) {
    return wrong("too many bytes at once, or more than the item has");
  }
  TOCSIN_TRY(part_.append(bytes));
  room_.spend(bytes.size());
  if (part_.length() == item().bytes) return finish_item();
  if (part_.length() - synced_ < kUploadSynced) return UploadReply{};
  TOCSIN_TRY(part_.sync());
  synced_ = part_.length();
  return UploadProgress{{place.item, synced_}};
}

Result<UploadReply> EvidenceUpload::finish_item() {
  const evidence::Item& done = item();
  const bool from_the_start = places_[at_].offset == 0;
  const Status kept = parts_.store.finish_part(std::move(part_), done.sha256);
  if (!kept && kept.error().code != ErrorCode::data_loss) return fail(kept.error());
  if (!kept) {
    // Where its beginning was here before, that may be what is damaged: once more, from the start.
    return refuse({"evidence.bad_item", {{"file", done.file}}}, from_the_start, from_the_start);
  }
  const UploadPlace whole{places_[at_].item, done.bytes};
  if (++at_ == places_.size()) return finish();
  TOCSIN_TRY(next_item());
  return UploadProgress{whole};
}

// All of it is here: only now are there objects, so that a record names each.
Result<UploadReply> EvidenceUpload::finish() {
  TOCSIN_TRY(parts_.store.keep_whole(agent_, hashes()));
  const auto kept = parts_.store.put(sealed_.manifest);
  if (!kept) return fail(kept.error());
  TOCSIN_TRY(parts_.store.put_seal(*kept, sealed_));
  const bool known =
      record_->state == model::EvidenceState::received && record_->manifest == manifest_sha256_;
  if (!known) TOCSIN_TRY(parts_.journal(event(model::CustodyAct::received)));
  log::info("evidence.received", {{"agent", agent_.hex},
                                  {"request", request_id_},
                                  {"manifest", manifest_sha256_},
                                  {"bytes", manifest_.bytes()}});
  ended_ = true;
  return UploadKept{manifest_sha256_};
}

}  // namespace tocsin::collector
