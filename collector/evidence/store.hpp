// The bytes of evidence: files named by their SHA-256, written once and never changed. What is said
// of them (who, when, why) is in the journal and the judge's state.
//
//   objects/3f/3f9a…          mode 0400; there only as a whole, synced and with the right hash
//   parts/AGENT/3f9a…         what has arrived of one; resumed from its length
//   parts/AGENT/3f9a….whole   all of one, with the right hash; waits for the rest of its collection
//   seals/9c41….sig .pem      of a manifest: its signature and the key that made it
//
// Nothing of a collection that is here is removed by itself: evidence is kept until people say
// otherwise (procedure H-11); where it does not fit, it is refused. What is on its way counts for
// its agent's share and goes when nobody went on with it. Thread-safe but for one part, which one
// upload writes at a time.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/ids.hpp"
#include "common/base/instant.hpp"
#include "common/base/result.hpp"
#include "common/evidence/seal.hpp"

namespace tocsin::collector {

struct EvidenceLimits {
  std::uint64_t total_bytes = 20ULL << 30;
  std::uint64_t agent_bytes = 2ULL << 30;       // of one agent
  std::uint64_t collection_bytes = 1ULL << 30;  // of one collection
  std::uint64_t free_bytes = 1ULL << 30;        // left to the journal and the state
  std::size_t agent_parts = 4096;               // files that one agent began to send, empty or not
};

inline constexpr Duration kPartsKept = 7 * 24h;  // after the last byte came

class EvidenceStore {
 public:
  // Opens or makes the folder and counts what is there. Errors: as the system.
  static Result<std::unique_ptr<EvidenceStore>> open(const std::string& folder,
                                                     const EvidenceLimits& limits);

  // ---- Whole files ----
  bool has(std::string_view sha256) const;
  Result<std::uint64_t> size_of(std::string_view sha256) const;
  // Keeps it once; returns its hash, hex. Durable on return. Errors: resource_exhausted.
  Result<std::string> put(std::string_view content);
  // The same of what may yet be refused: durable, and not here for anybody else. It goes with the
  // last who put it so, unless one of them keeps it or it came in another way.
  class Offered {
   public:
    Offered(EvidenceStore* store, std::string sha256) : store_(store), sha256_(std::move(sha256)) {}
    Offered(Offered&& other) noexcept;
    Offered& operator=(Offered&&) = delete;
    ~Offered();
    const std::string& sha256() const { return sha256_; }
    void keep();

   private:
    EvidenceStore* store_;
    std::string sha256_;
  };
  Result<Offered> offer(std::string_view content);
  // At most `limit` bytes from `offset`; fewer at its end. Errors: not_found.
  Result<std::string> read(std::string_view sha256, std::uint64_t offset, std::size_t limit) const;
  // What its bytes hash to now. Errors: not_found, as the system says.
  Result<std::string> hash_now(std::string_view sha256) const;

  Status put_seal(std::string_view manifest_sha256, const evidence::Sealed& sealed);
  // The manifest with its seal. Errors: not_found.
  Result<evidence::Sealed> sealed(std::string_view manifest_sha256) const;

  // ---- Arriving ----
  // One file while it comes. Its length is what is on the disk.
  class Part {
   public:
    Part() = default;
    Part(Part&& other) noexcept;
    Part& operator=(Part&& other) noexcept;
    ~Part();
    std::uint64_t length() const { return length_; }
    // REQUIRES: opened. Errors: resource_exhausted, as the system says.
    Status append(std::string_view bytes);
    Status cut(std::uint64_t length);  // what is beyond goes
    Status sync();

   private:
    friend class EvidenceStore;
    int fd_ = -1;
    std::string path_;
    std::uint64_t length_ = 0;
    EvidenceStore* store_ = nullptr;
  };
  // Of an earlier try; they are in use already.
  std::uint64_t part_bytes(const AgentId& agent, std::string_view sha256) const;
  Result<Part> open_part(const AgentId& agent, std::string_view sha256);
  // What arrived is whole if it has its hash. Otherwise it is gone, and data_loss.
  Status finish_part(Part part, std::string_view sha256);
  bool has_whole(const AgentId& agent, std::string_view sha256) const;
  // What is whole becomes an object, once. Durable on return. Errors: not_found.
  Status keep_whole(const AgentId& agent, const std::set<std::string_view>& sha256s);

  // All that is on its way from this agent.
  std::uint64_t arriving_bytes(const AgentId& agent) const;
  std::size_t arriving_parts(const AgentId& agent) const;
  // Forgets what nobody went on with for kPartsKept; of one agent, all but these files. What is
  // being written stays.
  void forget_old_parts(Instant now);
  void forget_parts_but(const AgentId& agent, const std::set<std::string_view>& sha256s);

  // ---- Room ----
  // Bytes set aside for an upload, until they are given back. resource_exhausted where they, or
  // what the agent would have then, do not fit.
  class Room {
   public:
    Room() = default;
    Room(EvidenceStore* store, std::uint64_t bytes) : store_(store), bytes_(bytes) {}
    Room(Room&& other) noexcept;
    Room& operator=(Room&& other) noexcept;
    ~Room();
    // That much of it is on the disk now, where it counts as used.
    void spend(std::uint64_t bytes);

   private:
    EvidenceStore* store_ = nullptr;
    std::uint64_t bytes_ = 0;
  };
  Result<Room> reserve(std::uint64_t bytes, std::uint64_t agent_has);

  const EvidenceLimits& limits() const { return limits_; }
  std::uint64_t used_bytes() const { return used_.load(); }

 private:
  EvidenceStore(std::string folder, const EvidenceLimits& limits)
      : folder_(std::move(folder)), limits_(limits) {}
  std::string object_path(std::string_view sha256) const;
  std::string part_path(const AgentId& agent, std::string_view sha256) const;
  std::string whole_path(const AgentId& agent, std::string_view sha256) const;
  std::string seal_path(std::string_view sha256, std::string_view ending) const;
  Status prepare();
  Status keep_one(const AgentId& agent, std::string_view sha256);
  Status write_object(std::string_view sha256, std::string_view content);
  bool is_here(std::string_view sha256) const;  // REQUIRES: mutex_ is held
  void withdraw(const std::string& sha256);
  void close_part(const std::string& path);
  // Unless it is being written, or came after `before`.
  void forget_part(const std::string& path, std::optional<Instant> before);

  const std::string folder_;
  const EvidenceLimits limits_;
  std::atomic<std::uint64_t> used_{0};
  mutable std::mutex mutex_;
  std::uint64_t reserved_ = 0;
  std::map<std::string, std::size_t, std::less<>> offered_;  // by how many; on the disk already
  std::multiset<std::string> open_parts_;                    // paths
};

}  // namespace tocsin::collector
