"""From words of programs to the removals that they may be about."""

import time

import pytest
from layered_image import file, folder, symlink
from needy_program import program, removal

from slimml.slim.mending.evidence import clues_in, lines_of, symptom, texts_of
from slimml.slim.mending.suspects import Suspects

SITE = "usr/lib/python3.11/site-packages"


@pytest.fixture
def named():
    """The paths that a text points to, of an image that lost `items`."""

    def look(text, *items):
        candidates = removal(*items)
        suspects = Suspects(candidates)
        clues = list(clues_in(lines_of([text])))
        found = suspects.named(clues) or suspects.thought_of(clues)
        return [candidates.inventory.paths[unit] for unit in found]

    return look


NOISE = (file("usr/share/doc/a/README"), file(f"{SITE}/other/__init__.py"), file("usr/lib/libother.so.1"))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("ModuleNotFoundError: No module named 'lazy.inner'", f"{SITE}/lazy/inner.py"),
        ("ModuleNotFoundError: No module named 'lazy'", f"{SITE}/lazy/__init__.py"),
        ("ImportError: cannot import name 'inner' from 'lazy' (unknown location)", f"{SITE}/lazy/inner.py"),
        ("ImportError: cannot import name '_fast' from 'lazy'", f"{SITE}/lazy/_fast.cpython-311-x86_64-linux-gnu.so"),
        ("ImportError: libgomp.so.1: cannot open shared object file: No such file", "usr/lib/x86_64/libgomp.so.1"),
        ("/bin/app: error while loading shared libraries: libssl.so.3: cannot open", "usr/lib/libssl.so.3"),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/app/data/vocab.txt'", "app/data/vocab.txt"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'data/vocab.txt'", "app/data/vocab.txt"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'ffmpeg'", "usr/bin/ffmpeg"),
        ("sh: 1: ffmpeg: not found", "usr/bin/ffmpeg"),
        ('exec: "/usr/bin/ffmpeg": stat /usr/bin/ffmpeg: no such file or directory', "usr/bin/ffmpeg"),
        (
            "zoneinfo._common.ZoneInfoNotFoundError: 'No time zone found with key Europe/Berlin'",
            "a/zoneinfo/Europe/Berlin",
        ),
        ("json:/offset: +01:00 became +00:00 (time zone)", "usr/share/zoneinfo/UTC"),
        (
            "SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get",
            "etc/ssl/certs/ca-certificates.crt",
        ),
        ("json:/certificates: 148 became 0", "etc/ssl/certs/ca-certificates.crt"),
        ("locale.Error: unsupported locale setting", "usr/lib/locale/C.utf8/LC_CTYPE"),
        (
            "importlib.metadata.PackageNotFoundError: No package metadata was found for x",
            f"{SITE}/x-1.dist-info/METADATA",
        ),
        ('{"detail":"cannot read \\/app\\/model.bin\\nTraceback"}', "app/model.bin"),
    ],
)
def test_a_text_points_to_what_is_missing(named, text, path):
    assert named(text, file(path), *NOISE) == [path]


def test_a_directory_that_is_named_stands_for_what_it_held(named):
    assert set(named("cannot list /app/data", file("app/data/a"), file("app/data/b"), *NOISE)) == {
        "app/data/a",
        "app/data/b",
    }


def test_a_name_that_many_files_have_is_no_clue(named):
    items = [file(f"{SITE}/p{number}/__init__.py") for number in range(30)]
    assert named("error in __init__.py", *items) == []


FRAMES = """Traceback (most recent call last):
  File "/usr/lib/python3.11/site-packages/uvicorn/main.py", line 620, in run
    config.load_app()
the service ended with code 1; it said: File "/app/main.py", line 3, in <module> | from a import run | KeyError: 'x'
"""


def test_what_the_steps_of_a_stack_name_is_there(named):
    lost = ("usr/bin/run", "other/main.py", "usr/share/File", "x/site-packages/b/importlib/main.py", "other/config.py")
    assert named(FRAMES, *map(file, lost)) == []


def test_of_many_files_of_one_name_that_of_the_application_is_meant():
    tests = [file(f"{SITE}/onnx-1.dist-info/t{number}/model.onnx") for number in range(30)]
    record = file(f"{SITE}/onnx-1.dist-info/METADATA", b"Name: onnx\nVersion: 1\n")
    candidates = removal(*tests, record, file("app/model.onnx"))
    clues = list(clues_in(["NO_SUCHFILE : Load model from model.onnx failed:Load model model.onnx failed"]))
    found = [candidates.inventory.paths[unit] for unit in Suspects(candidates).named(clues)]
    assert found == ["app/model.onnx"]


def test_paths_through_symlinks_are_followed():
    candidates = removal(file("usr/lib/libx.so.1"), extra=(folder("usr"), folder("usr/lib"), symlink("lib", "usr/lib")))
    clues = list(clues_in(["/lib/libx.so.1: missing"]))
    assert [candidates.inventory.paths[it] for it in Suspects(candidates).named(clues)] == ["usr/lib/libx.so.1"]


@pytest.mark.parametrize("text", ["/" * 2_000_000, "'" * 500_000, "a." * 700_000, "No module named " * 50_000])
def test_hostile_text_takes_no_time(text):
    began = time.process_time()
    list(clues_in(lines_of([text])))
    assert time.process_time() - began < 5


def test_the_symptom_names_the_probe_and_its_error():
    found = program({"app/a": "KeyError: 'x'\nFileNotFoundError: app/a"}, file("app/a")).check(frozenset())
    assert symptom(found) == "probe 'predict' failed without it: status 200 became 500 (FileNotFoundError: app/a)"


def test_what_was_written_last_is_read_first():
    found = program({"app/a": "first\nlast"}, file("app/a")).check(frozenset())
    lines = lines_of(texts_of(found))
    assert lines.index("last") < lines.index("first")
