"""Images that share layers are slimmed so that they still do: each keeps what any of them needs."""

import random

import numpy as np
import pytest
from layered_image import file, finding, folder, hardlink, image_of, root_of, whiteout
from used_image import INFO, STATUS, closure_of, noise, package, stanza

from slimml.errors import UsageError
from slimml.inventory.take import take_inventory
from slimml.oci.blobs import BlobStore
from slimml.slim.optimize import carry_out
from slimml.slim.options import Options
from slimml.slim.plan import Kept
from slimml.slim.shared import Member, shared_layers, shared_plans
from slimml.slim.unused import unused_findings
from slimml.usage.closure_result import Depth

BASE = [
    folder("usr"),
    folder("usr/bin"),
    file(STATUS, "\n".join([stanza("git"), stanza("perl"), stanza("libc")]).encode()),
    *package("git", "usr/bin/git"),
    *package("perl", "usr/bin/perl", "usr/share/perl/x.pm"),
    *package("libc", "lib/libc.so"),
    file("usr/bin/tool", noise(5000, "tool")),
    hardlink("usr/bin/tool2", "usr/bin/tool"),
]
OPTIONS = Options(depth=Depth.DISTRIBUTION)


def member(layers, *going, kept=()):
    inventory = take_inventory(image_of(*layers))
    return Member(inventory, unused_findings(inventory, closure_of(inventory, *going)), kept)


def above(name, *more):
    return [file(f"srv/{name}", noise(4000, name)), *more]


@pytest.fixture
def slimmed(tmp_path):
    """The results of these members, all carried out."""

    def act(*members, options=OPTIONS):
        store = BlobStore(tmp_path / "store")
        plans = shared_plans(members, options)
        made = [carry_out(one.inventory, plan, store) for one, plan in zip(members, plans, strict=True)]
        return [one.image for one in made]

    return act


def diff_ids(image):
    return [layer.diff_id for layer in image.layers]


def test_a_shared_layer_keeps_what_any_image_needs_and_stays_shared(slimmed):
    one = member([BASE, above("one")], "usr/bin/git", f"{INFO}/git.list")
    other = member([BASE, above("other")], "usr/bin/perl", "usr/share/perl/x.pm", "usr/bin/git", f"{INFO}/git.list")
    first, second = slimmed(one, other)
    assert diff_ids(first)[0] == diff_ids(second)[0]
    assert diff_ids(first)[0] != one.diff_ids[0]
    for root in (root_of(first), root_of(second)):
        assert "usr/bin/perl" in root
        assert "usr/bin/git" not in root
        assert b"Package: git" not in root[STATUS][1]
        assert b"Package: perl" in root[STATUS][1]


def test_each_keeps_its_own_layers_as_it_needs_them(slimmed):
    one = member([BASE, above("one", file("srv/notes", noise(4000, 1)))], "usr/bin/git", "srv/notes")
    first, second = slimmed(one, member([BASE, above("other")], "usr/bin/git"))
    assert "srv/notes" not in root_of(first)
    assert {"srv/one", "usr/bin/perl"} <= set(root_of(first))
    assert "srv/other" in root_of(second)


def test_three_images_share_as_before_on_two_levels(slimmed):
    middle = [file("opt/lib.so", noise(6000, "lib")), file("opt/extra", noise(6000, "extra"))]
    members = [
        member([BASE, middle, above("a")], "usr/bin/git", "opt/extra"),
        member([BASE, middle, above("b")], "usr/bin/git", "opt/extra", "usr/bin/tool2"),
        member([BASE, above("c")], "usr/bin/git", "usr/bin/tool"),
    ]
    a, b, c = (diff_ids(image) for image in slimmed(*members))
    assert a[:2] == b[:2]
    assert a[0] == c[0]
    assert shared_layers(members) == [2, 2, 1]


def test_what_mending_keeps_in_one_image_is_kept_in_all(slimmed):
    one = member([BASE, above("one")], "usr/bin/git", "usr/share/perl/x.pm")
    row = one.inventory.live["usr/bin/git"]
    mended = Kept("git", ("/usr/bin/git",), (row,), ("unused",), 0, "a probe failed")
    one = Member(one.inventory, one.findings, (mended,))
    first, second = slimmed(one, member([BASE, above("other")], "usr/bin/git", "usr/share/perl/x.pm"))
    assert diff_ids(first)[0] == diff_ids(second)[0]
    assert "usr/bin/git" in root_of(second)


def test_a_copy_that_one_image_hides_does_not_come_to_light(slimmed):
    removed = [whiteout("usr/bin/perl"), file("srv/one", noise(4000, "one"))]
    one = member([BASE, removed], "usr/bin/git")
    first, second = slimmed(one, member([BASE, above("other")], "usr/bin/git"))
    assert "usr/bin/perl" not in root_of(first)
    assert "usr/bin/perl" in root_of(second)
    assert diff_ids(first)[0] == diff_ids(second)[0]


def test_a_database_that_one_image_wrote_again_is_true_in_both(slimmed):
    status = file(STATUS, "\n".join([stanza("git"), stanza("perl"), stanza("libc"), stanza("curl")]).encode())
    one = member([BASE, [status, *package("curl", "usr/bin/curl")]], "usr/bin/git", "usr/bin/perl")
    first, second = slimmed(one, member([BASE, above("other")], "usr/bin/git"))
    assert diff_ids(first)[0] == diff_ids(second)[0]
    for image in (first, second):
        assert b"Package: git" not in root_of(image)[STATUS][1]
    assert b"Package: curl" in root_of(first)[STATUS][1]


def test_an_image_that_is_the_base_of_another_is_its_base_afterwards(slimmed):
    base, upper = slimmed(member([BASE], "usr/bin/git"), member([BASE, above("x")], "usr/bin/git", "usr/bin/tool"))
    assert diff_ids(base) == diff_ids(upper)[:1]


def test_images_that_share_nothing_are_planned_by_themselves(slimmed):
    one = member([BASE, above("one")], "usr/bin/git")
    other = member([above("other", file("srv/notes", noise(3000, 2)))], "srv/notes")
    first, second = slimmed(one, other)
    assert "usr/bin/git" not in root_of(first)
    assert "srv/notes" not in root_of(second)


def test_rules_are_shared_without_a_recording_and_keep_their_names():
    members = []
    for name in ("one", "other"):
        inventory = take_inventory(image_of(BASE, above(name)))
        members.append(Member(inventory, [finding([inventory.live["usr/bin/perl"]], rule="pip-cache")]))
    one, other = shared_plans(members, Options())
    row = members[0].inventory.live["usr/bin/perl"]
    assert one.goes[row]
    assert one.reason_of(row).rule == "pip-cache"
    stop = int(members[0].inventory.starts[1])
    assert one.verb[:stop].tolist() == other.verb[:stop].tolist()


def test_a_rule_that_takes_from_one_image_only_takes_nothing_that_they_share():
    inventories = [take_inventory(image_of(BASE, above(name))) for name in ("one", "other")]
    row = inventories[0].live["usr/bin/perl"]
    plans = shared_plans([Member(inventories[0], [finding([row])]), Member(inventories[1], [])], Options())
    assert not any(plan.goes[row] for plan in plans)


def test_one_layer_of_all_shares_nothing():
    with pytest.raises(UsageError, match="leave one"):
        shared_plans([member([BASE])], Options(flatten=True))


NAMES = ("a", "b", "d/a", "d/b", "d/e/a", "d/e/b", "f/a")


def random_layer(chance, first):
    """Files, links, directories with and without entries of their own, and whiteouts; a name once."""
    items, here = [], {}
    for name in chance.sample(NAMES, chance.randint(1, 5)):
        parents = [name[:cut] for cut in range(len(name)) if name[cut] == "/"]
        kind = chance.choice(["file", "file", "file", "hard", "hidden", "folder"])
        if kind == "hidden":
            items += [] if first or any(parent in here for parent in parents) else [whiteout(name)]
            continue
        items += [folder(parent) for parent in parents if here.setdefault(parent, chance.random() < 0.5) is True]
        here |= dict.fromkeys(parents, None)
        linked = [it for it in items if it.content and it.type == file("x").type]
        if kind == "hard" and linked:
            items.append(hardlink(name, chance.choice(linked).name))
        else:
            items.append(folder(name) if kind == "folder" and "/" not in name else file(name, noise(700, name)))
    return items


@pytest.mark.parametrize("seed", range(40))
def test_random_images_share_as_before_and_keep_what_they_need(seed):
    chance = random.Random(seed)
    common = [random_layer(chance, number == 0) for number in range(chance.randint(1, 3))]
    members = []
    for number in range(chance.randint(2, 3)):
        own = [random_layer(chance, False), [file(f"own{number}", noise(900, number))]]
        paths = take_inventory(image_of(*common, *own)).live
        members.append(member([*common, *own], *[path for path in sorted(paths) if chance.random() < 0.6]))
    plans = shared_plans(members, OPTIONS)
    stops = [int(one.inventory.starts[len(common)]) for one in members]
    for one, plan, stop in zip(members, plans, stops, strict=True):
        assert plan.departures.size == 0
        assert plan.verb[:stop].tolist() == plans[0].verb[:stop].tolist()
        needed = set(one.inventory.live.values()) - {row for it in one.findings for row in it.rows.tolist()}
        assert not needed & set(np.flatnonzero(plan.goes).tolist())
