#include <mutex>  // bad
#include <string>

#include "common/base/a.hpp"
#include "common/model/b.hpp"  // bad
