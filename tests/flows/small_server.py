"""`python -m tests.flows.small_server PORT`: answers every page with 200, or ends when somebody else has the port."""

import socket
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from flows.loopback import loopback_host


class Yes(BaseHTTPRequestHandler):
    """Answers."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


class Alone(HTTPServer):
    """Shares its port with nobody, as the real servers do."""

    allow_reuse_address = False
    address_family = socket.AF_INET6 if ":" in loopback_host() else socket.AF_INET


if __name__ == "__main__":
    Alone((loopback_host(), int(sys.argv[1])), Yes).serve_forever()
