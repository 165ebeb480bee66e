// A folder of evidence while it is filled: each item is hashed as it is read, bounded alone and in
// the sum, and what was cut or could not be had is said in the manifest.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "agent/evidence/files.hpp"
#include "agent/evidence/patience.hpp"
#include "common/base/result.hpp"
#include "common/evidence/seal.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {

struct WriterLimits {
  std::uint64_t item_bytes = 64ULL << 20;
  std::uint64_t total_bytes = 256ULL << 20;
  std::uint64_t free_bytes = 64ULL << 20;  // left on the file system, whatever the others say
  Patience::Limits patience = {};          // with each source
};

// A file that is not there: a gap, or nothing to speak of, because not every host has it.
enum class Absent : std::uint8_t { said, ignored };

// Thread: one; the sources are read on threads of their own, and one that does not answer is left
// behind ("no_answer"). So what reads them owns all that it uses. Nothing here follows a link or
// overwrites a file.
class EvidenceWriter {
 public:
  // Makes `folder`, whose parent exists. Errors: already_exists, as the system says.
  static Result<EvidenceWriter> create(const std::string& folder, unsigned folder_mode,
                                       unsigned file_mode, const WriterLimits& limits,
                                       const time::TimeSource& time, std::stop_token stop);

  // The newest bytes of a log are worth most: where a file is larger than may be kept, its end is.
  // Files of /proc say no size; of them the beginning is kept.
  using Open = std::function<Opened()>;
  void add_file(std::string what, const std::string& source, const Open& open,
                Absent absent = Absent::said);
  void add_text(std::string what, std::string source, std::string text);
  // `produce` is given a sink, which takes bytes until it says false; it returns what it left out
  // of its own ("item_limit"; empty: nothing), or why it could not go on.
  using Sink = std::function<bool(std::string_view)>;
  using Produce = std::function<Result<std::string>(const Sink&)>;
  void add_stream(std::string what, std::string source, const Produce& produce);
  void add_missing(std::string what, std::string source, std::string reason, std::string detail);
  // What `ask` says, on a thread of its own; nothing where it did not answer, which is noted.
  template <class T>
  std::optional<T> ask(const std::string& what, const std::string& source,
                       const std::function<T()>& ask) {
    auto said = patience_.get<T>([ask](Patience::Reading&) { return ask(); });
    if (!said) add_missing(what, source, "no_answer", patience_.why());
    return said;
  }

  std::uint64_t room() const;  // bytes that the next item may have
  bool stopped() const { return stop_.stop_requested(); }
  std::uint64_t bytes() const { return bytes_; }
  std::vector<evidence::Item> take_items() { return std::move(items_); }

  // A file beside the items.
  Status add_plain(std::string_view name, std::string_view bytes);
  // All of it on the disk.
  Status sync() const;

 private:
  class ItemFile;
  struct Copied {
    std::string cut;
    bool changed = false;  // the file, meanwhile
  };
  EvidenceWriter(os::Fd folder, unsigned file_mode, const WriterLimits& limits,
                 const time::TimeSource& time, std::stop_token stop)
      : folder_(std::move(folder)),
        file_mode_(file_mode),
        limits_(limits),
        patience_(limits.patience),
        time_(&time),
        stop_(std::move(stop)) {}

  bool has_room_for_items();
  bool begin(evidence::Item& item, std::string_view name, ItemFile& file);
  void end(evidence::Item item, ItemFile& file, std::uint64_t size);
  static Copied copy(const Opened& source, std::uint64_t from, ItemFile& file,
                     const std::stop_token& stop, Patience::Reading& reading);
  bool disk_is_low() const;

  os::Fd folder_;
  unsigned file_mode_;
  WriterLimits limits_;
  Patience patience_;
  const time::TimeSource* time_;
  std::stop_token stop_;
  std::uint64_t bytes_ = 0;
  std::vector<evidence::Item> items_;
};

}  // namespace tocsin::agent
