// From when on the rules call something abnormal: what a site may set. Integers and durations.
#pragma once

#include "common/base/instant.hpp"

namespace tocsin::model {

// Of backup jobs (procedure G-06).
struct BackupLimits {
  Duration rpo = 26h;  // the age of the newest backup of each source: a night's and two hours
  Duration integrity = 8 * 24h;      // since the last integrity check, where one is wanted
  Duration restore_test = 35 * 24h;  // since the last restore test, where one is wanted
  Duration database_backup = 26h;    // of the backup server's own database
  int database_permille = 850;       // used
  int log_permille = 800;            // of the recovery log
  int pool_permille = 900;           // of a storage pool
  friend bool operator==(const BackupLimits&, const BackupLimits&) = default;
};

// Of a host's own means. Of space and inodes alike: low is a sign, full a hindrance.
struct MetricLimits {
  int disk_low_permille = 900;
  int disk_full_permille = 970;
  int memory_available_permille = 50;  // at most this is left, and
  int memory_stalled_permille = 100;   // programs wait for memory so much of the time
  Duration clock_offset = 1s;
  friend bool operator==(const MetricLimits&, const MetricLimits&) = default;
};

}  // namespace tocsin::model
