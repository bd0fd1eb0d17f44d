"""The service inside the test's image: each answer needs something that a careless removal takes away."""

import datetime
import importlib
import json
import ssl
import sys
import zoneinfo
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


def library():
    """An extension module whose shared library lies elsewhere, imported when it is asked for."""
    return importlib.import_module(sys.argv[1]).__name__


def data():
    """The words of a file that is read with each request."""
    return Path("data/words.txt").read_text().split()[:3]


def lazy():
    """A distribution that nothing imports before the first request."""
    from lazything.answer import ANSWER

    return ANSWER


def certificates():
    """How many certificates are trusted: none, without an error, when their file is missing."""
    return len(ssl.create_default_context().get_ca_certs())


def zone():
    """Noon of a summer's day in Berlin."""
    return datetime.datetime(2024, 7, 1, 12, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")).isoformat()


ANSWERS = {f"/{answer.__name__}": answer for answer in (library, data, lazy, certificates, zone)}


class Service(BaseHTTPRequestHandler):
    """Answers GET of each name above, and /health."""

    def do_GET(self):
        if self.path == "/health":
            self.answer(200, "ok")
        elif self.path in ANSWERS:
            self.answer(200, ANSWERS[self.path]())
        else:
            self.answer(404, "not found")

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    HTTPServer(("0.0.0.0", 8000), Service).serve_forever()
