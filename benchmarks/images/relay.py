"""This machine's package index on the loopback address, with the headers that let pip keep what it downloads.

An index tells pip how long a file may be kept (Cache-Control, ETag; RFC 9111), so that an image built with it holds
pip's cache. Proxies between some machines and their index drop those headers, and images built there would look tidier
than anybody else's. This relay says them again; a directory of wheels is served in the same way. Standard library only.
"""

import hashlib
import re
import shutil
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote, urljoin

_FILE_SECONDS = 31_536_000
"""a file of an index never changes"""
_PAGE_SECONDS = 600
_HTML = "text/html"


def keeps(index: str) -> bool:
    """Whether answers of the index arrive with the headers that pip's cache goes by."""
    request = urllib.request.Request(urljoin(f"{index.rstrip('/')}/", "pip/"), headers={"Accept": _HTML})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return "Cache-Control" in answer.headers or "ETag" in answer.headers


class _Relay(BaseHTTPRequestHandler):
    """/simple/NAME/ is a page of the index, /files/URL a file that it names, /wheels/NAME a file of the directory."""

    protocol_version = "HTTP/1.1"
    index = ""
    wheels: Path | None = None

    def do_GET(self) -> None:
        """Answer from the index or from the directory."""
        kind, _, rest = self.path.lstrip("/").partition("/")
        try:
            if kind == "simple":
                self._page(urljoin(f"{self.index.rstrip('/')}/", rest))
            elif kind == "files":
                self._file(unquote(rest))
            elif kind == "wheels" and self.wheels:
                self._wheel(self.wheels, unquote(rest))
            else:
                self.send_error(404)
        except urllib.error.HTTPError as error:
            self.send_error(error.code)

    def _page(self, url: str) -> None:
        request = urllib.request.Request(url, headers={"Accept": _HTML})
        with urllib.request.urlopen(request, timeout=180) as answer:
            page, url = answer.read().decode(), answer.url

        def through_here(link: re.Match[str]) -> str:
            address, _, fragment = urljoin(url, link[1].replace("&amp;", "&")).partition("#")
            return f'href="/files/{quote(address, safe="")}{"#" if fragment else ""}{fragment}"'

        self._answer(re.sub(r'href="([^"]+)"', through_here, page).encode(), f"{_HTML}; charset=utf-8", _PAGE_SECONDS)

    def _file(self, address: str) -> None:
        # Metadata of a wheel are asked for at the wheel's own address, with a suffix (PEP 658).
        with urllib.request.urlopen(address, timeout=180) as answer:
            self._headers(int(answer.headers["Content-Length"]), "application/octet-stream", _FILE_SECONDS)
            shutil.copyfileobj(answer, self.wfile, 1 << 20)

    def _wheel(self, directory: Path, name: str) -> None:
        if not name:
            links = "".join(f'<a href="{quote(path.name)}">{path.name}</a>\n' for path in sorted(directory.iterdir()))
            self._answer(links.encode(), f"{_HTML}; charset=utf-8", _PAGE_SECONDS)
            return
        path = directory / Path(name).name
        if not path.is_file():
            self.send_error(404)
            return
        self._headers(path.stat().st_size, "application/octet-stream", _FILE_SECONDS)
        with path.open("rb") as content:
            shutil.copyfileobj(content, self.wfile, 1 << 20)

    def _answer(self, body: bytes, kind: str, seconds: int) -> None:
        self._headers(len(body), kind, seconds)
        self.wfile.write(body)

    def _headers(self, size: int, kind: str, seconds: int) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(size))
        self.send_header("Cache-Control", f"max-age={seconds}, public")
        self.send_header("ETag", '"' + hashlib.sha256(self.path.encode()).hexdigest() + '"')
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the build's own output is on the terminal."""


@contextmanager
def running(index: str, wheels: Path | None) -> Iterator[str]:
    """The relay's URL, without a slash at its end, while the context lasts."""
    handler = type("Relay", (_Relay,), {"index": index, "wheels": wheels})
    # Always the same port, if it is free: pip's cache and an engine's cache of build steps go by the address.
    try:
        server = ThreadingHTTPServer(("127.0.0.1", 47823), handler)
    except OSError:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
