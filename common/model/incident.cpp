#include "common/model/incident.hpp"

namespace tocsin::model {

std::string_view to_string(Presence presence) {
  switch (presence) {
    case Presence::heard:
      return "heard";
    case Presence::silent:
      return "silent";
    case Presence::clone_suspected:
      return "clone_suspected";
    case Presence::refused:
      return "refused";
  }
  return "unknown";
}

}  // namespace tocsin::model
