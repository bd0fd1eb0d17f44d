"""Starts of a real Python service by real engines: timed, made cold, looked into, and nothing left behind."""

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from engines import engine_directory, need, running_dockerd, running_podman
from tiny_image import tiny

from slimml.bench.gpu_start import NOT_ON_A_GPU, measure_gpu_start
from slimml.bench.nvml import Nvml
from slimml.bench.page_cache import Coldness
from slimml.bench.python_start import measure_python_start
from slimml.bench.start import measure_start
from slimml.demo import this_python
from slimml.demo.layer import write_layer
from slimml.engine.choose import find_engine
from slimml.errors import Unavailable
from slimml.inventory.take import take_inventory
from slimml.oci.blobs import BlobStore
from slimml.oci.transfer import Access
from slimml.probes.probe import BatchProbe, HttpProbe, Ready, Suite

PYTHON = f"/usr/local/bin/{this_python.VERSION}"
SITE = f"usr/local/lib/{this_python.VERSION}/site-packages"
ENGINES = ("docker", "podman", "runc", "crun")
SERVICE = b"""
import http.server
import sums
model = open("/opt/app/model.bin", "rb").read()

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"%d" % sums.total(model)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

http.server.HTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
"""
METADATA = b"Metadata-Version: 2.1\nName: sums\nVersion: 1\n"
_LEFT_OUT = ("/test/", "/idlelib/", "/lib2to3/", "/ensurepip/", "/tkinter/", "/config-")


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """A service of this Python, with a distribution and a model of a megabyte."""
    tree = this_python.interpreter(())
    tree.files = {path: here for path, here in tree.files.items() if not any(word in path for word in _LEFT_OUT)}

    def fill(layer):
        layer.directory("tmp", 0o1777)
        layer.file("etc/passwd", b"root:x:0:0::/root:/bin/sh\n")
        layer.tree(tree)
        layer.file(f"{SITE}/sums-1.dist-info/METADATA", METADATA)
        layer.file(f"{SITE}/sums-1.dist-info/RECORD", b"sums.py,,\n")
        layer.file(f"{SITE}/sums.py", b"import time; time.sleep(0.1)\ndef total(data): return sum(data)\n")
        layer.file("opt/app/service.py", SERVICE)
        layer.file("opt/app/model.bin", b"\1" * 1_000_000)

    store = BlobStore(tmp_path_factory.mktemp("image"))
    descriptor, _ = write_layer(store, fill)
    with store.open_blob(descriptor) as blob:
        plain = gzip.decompress(blob.read())
    variables = ["LD_LIBRARY_PATH=/usr/local/lib", "PYTHONPATH=/opt/app"]
    config = {"Cmd": [PYTHON, "/opt/app/service.py"], "Env": variables, "WorkingDir": "/opt/app"}
    return tiny(plain, config={"config": config})


@contextmanager
def running(name) -> Iterator:
    if name in ("runc", "crun"):
        need(name)
        yield find_engine(name, Access())
        return
    daemon = running_dockerd if name == "docker" else running_podman
    with engine_directory() as directory, daemon(directory) as socket_path:
        yield find_engine(name, Access(engine=f"unix://{socket_path}"))


@pytest.fixture(scope="module", params=ENGINES)
def started(request, image):
    """An engine with the image ready to run."""
    with running(request.param) as engine, engine.prepare(image) as prepared:
        yield engine, prepared


@pytest.fixture
def suite():
    probe = HttpProbe("total", "/total", 8000, contains=("1000000",))
    return Suite((probe,), "a test", ready=Ready(tcp=8000), network=False)


def test_a_service_is_timed_to_its_first_right_answer(started, suite):
    found = measure_start(*started, suite, cold=False)
    assert found.failure is None
    assert list(found.phases) == ["create", "start", "process", "ready", "first answer"]
    assert found.phases["ready"] > 0.1
    assert found.resolution < 0.1
    assert found.peak_resident > 5_000_000
    assert found.peak_memory > 1_000_000


def test_a_cold_start_has_an_empty_page_cache(started, suite):
    found = measure_start(*started, suite, cold=True)
    assert (found.failure, found.cooling.coldness) == (None, Coldness.DROPPED)


def test_a_job_is_timed_to_its_end(started):
    job = BatchProbe("job", argv=(PYTHON, "-c", "import time; time.sleep(0.2); print(1)"))
    found = measure_start(*started, Suite((job,), "a test", network=False), cold=False)
    assert found.failure is None
    assert found.phases["exit"] > 0.2


def test_a_program_that_is_missing_is_a_failure_not_a_time(started):
    job = BatchProbe("job", argv=("/no/such/program",))
    found = measure_start(*started, Suite((job,), "a test", network=False), cold=False)
    assert found.failure is not None
    assert "exit" not in found.phases


def test_pythons_time_goes_to_distributions_and_the_models_bytes_are_seen(started, image, suite):
    found = measure_python_start(*started, suite, take_inventory(image))
    assert found.phases.failure is None
    costs = {cost.owner: cost for cost in found.costs}
    assert costs["sums"].own > 0.1
    assert found.interpreter + found.imports + found.program == pytest.approx(found.phases.phases["ready"], rel=0.01)
    (model,) = [file for file in found.data if file.path == "/opt/app/model.bin"]
    assert (model.bytes, model.read, model.owner) == (1_000_000, 1_000_000, "application")
    assert found.read_bytes < found.image_bytes


def test_nothing_is_left_behind(started, suite):
    engine, prepared = started
    pids = []
    measure_start(engine, prepared, suite, cold=False, inspect=lambda _, clock: pids.append(clock.pid))
    assert not os.path.exists(f"/proc/{pids[0]}")
    assert engine.sweep() == ()


def test_without_a_gpu_it_is_said_in_the_result(started, suite):
    try:
        with Nvml():
            pytest.skip("this machine has a GPU")
    except Unavailable:
        pass
    try:
        found = measure_gpu_start(*started, suite)
    except Unavailable:
        return
    assert found.phases.failure is not None
    assert found.remarks == (NOT_ON_A_GPU,)
