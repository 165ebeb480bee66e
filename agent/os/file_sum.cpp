#include "agent/os/file_sum.hpp"

#include <cstdint>

#include "common/base/text.hpp"
#include "common/crypto/crypto.hpp"

namespace tocsin::agent::os {
namespace {

constexpr std::size_t kPiece = 256 << 10;
constexpr std::uint64_t kMostBytes = 1ULL << 30;

template <class Hash>
Result<std::string> sum_of(const Fd& file) {
  Hash hash;
  for (std::uint64_t offset = 0; offset <= kMostBytes;) {
    const auto piece = read_at(file, offset, kPiece);
    if (!piece) return fail(piece.error());
    if (piece->empty()) return to_hex(hash.finish());
    hash.update(*piece);
    offset += piece->size();
  }
  return fail(ErrorCode::resource_exhausted, "a file too large to be hashed");
}

}  // namespace

Result<std::string> sha256_of(const Fd& file) { return sum_of<crypto::Sha256>(file); }
Result<std::string> md5_of(const Fd& file) { return sum_of<crypto::Md5>(file); }

}  // namespace tocsin::agent::os
