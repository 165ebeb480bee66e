#include <boost/asio.hpp>  // bad
#include <sys/stat.h>  // bad
#include "tocsin/v1/model.pb.h"  // bad
#include "common/rules/judge.hpp"  // bad
