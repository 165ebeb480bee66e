#include "common/base/used.hpp"
