#!/usr/bin/env python3
"""Build the benchmark images: build.py [NAME…], each tagged slimml-bench/NAME:latest, or with another --tag.

The recipes are what people write; this script only brings what an author's machine has: a checkout with its `.git`,
data made by the recipe's prepare.py, and the machine's own pip settings (an index, a directory of wheels), which are
read from the environment and from `pip config` and never written down. Standard library only; needs docker and git.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import relay

HERE = Path(__file__).resolve().parent
BASE = "slimml-bench/python:3.11"


def recipes() -> list[str]:
    """The names of all recipes."""
    return sorted(path.parent.name for path in HERE.glob("*/Dockerfile"))


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
    index, links = pip_setting("index-url"), pip_setting("find-links")
    wheels = Path(links) if links and Path(links).is_dir() else None
    from pip._internal.models.index import PyPI

    source = index or PyPI.simple_url
    lacking = not relay.keeps(source)
    with relay.running(source, wheels) if lacking or wheels else nullcontext("") as address:
        if lacking:
            index = f"{address}/simple/"
        if wheels:
            links = f"{address}/wheels/"
        # pip caches nothing that came over plain HTTP, unless it is told to trust the host.
        trusted = "127.0.0.1" if address else pip_setting("trusted-host")
        said = {"PIP_INDEX_URL": index, "PIP_FIND_LINKS": links, "PIP_TRUSTED_HOST": trusted}
        yield [word for name, value in said.items() if value for word in ("--build-arg", f"{name}={value}")]


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


def build(name: str, base: str, tag: str, options: list[str]) -> None:
    """Build one recipe with the classic builder, which every engine has."""
    with tempfile.TemporaryDirectory(prefix="slimml-bench-") as temporary:
        context = Path(temporary) / name
        make_context(name, context)
        command = ["docker", "build", "--network", "host", "--build-arg", f"BASE={base}", *options]
        command += ["-t", f"slimml-bench/{name}:{tag}", context]
        subprocess.run(command, check=True, env=dict(os.environ, DOCKER_BUILDKIT="0"))


def main() -> int:
    """Build what was asked for; the exit code is that of the first build that failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(recipes())}; all unless given")
    parser.add_argument("--engine-socket", help="the engine's address, unix:///…; DOCKER_HOST or the usual one")
    parser.add_argument("--base", default=BASE, help="what the recipes start from (default: %(default)s, made here)")
    parser.add_argument("--tag", default="latest", help="of what is built (default: %(default)s)")
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
                build(name, chosen.base, chosen.tag, options)
    except subprocess.CalledProcessError as error:
        print(f"build.py: {error}", file=sys.stderr)
        return error.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
