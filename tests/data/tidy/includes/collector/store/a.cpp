#include <grpcpp/grpcpp.h>  // bad
#include "collector/engine/a.hpp"  // bad
#include "collector/ports/a.hpp"
#include "tocsin/v1/agent.pb.h"  // bad
