"""The service in the tests' image: steady answers that need something each, and one that never is twice the same."""

import importlib
import json
import os
import random
import socket
import ssl
import sys
import threading
import time
import uuid
import zoneinfo
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

HERE = Path(__file__).parent


def library():
    """An extension module whose shared library lies elsewhere."""
    return importlib.import_module(sys.argv[1]).__name__


def data():
    """The first words of a file."""
    return (HERE / "words.txt").read_text().split()[:3]


def lazy():
    """A package that nothing imports before the first request."""
    from lazything.answer import ANSWER

    return ANSWER


def tls():
    """Who a TLS server on this host says to be, verified with the certificates that the system trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(HERE / "server.pem")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_greet, args=(listening, context), daemon=True).start()
        with socket.create_connection(listening.getsockname()) as plain:
            trusting = ssl.create_default_context()
            with trusting.wrap_socket(plain, server_hostname="localhost") as connection:
                return dict(pair[0] for pair in connection.getpeercert()["subject"])


def _greet(listening, context):
    accepted, _ = listening.accept()
    try:
        context.wrap_socket(accepted, server_side=True).close()
    except (ssl.SSLError, OSError):
        accepted.close()


def zone():
    """Noon of a day in Tokyo."""
    return datetime(2024, 7, 1, 12, tzinfo=zoneinfo.ZoneInfo("Asia/Tokyo")).isoformat()


def clock():
    """The time here, TZ being Asia/Tokyo: UTC without an error where the C library does not find its file."""
    return {"now": datetime.now().isoformat(), "zone": time.tzname[0]}


def rank():
    """Scores by weights out of a file: wrong weights give wrong scores, and no error."""
    weights = [float(word) for word in (HERE / "weights.txt").read_text().split()]
    return {"scores": [round(weight * place, 6) for place, weight in enumerate(weights)], "model": "linear"}


def noisy():
    """All that differs from one request to the next in real services, beside a part that does not."""
    begun = time.perf_counter()
    source = random.SystemRandom()
    return {
        "request": str(uuid.uuid4()),
        "trace": f"{source.getrandbits(64):016x}",
        "at": datetime.now(UTC).isoformat(),
        "epoch": time.time(),
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "features": list({"color", "size", "shape", "weight", "price"}),
        "shown": repr({"red", "green", "blue"}),
        "sample": [source.random() for _ in range(5)],
        "object": repr(object()),
        "results": [{"id": uuid.uuid4().hex, "name": name} for name in ("first", "second")],
        "took_ms": (time.perf_counter() - begun) * 1000,
        "steady": 7,
    }


ANSWERS = {f"/{answer.__name__}": answer for answer in (library, data, lazy, tls, zone, clock, rank, noisy)}


class Service(BaseHTTPRequestHandler):
    """Answers GET of each name above, and /health."""

    def do_GET(self):
        try:
            status, value = (200, ANSWERS[self.path]()) if self.path in ANSWERS else (200, "ok")
        except Exception as error:
            status, value = 500, {"error": f"{type(error).__name__}: {error}"}
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Request-Id", uuid.uuid4().hex)
        self.send_header("X-Process-Time", f"{time.thread_time():.6f}")
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    HTTPServer(("0.0.0.0", 8000), Service).serve_forever()
