"""What the closure as a whole promises: refusals, the order of depths, growth with recordings, whole packages."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slimml.errors import Refused
from slimml.inventory.read_rows import read_rows
from slimml.oci.tar.events import Kind
from slimml.usage.closure.close import close
from slimml.usage.closure_result import Depth
from slimml.usage.recording import Operation, Use


def busy_image(make):
    """An image with a bit of everything; no two packages of it need all of each other."""
    return [
        *make.debian(
            libssl3=("", [make.file("usr/lib/libssl.so.3", make.elf("libcrypto.so.3"))]),
            libcrypto=("libdata", [make.file("usr/lib/libcrypto.so.3", make.elf())]),
            libdata=("", [make.file("usr/share/crypto/names", b"names")]),
            gcc=("libcrypto", [make.file("usr/bin/gcc", make.elf(), mode=0o755)]),
            dash=("", [make.file("usr/bin/dash", make.elf(), mode=0o755), make.symlink("usr/bin/sh", "dash")]),
        ),
        *make.python(
            "web",
            {
                "web/__init__.py": b"from . import server",
                "web/server.py": b"",
                "web/lazy.py": b"",
                "web/native.cpython-311-x86_64-linux-gnu.so": make.elf("libssl.so.3"),
                "web/page.html": b"<p>",
            },
            requires=("tools",),
        ),
        *make.python("tools", {"tools/__init__.py": b"", "tools/__pycache__/__init__.cpython-311.pyc": b"\0\0\r\n"}),
        *make.python("unused", {"unused/__init__.py": b"", "unused/big.so": make.elf()}),
        make.file("app/app.py", b"def f():\n    import unused_by_name\n"),
        make.file("app/model.bin", b"numbers"),
        make.file("etc/passwd", b"root:x:0:0::/root:/bin/sh\n"),
        make.folder("tmp", mode=0o1777),
        make.folder("home/app", uid=1000),
        make.symlink("bin", "usr/bin"),
        make.symlink("app/current", "app.py"),
    ]


@pytest.fixture(scope="module")
def busy(make):
    return make.inventory([busy_image(make)])


def kept(make, inventory, paths, depth):
    return make.close(inventory, make.recording(inventory, make.used(*paths)), depth=depth).paths


def several(inventory):
    files = sorted(path for path, row in inventory.live.items() if inventory.table["size"][row].as_py())
    return st.lists(st.sampled_from(files), unique=True, max_size=6)


LIGHT = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("lost", ["the queue ran over", "the recorder came late"])
def test_an_incomplete_recording_drives_no_removal(closed, make, lost):
    with pytest.raises(Refused, match=f"incomplete .{lost}.*record again"):
        closed([make.file("a")], "a", lost=(lost,))


def test_a_recording_of_another_image_is_refused(make):
    one, other = make.inventory([[make.file("a")]]), make.inventory([[make.file("b")]])
    with pytest.raises(Refused, match="another image"):
        make.close(one, make.recording(other, make.used("a")))


def test_no_recording_is_refused(make):
    with pytest.raises(Refused, match="slimml record"):
        make.close(make.inventory([[make.file("a")]]))


@LIGHT
@given(data=st.data())
def test_what_was_opened_is_kept(make, busy, data):
    records = ("dist-info/", "var/lib/dpkg/")
    paths = data.draw(several(busy))
    depth = data.draw(st.sampled_from(Depth))
    assert {path for path in paths if not any(name in path for name in records)} <= kept(make, busy, paths, depth)


@LIGHT
@given(data=st.data())
def test_each_depth_keeps_what_the_stricter_one_keeps(make, busy, data):
    paths = data.draw(several(busy))
    strict, module, distribution = (
        kept(make, busy, paths, depth) for depth in (Depth.STRICT, Depth.MODULE, Depth.DISTRIBUTION)
    )
    assert strict <= module <= distribution


@LIGHT
@given(data=st.data())
def test_a_further_recording_only_adds(make, busy, data):
    first, second = data.draw(several(busy)), data.draw(several(busy))
    depth = data.draw(st.sampled_from(Depth))
    recordings = [make.recording(busy, make.used(*paths)) for paths in (first, second)]
    assert make.close(busy, recordings[0], depth=depth).paths <= make.close(busy, *recordings, depth=depth).paths


@LIGHT
@given(data=st.data())
def test_using_all_that_is_kept_keeps_nothing_more(make, busy, data):
    # Metadata apart: who opens that of most distributions asks for none of them.
    depth = data.draw(st.sampled_from(Depth))
    once = kept(make, busy, data.draw(several(busy)), depth)
    again = {path for path in once if not path.endswith("/METADATA")}
    assert {path for path in kept(make, busy, sorted(again), depth) if not path.endswith("/METADATA")} == again


@LIGHT
@given(data=st.data())
def test_a_dropped_package_leaves_nothing_but_directories_and_the_database_of_all(make, busy, data):
    depth = data.draw(st.sampled_from(Depth))
    found = make.close(busy, make.recording(busy, make.used(*data.draw(several(busy)))), depth=depth)
    dropped = set(found.closure.owners_dropped)
    rows = [busy.live[path] for path in found.paths if not path.startswith("var/lib/dpkg/")]
    assert [row for row in rows if int(busy.owner[row]) in dropped and busy.column("kind")[row] != Kind.DIRECTORY] == []


def test_the_order_of_uses_does_not_matter(make, busy):
    paths = ["usr/lib/libssl.so.3", "app/app.py", f"{make.site}/web/__init__.py"]
    one = make.close(busy, make.recording(busy, make.used(*paths)))
    other = make.close(busy, make.recording(busy, make.used(*reversed(paths))))
    assert (one.closure.why == other.closure.why).all()


def test_every_kept_row_has_a_reason(make, busy):
    found = make.close(busy, make.recording(busy, make.used(f"{make.site}/web/__init__.py")))
    assert all(found.why(path) for path in found.paths)


def test_rows_that_are_hidden_are_never_kept(make):
    inventory = make.inventory([[make.file("a", b"old")], [make.file("a", b"new")]])
    found = make.close(inventory, make.recording(inventory, make.used("a")))
    assert found.closure.keep.tolist() == [False, True]


def test_what_the_run_made_is_not_the_images(closed, make):
    found = closed([make.file("app/a")], Use("app/cache/made", Operation.WRITE, 0.0, 0))
    assert found.paths == {"app/a"}


def test_a_distribution_that_is_not_used_goes_with_its_metadata(closed, make):
    found = closed(busy_image(make), f"{make.site}/web/__init__.py")
    assert found.dropped == {"python:unused", "dpkg:gcc"}
    assert not any("unused" in path for path in found.paths)


def test_small_files_are_read_in_one_pass_and_native_ones_in_another(make):
    items = [
        make.file("app/run", b"#!/bin/tool\n", mode=0o755),
        make.file("bin/tool", make.elf("libx.so")),
        make.file("lib/libx.so", make.elf()),
        make.file("etc/ld.so.conf", b"/opt/lib\n"),
        make.file("app/requirements.txt", b"a[b]\n"),
    ]
    inventory = make.inventory([items])
    passes = []

    def read(takers):
        passes.append({inventory.paths[row] for row in takers})
        read_rows(inventory, takers)

    close(inventory, [make.recording(inventory, make.used("app/run"))], Depth.DISTRIBUTION, read)
    assert passes == [{"app/run", "etc/ld.so.conf", "app/requirements.txt"}, {"bin/tool", "lib/libx.so"}]
