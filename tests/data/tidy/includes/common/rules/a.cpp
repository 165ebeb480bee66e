#include <spdlog/spdlog.h>  // bad

#include "agent/checks/a.hpp"  // bad
#include "common/base/a.hpp"
#include "common/model/b.hpp"
