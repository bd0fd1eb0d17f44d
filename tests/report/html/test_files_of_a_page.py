"""The columns of a page say what the inventory and the findings say."""

import numpy as np
from page_data import data_of

from slimml.report.build_analysis import analyse
from slimml.report.html.done import done_part
from slimml.report.html.files import files_of
from slimml.report.html.page import Page, html_page
from slimml.slim.ledger import Done, LedgerEntry


def page_of(inventory, findings, **parts):
    files = files_of(inventory, findings)
    return data_of(html_page(Page("app", analysis=analyse(inventory, findings), files=files, **parts)))


def test_every_row_has_its_path(sloppy, findings):
    assert page_of(sloppy, findings).paths() == sloppy.paths


def test_all_bytes_are_there(sloppy, findings):
    data = page_of(sloppy, findings)
    assert data.columns["size"].sum() == sloppy.disk_bytes == data.head["analysis"]["image"]["disk_bytes"]


def test_rows_of_a_finding_name_its_place_in_the_report(sloppy, findings):
    data = page_of(sloppy, findings[::-1])
    told = data.head["analysis"]["findings"]
    by_rule = {
        told[place - 1]["rule"]: np.flatnonzero(data.columns["finding"] == place).tolist() for place in (1, 2, 3)
    }
    assert by_rule == {finding.rule: finding.rows.tolist() for finding in findings}


def test_a_finding_that_takes_a_part_of_its_files_says_which_share(sloppy, build_finding):
    data = page_of(sloppy, [build_finding(sloppy, [1], disk_bytes=1000)])
    assert data.head["files"]["shares"] == [0.25]


def test_layers_owners_and_kinds_are_those_of_the_inventory(sloppy, findings):
    data = page_of(sloppy, findings)
    assert data.head["files"]["starts"] == sloppy.starts.tolist()
    assert data.columns["owner_names"] == ["application", "numpy"]
    forms = [data.head["files"]["forms"][place] for place in data.columns["form"]]
    assert forms == sloppy.table["form"].to_pylist()


def test_a_path_of_thousands_of_directories_is_no_recursion(inventory, row):
    deep = "/".join(["d"] * 5000)
    found = inventory([row(f"{deep}/file", 1)])
    assert page_of(found, []).paths() == [f"{deep}/file"]


def entry(**changes):
    values = {
        "layer": 1, "path": "root/.cache/pip/wheel", "kind": "file", "size": 800, "mode": 0o644, "uid": 0, "gid": 0,
        "mtime": 0, "link": "", "live": True, "done": Done.DROPPED, "rule": "pip-cache", "risk": "safe",
        "reason": "pip reads it only when it installs again",
    }  # fmt: skip
    return LedgerEntry(**(values | changes))


def test_the_ledger_names_rows_of_the_inventory(sloppy, optimize_report, optimize_plan):
    entries = [
        entry(),
        entry(layer=0, path="usr/lib/numpy/core.so", size=4000, done=Done.REPLACED, rule="strip", after_size=3000),
    ]
    part = done_part(sloppy, optimize_report, optimize_plan, entries)
    columns = {name: values.tolist() for name, values in part.numbers.items()}
    assert columns == {"done_row": [6, 1], "done": [1, 4], "done_why": [0, 1], "done_after": [0, 3000]}
    assert [why["rule"] for why in part.head["reasons"]] == ["pip-cache", "strip"]


def test_an_entry_that_the_image_does_not_have_is_left_out(sloppy, optimize_report, optimize_plan):
    part = done_part(sloppy, optimize_report, optimize_plan, [entry(path="elsewhere")])
    assert part.numbers["done_row"].size == 0


def test_no_image_at_all_makes_a_page(inventory):
    data = page_of(inventory([]), [])
    assert data.paths() == []
