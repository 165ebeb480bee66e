"""An HTTP server for tests: checks the signature, answers a status, keeps each request as a line of
JSON. Prints its port, serves until standard input ends."""
import argparse
import hashlib
import hmac
import http.server
import json
import ssl
import sys
import threading


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", required=True)
    parser.add_argument("--hmac-key", required=True)
    parser.add_argument("--status", type=int, default=204)
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    args = parser.parse_args()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            expected = "sha256=" + hmac.new(
                args.hmac_key.encode(), body, hashlib.sha256).hexdigest()
            genuine = hmac.compare_digest(expected, self.headers.get("Tocsin-Signature", ""))
            with open(args.log, "a", encoding="utf-8") as log:
                log.write(json.dumps({"genuine": genuine, "body": json.loads(body),
                                      "key": self.headers.get("Idempotency-Key")}) + "\n")
            self.send_response(args.status if genuine else 401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    if args.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(args.certificate, args.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


main()
