#include <CLI/CLI.hpp>  // bad
#include <fstream>

#include "agent/os/a.hpp"
#include "collector/core/a.hpp"  // bad
#include "common/base/a.hpp"
