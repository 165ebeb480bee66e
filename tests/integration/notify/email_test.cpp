// E-mail against a real SMTP server: TLS, login, and what is in the mail.
#include <gmock/gmock.h>

#include "tests/support/channel_servers.hpp"

namespace tocsin::tests {
namespace {

using collector::make_channel;
using collector::OutgoingMessage;
using model::DeliveryResult;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const OutgoingMessage kMessage{"duty@example.tw", "[C] tsm-bk02 異常通訊埠 4444/tcp (待判定 #12)",
                               "主機：tsm-bk02\n", "tocsin.7.8.12"};

class EmailTest : public ::testing::Test {
 protected:
  EmailTest() : tls_(folder_) { write_private(folder_.file("password"), "open sesame\n"); }

  std::vector<std::string> with_tls_and_login() const {
    return {"--certificate", tls_.certificate, "--key",      tls_.key,
            "--user",        "tocsin",         "--password", "open sesame"};
  }
  model::ChannelPolicy secured(const MailServer& server) const {
    model::ChannelPolicy policy = server.channel();
    policy.require_tls = true;
    policy.ca_file = tls_.ca;
    policy.user = "tocsin";
    policy.password_file = folder_.file("password");
    return policy;
  }
  static collector::Delivery deliver(const model::ChannelPolicy& policy) {
    return make_channel(policy).value()->deliver(kMessage, 20s);
  }

  TempDir folder_;
  TlsFiles tls_;
};

TEST_F(EmailTest, ArrivesWithSubjectTextAndMessageId) {
  const MailServer server;
  ASSERT_EQ(deliver(server.channel()).result, DeliveryResult::delivered);
  ASSERT_THAT(server.mails(), SizeIs(1));
  const std::string mail = server.mails()[0];
  EXPECT_THAT(mail, HasSubstr("Message-ID: <tocsin.7.8.12@idc.example.tw>"));
  EXPECT_THAT(mail, HasSubstr("=?UTF-8?B?"));
  EXPECT_THAT(mail, HasSubstr("5Li75qmf77yadHNtLWJrMDIK"));  // The text in base64.
  EXPECT_THAT(mail, HasSubstr("X-RcptTo: duty@example.tw"));
}

TEST_F(EmailTest, SendsOverTlsWithALogin) {
  const MailServer server(with_tls_and_login());
  const collector::Delivery delivery = deliver(secured(server));
  EXPECT_EQ(delivery.result, DeliveryResult::delivered) << delivery.detail.parameters[0].value;
  EXPECT_THAT(server.mails(), SizeIs(1));
}

TEST_F(EmailTest, AWrongPasswordWaitsForItsRepairAndIsNotShown) {
  const MailServer server(with_tls_and_login());
  write_private(folder_.file("password"), "wrong secret");
  const collector::Delivery delivery = deliver(secured(server));
  EXPECT_EQ(delivery.result, DeliveryResult::retry);
  for (const model::Parameter& parameter : delivery.detail.parameters) {
    EXPECT_THAT(parameter.value, Not(HasSubstr("wrong secret")));
  }
  write_private(folder_.file("password"), "open sesame");
  EXPECT_EQ(deliver(secured(server)).result, DeliveryResult::delivered);
}

TEST_F(EmailTest, APasswordFileThatOthersMayReadIsNotUsed) {
  const MailServer server(with_tls_and_login());
  std::filesystem::permissions(folder_.file("password"), std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  const collector::Delivery delivery = deliver(secured(server));
  EXPECT_EQ(delivery.result, DeliveryResult::retry);
  EXPECT_EQ(delivery.detail.code, "channel.unusable");
  EXPECT_THAT(server.mails(), IsEmpty());
}

TEST_F(EmailTest, NothingIsSentToAServerThatOffersNoTlsWhereItIsRequired) {
  const MailServer server;
  EXPECT_EQ(deliver(secured(server)).result, DeliveryResult::retry);
  EXPECT_THAT(server.mails(), IsEmpty());
}

TEST_F(EmailTest, NothingIsSentToAServerWhoseCertificateIsNotTrusted) {
  const MailServer server(with_tls_and_login());
  const TempDir other;
  model::ChannelPolicy policy = secured(server);
  policy.ca_file = TlsFiles(other).ca;
  EXPECT_EQ(deliver(policy).result, DeliveryResult::retry);
  EXPECT_THAT(server.mails(), IsEmpty());
}

TEST_F(EmailTest, ARecipientThatIsNoAddressIsRefusedWithoutAConnection) {
  const MailServer server;
  OutgoingMessage message = kMessage;
  message.recipient = "x>\r\nRCPT TO:<evil@example.tw";
  const auto channel = make_channel(server.channel()).value();
  EXPECT_EQ(channel->deliver(message, 20s).result, DeliveryResult::refused);
  EXPECT_THAT(server.mails(), IsEmpty());
}

TEST_F(EmailTest, AMailThatIsRefusedAfterItsTextSaysWhatTheServerSaid) {
  const MailServer server({"--data-reply", "554 looks like spam"});
  const collector::Delivery delivery = deliver(server.channel());
  EXPECT_EQ(delivery.result, DeliveryResult::refused);
  EXPECT_EQ(delivery.detail.code, "mail.refused");
  EXPECT_THAT(delivery.detail.parameters[0].value, HasSubstr("looks like spam"));
}

}  // namespace
}  // namespace tocsin::tests
