"""Rows are claimed once, and the parts sum to the image to the byte."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slimml.bloat.attribute import account, attribute
from slimml.bloat.breakdown import breakdown
from slimml.bloat.detect import find_bloat
from slimml.bloat.finding import Action, Proposal, Risk


def proposal(inventory, rule, risk, action, *paths, **more):
    rows = np.array([row for row, path in enumerate(inventory.paths) if path in paths], dtype=np.int64)
    return Proposal(rule, rule, risk, action, rows, "fix", "reason", **more)


def sloppy(make):
    return make.inventory(
        [
            {
                "etc": make.folder(),
                "etc/passwd": 900,
                "usr/bin/gcc": 90_000,
                "var/lib/apt/lists/a_Packages": 50_000,
                "var/lib/apt/lists/lock": 0,
                "usr/share/doc/x/README": 5_000,
                "usr/share/doc/x/copyright": 700,
            },
            {
                "root/.cache/pip": make.folder(),
                "root/.cache/pip/wheels": make.folder(),
                "root/.cache/pip/wheels/x.whl": 30_001,
                "usr/lib/python3.11/encodings/x.py": 10,
                "opt/a.bin": make.file(9_999, "same"),
                "opt/b.bin": make.file(9_999, "same"),
                "app/lib.so": make.file(400_000, debug=100_001, form="elf-shared"),
            },
            {"usr/bin/gcc": make.gone, "app/data.csv": 2_000_000, "app/.git/HEAD": 30},
        ],
        {make.dpkg("gcc", "devel"): ["usr/bin/gcc"]},
        steps=[
            "/bin/sh -c #(nop) ADD file:x in /",
            "RUN /bin/sh -c pip install x # buildkit",
            "COPY . /app # buildkit",
        ],
    )


def check_sums(inventory, findings):
    accounts = account(inventory, findings)
    assert sum(a.disk_bytes for a in accounts) == inventory.disk_bytes
    assert sum(a.compressed_bytes for a in accounts) == inventory.compressed_bytes
    assert sum(f.disk_bytes for f in findings) + sum(a.other_disk for a in accounts) == inventory.disk_bytes
    claimed = sum(f.compressed_bytes for f in findings)
    rest = sum(a.other_compressed + a.overhead_compressed for a in accounts)
    assert claimed + rest == inventory.compressed_bytes
    assert all(a.other_disk >= 0 and a.other_compressed >= 0 for a in accounts)
    assert all(sum(s.disk_bytes for s in f.shares) == f.disk_bytes for f in findings)
    assert all(sum(s.compressed_bytes for s in f.shares) == f.compressed_bytes for f in findings)
    for parts in vars(breakdown(inventory, 2)).values():
        assert sum(part.disk_bytes for part in parts) == inventory.disk_bytes
        assert sum(part.compressed_bytes for part in parts) == inventory.compressed_bytes
        assert sum(part.rows for part in parts) == inventory.table.num_rows


def test_findings_and_the_rest_sum_to_the_image(make):
    inventory = sloppy(make)
    check_sums(inventory, find_bloat(inventory))


def test_no_row_is_in_two_findings(make):
    inventory = sloppy(make)
    rows = np.concatenate([finding.rows for finding in find_bloat(inventory)])
    assert len(np.unique(rows)) == len(rows)


NAMES = [
    "a",
    "b",
    ".git",
    "tests",
    "site-packages",
    "__pycache__",
    "x.py",
    "x.cpython-311.pyc",
    "tmp",
    "lib.a",
    "m.onnx",
]
SOME_PATH = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map("/".join)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_image_is_accounted_for(make, data):
    def node():
        draw = data.draw
        return draw(
            st.one_of(
                st.builds(make.file, st.integers(0, 20_000), st.sampled_from(["", "s"]), uid=st.sampled_from([0, 7])),
                st.just(make.folder()),
                st.just(make.gone),
                st.builds(make.symlink, SOME_PATH),
                st.builds(make.hardlink, SOME_PATH),
            )
        )

    trees = [
        {path: node() for path in data.draw(st.lists(SOME_PATH, max_size=12))}
        for _ in range(data.draw(st.integers(1, 3)))
    ]
    inventory = make.inventory(trees)
    findings = find_bloat(inventory)
    rows = np.concatenate([np.empty(0, np.int64), *(finding.rows for finding in findings)])
    assert len(np.unique(rows)) == len(rows)
    check_sums(inventory, findings)


def test_safe_claims_before_likely_and_likely_before_ask(make):
    inventory = make.inventory([{"a": 10}])
    made = attribute(
        inventory,
        [
            proposal(inventory, "third", Risk.ASK, Action.DROP, "a"),
            proposal(inventory, "second", Risk.LIKELY, Action.DROP, "a"),
            proposal(inventory, "first", Risk.SAFE, Action.DROP, "a"),
        ],
    )
    assert [finding.rule for finding in made] == ["first"]


def test_what_is_only_told_claims_last(make):
    inventory = make.inventory([{"a": 10}])
    made = attribute(
        inventory,
        [
            proposal(inventory, "told", Risk.SAFE, Action.TELL, "a"),
            proposal(inventory, "dropped", Risk.ASK, Action.DROP, "a"),
        ],
    )
    assert [finding.rule for finding in made] == ["dropped"]


def test_a_part_of_a_file_counts_as_that_part(make):
    inventory = make.inventory([{"a": 1000}])
    told = proposal(inventory, "part", Risk.LIKELY, Action.TELL, "a", reclaim=np.array([250]))
    [finding] = attribute(inventory, [told])
    assert finding.disk_bytes == 250
    assert finding.compressed_bytes == inventory.column("compressed")[0] * 250 // 1000


def test_each_share_names_the_step_that_made_the_layer(make):
    inventory = sloppy(make)
    [pip] = [finding for finding in find_bloat(inventory) if finding.rule == "pip-cache"]
    assert [(share.layer, share.command, share.disk_bytes) for share in pip.shares] == [
        (1, "RUN pip install x", 30_001)
    ]


@pytest.mark.parametrize(
    "path",
    [
        "etc/passwd",
        "etc/ssl/certs/ca-certificates.crt",
        "etc/ld.so.cache",
        "usr/share/zoneinfo/UTC",
        "lib64/ld-linux-x86-64.so.2",
        "usr/lib/python3/dist-packages/x-1.dist-info/METADATA",
        "opt/x/LICENSE.txt",
    ],
)
def test_what_a_system_needs_is_never_dropped(make, path):
    inventory = make.inventory([{path: 1000}])
    assert attribute(inventory, [proposal(inventory, "all", Risk.SAFE, Action.DROP, path)]) == []


def test_a_sticky_directory_stays(make):
    inventory = make.inventory([{"tmp/.X11-unix": make.folder(0o1777), "tmp/rest": 5}])
    [finding] = attribute(
        inventory, [proposal(inventory, "all", Risk.LIKELY, Action.DROP, "tmp/.X11-unix", "tmp/rest")]
    )
    assert [inventory.paths[row] for row in finding.rows] == ["tmp/rest"]


def test_a_directory_that_still_holds_something_stays(make):
    inventory = make.inventory([{"d": make.folder(), "d/gone": 5, "d/LICENSE": 6, "e": make.folder(), "e/gone": 7}])
    [finding] = attribute(
        inventory,
        [proposal(inventory, "all", Risk.SAFE, Action.DROP, "d", "d/gone", "d/LICENSE", "e", "e/gone")],
    )
    assert [inventory.paths[row] for row in finding.rows] == ["d/gone", "e", "e/gone"]


def test_content_that_a_hard_link_needs_stays(make):
    inventory = make.inventory([{"cache/a": 5000, "cache/b": 6000, "usr/a": make.hardlink("cache/a")}])
    [finding] = attribute(inventory, [proposal(inventory, "x", Risk.SAFE, Action.DROP, "cache/a", "cache/b")])
    assert [inventory.paths[row] for row in finding.rows] == ["cache/b"]


def test_content_goes_with_all_its_hard_links(make):
    inventory = make.inventory([{"cache/a": 5000, "cache/b": make.hardlink("cache/a")}])
    [finding] = attribute(inventory, [proposal(inventory, "x", Risk.SAFE, Action.DROP, "cache/a", "cache/b")])
    assert finding.disk_bytes == 5000


def test_a_deleted_file_with_a_live_hard_link_stays(make, found):
    inventory = make.inventory([{"a": 5000, "b": make.hardlink("a"), "c": 7000}, {"a": make.gone, "c": make.gone}])
    deleted = found(inventory)["deleted"]
    assert [inventory.paths[row] for row in deleted.rows] == ["c"]


def test_what_a_symbolic_link_leads_to_is_not_safe(make, found, paths):
    inventory = make.inventory(
        [
            {
                "root/.cache/uv/archive/x": make.folder(),
                "root/.cache/uv/archive/x/mod.py": 500,
                "root/.cache/uv/wheels/y.whl": 900,
                "venv/lib/python3.11/site-packages/x": make.symlink("/root/.cache/uv/archive/x"),
            }
        ]
    )
    assert paths(inventory, found(inventory)["uv-cache"]) == ["root/.cache/uv/wheels/y.whl"]


def test_whiteouts_stay(make, found):
    inventory = make.inventory([{"a": 10}, {"a": make.gone}])
    assert [inventory.paths[row] for row in found(inventory)["deleted"].rows] == ["a"]
    assert found(inventory)["deleted"].rows.tolist() == [0]
