"""The command on a real terminal (a pseudo-terminal), and where there is none."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

import pytest
from explored import explored_image
from layered_image import file, image_of

from slimml.oci.reference import parse_reference
from slimml.oci.transfer import write_image

_PATIENCE = 60
"""seconds"""


class Tty:
    """A program on a terminal of 100 by 30 cells."""

    def __init__(self, *words, **environment):
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        variables = dict(os.environ, TERM="xterm-256color", **environment)
        command = [sys.executable, "-m", "slimml", *words]
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=variables, start_new_session=True
        )
        os.close(slave)
        self.master = master
        self.said = b""

    def wait_for(self, words):
        """Read until the program has written these bytes."""
        until = time.monotonic() + _PATIENCE
        while words not in self.said:
            assert time.monotonic() < until, self.said[-2000:]
            self._read(1)

    def type(self, data):
        """Send what a keyboard sends."""
        os.write(self.master, data)

    def end(self):
        """Read to the end; the exit code."""
        while self._read(_PATIENCE):
            pass
        os.close(self.master)
        try:
            return self.process.wait(_PATIENCE)
        finally:
            self.process.kill()

    def _read(self, seconds):
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:  # the other end was closed
            return False
        self.said += data
        return bool(data)


@pytest.fixture
def reference(tmp_path):
    found = f"oci:{tmp_path}/layout:v1"
    write_image(explored_image(), parse_reference(found))
    return found


def test_it_opens_marks_and_leaves_and_tells_the_command(reference):
    tty = Tty("explore", reference)
    tty.wait_for(b"root/")
    tty.type(b"3")
    tty.wait_for(b"pip-cache")
    tty.type(b"x")
    tty.wait_for(b"1 mark")
    tty.type(b"q")
    assert tty.end() == 0
    assert f"slimml optimize {reference} --level all --only pip-cache".encode() in tty.said


def test_ctrl_c_leaves(reference):
    tty = Tty("explore", reference)
    tty.wait_for(b"root/")
    tty.type(b"\x03")
    assert tty.end() == 0


def test_names_do_not_steer_the_terminal(tmp_path):
    reference = f"oci:{tmp_path}/layout:v1"
    write_image(image_of([file("\x1b]0;owned\x07", b"1" * 999), file("\x9b31mx", b"1")]), parse_reference(reference))
    tty = Tty("explore", reference)
    tty.wait_for(b"owned")
    tty.type(b"i")
    tty.wait_for(b"Under the cursor")
    tty.type(b"\x03")
    assert tty.end() == 0
    assert b"\x1b]0;owned" not in tty.said
    assert "\x9b".encode() not in tty.said


def test_no_color_writes_no_colour(reference):
    tty = Tty("explore", "--no-color", reference)
    tty.wait_for(b"root/")
    tty.type(b"q")
    tty.end()
    colours = set(re.findall(rb"[34]8;2;(\d+;\d+;\d+)", tty.said))
    assert all(len(set(colour.split(b";"))) == 1 for colour in colours)


@pytest.mark.parametrize("words", [["explore", "{}"], ["explore", "--json", "{}"]])
def test_without_a_terminal_it_says_so_in_one_line(reference, words):
    command = [sys.executable, "-m", "slimml", *(word.format(reference) for word in words)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert ended.stderr.startswith("slimml: error: explore ")


def test_without_textual_it_names_the_extra(reference, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util, sys\n"
        "found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name == 'textual' else found(name, *more)\n"
    )
    tty = Tty("explore", reference, PYTHONPATH=str(tmp_path))
    assert tty.end() == 8
    assert b"pip install 'slimml[explore]'" in tty.said


def test_an_image_that_is_not_there_is_an_error_in_one_line(tmp_path):
    tty = Tty("explore", f"oci:{tmp_path}/nothing")
    assert tty.end() == 3
    assert b"Traceback" not in tty.said
