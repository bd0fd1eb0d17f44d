"""A recommender behind HTTP: the application inside the demo's image, as somebody might write it.

It listens on port 8000, or on the socket it is handed as descriptor 3 (sd_listen_fds(3)).
"""

import json
import os
import socket
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import onnxruntime

onnxruntime.disable_telemetry_events()
SESSION = onnxruntime.InferenceSession(str(Path(__file__).parent / "model.onnx"), providers=["CPUExecutionProvider"])


class Recommender(BaseHTTPRequestHandler):
    """Answers GET /health, GET /about and POST /rank."""

    def do_GET(self) -> None:
        """Whether the service is up, and what it consists of."""
        if self.path == "/health":
            self._answer(200, {"status": "ok"})
        elif self.path == "/about":
            self._answer(200, {"numpy": np.__version__, "onnxruntime": onnxruntime.__version__})
        else:
            self._answer(404, {"error": "not found"})

    def do_POST(self) -> None:
        """The items of the body, best first, with their scores."""
        length = int(self.headers.get("Content-Length", 0))
        try:
            items = np.array(json.loads(self.rfile.read(length))["items"], dtype=np.int64)
            (scores,) = SESSION.run(None, {"items": items})
        except Exception as error:
            self._answer(422, {"error": type(error).__name__})
            return
        order = np.argsort(-scores, kind="stable")
        self._answer(200, {"items": items[order].tolist(), "scores": [round(float(s), 5) for s in scores[order]]})

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _answer(self, status: int, document: dict[str, object]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def serve() -> None:
    """Answer until killed."""
    server = HTTPServer(("0.0.0.0", 8000), Recommender, bind_and_activate=False)
    if os.environ.get("LISTEN_FDS") == "1":
        server.socket = socket.socket(fileno=3)
    else:
        server.server_bind()
        server.server_activate()
    server.serve_forever()


if __name__ == "__main__":
    serve()
