#include <grpcpp/grpcpp.h>
#include <sqlite3.h>  // bad
#include "collector/engine/a.hpp"
#include "collector/ingest/a.hpp"
#include "collector/store/a.hpp"  // bad
#include "tests/support/a.hpp"  // bad
#include "tocsin/v1/agent.pb.h"
