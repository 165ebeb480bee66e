#include "common/model/evidence.hpp"

#include <gtest/gtest.h>

namespace tocsin::model {
namespace {

TEST(EvidenceName, IsReadBackWithAndWithoutItsLetter) {
  EXPECT_EQ(evidence_name(EvidenceId{42}), "E-42");
  EXPECT_EQ(evidence_from("E-42"), EvidenceId{42});
  EXPECT_EQ(evidence_from("e-42"), EvidenceId{42});
  EXPECT_EQ(evidence_from("42"), EvidenceId{42});
}

TEST(EvidenceName, NothingElseIsOne) {
  for (const char* name : {"", "E-", "E-0", "0", "E-4x", "E 4", "-4", "99999999999999999999"}) {
    EXPECT_EQ(evidence_from(name), std::nullopt) << name;
  }
}

TEST(EvidenceWords, EachActAndStateHasItsOwn) {
  EXPECT_EQ(to_string(CustodyAct::asked), "asked");
  EXPECT_EQ(to_string(CustodyAct::unobtainable), "unobtainable");
  EXPECT_EQ(to_string(static_cast<CustodyAct>(99)), "unknown");
  EXPECT_EQ(to_string(EvidenceState::received), "received");
  EXPECT_EQ(to_string(static_cast<EvidenceState>(99)), "unknown");
}

}  // namespace
}  // namespace tocsin::model
