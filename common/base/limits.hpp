// Every limit on what comes from outside, in one place. Reaching one is counted and visible.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tocsin::limits {

inline constexpr std::size_t kName = 256;        // bytes: unit, user, process name, host name
inline constexpr std::size_t kPath = 4096;       // bytes
inline constexpr std::size_t kText = 1024;       // bytes: one parameter value, a note
inline constexpr std::size_t kParameters = 16;   // of one message
inline constexpr std::size_t kReasons = 64;      // of one verdict
inline constexpr std::size_t kListeners = 1024;  // in one observation
inline constexpr std::size_t kPeers = 1024;
inline constexpr std::size_t kProcessGroups = 2048;
inline constexpr std::size_t kUnits = 1024;
inline constexpr std::size_t kHiddenProcesses = 64;
inline constexpr std::size_t kWarningGroups = 256;
inline constexpr std::size_t kOpenPorts = 1024;
inline constexpr std::size_t kAntivirusHits = 256;
inline constexpr std::size_t kUnseenFolders = 32;
inline constexpr std::size_t kBackupEvents = 256;
inline constexpr std::size_t kBackupSources = 1024;
inline constexpr std::size_t kFileSystems = 128;
inline constexpr std::size_t kPerformanceValues = 64;
inline constexpr std::size_t kSeries = 256;            // curves of one host
inline constexpr std::size_t kSeriesName = 160;        // bytes
inline constexpr std::size_t kSamples = 8192;          // points of one message
inline constexpr std::size_t kBaselineEntries = 4096;  // of one host or baseline
inline constexpr std::size_t kBaselineMarks = 16;      // of one entry
inline constexpr std::size_t kBaselineHosts = 64;      // names that a baseline keeps
inline constexpr std::size_t kBaselinePorts = 16;      // of one dynamic range
inline constexpr std::size_t kLeaveOut = 64;           // entries that one proposal leaves out
inline constexpr std::size_t kProcessIds = 8;          // informational, of one listener
inline constexpr std::size_t kChecks = 256;            // of one host
inline constexpr std::size_t kFactBytes = 1 << 20;     // one serialized fact
inline constexpr std::size_t kBatchFacts = 1024;       // facts of one message
inline constexpr std::size_t kBatchBytes = 3 << 20;    // one message on the link
inline constexpr std::size_t kMessageBytes = 4 << 20;  // what gRPC accepts
inline constexpr std::size_t kPolicyBytes = 4 << 20;   // one policy document
inline constexpr std::size_t kTokenBytes = 128;
inline constexpr std::size_t kPageRows = 1000;

}  // namespace tocsin::limits
