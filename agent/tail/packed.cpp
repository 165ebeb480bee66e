#include "agent/tail/packed.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include <zlib.h>

namespace tocsin::agent {
namespace {

constexpr std::uint64_t kFarthest = 1ULL << 30;
constexpr std::size_t kPiece = 1 << 16;
constexpr int kGzipOnly = 16 + MAX_WBITS;

// zlib's state of one unpacking.
class Inflater {
 public:
  Inflater() : good_(inflateInit2(&stream_, kGzipOnly) == Z_OK) {}
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  bool good() const { return good_; }
  bool hungry() const { return stream_.avail_in == 0; }
  void feed(std::string& packed) {
    stream_.next_in = reinterpret_cast<Bytef*>(packed.data());
    stream_.avail_in = static_cast<uInt>(packed.size());
  }
  // What could be unpacked of what was fed. A file may hold several members, one after the other.
  Result<std::string_view> next() {
    stream_.next_out = piece_.data();
    stream_.avail_out = static_cast<uInt>(piece_.size());
    const int r = inflate(&stream_, Z_NO_FLUSH);
    if (r == Z_STREAM_END) {
      if (inflateReset(&stream_) != Z_OK) return fail(ErrorCode::data_loss, "damaged gzip data");
    } else if (r != Z_OK && r != Z_BUF_ERROR) {
      return fail(ErrorCode::data_loss, "damaged gzip data");
    }
    return std::string_view(reinterpret_cast<const char*>(piece_.data()),
                            piece_.size() - stream_.avail_out);
  }

 private:
  z_stream stream_{};
  std::array<Bytef, kPiece> piece_{};
  bool good_;
};

}  // namespace

Status unpack_pieces(const os::Fd& file, std::uint64_t most, const std::stop_token& stop,
                     const std::function<bool(std::string_view piece)>& on_piece) {
  Inflater inflater;
  if (!inflater.good()) return fail(ErrorCode::resource_exhausted, "no memory to unpack");
  std::string packed;
  std::uint64_t at = 0;  // of the packed file
  for (std::uint64_t unpacked = 0; at <= most && unpacked <= most;) {
    if (stop.stop_requested()) return fail(ErrorCode::aborted, "asked to stop");
    if (inflater.hungry()) {
      auto bytes = os::read_at(file, at, kPiece);
      if (!bytes) return fail(bytes.error());
      if (bytes->empty()) return {};
      at += bytes->size();
      packed = std::move(*bytes);
      inflater.feed(packed);
    }
    const auto piece = inflater.next();
    if (!piece) return fail(piece.error());
    unpacked += piece->size();
    if (!piece->empty() && !on_piece(*piece)) return {};
  }
  return fail(ErrorCode::resource_exhausted, "too much packed data");
}

Result<std::string> unpack_gzip(const os::Fd& file, std::uint64_t offset, std::size_t limit) {
  if (offset > kFarthest) return fail(ErrorCode::resource_exhausted, "too far in packed data");
  std::string wanted;
  if (limit == 0) return wanted;
  std::uint64_t to_skip = offset;
  const auto take = [&](std::string_view piece) {
    const auto skipped = static_cast<std::size_t>(std::min<std::uint64_t>(to_skip, piece.size()));
    to_skip -= skipped;
    piece.remove_prefix(skipped);
    wanted.append(piece.substr(0, limit - wanted.size()));
    return wanted.size() < limit;
  };
  constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();
  TOCSIN_TRY(unpack_pieces(file, kAll, {}, take));
  return wanted;
}

}  // namespace tocsin::agent
