"""A real SMTP server for tests. Writes a Maildir, prints its port, serves until standard input ends."""
import argparse
import asyncio
import ssl
import sys

from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import SMTP, AuthResult


class Handler(Mailbox):
    def __init__(self, directory, rcpt_reply, data_reply):
        super().__init__(directory)
        self.rcpt_reply = rcpt_reply
        self.data_reply = data_reply

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.rcpt_reply:
            return self.rcpt_reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.data_reply:
            return self.data_reply
        return await super().handle_DATA(server, session, envelope)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--maildir", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--rcpt-reply")
    parser.add_argument("--data-reply")
    args = parser.parse_args()

    options = {"hostname": "test"}
    if args.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(args.certificate, args.key)
        options.update(tls_context=context, require_starttls=True)
    if args.user:
        wanted = (args.user.encode(), args.password.encode())
        options.update(
            auth_required=True,
            authenticator=lambda server, session, envelope, mechanism, data: AuthResult(
                success=(data.login, data.password) == wanted, handled=False))

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    handler = Handler(args.maildir, args.rcpt_reply, args.data_reply)
    server = loop.run_until_complete(loop.create_server(
        lambda: SMTP(handler, loop=loop, **options), "127.0.0.1", args.port))
    print(server.sockets[0].getsockname()[1], flush=True)
    loop.add_reader(sys.stdin, loop.stop)
    loop.run_forever()


main()
