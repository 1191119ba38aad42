"""`python -m tests.flows.small_server PORT`: answers every page with 200, or ends when somebody else has the port."""

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


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


if __name__ == "__main__":
    Alone(("127.0.0.1", int(sys.argv[1])), Yes).serve_forever()
