"""Pages of images that nobody would build, and of one that is empty, from their bytes to the browser."""

import io
import subprocess
import sys
import tarfile

import pytest
from tiny_image import tiny

from slimml.oci.reference import parse_reference
from slimml.oci.transfer import write_image

NAMES = [
    "</script><script>document.title='owned'<script>",
    "<img src=x onerror=document.title='owned'>",
    "\u202egnp.exe",
    "bell\x07\x1b]0;owned\x07",
    "not utf-8 \udcff\udcfe",
    "line\nend",
    "{{data}}",
    "x" * 250,
    "/".join(["deep"] * 200),
]


def write(image, place):
    write_image(image, parse_reference(f"oci:{place}:v1"))
    return f"oci:{place}:v1"


def layer_of(names):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in names:
            member = tarfile.TarInfo(f"app/{name}")
            member.size = 5000
            archive.addfile(member, io.BytesIO(bytes(5000)))
    return out.getvalue()


@pytest.fixture
def analyzed(tmp_path):
    """Writes the page of an image, in a process of its own."""

    def run(image):
        page = tmp_path / "image.html"
        command = [sys.executable, "-m", "slimml", "analyze", write(image, tmp_path / "layout"), "--html", str(page)]
        subprocess.run(command, check=True, capture_output=True)
        return page

    return run


def test_a_hostile_image_is_shown_and_nothing_of_it_runs(tab, analyzed):
    made = {"created_by": "RUN </script><script>document.title='owned'</script>\u202e"}
    image = tiny(layer_of(NAMES), config={"history": [made]})
    tab.open(analyzed(image))
    tab.run("document.querySelector('canvas.map').focus()")
    tab.press("ArrowRight", "Enter", "ArrowRight", "Enter")
    shown = tab.run("document.body.innerText")
    assert "document.title='owned'" in shown
    assert not {"\u202e", "\x1b", "\x07", "\udcff"} & set(shown)
    assert (tab.run("document.title").startswith("oci:"), tab.complaints(), tab.requests()) == (True, [], [])
    assert tab.run("document.documentElement.scrollWidth <= window.innerWidth")


def test_an_empty_image_is_shown(tab, analyzed):
    tab.open(analyzed(tiny({})))
    assert "0 B" in tab.run("document.querySelector('.told').textContent")
    assert tab.complaints() == []
