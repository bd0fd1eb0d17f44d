"""The picture is written as SVG or PNG, with names from the image as text, not as markup or mathematics."""

import pytest

from slimml.errors import UsageError
from slimml.report.areas import areas_of, layout
from slimml.report.build_analysis import analyse

pytest.importorskip("matplotlib")
pytest.importorskip("squarify")


def draw(inventory, findings, path):
    from slimml.report.picture import draw

    draw(analyse(inventory, findings), areas_of(inventory, findings), path)


def test_areas_sum_to_the_bytes_on_disk(sloppy, findings):
    assert sum(area.total for area in areas_of(sloppy, findings)) == sloppy.disk_bytes


def test_what_could_go_is_drawn_once(sloppy, findings):
    going = sum(sum(area.going.values()) for area in areas_of(sloppy, findings))
    assert going == sum(finding.disk_bytes for finding in findings)


def test_blocks_fill_the_picture(sloppy, findings):
    blocks = [block for block, _ in layout(areas_of(sloppy, findings), 10, 10)]
    assert sum(block.width * block.height for block in blocks) == pytest.approx(100)


@pytest.mark.parametrize(("name", "magic"), [("a.svg", b"<?xml"), ("a.PNG", b"\x89PNG")])
def test_the_suffix_chooses_the_form(sloppy, findings, tmp_path, name, magic):
    draw(sloppy, findings, tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(magic)


def test_two_runs_draw_the_same(sloppy, findings, tmp_path):
    draw(sloppy, findings, tmp_path / "a.svg")
    draw(sloppy, findings, tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_another_suffix_is_refused(sloppy, findings, tmp_path):
    with pytest.raises(UsageError, match=r"should end in \.png or \.svg"):
        draw(sloppy, findings, tmp_path / "a.jpg")
