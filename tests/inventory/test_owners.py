"""Assignment across package managers: shadowed rows, directories, links, and that every row has exactly one owner."""

from collections.abc import Callable

import numpy as np

from slimml.inventory.owner import APPLICATION
from slimml.inventory.table import LayerInventory
from slimml.oci.tar.events import Kind

Build = Callable[..., LayerInventory]


def dpkg(**lists: str) -> dict[str, str]:
    """A database of packages by name, each with the paths in its list."""
    tree = {"var/lib/dpkg/status": "".join(f"Package: {name}\nStatus: install ok installed\n\n" for name in lists)}
    for name, paths in lists.items():
        tree[f"var/lib/dpkg/info/{name}.list"] = "/.\n" + "".join(f"/{path}\n" for path in paths.split())
    return tree


def test_an_image_without_databases_is_all_the_applications(owned: Callable) -> None:
    root = owned({"app/main": "", "usr/bin/x": ""})
    assert root.owners == (APPLICATION,)
    assert not root.inventory.owner.any()


def test_an_image_without_layers_has_one_owner(owned: Callable) -> None:
    root = owned()
    assert (root.owners, root.inventory.owner.shape, root.inventory.owner.dtype) == ((APPLICATION,), (0,), np.int32)


def test_a_shadowed_row_belongs_to_whom_its_path_belongs(owned: Callable) -> None:
    root = owned({"usr/bin/a": ""}, dpkg(a="usr/bin/a") | {"usr/bin/a": ""})
    rows = [row for row, path in enumerate(root.inventory.paths) if path == "usr/bin/a"]
    assert [root.owners[root.inventory.owner[row]].label for row in rows] == ["dpkg:a", "dpkg:a"]


def test_a_whiteout_is_the_applications(owned: Callable, layer: Build) -> None:
    root = owned(dpkg(a="usr/bin/a") | {"usr/bin/a": ""}, layer(("usr/bin/a", Kind.WHITEOUT)))
    assert root.of("usr/bin/a") == "application"


def test_a_database_that_was_replaced_does_not_count(owned: Callable) -> None:
    root = owned(dpkg(a="usr/bin/a") | {"usr/bin/a": ""}, dpkg(b="usr/bin/b"))
    assert root.of("usr/bin/a") == "application"


def test_of_two_packages_that_list_a_file_the_first_has_it(owned: Callable) -> None:
    assert owned(dpkg(a="etc/x", b="etc/x") | {"etc/x": ""}).of("etc/x") == "dpkg:a"


def test_a_directory_belongs_to_the_one_owner_of_all_in_it(owned: Callable) -> None:
    root = owned(dpkg(a="usr usr/lib usr/lib/a usr/lib/a/x", b="usr usr/lib usr/lib/y") | {
        "usr/lib/a/x": "", "usr/lib/y": ""
    })  # fmt: skip
    assert [root.of(path) for path in ("usr", "usr/lib", "usr/lib/a")] == ["application", "application", "dpkg:a"]


def test_a_directory_that_no_list_names_belongs_to_the_owner_of_its_files(owned: Callable) -> None:
    assert owned(dpkg(a="opt/a/b/x") | {"opt/a/b/x": ""}).of("opt/a") == "dpkg:a"


def test_a_directory_with_a_file_of_the_application_is_the_applications(owned: Callable) -> None:
    root = owned(dpkg(a="var/www var/www/x") | {"var/www/x": "", "var/www/mine": ""})
    assert root.of("var/www") == "application"


def test_an_empty_directory_belongs_to_the_package_that_lists_it(owned: Callable) -> None:
    root = owned(dpkg(a="srv/a", b="srv/b srv/c", c="srv/c") | {"srv/a": None, "srv/c": None, "srv/d": None})
    assert [root.of(f"srv/{name}") for name in "acd"] == ["dpkg:a", "application", "application"]


def test_an_alternative_belongs_to_the_package_it_leads_to(owned: Callable, to: Callable) -> None:
    links = {"usr/bin/awk": to("/etc/alternatives/awk"), "etc/alternatives/awk": to("/usr/bin/mawk")}
    root = owned(dpkg(mawk="usr/bin/mawk") | {"usr/bin/mawk": ""} | links)
    assert (root.of("usr/bin/awk"), root.of("etc/alternatives/awk")) == ("dpkg:mawk", "dpkg:mawk")


def test_a_link_of_the_applications_to_a_package_stays_the_applications(owned: Callable, to: Callable) -> None:
    root = owned(dpkg(mawk="usr/bin/mawk") | {"usr/bin/mawk": "", "app/awk": to("/usr/bin/mawk")})
    assert root.of("app/awk") == "application"


def test_bytes_by_owner_sum_to_the_image(owned: Callable) -> None:
    root = owned(dpkg(a="usr/bin/a") | {"usr/bin/a": "", "app/x": ""}, {"app/x": ""})
    counts = np.bincount(root.inventory.owner, minlength=len(root.owners))
    assert counts.sum() == root.inventory.table.num_rows
    assert len(counts) == len(root.owners)
