#!/usr/bin/env python3
"""Build the benchmark images: build.py [NAME…], each tagged slimml-bench/NAME:latest.

The recipes are what people write; this script only brings what an author's machine has: a checkout with its `.git`,
data made by the recipe's prepare.py, and the machine's own pip settings (an index, a directory of wheels), which are
read from the environment and from `pip config` and never written down. Standard library only; needs docker and git.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).resolve().parent
BASE = "slimml-bench/python:3.11"


def recipes() -> list[str]:
    """The names of all recipes."""
    return sorted(path.parent.name for path in HERE.glob("*/Dockerfile"))


class WheelServer(SimpleHTTPRequestHandler):
    """A directory of wheels, with the headers that let pip cache a file as it does one from its index."""

    def end_headers(self) -> None:
        if self.path.endswith(".whl"):
            self.send_header("ETag", '"' + hashlib.sha256(self.path.encode()).hexdigest() + '"')
            self.send_header("Cache-Control", "max-age=31536000, immutable, public")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the build's own output is on the terminal."""


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """The URL, on the loopback address, of a directory while the context lasts."""

    def handler(*args: object) -> WheelServer:
        return WheelServer(*args, directory=str(directory))  # type: ignore[arg-type]

    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:  # type: ignore[arg-type]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


def pip_setting(name: str) -> str:
    """One of pip's settings on this machine, "" where it has none."""
    found = os.environ.get("PIP_" + name.upper().replace("-", "_"))
    if found:
        return found
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", f"global.{name}"], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() if asked.returncode == 0 else ""


@contextmanager
def pip_arguments() -> Iterator[list[str]]:
    """The --build-arg options that hand this machine's pip settings to a build."""
    options = []
    index = pip_setting("index-url")
    if index:
        options += ["--build-arg", f"PIP_INDEX_URL={index}"]
    links = pip_setting("find-links")
    if links and Path(links).is_dir():
        with served(Path(links)) as url:
            yield [*options, "--build-arg", f"PIP_FIND_LINKS={url}"]
        return
    yield [*options, *(["--build-arg", f"PIP_FIND_LINKS={links}"] if links else [])]


def make_context(name: str, directory: Path) -> None:
    """Fill `directory` with the checkout that the author of recipe `name` would build from."""
    shutil.copytree(HERE / name, directory, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    prepare = directory / "prepare.py"
    if prepare.exists():
        subprocess.run([sys.executable, prepare, directory], check=True)
    when = "2024-03-01T12:00:00+0000"
    person = {"NAME": "A. Author", "EMAIL": "author@example.org", "DATE": when}
    environment = dict(os.environ, GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_SYSTEM=os.devnull)
    for role in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{role}_{key}": value for key, value in person.items()}
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "First version"]):
        subprocess.run(["git", *words], cwd=directory, check=True, env=environment)


def build(name: str, base: str, options: list[str]) -> None:
    """Build one recipe with the classic builder, which every engine has."""
    with tempfile.TemporaryDirectory(prefix="slimml-bench-") as temporary:
        context = Path(temporary) / name
        make_context(name, context)
        tag = f"slimml-bench/{name}:latest"
        command = ["docker", "build", "--network", "host", "--build-arg", f"BASE={base}", *options, "-t", tag, context]
        subprocess.run(command, check=True, env=dict(os.environ, DOCKER_BUILDKIT="0"))


def main() -> int:
    """Build what was asked for; the exit code is that of the first build that failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(recipes())}; all unless given")
    parser.add_argument("--engine-socket", help="the engine's address, unix:///…; DOCKER_HOST or the usual one")
    parser.add_argument("--base", default=BASE, help="what the recipes start from (default: %(default)s, made here)")
    chosen = parser.parse_args()
    unknown = set(chosen.names) - set(recipes())
    if unknown:
        parser.error(f"no such recipe: {', '.join(sorted(unknown))}")
    if chosen.engine_socket:
        os.environ["DOCKER_HOST"] = chosen.engine_socket
    known = subprocess.run(["docker", "image", "inspect", chosen.base], capture_output=True, check=False)
    try:
        if known.returncode and chosen.base == BASE:
            subprocess.run(["bash", HERE / "base.sh", BASE], check=True)
        with pip_arguments() as options:
            for name in chosen.names or recipes():
                build(name, chosen.base, options)
    except subprocess.CalledProcessError as error:
        print(f"build.py: {error}", file=sys.stderr)
        return error.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
