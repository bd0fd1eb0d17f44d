"""A disk that is really full: a small tmpfs in a mount namespace of its own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from engines import missing

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import json, sys
from pathlib import Path
from made_up import make_result
from slimml.errors import SlimmlError
from slimml.history.store import append, read
place = Path(sys.argv[1])
ballast = place / "ballast"
ballast.write_bytes(bytes(30_000))
added, said = 0, ""
try:
    while added < 1000:
        figures = {f"figure{n}": n for n in range(60)}
        append(place / "history", make_result(added + 1, figures, began="2026-11-01T00:00:00Z"))
        added += 1
except SlimmlError as error:
    said = str(error)
kept = read(place / "history")
ballast.unlink()
append(place / "history", make_result(5000))
again = read(place / "history")
told = [added, said, len(kept.results), len(kept.damaged), len(again.results), len(again.damaged)]
print(json.dumps(told))
"""


@pytest.fixture
def told(tmp_path):
    """What the program above said on a disk of 128 KiB, of which 30 kB are taken at first."""
    unshare = shutil.which("unshare")
    if os.geteuid() != 0 or unshare is None:
        missing("mounting a file system takes root and unshare(1)")
    (tmp_path / "disk").mkdir()
    (tmp_path / "program.py").write_text(PROGRAM)
    words = 'mount -t tmpfs -o size=128k tmpfs "$1" || exit 99; exec "$2" "$3" "$1"'
    command = [unshare, "--mount", "sh", "-c", words, "sh", tmp_path / "disk", sys.executable, tmp_path / "program.py"]
    environment = dict(os.environ, PYTHONPATH=f"{ROOT}:{ROOT / 'tests/support'}")
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if ended.returncode == 99:
        missing(f"no file system can be mounted here: {ended.stderr}")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_everything_added_before_is_there_and_adding_goes_on_when_there_is_room(told):
    added, said, kept, damaged, again, damaged_again = told
    assert 0 < added < 1000
    assert "no room for the new results (No space left on device)" in said
    assert (kept, damaged, again, damaged_again) == (added, 0, added + 1, 0)
