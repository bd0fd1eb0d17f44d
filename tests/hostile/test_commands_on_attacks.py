"""Each attack against the whole program: a documented end in bounded time and memory, and nothing left or lost."""

import os
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hostile_layouts import ATTACKS, SECRET
from tiny_image import put_layout, tiny
from warm import Warm

MEMORY = 768 << 20
"""address space that a run may take, in bytes"""
SECONDS = 60
"""processor time that a run may take"""
EXIT_CODES = Path(__file__).resolve().parents[2] / "docs/exit-codes.md"
COMMANDS = {
    "analyze": ["analyze", "oci:in"],
    "diff": ["diff", "oci:in", "oci:in"],
    "validate": ["validate", "oci:in"],
    "copy": ["copy", "oci:in", "docker-archive:out:app:tag"],
    "optimize": ["optimize", "oci:in", "-o", "oci:out:tag", "--yes"],
}


@pytest.fixture(scope="module")
def slimml():
    with Warm() as program:
        yield program


@pytest.fixture(scope="module", params=list(ATTACKS))
def attack(request, tmp_path_factory):
    """The attack, and a directory with its layout in `in` and a secret beside it."""
    place = tmp_path_factory.mktemp(request.param)
    make_room(place)
    (place / "secret").write_bytes(SECRET)
    ATTACKS[request.param].put(place / "work/in")
    return ATTACKS[request.param], place


def make_room(place):
    """Where a run works. The directory in which optimize works is made once for a user, and stays."""
    (place / "work").mkdir()
    (place / "temporary" / f"slimml-{os.getuid()}").mkdir(mode=0o700, parents=True)


def files_in(place):
    """Every path below but those of the cache, which is documented; of files what would tell a change."""
    found = {}
    for directory, directories, files in os.walk(place):
        directories[:] = [name for name in directories if name != "cache"]
        found |= {os.path.relpath(os.path.join(directory, name), place): None for name in directories}
        for name in files:
            path = os.path.join(directory, name)
            state = os.lstat(path)
            found[os.path.relpath(path, place)] = (state.st_ino, state.st_size, state.st_mode, state.st_mtime_ns)
    return found


def ended(slimml, place, words):
    cache, temporary = str(place / "cache"), str(place / "temporary")
    return slimml.run(*words, cwd=place / "work", memory=MEMORY, XDG_CACHE_HOME=cache, TMPDIR=temporary)


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_attack_ends_as_documented(slimml, attack, command):
    expected, place = attack
    before = files_in(place)
    end = ended(slimml, place, COMMANDS[command])
    made = {path for path, _ in files_in(place).items() - before.items()}
    if command in ("analyze", "optimize"):
        assert end.code == getattr(expected, command), end.err
    assert f"| {end.code} |" in EXIT_CODES.read_text("utf-8")
    assert end.code != 70, end.err
    assert "Traceback" not in end.err
    assert SECRET.decode() not in end.out + end.err
    assert end.seconds < SECONDS
    if end.code:
        assert re.fullmatch(r"slimml: error: [^\n]+\n", end.err), end.err
        assert made == set()
    else:
        assert {path for path in made if not path.startswith("work/out")} == set()
        remove(place / "work/out")
    assert before.items() <= files_in(place).items()


def remove(result):
    """Make room for the next command."""
    if result.is_dir():
        shutil.rmtree(result)
    else:
        result.unlink(missing_ok=True)


@pytest.mark.parametrize("name", ["terminal", "shell"])
@pytest.mark.parametrize(
    "words",
    [
        ["analyze", "oci:in"],
        ["analyze", "oci:in", "--tree", "--depth", "9"],
        ["analyze", "oci:in", "--layer", "0"],
        ["analyze", "oci:in", "--json"],
        ["analyze", "oci:in:nothing"],
        ["diff", "oci:in", "oci:in"],
        ["check", "oci:in", "--budget", "size=0"],
        ["validate", "oci:in"],
        ["optimize", "oci:in", "-o", "oci:out", "--dry-run"],
    ],
)
def test_18_text_of_an_image_steers_no_terminal_and_no_shell(slimml, tmp_path, name, words):
    make_room(tmp_path)
    ATTACKS[name].put(tmp_path / "work/in")
    end = ended(slimml, tmp_path, words)
    assert end.out + end.err
    assert {char for char in end.out + end.err if not char.isprintable()} <= {"\n"}
    assert sorted(os.listdir(tmp_path / "work")) == ["in"]


def test_18_the_text_is_told_as_it_is(slimml, tmp_path):
    make_room(tmp_path)
    ATTACKS["terminal"].put(tmp_path / "work/in")
    end = ended(slimml, tmp_path, ["analyze", "oci:in", "--tree", "--depth", "9"])
    assert r"\x1b]0;owned" in end.out


def test_18_a_picture_holds_text_and_no_script(slimml, tmp_path):
    make_room(tmp_path)
    hostile = "<script>alert(1)</script>--><script>$\\frac{x$"
    status = f"Package: {hostile}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n"
    files = {"var/lib/dpkg/status": status.encode(), f"app/{hostile}": bytes(90_000)}
    files |= {f"var/lib/dpkg/info/{hostile.replace('/', '_')}.list": b"/usr/bin/x\n", "usr/bin/x": b"x" * 90_000}
    put_layout(tmp_path / "work/in", tiny(files))
    end = ended(slimml, tmp_path, ["analyze", "oci:in", "--picture", "out.svg"])
    assert end.code == 0, end.err
    picture = ElementTree.parse(tmp_path / "work/out.svg")
    assert not [element for element in picture.iter() if "script" in str(element.tag)]
