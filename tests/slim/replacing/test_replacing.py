"""Files get a smaller content: in place, under all their names, told to package databases, and undone by restore."""

import base64
import dataclasses
import hashlib
import json

import numpy as np
import pytest
from halving import Halving, Misbehaving, halved
from layered_image import file, finding, folder, hardlink, image_of, root_of, rows_at, whiteout

from slimml.bloat.finding import Action
from slimml.errors import InvalidImage, Refused
from slimml.inventory.take import take_inventory
from slimml.slim.ledger import Done, read_ledger
from slimml.slim.optimize import carry_out
from slimml.slim.options import Options
from slimml.slim.planning import make_plan
from slimml.slim.replacing.replace import make_offers
from slimml.slim.replacing.work import work_on
from slimml.slim.restore import restore

BIG = bytes(range(256)) * 400
OTHER = bytes(reversed(range(256))) * 400


def ledger_of(slimmed):
    with slimmed.store.open_blob(slimmed.ledger) as stream:
        return read_ledger(stream.read().splitlines(keepends=True))


def content(root, path):
    return root[path][1]


def restored(slimmed, *paths):
    return root_of(
        restore(slimmed.image, ledger_of(slimmed), slimmed.removed, slimmed.store, slimmed.store, paths).image
    )


def test_a_file_gets_its_new_content_and_keeps_everything_else(replace):
    image = image_of([folder("d"), file("d/a.half", BIG, mode=0o750, uid=7), file("z", OTHER)])
    expected = root_of(image)
    kind, _, *told = expected["d/a.half"]
    assert root_of(replace(image).image) == expected | {"d/a.half": (kind, halved(BIG), *told)}


def test_extended_attributes_stay(replace):
    image = image_of([file("a.half", BIG, pax=(("SCHILY.xattr.user.note", "kept"),))])
    inventory = take_inventory(replace(image).image)
    assert int(inventory.column("size")[0]) == len(BIG) // 2
    assert int(inventory.column("tar_bytes")[0]) > len(BIG) // 2 + 1024  # an extended header stands before it


def test_hard_links_keep_naming_the_file(replace):
    image = image_of([file("a.half", BIG), hardlink("b", "a.half"), hardlink("c", "b")])
    root = root_of(replace(image).image)
    assert [content(root, path) for path in ("a.half", "b", "c")] == [halved(BIG)] * 3


def test_a_copy_that_becomes_a_link_shares_the_new_content(replace):
    image = image_of([file("a.half", BIG), file("b.half", BIG)])
    rows = rows_at(take_inventory(image), "a.half", "b.half")
    link = finding([rows[1]], Action.LINK, targets=np.array(rows[:1]))
    slimmed = replace(image, findings=[link])
    assert [entry.done for entry in ledger_of(slimmed).entries] == [Done.REPLACED, Done.LINKED]
    assert content(root_of(slimmed.image), "b.half") == halved(BIG)


def test_a_copy_whose_target_has_to_stay_as_it_is_is_not_linked_to_it(replace):
    image = image_of([file("a.half", BIG), file("b.half", BIG)])
    rows = rows_at(take_inventory(image), "a.half", "b.half")
    slimmed = replace(image, findings=[finding([rows[1]], Action.LINK, targets=np.array(rows[:1]))], keep=("/a.half",))
    root = root_of(slimmed.image)
    assert (content(root, "a.half"), content(root, "b.half")) == (BIG, halved(BIG))


def test_hidden_copies_are_left_alone(replace):
    image = image_of([file("a.half", OTHER)], [file("a.half", BIG), file("b.half", BIG)])
    slimmed = replace(image)
    assert [entry.layer for entry in ledger_of(slimmed).entries] == [1, 1]
    assert slimmed.image.layers[0].diff_id == image.layers[0].diff_id


def test_deleted_files_are_left_alone(offer):
    _, _, offers = offer(image_of([file("a.half", BIG)], [whiteout("a.half"), file("b", OTHER)]))
    assert not offers.taken


def test_a_file_that_another_layer_links_to_is_left_alone(offer):
    _, _, offers = offer(image_of([file("a.half", BIG)], [hardlink("b", "a.half")]))
    assert not offers.taken


def test_what_goes_is_not_made_smaller(offer):
    image = image_of([file("a.half", BIG), file("b.half", OTHER)])
    (row,) = rows_at(take_inventory(image), "a.half")
    inventory, _, offers = offer(image, findings=[finding([row])])
    assert [inventory.paths[it] for it in offers.taken] == ["b.half"]


@pytest.mark.parametrize(
    "options", [{"keep": ("/a.half",)}, {"skip": frozenset({"strip"})}, {"only": frozenset({"headers"})}]
)
def test_the_user_can_forbid_it(offer, options):
    assert not offer(image_of([file("a.half", BIG)]), **options)[2].taken


def test_the_name_that_has_to_stay_keeps_the_content_of_all(offer):
    image = image_of([file("a.half", BIG), hardlink("b", "a.half")])
    assert not offer(image, keep=("/b",))[2].taken


def test_the_ledger_tells_both_contents(replace):
    (entry,) = ledger_of(replace(image_of([file("a.half", BIG)]))).entries
    assert entry.done is Done.REPLACED
    assert (entry.size, entry.after_size, entry.rule) == (len(BIG), len(BIG) // 2, "strip")
    assert entry.sha256 == "sha256:" + hashlib.sha256(BIG).hexdigest()
    assert entry.after == "sha256:" + hashlib.sha256(halved(BIG)).hexdigest()


def test_the_plan_foretells_what_is_written(offer):
    inventory, plan, offers = offer(image_of([file("a.half", BIG), file("b", OTHER)]))
    assert make_plan(inventory, (), plan.options, offers=offers.taken).disk_bytes == len(BIG) - len(BIG) // 2


def test_the_result_measures_what_the_plan_foretold(replace):
    slimmed = replace(image_of([file("a.half", BIG), file("b", OTHER)]))
    assert slimmed.before.disk - slimmed.after.disk == slimmed.plan.disk_bytes
    assert take_inventory(slimmed.image).disk_bytes == slimmed.after.disk


def test_the_image_says_so(replace):
    assert replace(image_of([file("a.half", BIG)])).image.config.labels["org.slimml.halved"] == "yes"


def test_an_image_in_which_nothing_was_replaced_does_not_say_so(offer):
    _, plan, offers = offer(image_of([file("a.half", b"stays" + BIG)]))
    assert not offers.taken
    assert plan.empty


def test_the_result_is_the_same_each_time(replace):
    image = image_of([file("a.half", BIG), file("b.half", OTHER)])
    assert replace(image).image.manifest.digest == replace(image).image.manifest.digest


def test_all_layers_become_one_with_new_contents(replace):
    image = image_of([file("a.half", BIG)], [file("b.half", OTHER)])
    slimmed = replace(image, flatten=True)
    root = root_of(slimmed.image)
    assert len(slimmed.image.layers) == 1
    assert (content(root, "a.half"), content(root, "b.half")) == (halved(BIG), halved(OTHER))


# Undone


def test_everything_back_is_the_root_of_before(replace):
    layers = [folder("d"), file("d/a.half", BIG), hardlink("d/b", "d/a.half")], [file("z.half", OTHER), file("y")]
    image = image_of(*layers)
    assert restored(replace(image, keep_removed=True)) == root_of(image)


def test_copies_that_became_links_get_the_old_content_back(replace):
    image = image_of([file("a.half", BIG), file("b.half", BIG), file("c", OTHER)])
    rows = rows_at(take_inventory(image), "a.half", "b.half")
    link = finding([rows[1]], Action.LINK, targets=np.array(rows[:1]))
    assert restored(replace(image, findings=[link], keep_removed=True)) == root_of(image)


@pytest.mark.parametrize("gone", [("b",), ("b", "c")])
def test_names_that_went_come_back_with_the_old_content(replace, gone):
    image = image_of([file("a.half", BIG), hardlink("b", "a.half"), hardlink("c", "b")])
    rows = rows_at(take_inventory(image), *gone)
    slimmed = replace(image, findings=[finding(rows)], keep_removed=True)
    assert set(root_of(slimmed.image)) == {"a.half", "b", "c"} - set(gone)
    assert restored(slimmed) == root_of(image)


def test_one_path_comes_back(replace):
    image = image_of([file("a.half", BIG), file("b.half", OTHER)])
    root = restored(replace(image, keep_removed=True), "/a.half")
    assert (content(root, "a.half"), content(root, "b.half")) == (BIG, halved(OTHER))


# What is remembered


def calls(tmp_path):
    log = tmp_path / "log"
    log.mkdir(exist_ok=True)
    return log


def test_identical_files_are_shrunk_once(offer, tmp_path):
    log = calls(tmp_path)
    image = image_of([file("a.half", BIG), file("b.half", BIG)], [file("c.half", BIG)])
    _, _, offers = offer(image, shrinkers=(Halving(log=log),))
    assert (len(offers.taken), len(list(log.iterdir()))) == (3, 1)


def test_what_was_shrunk_before_is_not_shrunk_again(offer, tmp_path):
    log = calls(tmp_path)
    image = image_of([file("a.half", BIG), file("b.half", b"stays" + BIG)])
    first = offer(image, shrinkers=(Halving(log=log),))[2]
    for path in (tmp_path / "place").iterdir():
        path.unlink()
    again = offer(image, shrinkers=(Halving(log=log),))[2]
    assert (again, len(list(log.iterdir()))) == (first, 2)


def test_another_key_is_another_result(offer, tmp_path):
    log = calls(tmp_path)
    image = image_of([file("a.half", BIG)])
    for key in ("one", "two"):
        offer(image, shrinkers=(Halving(log=log, key=key),))
    assert len(list(log.iterdir())) == 2


def test_a_damaged_result_is_made_again(offer, tmp_path):
    image = image_of([file("a.half", BIG)])
    offer(image)
    for path in (tmp_path / "place").iterdir():
        path.unlink()
    (kept,) = (tmp_path / "cache").glob("*.content")
    kept.chmod(0o600)
    kept.write_bytes(b"damaged")
    ((_, taken),) = offer(image)[2].taken.items()
    assert taken.content.path.read_bytes() == halved(BIG)


def test_nothing_is_left_waiting(offer, tmp_path):
    offer(image_of([file("a.half", BIG), file("b.half", BIG), file("c.half", b"stays")]))
    assert [path.name for path in (tmp_path / "place").iterdir() if path.name.startswith("spooled")] == []


def test_a_path_that_a_layer_has_twice_counts_as_it_is_last(tmp_path, remembered):
    inventory = take_inventory(image_of([file("a.half", OTHER), file("a.half", BIG)]))
    wishes = {inventory.live["a.half"]: (Halving(),)}
    (found,) = work_on(inventory, wishes, tmp_path / "place", remembered, title="test").values()
    assert found.target.read_bytes() == halved(BIG)


# What goes wrong


@pytest.mark.parametrize("beginning", [b"dies", b"raises", b"grows", b"hogs", b"stays"])
def test_a_file_on_which_a_shrinker_fails_stays_and_the_others_do_not(offer, beginning):
    image = image_of([file("a.half", beginning + BIG), file("b.half", OTHER), file("c.half", BIG)])
    inventory, _, offers = offer(image, shrinkers=(Misbehaving(),))
    assert [inventory.paths[row] for row in offers.taken] == ["b.half", "c.half"]
    assert set(offers.left) == {"/a.half"}


def test_what_a_shrinker_prints_is_no_result(offer):
    image = image_of([file("a.half", b"prints" + BIG)])
    assert len(offer(image, shrinkers=(Misbehaving(),))[2].taken) == 1


def test_a_process_that_ended_is_not_remembered_as_an_answer(offer, tmp_path):
    offer(image_of([file("a.half", b"dies" + BIG)]), shrinkers=(Misbehaving(),))
    assert not list((tmp_path / "cache").glob("*.shrunk"))


def test_a_content_that_changed_meanwhile_is_not_written(offer, store, tmp_path):
    inventory, plan, offers = offer(image_of([file("a.half", BIG), file("b", OTHER)]))
    ((row, taken),) = offers.taken.items()
    stale = dataclasses.replace(taken, content=dataclasses.replace(taken.content, before="sha256:" + "0" * 64))
    with pytest.raises(InvalidImage, match="slimml cache clear"):
        carry_out(inventory, make_plan(inventory, (), plan.options, offers={row: stale}), store)


def test_an_image_with_nothing_to_replace_is_refused_as_before(replace):
    with pytest.raises(Refused):
        replace(image_of([file("a", BIG)]))


# Package databases


def record(path, data):
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(data)}\n"


def test_record_follows(replace):
    site = "usr/lib/python3/site-packages"
    info = f"{site}/p-1.dist-info"
    lines = [record("p/a.half", BIG), record("p/b", OTHER), "p-1.dist-info/RECORD,,\n"]
    image = image_of(
        [
            file(f"{site}/p/a.half", BIG),
            file(f"{site}/p/b", OTHER),
            file(f"{info}/METADATA", b"Metadata-Version: 2.1\nName: p\nVersion: 1\n"),
            file(f"{info}/RECORD", "".join(lines).encode()),
        ]
    )
    found = content(root_of(replace(image).image), f"{info}/RECORD").decode()
    assert found == record("p/a.half", halved(BIG)) + "".join(lines[1:])


def test_dpkg_sums_follow_under_every_name(replace):
    sums = f"{hashlib.md5(BIG).hexdigest()}  usr/lib/a.half\n{hashlib.md5(BIG).hexdigest()}  usr/lib/b\n"
    status = b"Package: p\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n"
    image = image_of(
        [
            file("usr/lib/a.half", BIG),
            hardlink("usr/lib/b", "usr/lib/a.half"),
            file("var/lib/dpkg/status", status),
            file("var/lib/dpkg/info/p.list", b"/usr\n/usr/lib\n/usr/lib/a.half\n/usr/lib/b\n"),
            file("var/lib/dpkg/info/p.md5sums", sums.encode()),
        ]
    )
    new = hashlib.md5(halved(BIG)).hexdigest()
    found = content(root_of(replace(image).image), "var/lib/dpkg/info/p.md5sums").decode()
    assert found == sums.replace(hashlib.md5(BIG).hexdigest(), new)


def test_conda_follows(replace):
    told = {"_path": "lib/a.half", "path_type": "hardlink", "sha256": "0", "sha256_in_prefix": "0", "size_in_bytes": 1}
    document = {"name": "p", "version": "1", "files": ["lib/a.half"], "paths_data": {"paths": [told]}}
    image = image_of(
        [file("opt/conda/lib/a.half", BIG), file("opt/conda/conda-meta/p-1-0.json", json.dumps(document).encode())]
    )
    found = json.loads(content(root_of(replace(image).image), "opt/conda/conda-meta/p-1-0.json"))
    digest = hashlib.sha256(halved(BIG)).hexdigest()
    (item,) = found["paths_data"]["paths"]
    assert (item["sha256"], item["sha256_in_prefix"], item["size_in_bytes"]) == (digest, digest, len(BIG) // 2)


def test_apk_follows(replace):
    old = base64.b64encode(hashlib.sha1(BIG).digest()).decode()
    database = f"P:p\nV:1\nA:x86_64\nF:usr/lib\nR:a.half\nZ:Q1{old}\nR:b\nZ:Q1{old}\n\n"
    image = image_of(
        [file("usr/lib/a.half", BIG), file("usr/lib/b", BIG), file("lib/apk/db/installed", database.encode())]
    )
    new = base64.b64encode(hashlib.sha1(halved(BIG)).digest()).decode()
    found = content(root_of(replace(image).image), "lib/apk/db/installed").decode()
    assert found == database.replace(old, new, 1)


def test_a_database_that_is_kept_is_told_of(offer):
    site = "usr/lib/python3/site-packages"
    image = image_of(
        [
            file(f"{site}/p/a.half", BIG),
            file(f"{site}/p-1.dist-info/METADATA", b"Metadata-Version: 2.1\nName: p\nVersion: 1\n"),
            file(f"{site}/p-1.dist-info/RECORD", record("p/a.half", BIG).encode()),
        ]
    )
    inventory, plan, offers = offer(image, keep=("**/RECORD",))
    again = make_plan(inventory, (), plan.options, offers=offers.taken)
    assert any("RECORD" in note for note in again.notes)


def test_two_shrinkers_work_on_a_file_one_after_the_other(tmp_path, remembered):
    inventory = take_inventory(image_of([file("a.half", BIG)]))
    first, second = Halving(rule="gpu-architectures"), Halving()
    plan = make_plan(inventory, (), Options(asked={"gpu-architectures": "sm_90"}))
    ((_, taken),) = make_offers(inventory, plan, (first, second), tmp_path / "place", remembered).taken.items()
    assert taken.content.path.read_bytes() == halved(halved(BIG))
    assert (taken.why.rule, "strip" in taken.why.reason) == ("gpu-architectures", True)
