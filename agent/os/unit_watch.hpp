// Hears from systemd when a unit's state changes, within milliseconds, instead of asking again and
// again. Events only say "look": what is true is read afterwards, and a slow poll beside this finds
// whatever a bus that was away did not say.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

namespace tocsin::agent::os {

class UnitWatch {
 public:
  // Called on the watch's own thread; also for every unit once the bus is there (again), because
  // nobody knows what happened meanwhile.
  using Changed = std::function<void(const std::string& unit)>;

  // Starts a thread that tries to reach the bus for as long as this lives, every few seconds.
  UnitWatch(std::string root, Changed changed);
  // Waits for the thread, which waits for nothing.
  ~UnitWatch();
  UnitWatch(const UnitWatch&) = delete;
  UnitWatch& operator=(const UnitWatch&) = delete;

  // These units from now on. From any thread.
  void watch(std::set<std::string> units);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::agent::os
