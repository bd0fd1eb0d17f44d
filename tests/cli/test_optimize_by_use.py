"""`slimml optimize --recording`: from a file of `slimml record` to an image of what was used."""

import json

import jsonschema
import pytest
from layered_image import root_of
from used_image import SITE, recording_of, used_image

from slimml.inventory.take import take_inventory
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import open_image, write_image
from slimml.report.json import schema_text
from slimml.usage.recording_file import save_recording


@pytest.fixture
def image(tmp_path):
    """An image in a layout, by its reference."""
    reference = f"oci:{tmp_path / 'used'}:1"
    write_image(used_image(), parse_reference(reference))
    return reference


@pytest.fixture
def recording(image, tmp_path):
    """Records uses of these paths into a file."""

    def act(*paths, name="recording.json", **more):
        made = recording_of(take_inventory(open_image(parse_reference(image))), *paths, **more)
        save_recording(made, tmp_path / name)
        return str(tmp_path / name)

    return act


def test_what_was_not_used_is_gone(slimml, image, recording):
    file = recording("srv/app.py", f"{SITE}/numpy/core.py", "lib/libc.so")
    assert slimml("optimize", image, "--recording", file, "--yes", "--no-verify").code == 0
    found = set(root_of(open_image(parse_reference(f"{image}-slim"))))
    assert {"srv/app.py", f"{SITE}/numpy/core.py", "lib/libc.so"} <= found
    assert not {"usr/bin/git", f"{SITE}/black/main.py"} & found


def test_the_document_tells_of_the_recording_and_keeps_to_its_schema(slimml, image, recording):
    ended = slimml("optimize", image, "--recording", recording("srv/app.py"), "--yes", "--no-verify", "--json")
    jsonschema.validate(ended.json, json.loads(schema_text("optimize")))
    assert ended.json["by_use"]["depth"] == "distribution"
    assert ended.json["by_use"]["used"] == 1
    assert ended.json["optimized"]["start_order"]


def test_a_dry_run_tells_what_is_unused(slimml, image, recording):
    ended = slimml("optimize", image, "--recording", recording("srv/app.py"), "--dry-run")
    assert "What was used, kept to the depth distribution" in ended.out
    assert "unused: a package" in ended.out


def test_a_deeper_depth_removes_more(slimml, image, recording):
    file = recording(f"{SITE}/numpy/core.py", "srv/app.py")
    slimml("optimize", image, "--recording", file, "--depth", "strict", "--yes", "--no-verify")
    found = root_of(open_image(parse_reference(f"{image}-slim")))
    assert f"{SITE}/numpy/core.py" in found
    assert f"{SITE}/numpy/testing.py" not in found


def test_an_incomplete_recording_is_refused(slimml, image, recording):
    ended = slimml("optimize", image, "--recording", recording("srv/app.py", lost=("the queue ran over",)), "--yes")
    assert ended.code == 7
    assert "the queue ran over" in ended.err


def test_two_recordings_keep_what_either_used(slimml, image, recording):
    files = [recording("srv/app.py", name="a"), recording(f"{SITE}/black/main.py", name="b")]
    given = [word for file in files for word in ("--recording", file)]
    slimml("optimize", image, *given, "--yes", "--no-verify")
    assert f"{SITE}/black/main.py" in root_of(open_image(parse_reference(f"{image}-slim")))


def test_a_profile_lists_the_system_calls_seen(slimml, image, recording, tmp_path):
    file = recording("srv/app.py", syscalls=("socket", "bind"))
    profile = tmp_path / "seccomp.json"
    slimml("optimize", image, "--recording", file, "--emit-seccomp", profile, "--yes", "--no-verify")
    (allowed, *_) = json.loads(profile.read_text())["syscalls"]
    assert {"socket", "bind", "execve"} <= set(allowed["names"])


def test_a_profile_of_a_recorder_that_does_not_tell_system_calls_is_refused(slimml, image, recording, tmp_path):
    ended = slimml("optimize", image, "--recording", recording("srv/app.py"), "--emit-seccomp", tmp_path / "x", "--yes")
    assert ended.code == 7
    assert "strace" in ended.err


@pytest.mark.parametrize("words", [["--depth", "strict"], ["--emit-seccomp", "x"], ["--recorder", "strace"]])
def test_options_about_recordings_need_one(slimml, image, words):
    assert slimml("optimize", image, *words, "--yes").code == 2


def test_the_plan_tells_of_all_packages_that_go_in_one_line(slimml, image, recording):
    steps = slimml("optimize", image, "--recording", recording("srv/app.py"), "--dry-run", "--json").json["plan"][
        "steps"
    ]
    (found,) = [step for step in steps if "a package of which" in step["reason"]]
    assert found["reason"].endswith("(3 of them)")


def test_what_went_can_be_put_back(slimml, image, recording):
    file = recording("srv/app.py")
    assert slimml("optimize", image, "--recording", file, "--keep-removed", "--yes", "--no-verify").code == 0
    ended = slimml("restore", f"{image}-slim")
    assert ended.code == 0, ended.err
    assert root_of(open_image(parse_reference(f"{image}-slim-restored"))) == root_of(used_image())
