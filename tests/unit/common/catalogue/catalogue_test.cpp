#include "common/catalogue/catalogue.hpp"

#include <fstream>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/i18n/i18n.hpp"

namespace tocsin::catalogue {
namespace {

using model::WarningLevel;
using testing::HasSubstr;

std::string id_of(std::string_view program, std::string_view record) {
  static const Catalogue shipped = Catalogue::shipped();
  const auto match = shipped.find(program, record);
  return match ? std::string(match->id) : std::string();
}

// procedure M-04: records as the programs write them.
TEST(Catalogue, KnowsWhatProgramsWrite) {
  EXPECT_EQ(id_of("sshd", "Failed password for root from 203.0.113.9 port 4711 ssh2"),
            "sshd.failed_password");
  EXPECT_EQ(id_of("sshd", "Invalid user admin from 203.0.113.9 port 4711"), "sshd.invalid_user");
  EXPECT_EQ(id_of("sudo", "  eve : user NOT in sudoers ; TTY=pts/0 ; PWD=/ ; COMMAND=/bin/sh"),
            "sudo.not_allowed");
  EXPECT_EQ(id_of("kernel", "Out of memory: Killed process 4242 (dsmserv) total-vm:1kB"),
            "kernel.oom");
  EXPECT_EQ(id_of("kernel", "blk_update_request: I/O error, dev sda, sector 42"), "disk.io_error");
  EXPECT_EQ(id_of("kernel", "EDAC MC0: 1 UE memory read error on CPU_SrcID#0"),
            "memory.ecc_uncorrected");
  EXPECT_EQ(id_of("systemd", "ssh.service: Failed with result 'exit-code'."),
            "systemd.unit_failed");
  EXPECT_EQ(id_of("systemd", "tsm.service: Failed with result 'oom-kill'."), "systemd.oom");
  EXPECT_EQ(id_of("", "11/22/2026 22:14:54 ANR2578W Schedule DAILY in domain STD for node A has"),
            "ANR2578W");
  EXPECT_EQ(id_of("sshd", "Accepted publickey for backup from 10.0.0.5 port 4242 ssh2"), "");
  EXPECT_EQ(id_of("cron", "Failed password for root from 203.0.113.9"), "");
}

// OpenSSH 9.8 and later: a process of its own serves a connection.
TEST(Catalogue, KnowsWhatTheSessionsOfSshdWrite) {
  EXPECT_EQ(id_of("sshd-session", "Failed password for root from 203.0.113.9 port 4711 ssh2"),
            "sshd.failed_password");
  EXPECT_EQ(id_of("sshd-session", "Invalid user admin from 203.0.113.9 port 4711"),
            "sshd.invalid_user");
}

// procedure M-04: lines of audit.log as the kernel and the programs write them
TEST(Catalogue, KnowsTheRecordsOfTheKernelsTrail) {
  const auto is = [](std::string_view id, std::string_view record) {
    EXPECT_EQ(id_of("", record), id) << record;
  };
  is("audit.auth_failed",
     "type=USER_AUTH msg=audit(1364475353.159:24270): pid=3280 uid=0 auid=4294967295 "
     "ses=4294967295 msg='op=PAM:authentication grantors=? acct=\"root\" exe=\"/usr/sbin/sshd\" "
     "hostname=203.0.113.9 addr=203.0.113.9 terminal=ssh res=failed'");
  is("audit.login_failed",
     "type=USER_LOGIN msg=audit(1364475355.259:24271): pid=3280 uid=0 auid=4294967295 "
     "ses=4294967295 msg='op=login acct=\"admin\" exe=\"/usr/sbin/sshd\" hostname=? "
     "addr=203.0.113.9 terminal=ssh res=failed'\x1dUID=\"root\"");
  is("audit.access_denied",
     "type=AVC msg=audit(1364481363.243:24287): avc:  denied  { search } for  pid=2465 "
     "comm=\"httpd\" name=\"web\" dev=\"sda1\" ino=1 scontext=a tcontext=b tclass=dir "
     "permissive=0");
  is("audit.access_denied",
     "type=AVC msg=audit(1607092800.101:69): apparmor=\"DENIED\" operation=\"open\" "
     "profile=\"/usr/sbin/cupsd\" name=\"/etc/shadow\" pid=812 comm=\"cupsd\"");
  is("audit.program_crashed",
     "type=ANOM_ABEND msg=audit(1459447820.820:40462): auid=1000 uid=1000 gid=1000 ses=2 pid=11 "
     "comm=\"nginx\" exe=\"/usr/sbin/nginx\" sig=11 res=1");
  is("audit.promiscuous",
     "type=ANOM_PROMISCUOUS msg=audit(1390181243.575:738): dev=eth0 prom=256 old_prom=0 auid=0 "
     "uid=0 gid=0 ses=1");
  is("audit.suspicious_link",
     "type=ANOM_LINK msg=audit(1529069443.551:7241): op=follow_link ppid=1 pid=2 auid=1000 "
     "comm=\"cat\" res=0");
  is("audit.anomaly", "node=tsm01 type=ANOM_ROOT_TRANS msg=audit(1529069443.551:7242): auid=1000");
  is("audit.integrity",
     "type=INTEGRITY_DATA msg=audit(1529069443.551:9): pid=1 uid=0 op=appraise_data "
     "cause=invalid-hash comm=\"sh\" name=\"/bin/x\" dev=\"sda1\" ino=9 res=0");
  is("audit.account_locked",
     "type=ANOM_LOGIN_FAILURES msg=audit(1480000000.001:77): pid=1 uid=0 auid=4294967295 "
     "msg='pam_faillock uid=1000 exe=\"/usr/sbin/sshd\" res=success'");
  is("account.created",
     "type=ADD_USER msg=audit(1480000000.001:78): pid=1 uid=0 auid=1000 ses=3 msg='op=adding user "
     "id=1001 exe=\"/usr/sbin/useradd\" hostname=? addr=? terminal=pts/0 res=success'");
  is("account.to_root_group",
     "type=USER_MGMT msg=audit(1629000000.001:432): pid=5 uid=0 auid=1000 ses=1 "
     "msg='op=add-user-to-group grp=\"wheel\" acct=\"eve\" exe=\"/usr/sbin/usermod\" res=success'");
  is("auditd.stopped", "type=DAEMON_ABORT msg=audit(1480000000.001:79): op=terminate res=failed");
  for (const char* usual :
       {"type=USER_AUTH msg=audit(1.1:1): pid=1 msg='op=PAM:authentication acct=\"a\" res=success'",
        "type=USER_LOGIN msg=audit(1.1:1): pid=1 msg='op=login id=0 addr=10.0.0.5 res=success'",
        "type=ANOM_PROMISCUOUS msg=audit(1.1:1): dev=eth0 prom=0 old_prom=256 auid=0",
        "type=AVC msg=audit(1.1:1): avc:  granted  { setenforce } for  pid=1",
        "type=DAEMON_END msg=audit(1.1:1): op=terminate auid=0 pid=1 res=success",
        "type=SYSCALL msg=audit(1.1:1): arch=c000003e syscall=2 success=no exit=-13"}) {
    is("", usual);
  }
}

// One that systemd starts again at once ends like one that is down: the service check knows which.
TEST(Catalogue, TakesTheEndOfAServiceForAnEvent) {
  const Catalogue shipped = Catalogue::shipped();
  EXPECT_EQ(shipped.find("systemd", "a.service: Failed with result 'signal'.")->level,
            WarningLevel::warning);
  EXPECT_EQ(shipped.find("systemd", "a.service: Start request repeated too quickly.")->level,
            WarningLevel::error);
}

TEST(Catalogue, TakesTheLevelOfAnUnlistedCodeFromItsLastLetter) {
  const Catalogue shipped = Catalogue::shipped();
  EXPECT_EQ(shipped.find("", "ANR0001S x")->level, WarningLevel::critical);
  EXPECT_EQ(shipped.find("", "(ANS0001E)")->level, WarningLevel::error);
  EXPECT_EQ(shipped.find("", "ANE4999W")->level, WarningLevel::warning);
  EXPECT_EQ(shipped.find("", "ANR0001I all is well"), std::nullopt);
  EXPECT_EQ(storage_protect_code("XANR0001E ANR0001EX ANX0001E ANR00E1E ANR0002W."), "ANR0002W");
}

TEST(Catalogue, HasAMeaningAndAnAdviceInBothLanguagesForEveryMessage) {
  const Catalogue shipped = Catalogue::shipped();
  EXPECT_GT(shipped.messages().size(), 70U);
  for (const Message& message : shipped.messages()) {
    for (const auto language : {i18n::Language::zh_tw, i18n::Language::en}) {
      EXPECT_FALSE(i18n::text(language, "message." + message.id).empty()) << message.id;
      EXPECT_FALSE(i18n::text(language, "message." + message.id + ".do").empty()) << message.id;
    }
  }
}

TEST(Catalogue, TakesASitesOwnMessagesAndLetsThemReplaceOurs) {
  Catalogue catalogue = Catalogue::shipped();
  const std::size_t before = catalogue.messages().size();
  ASSERT_TRUE(
      catalogue.add("[[message]]\nid = \"payroll.failed\"\nlevel = \"error\"\n"
                    "match = [\"export * failed\"]\nmeaning = \"薪資匯出失敗\"\n"
                    "[[message]]\nid = \"ANR2578W\"\nlevel = \"critical\"\n",
                    "site.toml"));
  EXPECT_EQ(catalogue.messages().size(), before + 1);
  const model::Meaning for_both{"薪資匯出失敗", "薪資匯出失敗"};
  EXPECT_EQ(catalogue.find("", "export of May failed")->message->meaning, for_both);
  EXPECT_EQ(catalogue.find("", "ANR2578W")->level, WarningLevel::critical);
}

TEST(Catalogue, TakesWhatAMessageMeansInBothLanguagesOrInOneForAll) {
  const auto meaning_of = [](const std::string& words) {
    Catalogue catalogue;
    const Status added = catalogue.add(
        "[[message]]\nid = \"a\"\nlevel = \"error\"\nmatch = [\"x\"]\n" + words, "site.toml");
    EXPECT_TRUE(added) << added.error().message;
    return catalogue.messages().front().meaning;
  };
  EXPECT_EQ(meaning_of("meaning = { \"zh-TW\" = \"薪資\", en = \"payroll\" }\n"),
            (model::Meaning{"payroll", "薪資"}));
  EXPECT_EQ(meaning_of("[message.meaning]\nen = \"payroll\"\n"),
            (model::Meaning{"payroll", "payroll"}));
  EXPECT_EQ(meaning_of("meaning = { \"zh-TW\" = \"薪資\" }\n"), (model::Meaning{"薪資", "薪資"}));
  EXPECT_EQ(meaning_of(""), model::Meaning{});
}

TEST(Catalogue, RefusesAMeaningThatIsNone) {
  for (const std::string words : {"7", "[]", "{ \"zh\" = \"x\" }", "{ en = 7 }", "\"\\u001b[2J\"",
                                  "{ en = \"\\u001b[2J\" }"}) {
    Catalogue catalogue;
    const Status added = catalogue.add(
        "[[message]]\nid = \"a\"\nlevel = \"error\"\nmatch = [\"x\"]\nmeaning = " + words + "\n",
        "site.toml");
    ASSERT_FALSE(added) << words;
    EXPECT_THAT(added.error().message, HasSubstr("site.toml:5:"));
  }
}

TEST(Catalogue, TakesTheExampleOfASite) {
  std::ifstream file(TOCSIN_EXAMPLES "/messages.toml");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  Catalogue catalogue = Catalogue::shipped();
  const Status added = catalogue.add(text, "messages.toml");
  ASSERT_TRUE(added) << added.error().message;
  const auto match = catalogue.find("payroll", "export of May failed");
  ASSERT_TRUE(match);
  EXPECT_NE(match->message->meaning.zh_tw, match->message->meaning.en);
}

TEST(Catalogue, SaysEveryMistakeOfAFileWithItsLineAndTakesNothingOfIt) {
  Catalogue catalogue = Catalogue::shipped();
  const std::size_t before = catalogue.messages().size();
  const Status added = catalogue.add(
      "[[message]]\nid = \"good\"\nlevel = \"error\"\nmatch = [\"x\"]\n"
      "[[message]]\nid = \"bad id\"\nlevel = \"fatal\"\nmatch = [\"*\"]\n"
      "[[message]]\nid = \"none\"\nlevel = \"error\"\ncolour = 1\n",
      "site.toml");
  ASSERT_FALSE(added);
  for (const char* line : {"site.toml:6:", "site.toml:7:", "site.toml:8:", "site.toml:12:"}) {
    EXPECT_THAT(added.error().message, HasSubstr(line));
  }
  EXPECT_EQ(catalogue.messages().size(), before);
}

}  // namespace
}  // namespace tocsin::catalogue
