"""What `diff` says of two images: the right fate for each path, and sums that are exact whatever the images hold."""

import random
from dataclasses import replace

import pyarrow as pa
import pytest
from layered_image import file, folder, hardlink, image_of, symlink, whiteout

from slimml.gates.diff import diff_images
from slimml.gates.diff_paths import cannot_compare
from slimml.gates.difference import LayerFate, What, together
from slimml.inventory.take import take_inventory


def inventory(*layers, **more):
    return take_inventory(image_of(*layers, **more))


def difference(before, after, **more):
    return diff_images(inventory(*before), inventory(*after), **more)


def changes(found):
    return {one.path: (one.fate.value, *(what.value for what in one.what)) for one in found.paths}


def assert_exact(found):
    for rows in (found.layers, found.owners, found.parts):
        assert together(row.before for row in rows) == found.before.total
        assert together(row.after for row in rows) == found.after.total
    listed = [part for part in found.parts if part.name in ("added", "removed", "changed", "unknown")]
    assert together([*(row.before for row in found.paths), found.rest.before]) == together(p.before for p in listed)
    assert together([*(row.after for row in found.paths), found.rest.after]) == together(p.after for p in listed)


def test_an_image_does_not_differ_from_itself():
    found = difference([[file("a")]], [[file("a")]])
    assert (found.paths, found.configuration) == ((), ())
    assert [one.fate for one in found.layers] == [LayerFate.SAME]


def test_what_came_and_what_went():
    found = difference([[file("a", b"12")]], [[file("b", b"123")]])
    assert changes(found) == {"b": ("added",), "a": ("removed",)}


@pytest.mark.parametrize(
    ("one", "other", "what"),
    [
        (file("a", b"1"), file("a", b"2"), {What.CONTENT}),
        (file("a"), file("a", mode=0o600), {What.MODE}),
        (file("a"), file("a", uid=7), {What.OWNER}),
        (symlink("a", "x"), symlink("a", "y"), {What.LINK}),
        (file("a"), symlink("a", "y"), {What.KIND}),
        (folder("a"), folder("a", mode=0o700), {What.MODE}),
        (file("a", b"1"), file("a", b"22", mode=0o600, uid=3), {What.CONTENT, What.MODE, What.OWNER}),
        (file("a"), file("a", mtime=5), set()),
    ],
)
def test_what_changed_of_a_path(one, other, what):
    found = difference([[one]], [[other]])
    # A symlink's own mode means nothing, and differs from a file's in every tar.
    assert {each for change in found.paths for each in change.what} - {What.MODE} == what - {What.MODE}
    assert What.MODE not in what or What.MODE in found.paths[0].what


def test_a_hard_link_in_place_of_the_same_content_is_a_change_of_link_alone():
    twice = [file("a", b"1234"), file("b", b"1234")]
    linked = [file("a", b"1234"), hardlink("b", "a")]
    assert changes(difference([twice], [linked])) == {"b": ("changed", "link")}


def test_a_changed_file_is_seen_through_a_hard_link():
    before = [file("a", b"1234"), hardlink("b", "a")]
    after = [file("a", b"1235"), hardlink("b", "a")]
    assert changes(difference([before], [after])) == {"a": ("changed", "content"), "b": ("changed", "content")}


def test_what_upper_layers_hide_is_a_part_of_its_own():
    found = difference([[file("a", b"1" * 50)]], [[file("a", b"1" * 50)], [whiteout("a")]])
    (hidden,) = [part for part in found.parts if part.name == "hidden"]
    assert (hidden.before.disk_bytes, hidden.after.disk_bytes) == (0, 50)
    assert_exact(found)


def test_a_layer_with_the_same_command_is_rebuilt():
    before = inventory([file("base")], [file("app", b"1")])
    after = inventory([file("base")], [file("app", b"22")], [file("more")])
    found = diff_images(before, after)
    assert [(one.fate.value, one.before_index, one.after_index) for one in found.layers] == [
        ("same", 0, 0),
        ("rebuilt", 1, 1),
        ("added", None, 2),
    ]


def test_layers_whose_step_is_not_recorded_are_rebuilt_where_they_lie_alike():
    found = diff_images(inventory([file("a")], config={"history": []}), inventory([file("b")], config={"history": []}))
    assert [(one.fate, one.command) for one in found.layers] == [(LayerFate.REBUILT, "")]


def test_a_command_is_told_without_credentials():
    history = [{"created_by": "/bin/sh -c pip install --index-url https://me:hunter22@example.org/simple x"}]
    found = diff_images(inventory(), inventory([file("a")], config={"history": history}))
    assert [one.command for one in found.layers] == ["RUN pip install --index-url https://***@example.org/simple x"]


def test_a_layer_taken_out_is_removed_where_it_lay():
    a, b, c = [file("a")], [file("b")], [file("c")]
    found = difference([a, b, c], [a, c])
    assert [(one.fate.value, one.before_index, one.after_index) for one in found.layers] == [
        ("same", 0, 0),
        ("removed", 1, None),
        ("same", 2, 1),
    ]


def distribution(name, version, content):
    info = f"usr/lib/python3/dist-packages/{name}-{version}.dist-info"
    module = f"usr/lib/python3/dist-packages/{name}.py"
    return [
        file(module, content),
        file(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()),
        file(f"{info}/RECORD", f"{name}.py,,\n{name}-{version}.dist-info/METADATA,,\n".encode()),
    ]


def test_a_distribution_shows_both_versions():
    found = difference([distribution("lib", "1.0", b"1" * 10)], [distribution("lib", "2.0", b"2" * 500)])
    (row,) = [one for one in found.owners if one.name == "lib"]
    assert (row.system, row.before_versions, row.after_versions) == ("python", ("1.0",), ("2.0",))
    assert row.after.disk_bytes - row.before.disk_bytes >= 490
    assert_exact(found)


def test_the_configuration_is_held_together_member_by_member():
    before = {"config": {"Env": ["A=1", "B=2"], "User": "app", "Labels": {"x": "1"}, "Cmd": ["run"]}}
    after = {"config": {"Env": ["A=1", "B=3"], "Labels": {}, "Cmd": ["run"], "ExposedPorts": {"80/tcp": {}}}}
    found = diff_images(inventory([file("a")], config=before), inventory([file("a")], config=after))
    assert [(one.key, one.before, one.after) for one in found.configuration] == [
        ("Env.B", "2", "3"),
        ("ExposedPorts.80/tcp", None, "{}"),
        ("Labels.x", "1", None),
        ("User", "app", None),
    ]


def test_the_value_of_a_secret_is_not_told():
    before, after = {"config": {}}, {"config": {"Env": ["API_KEY=abcdef0123456789"]}}
    found = diff_images(inventory([file("a")], config=before), inventory([file("a")], config=after))
    assert [(one.key, one.after) for one in found.configuration] == [("Env.API_KEY", "(looks like a secret)")]


def test_credentials_in_an_argument_are_not_told():
    config = {"config": {"Cmd": ["run", "--url", "https://me:hunter22@example.org/"]}}
    found = diff_images(inventory([file("a")], config={"config": {}}), inventory([file("a")], config=config))
    assert [one.after for one in found.configuration] == ['["run", "--url", "https://***@example.org/"]']


def test_what_was_not_read_of_one_image_is_unknown_and_not_equal():
    before = inventory([file("a", b"1234"), file("b", b"12")])
    unread = pa.nulls(before.table.num_rows, pa.binary(16))
    table = before.table.set_column(before.table.schema.get_field_index("content"), "content", unread)
    found = diff_images(replace(before, table=table), inventory([file("a", b"1234"), file("b", b"123")]))
    assert changes(found) == {"a": ("unknown",), "b": ("changed", "content")}
    assert found.unknowns[0].startswith("1 files of the same size were not compared")


def test_checksums_against_hashes_cannot_be_compared():
    before = inventory([file("a", b"1234")])
    index = before.table.schema.get_field_index
    table = before.table.set_column(index("content"), "content", pa.nulls(1, pa.binary(16)))
    listed = replace(before, table=table.set_column(index("crc64"), "crc64", pa.array([7], pa.uint64())))
    assert cannot_compare(before, listed)
    assert not cannot_compare(before, before)
    assert not cannot_compare(listed, listed)


def test_paths_that_are_left_out_are_summed():
    before = [[file(f"f{n}", b"." * n) for n in range(9)]]
    found = difference(before, [[]], top=3)
    assert ([one.path for one in found.paths], found.left_out) == (["f8", "f7", "f6"], 6)
    assert found.rest.before.disk_bytes == sum(range(6))
    assert_exact(found)


def random_layers(chance):
    layers = []
    for _ in range(chance.randint(1, 4)):
        names = chance.sample([f"{top}/{name}" for top in "abc" for name in "uvwxyz"], chance.randint(1, 9))
        layer = [file(name, b"." * chance.randint(0, 3000), mode=chance.choice([0o644, 0o755])) for name in names]
        if chance.random() < 0.5:
            layer.append(hardlink(f"{names[0]}-link", names[0]))
        if chance.random() < 0.5:
            layer.append(whiteout(chance.choice(["a/u", "b", "c/z"])))
        layers.append(layer)
    return layers


@pytest.mark.parametrize("seed", range(25))
def test_every_byte_is_in_one_row(seed):
    chance = random.Random(seed)
    assert_exact(difference(random_layers(chance), random_layers(chance), top=chance.choice([None, 0, 2])))
