"""The merged root: symlinks followed within it, captured contents of live files."""

from collections.abc import Callable

import pytest
from tiny_image import tiny

from slimml.inventory.root import Root, merged_root
from slimml.inventory.table import LayerInventory
from slimml.inventory.take import build_inventory
from slimml.oci.tar.events import Kind

F, D, L, H, W = Kind.FILE, Kind.DIRECTORY, Kind.SYMLINK, Kind.HARDLINK, Kind.WHITEOUT
Build = Callable[..., LayerInventory]


def root_of(*layers: LayerInventory) -> Root:
    return merged_root(build_inventory(tiny(), layers))


@pytest.mark.parametrize(
    ("link", "path", "resolved"),
    [
        ("usr/lib", "lib/x.so", "usr/lib/x.so"),
        ("/usr/lib", "lib/x.so", "usr/lib/x.so"),
        ("../../../usr/./lib", "lib/x.so", "usr/lib/x.so"),
        ("/", "lib/x.so", "x.so"),
        ("..", "lib", ""),
        ("lib", "lib/x.so", "lib/x.so"),
        ("usr/lib", "other/x.so", "other/x.so"),
        ("usr/lib", "", ""),
    ],
)
def test_a_symlink_is_followed_within_the_root(layer: Build, link: str, path: str, resolved: str) -> None:
    assert root_of(layer(("lib", L, link))).resolve(path) == resolved


def test_symlinks_are_followed_one_after_the_other(layer: Build) -> None:
    assert root_of(layer(("a", L, "b/c"), ("b", L, "/d"), ("d/c", L, "e"))).resolve("a/x") == "d/e/x"


def test_a_circle_of_symlinks_ends(layer: Build) -> None:
    assert root_of(layer(("a", L, "b"), ("b", L, "a"))).resolve("a/x") == "a/x"


def test_the_place_of_a_symlink_is_its_own(layer: Build) -> None:
    assert root_of(layer(("lib", L, "usr/lib"), ("usr/lib/x", L, "y"))).place("lib/x") == "usr/lib/x"


def test_a_symlink_that_is_hidden_is_not_followed(layer: Build) -> None:
    assert root_of(layer(("lib", L, "usr/lib")), layer(("lib", W))).resolve("lib/x") == "lib/x"


def test_the_content_of_the_topmost_layer_is_captured(layer: Build) -> None:
    below = layer(("a", F), captured={"a": b"old"})
    assert root_of(below, layer(("a", F), captured={"a": b"new"})).captured == {"a": b"new"}


def test_the_content_of_a_deleted_file_is_not_captured(layer: Build) -> None:
    assert root_of(layer(("a", F), captured={"a": b"old"}), layer(("a", W))).captured == {}


def test_a_hard_link_has_the_content_of_its_target(layer: Build) -> None:
    root = root_of(layer(("cache", F), ("a", H, "cache"), captured={"cache": b"x"}))
    assert root.captured == {"cache": b"x", "a": b"x"}


def test_what_lies_beneath_a_directory_is_found_by_its_whole_name(layer: Build) -> None:
    root = root_of(layer(("a", D), ("a/x", F), ("a-b", F), ("a0", F), ("a/y/z", F)))
    assert root.beneath("a") == ["a/x", "a/y/z"]


def test_contents_of_too_many_lines_are_left_out(layer: Build) -> None:
    root = root_of(layer(("a", F), ("b", F), captured={"a": b"\n" * 3_000_001, "b": b"x\n"}))
    assert "a" not in root.captured
