"""slimml in processes of their own that start warm: everything is imported once, each run is a fork of that.

`with Warm() as slimml: slimml.run("analyze", "oci:x", cwd=…)` is what `python -m slimml analyze oci:x` does in a new
process, without the second that imports take. `start` gives a run that can be killed.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SERVER = r"""
import importlib, json, os, pkgutil, resource, sys
import slimml
for module in pkgutil.walk_packages(slimml.__path__, "slimml."):
    if not module.name.startswith(("slimml.__main__", "slimml.demo")):
        importlib.import_module(module.name)
from slimml.cli.main import run

def child(job):
    os.chdir(job["cwd"])
    os.environ.update(job["environment"])
    for number, name in enumerate((os.devnull, job["out"], job["err"])):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT, 0o600), number)
    if job["memory"]:
        used = int(open("/proc/self/statm").read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (used + job["memory"], used + job["memory"]))
    sys.argv = ["slimml", *job["words"]]
    code = 70
    try:
        run()
    except SystemExit as end:
        code = end.code or 0
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)

answers = os.fdopen(os.dup(1), "w", buffering=1)
for line in sys.stdin:
    waits, opens = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(opens)
        os.read(waits, 1)
        child(json.loads(line))
    os.close(waits)
    answers.write(f"{pid}\n")
    sys.stdin.readline()  # the test has it by its descriptor now, so that it may end
    os.close(opens)
    _, status, used = os.wait4(pid, 0)
    answers.write(f"{os.waitstatus_to_exitcode(status)} {used.ru_maxrss} {used.ru_utime + used.ru_stime}\n")
"""


@dataclass(frozen=True)
class Ended:
    """How a run ended: exit code (negative: the signal), output, KiB of memory at most, seconds of processor time."""

    code: int
    out: str
    err: str
    peak_kib: int
    seconds: float


class Warm:
    """One run at a time. `memory` of a run are the bytes of address space that it may take beyond its start."""

    def __init__(self) -> None:
        self._files = tempfile.TemporaryDirectory(prefix="slimml-warm-")
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "MALLOC_ARENA_MAX": "2"}
        self._server = subprocess.Popen(
            [sys.executable, "-c", SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=self._files.name,
        )
        self._process = -1

    def start(self, *words: str | Path, cwd: Path, memory: int = 0, **environment: str) -> None:
        """Begin a run."""
        assert self._server.stdin
        assert self._server.stdout
        for name in ("out", "err"):
            Path(self._files.name, name).unlink(missing_ok=True)
        job = {
            "words": [str(word) for word in words],
            "cwd": str(cwd),
            "out": f"{self._files.name}/out",
            "err": f"{self._files.name}/err",
            "memory": memory,
            "environment": environment,
        }
        self._server.stdin.write(json.dumps(job) + "\n")
        self._server.stdin.flush()
        # By its descriptor a process can be killed after its end, too, and no other that got its number.
        self._process = os.pidfd_open(int(self._server.stdout.readline()))
        self._server.stdin.write("go\n")
        self._server.stdin.flush()

    def wait(self) -> Ended:
        """The end of the run that was started."""
        assert self._server.stdout
        code, peak, seconds = self._server.stdout.readline().split()
        os.close(self._process)
        out, err = (Path(self._files.name, name) for name in ("out", "err"))
        texts = [path.read_text("utf-8", "surrogateescape") if path.exists() else "" for path in (out, err)]
        return Ended(int(code), *texts, int(peak), float(seconds))

    def run(self, *words: str | Path, cwd: Path, memory: int = 0, **environment: str) -> Ended:
        """A whole run."""
        self.start(*words, cwd=cwd, memory=memory, **environment)
        return self.wait()

    def kill(self) -> None:
        """Kill the run that was started, as it is (SIGKILL); `wait` tells whether it had ended before."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._process, signal.SIGKILL)

    def __enter__(self) -> "Warm":
        return self

    def __exit__(self, *exc: object) -> None:
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.close()
        self._server.wait(timeout=60)
        self._server.stdout.close()
        self._files.cleanup()
