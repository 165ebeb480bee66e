// New points of the observer's curves, from the file that the two processes share. What was there
// before this process began is not sent again; what was written over before it was read is gone.
#pragma once

#include <string>
#include <vector>

#include "common/series/series_file.hpp"

namespace tocsin::agent {

// Not thread-safe: of the link's thread.
class SampleReader {
 public:
  // An empty name: there are none.
  explicit SampleReader(std::string file);
  // At most as many as fit into one message; empty where nothing is new or can be read.
  std::vector<series::Sample> next();

 private:
  const std::string file_;
  series::Places places_;
};

}  // namespace tocsin::agent
