// Records of the kernel's audit trail, as Linux 6.18 and auditd 3.0.9 write them.
#pragma once

namespace tocsin::agent {

inline constexpr char kStart[] =
    "type=DAEMON_START msg=audit(1795410129.965:7069): op=start ver=3.0.9 format=enriched "
    "res=success\n";
inline constexpr char kUser[] =
    "type=USER msg=audit(1795410130.695:203): pid=13298 uid=0 auid=4294967295 ses=4294967295 "
    "msg='tocsin-agent heartbeat 0123456789abcdef'\x1dUID=\"root\" AUID=\"unset\"\n";
inline constexpr char kOff[] =
    "type=CONFIG_CHANGE msg=audit(1795410130.731:204): op=set audit_enabled=0 old=1 "
    "auid=4294967295 "
    "ses=4294967295 res=1\x1d"
    "AUID=\"unset\"\n";
inline constexpr char kOfTheSame[] =
    "type=PROCTITLE msg=audit(1795410130.731:204): proctitle=617564697463746C002D650030\n";
inline constexpr char kLater[] =
    "type=NETFILTER_CFG msg=audit(1795410130.987:205): table=x:2 family=7\n";
inline constexpr char kEnd[] =
    "type=DAEMON_END msg=audit(1795410131.359:7070): op=terminate auid=0 uid=0 res=success\n";

}  // namespace tocsin::agent
