#include "collector/store/chain.hpp"

#include <array>

namespace tocsin::collector {
namespace {

template <std::size_t N>
class Numbers {
 public:
  void add(std::uint64_t number) {
    for (int shift = 56; shift >= 0; shift -= 8) {
      bytes_[used_++] = static_cast<char>(static_cast<unsigned char>(number >> shift));
    }
  }
  std::string_view view() const { return {bytes_.data(), used_}; }

 private:
  std::array<char, N * 8> bytes_{};
  std::size_t used_ = 0;
};

}  // namespace

std::string first_prev_hash() { return std::string(kHashBytes, '\0'); }

void GroupHash::begin(std::string_view prev_hash, Position first, Position last) {
  Numbers<2> numbers;
  numbers.add(first.value);
  numbers.add(last.value);
  sha_.update(prev_hash);
  sha_.update(numbers.view());
}

void GroupHash::add(Position position, Instant at, std::string_view body) {
  Numbers<3> numbers;
  numbers.add(position.value);
  numbers.add(static_cast<std::uint64_t>(at.ns));
  numbers.add(body.size());
  sha_.update(numbers.view());
  sha_.update(body);
}

std::string GroupHash::finish() { return sha_.finish(); }

}  // namespace tocsin::collector
