"""An engine whose containers are processes of this machine, so that what is asked can be tested without one."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from tiny_image import tiny

from slimml.engine.container import Exited, FileStatus, Output, Prepared
from slimml.errors import SlimmlError


class ProcessContainer:
    """A container in name only: `root` is a directory, programs are this machine's. Port 8000 inside is a free one."""

    def __init__(self, root, image, spec):
        self.root, self.spec = Path(root), spec
        self.id = str(root)
        runtime = image.config.runtime
        entrypoint = spec.entrypoint if spec.entrypoint is not None else tuple(runtime.get("Entrypoint") or ())
        cmd = spec.argv if spec.argv is not None else () if spec.entrypoint else tuple(runtime.get("Cmd") or ())
        self.argv = (*entrypoint, *cmd)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        inherited = dict(pair.split("=", 1) for pair in runtime.get("Env") or ())
        self.environment = {"PATH": os.environ["PATH"], **inherited, **spec.environment, "PORT": str(self.port)}
        self.process = None
        self.out, self.err = (open(Path(root, name), "w+b") for name in (".out", ".err"))  # noqa: SIM115
        for mount in spec.mounts:
            target = self.root / mount.target[1:]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(mount.source)

    def start(self):
        try:
            self.process = subprocess.Popen(
                self.argv, cwd=self.root, env=self.environment, stdout=self.out, stderr=self.err, start_new_session=True
            )
        except OSError as error:
            raise SlimmlError(f"{self.argv[0]} cannot be run: {error.strerror}") from None

    def connect(self, port, timeout):
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def execute(self, argv, *, environment=None, user=None, directory=None, stdin=b"", timeout=60):
        try:
            ended = subprocess.run(
                argv, cwd=self.root, env={**self.environment, **(environment or {})}, input=stdin, capture_output=True,
                timeout=timeout, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise TimeoutError from None
        except FileNotFoundError:
            return Output(127, b"", b"not found")
        return Output(ended.returncode, ended.stdout, ended.stderr)

    def logs(self):
        found = []
        for stream in (self.out, self.err):
            found.append(os.pread(stream.fileno(), os.fstat(stream.fileno()).st_size, 0))
        return Output(0, *found)

    def wait(self, timeout):
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        return Exited(code if code >= 0 else 128 - code, False)

    def pid(self):
        return self.process.pid

    def peak_memory(self):
        return None

    def files(self, path):
        place = self.root / path[1:]
        found = [place] if place.is_file() else [file for file in place.rglob("*") if file.is_file()]
        return {f"/{file.relative_to(self.root)}": file.read_bytes() for file in found}

    def status(self, path):
        try:
            found = os.stat(self.root / path[1:])
        except FileNotFoundError:
            return None
        return FileStatus(found.st_mode, found.st_uid, found.st_gid, found.st_size)

    def remove(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.out.close()
        self.err.close()


class ProcessEngine:
    """Makes such containers, each in a directory that holds the files of the image's layers."""

    name = "process"

    @contextmanager
    def create(self, prepared, spec):
        with tempfile.TemporaryDirectory() as root:
            for path, content in prepared.handle.items():
                (Path(root) / path).parent.mkdir(parents=True, exist_ok=True)
                (Path(root) / path).write_bytes(content)
            container = ProcessContainer(root, prepared.image, spec)
            try:
                yield container
            finally:
                container.remove()


@pytest.fixture
def engine():
    """The engine of processes."""
    return ProcessEngine()


@pytest.fixture
def prepared():
    """Make an image of these files that runs this Python program."""

    def make(files, program="", **config):
        files = {"app.py": program.encode(), **files}
        runtime = {"Cmd": [sys.executable, "-u", "app.py"], "Env": ["GREETING=hello"], **config}
        return Prepared(tiny(files, config={"config": runtime}), files)

    return make
