"""The relay of the benchmark images says again what pip's cache goes by."""

import importlib.util
import threading
import urllib.request
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "benchmarks/images/relay.py"


@pytest.fixture(scope="module")
def relay():
    spec = importlib.util.spec_from_file_location("relay", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def index_of(directory):
    """A package index without a word about caching."""

    class Bare(SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(directory))

        def log_message(self, format, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Bare) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/simple/"
        server.shutdown()


@pytest.fixture
def index(tmp_path):
    for name in ("pip", "demo"):
        (tmp_path / "simple" / name).mkdir(parents=True)
    (tmp_path / "simple/pip/index.html").write_text("<html></html>")
    (tmp_path / "simple/demo/index.html").write_text('<a href="../../files/demo-1.whl#sha256=ab">demo-1.whl</a>')
    (tmp_path / "files").mkdir()
    (tmp_path / "files/demo-1.whl").write_bytes(b"a wheel")
    with index_of(tmp_path) as url:
        yield url


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.headers, answer.read()


def test_an_index_without_headers_is_noticed(relay, index):
    assert not relay.keeps(index)


def test_a_file_comes_through_with_the_time_it_may_be_kept(relay, index):
    with relay.running(index, None) as address:
        _, page = get(f"{address}/simple/demo/")
        link = page.decode().partition('href="')[2].partition("#")[0]
        headers, content = get(address + link)
    assert (content, headers["Cache-Control"]) == (b"a wheel", "max-age=31536000, public")


def test_the_digest_of_a_file_stays_on_its_link(relay, index):
    with relay.running(index, None) as address:
        assert b'#sha256=ab">' in get(f"{address}/simple/demo/")[1]


def test_a_directory_of_wheels_is_served(relay, index, tmp_path):
    with relay.running(index, tmp_path / "files") as address:
        assert get(f"{address}/wheels/demo-1.whl")[1] == b"a wheel"


def test_nothing_but_the_directory_is_served(relay, index, tmp_path):
    (tmp_path / "secret").write_bytes(b"!")
    with relay.running(index, tmp_path / "files") as address, pytest.raises(urllib.error.HTTPError):
        get(f"{address}/wheels/..%2Fsecret")
