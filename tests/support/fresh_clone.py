"""A clone of this checkout as it is, changes that are not committed too, with this environment in its .venv."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
IDENTITY = {
    "GIT_AUTHOR_NAME": "A. Author",
    "GIT_AUTHOR_EMAIL": "author@example.org",
    "GIT_COMMITTER_NAME": "A. Author",
    "GIT_COMMITTER_EMAIL": "author@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


def git(directory, *words):
    """What git says."""
    asked = subprocess.run(
        ["git", *words], cwd=directory, env=os.environ | IDENTITY, capture_output=True, text=True, check=True
    )
    return asked.stdout.strip()


def fresh_clone(directory):
    """A repository in `directory` with the files of this checkout that git would take, as one commit on `main`."""
    directory.mkdir()
    names = git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    for name in names:
        # What is removed and not yet committed is listed, too; figures of other benchmarks are of no use here.
        if (ROOT / name).is_file() and not name.startswith("reports/"):
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, directory / name)
    git(directory, "init", "-q", "-b", "main")
    git(directory, "add", "-A")
    git(directory, "commit", "-q", "-m", "As it is")
    lend_environment(directory)
    return directory


def lend_environment(directory):
    """This Python's environment as the clone's own, which make then finds made."""
    venv = directory / ".venv"
    venv.mkdir()
    here = Path(sys.prefix)
    for name in ("bin", "lib", "include", "pyvenv.cfg"):
        if (here / name).exists():
            (venv / name).symlink_to(here / name)
    os.utime(directory / "pyproject.toml", (0, 0))
    for stamp in ("dev.stamp", "demo.stamp"):
        (venv / stamp).touch()


def environment(directory):
    """Variables with which programs run the clone's own modules, out of the lent environment."""
    return {
        **IDENTITY,
        "PYTHONPATH": str(directory),
        "PATH": f"{directory / '.venv/bin'}:{os.environ['PATH']}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
