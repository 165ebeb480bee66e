// Where collections wait for the collector: the folder in which the observer, who reads the host,
// and the link, who sends, meet. A collection is there as a whole or not at all.
//
//   evidence/part.ID      being filled; what a crash left of it goes at the observer's next start
//   evidence/ready.ID     complete, signed, on the disk
//   evidence/refused.ID   the collector does not want it; kept until its room is needed
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/evidence/files.hpp"
#include "common/base/result.hpp"
#include "common/evidence/seal.hpp"

namespace tocsin::agent {

class EvidenceOutbox {
 public:
  explicit EvidenceOutbox(std::string folder) : folder_(std::move(folder)) {}

  // May this be a collection's id? Letters, digits, '.', '_', '-', at most 128.
  static bool is_id(std::string_view id);

  // ---- Observer ----
  // Makes the folder and removes what was never finished; returns what of that is in the way of
  // nothing but could not be removed. Errors: as the system says; no collection can be kept then.
  Result<std::vector<std::string>> prepare() const;
  // Bytes of all that waits. Of refused ones the oldest go first where `needed` does not fit into
  // `most` otherwise.
  Result<std::uint64_t> make_room(std::uint64_t needed, std::uint64_t most) const;
  std::string part_folder(const std::string& id) const { return path("part.", id); }
  Status discard_part(const std::string& id) const;
  Status finish(const std::string& id) const;

  // ---- Link ----
  std::vector<std::string> ready() const;    // ids, the oldest first
  std::vector<std::string> refused() const;  // the same
  // Errors: not_found, invalid_argument (damaged); unavailable (it may be read later).
  Result<evidence::Sealed> sealed(const std::string& id) const;
  Opened item(const std::string& id, const std::string& file) const;
  Status remove(const std::string& id) const;
  Status set_aside(const std::string& id) const;

 private:
  std::string path(std::string_view prefix, const std::string& id) const {
    return folder_ + "/" + std::string(prefix) + id;
  }
  std::vector<std::string> ids(std::string_view prefix) const;

  std::string folder_;
};

}  // namespace tocsin::agent
