"""`slimml record`: probes, a command, or by hand; a file that is written once, and a document as its schema says."""

import http.client
import json
import os
import re
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import jsonschema
import pytest
from busybox_image import busybox_image
from engines import need
from layered_image import file, tar_of
from tiny_image import put_layout

from slimml.cli.main import main
from slimml.report.json import schema_text
from slimml.usage.recording_file import load_recording


@pytest.fixture
def image(tmp_path, monkeypatch):
    """An image in a layout, in the current directory."""
    need("runc")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    layer = tar_of([file("data/one"), file("data/two")])
    put_layout(tmp_path / "image", busybox_image({"ExposedPorts": {"8000/tcp": {}}}, [layer]))
    return "oci:image:latest"


def recorded(capsys, *words):
    code = main(["record", "--runtime", "runc", *words])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_probes_are_recorded(image, tmp_path, capsys):
    code, out, err = recorded(capsys, image, "--probe", "GET :8000/index.html", "--probe-command", "cat /data/one")
    assert (code, err) == (0, "")
    found = load_recording(tmp_path / "recording.jsonl")
    assert {"srv/index.html", "data/one"} <= {use.path for use in found.uses}
    assert "recording.jsonl written" in out


def test_a_command_is_recorded_to_its_end(image, tmp_path, capsys):
    code, _, err = recorded(capsys, image, "-o", "out", "--", "cat", "/data/two")
    assert (code, err) == (0, "content")
    assert "data/two" in {use.path for use in load_recording(tmp_path / "out").uses}


def test_a_command_that_fails_makes_it_incomplete(image, tmp_path, capsys):
    _, out, _ = recorded(capsys, image, "--", "sh", "-c", "exit 3")
    assert "incomplete: the command ended with exit code 3" in out
    assert not load_recording(tmp_path / "recording.jsonl").complete


def test_the_document_is_as_its_schema_says(image, capsys):
    _, out, _ = recorded(capsys, image, "--json", "--", "cat", "/data/two")
    document = json.loads(out)
    jsonschema.validate(document, json.loads(schema_text("record")))
    assert document["complete"] is True
    assert document["used_files"] == 4  # busybox, the file, and passwd and group, where the runtime looks users up
    assert sum(owner["files"] for owner in document["owners"]) == document["files"]


def test_a_file_that_exists_is_left_alone(image, tmp_path, capsys):
    (tmp_path / "recording.jsonl").write_text("mine")
    code, _, err = recorded(capsys, image, "--", "true")
    assert (code, (tmp_path / "recording.jsonl").read_text()) == (7, "mine")
    assert "--merge" in err


def test_recordings_are_merged(image, tmp_path, capsys):
    recorded(capsys, image, "-o", "first", "--", "cat", "/data/one")
    recorded(capsys, image, "-o", "both", "--merge", "first", "--recorder", "notify", "--", "cat", "/data/two")
    found = load_recording(tmp_path / "both")
    assert {"data/one", "data/two"} <= {use.path for use in found.uses}
    assert [seen.recorder for seen in found.seen] == ["notify", "fanotify"]


def test_a_recording_of_another_image_is_not_merged(image, tmp_path, capsys):
    recorded(capsys, image, "-o", "first", "--", "true")
    put_layout(tmp_path / "other", busybox_image({"User": "ann"}))
    code, _, err = recorded(capsys, "oci:other:latest", "-o", "both", "--merge", "first", "--", "true")
    assert (code, (tmp_path / "both").exists()) == (2, False)
    assert "different images" in err


def test_two_workloads_exclude_each_other(image, capsys):
    assert recorded(capsys, image, "--by-hand", "--", "true")[0] == 2


def test_a_container_of_a_bare_runtime_cannot_be_attached_to(image, capsys):
    code, _, err = recorded(capsys, image, "--attach", "some")
    assert code == 5
    assert "Docker or Podman" in err


def test_by_hand_until_it_is_interrupted(image, tmp_path):
    command = [sys.executable, "-m", "slimml", "record", image, "--by-hand", "--runtime", "runc"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        address = re.search(r"port 8000 of the container: ([\d.]+):(\d+)", running.stderr.readline())
        assert "Ctrl-C" in running.stderr.readline()
        connection = http.client.HTTPConnection(address[1], int(address[2]))
        while True:
            try:
                connection.request("GET", "/index.html")
                assert connection.getresponse().read() == b"hello from inside\n"
                break
            except (http.client.RemoteDisconnected, ConnectionResetError):
                connection.close()  # nobody listens inside yet
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (0, "")
    assert "recording.jsonl written" in out
    assert "srv/index.html" in {use.path for use in load_recording(tmp_path / "recording.jsonl").uses}


@pytest.mark.parametrize("recorder", ["fanotify", "notify"])
def test_nothing_outlives_a_slimml_that_was_killed(image, tmp_path, recorder):
    command = [
        sys.executable,
        "-m",
        "slimml",
        "record",
        image,
        "--by-hand",
        "--runtime",
        "runc",
        "--recorder",
        recorder,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert "port 8000" in running.stderr.readline()
        readers = [pid for pid in processes_with(f"{recorder}_reader") if pid != running.pid]
        assert readers
        running.kill()
    for pid in readers:
        with suppress(ProcessLookupError):
            select.select([os.pidfd_open(pid)], [], [], 30)
    assert not set(processes_with(f"{recorder}_reader")) & set(readers)


def processes_with(word):
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            if word.encode() in Path(f"/proc/{name}/cmdline").read_bytes():
                found.append(int(name))
    return found
