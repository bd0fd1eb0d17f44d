"""Whatever an image holds, the closure of it is whole: parents, targets of links and contents are there."""

import posixpath

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from layered_image import file, folder, hardlink, symlink, whiteout

from slimml.oci.tar.events import Kind
from slimml.usage.closure_result import Depth

NAMES = ["a", "bin", "lib", "libx.so", "m.py", "ä", "\udcff", "site-packages", "x-1.0.dist-info", "METADATA", "etc"]
CONTENTS = [
    b"",
    b"\x7fELF\x02\x01",
    b"#!/bin/a b\n",
    b"import m, x.y\n",
    b"Name: x\nRequires-Dist: a[b]; c\n\n",
    b"\0" * 9,
]
places = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map("/".join)
targets = st.one_of(places, st.sampled_from(["/", "..", "../../a", "/etc", "."]))
items = st.one_of(
    st.builds(file, places, st.sampled_from(CONTENTS), mode=st.sampled_from([0o644, 0o755])),
    st.builds(folder, places, mode=st.sampled_from([0o755, 0o1777]), uid=st.sampled_from([0, 1000])),
    st.builds(symlink, places, targets),
    st.builds(hardlink, places, places),
    st.builds(whiteout, places),
)
layers = st.lists(st.lists(items, max_size=8), min_size=1, max_size=3)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(layers=layers, data=st.data())
def test_the_closure_of_a_random_image_is_whole(make, layers, data):
    inventory = make.inventory(layers)
    if not inventory.live:
        return
    opened = data.draw(st.lists(st.sampled_from(sorted(inventory.live)), max_size=4))
    found = make.close(
        inventory, make.recording(inventory, make.used(*opened)), depth=data.draw(st.sampled_from(Depth))
    )
    kinds = inventory.column("kind")
    for path in found.paths:
        above = posixpath.dirname(path)
        assert above not in inventory.live or above in found.paths
        if kinds[inventory.live[path]] == Kind.SYMLINK:
            target = found.inventory_root.resolve(path)
            hollow = "-packages/" in f"{target}/"
            assert target not in inventory.live or target in found.paths or hollow
    assert not found.closure.keep[inventory.state != 0].any()
