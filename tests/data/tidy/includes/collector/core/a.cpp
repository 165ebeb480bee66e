#include "collector/store/a.hpp"  // bad
#include "common/time/civil.hpp"
#include "common/time/time_source.hpp"  // bad
#include "common/log/log.hpp"  // bad
