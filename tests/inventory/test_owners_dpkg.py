"""dpkg's database: file lists, a merged /usr, diversions, foreign architectures, distroless images."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from slimml.inventory.owner import System

INFO = "var/lib/dpkg/info"


def stanza(name: str, **fields: str) -> str:
    known = {"Package": name, "Status": "install ok installed", "Architecture": "amd64", "Version": "1"} | {
        field.replace("_", "-"): value for field, value in fields.items()
    }
    return "".join(f"{field}: {value}\n" for field, value in known.items())


def database(*packages: str, **lists: str) -> dict:
    """A status file of these stanzas, and lists of files by package."""
    found = {"var/lib/dpkg/status": "\n".join(packages)}
    for name, paths in lists.items():
        found[f"{INFO}/{name}.list"] = "".join(f"/{path}\n" for path in [".", *paths.split()])
    return found


def test_a_listed_file_belongs_to_its_package(owned: Callable) -> None:
    root = owned(database(stanza("bash"), bash="usr/bin/bash") | {"usr/bin/bash": "", "usr/bin/other": ""})
    assert (root.of("usr/bin/bash"), root.of("usr/bin/other")) == ("dpkg:bash", "application")


def test_a_list_from_before_the_merged_usr_is_understood(owned: Callable, to: Callable) -> None:
    files = {"lib": to("usr/lib"), "usr/lib/libc.so": "", "usr/lib/x": ""}
    root = owned(database(stanza("libc6"), stanza("x"), libc6="lib lib/libc.so", x="lib lib/x") | files)
    assert (root.of("usr/lib/libc.so"), root.of("lib")) == ("dpkg:libc6", "application")


def test_the_database_files_of_a_package_are_its_own(owned: Callable) -> None:
    root = owned(
        database(stanza("bash"), bash="usr/bin/bash") | {f"{INFO}/bash.postinst": "", f"{INFO}/bash-x.list": ""}
    )
    assert root.of(f"{INFO}/bash.postinst") == "dpkg:bash"
    assert root.owner("dpkg:bash").database == (f"{INFO}/bash.list", f"{INFO}/bash.postinst")
    assert root.of(f"{INFO}/bash-x.list") == "application"


def test_the_rest_of_the_database_belongs_to_dpkg_itself(owned: Callable) -> None:
    root = owned(database(stanza("dpkg"), stanza("a"), dpkg="usr/bin/dpkg", a=""))
    assert root.of("var/lib/dpkg/status") == "dpkg:dpkg"
    assert root.of(f"{INFO}/a.list") == "dpkg:a"


def test_documentation_that_no_list_names_belongs_to_the_package_it_is_named_after(owned: Callable) -> None:
    files = {"usr/share/doc/a/extra": "", "usr/share/doc/a/of-b": ""}
    root = owned(database(stanza("a"), stanza("b"), a="usr/bin/a", b="usr/share/doc/a/of-b") | files)
    assert (root.of("usr/share/doc/a/extra"), root.of("usr/share/doc/a/of-b")) == ("dpkg:a", "dpkg:b")


def test_two_architectures_of_one_package_are_two_owners(owned: Callable) -> None:
    stanzas = (stanza("libc6"), stanza("libc6", Architecture="i386"))
    lists = {f"{INFO}/libc6:amd64.list": "/lib/a\n", f"{INFO}/libc6:i386.list": "/lib/b\n"}
    root = owned(database(*stanzas) | lists | {"lib/a": "", "lib/b": ""})
    assert (root.of("lib/a"), root.of("lib/b")) == ("dpkg:libc6:amd64", "dpkg:libc6:i386")


def test_a_diverted_file_is_found_where_it_lies_instead(owned: Callable) -> None:
    files = {"usr/bin/sh": "", "usr/bin/sh.old": "", "var/lib/dpkg/diversions": "/usr/bin/sh\n/usr/bin/sh.old\ndash\n"}
    root = owned(database(stanza("bash"), stanza("dash"), bash="usr/bin/sh", dash="usr/bin/sh") | files)
    assert (root.of("usr/bin/sh"), root.of("usr/bin/sh.old")) == ("dpkg:dash", "dpkg:bash")


def test_relations_keep_alternatives_and_lose_versions(owned: Callable) -> None:
    package = stanza(
        "a", Depends="libc6 (>= 2.36), mawk | awk:any", Pre_Depends="dpkg", Provides="virtual-a (= 1), other"
    )
    owner = owned(database(package, a="")).owner("dpkg:a")
    assert owner.requires == ("dpkg", "libc6", "mawk|awk")
    assert owner.provides == ("virtual-a", "other")


@pytest.mark.parametrize(
    ("fields", "essential"),
    [({"Essential": "yes"}, True), ({"Priority": "required"}, True), ({"Protected": "yes"}, True), ({}, False)],
)
def test_what_dpkg_protects_is_essential(owned: Callable, fields: dict, essential: bool) -> None:
    assert owned(database(stanza("a", **fields), a="")).owner("dpkg:a").essential is essential


def test_apt_tells_what_came_as_a_dependency(owned: Callable) -> None:
    states = {"var/lib/apt/extended_states": "Package: a\nArchitecture: amd64\nAuto-Installed: 1\n\n"}
    root = owned(database(stanza("a"), stanza("b"), a="", b="") | states)
    assert (root.owner("dpkg:a").automatic, root.owner("dpkg:b").automatic) == (True, False)


def test_without_apt_it_is_not_known_what_came_as_a_dependency(owned: Callable) -> None:
    assert owned(database(stanza("a"), a="")).owner("dpkg:a").automatic is None


def test_a_removed_package_keeps_its_configuration_and_requires_nothing(owned: Callable) -> None:
    package = stanza("a", Status="deinstall ok config-files", Depends="b", Essential="yes")
    root = owned(database(package, a="etc/a.conf") | {"etc/a.conf": ""})
    assert root.of("etc/a.conf") == "dpkg:a"
    assert (root.owner("dpkg:a").requires, root.owner("dpkg:a").essential) == ((), False)


def test_a_package_that_is_not_installed_is_no_owner(owned: Callable) -> None:
    root = owned(database(stanza("a", Status="purge ok not-installed"), stanza("b"), b=""))
    assert [owner.name for owner in root.owners] == ["application", "b"]


def test_distroless_packages_are_read(owned: Callable) -> None:
    tree = {
        "var/lib/dpkg/status.d/libc6": stanza("libc6").replace("Status: install ok installed\n", ""),
        "var/lib/dpkg/status.d/libc6.md5sums": "d41d8cd98f00b204e9800998ecf8427e  usr/lib/libc.so.6\n",
        "usr/lib/libc.so.6": "",
        "app/main": "",
    }
    root = owned(tree)
    assert (root.of("usr/lib/libc.so.6"), root.of("app/main")) == ("dpkg:libc6", "application")
    assert root.owner("dpkg:libc6").database == tuple(list(tree)[:2])


def test_a_package_without_its_list_makes_system_files_unknown(owned: Callable) -> None:
    root = owned(database(stanza("a")) | {"usr/bin/a": "", "app/main": "", "usr/local/bin/mine": ""})
    assert root.of("usr/bin/a") == "unknown:dpkg"
    assert (root.of("app/main"), root.of("usr/local/bin/mine")) == ("application", "application")


def test_a_status_that_was_not_kept_makes_system_files_unknown(owned: Callable) -> None:
    root = owned({"var/lib/dpkg/status": "x" * (17 << 20), "usr/bin/a": ""})
    assert root.of("usr/bin/a") == "unknown:dpkg"


def test_names_that_are_not_utf8_are_found(owned: Callable) -> None:
    listed = {f"{INFO}/a.list": b"/usr/share/\xff\n"}
    assert owned(database(stanza("a")) | listed | {"usr/share/\udcff": ""}).of("usr/share/\udcff") == "dpkg:a"


@pytest.mark.parametrize(
    "status", ["", "\n\n\n", ":\n \n", "Package\n", " x\n y\n", "Package: a\n x\n\tb: c", "\0\udcff"]
)
def test_a_status_of_nonsense_names_no_files(owned: Callable, status: str) -> None:
    tree = {"var/lib/dpkg/status": status.encode("utf-8", "surrogateescape"), "app/x": ""}
    assert owned(tree).of("app/x") == "application"


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="needs a machine with dpkg")
def test_this_machines_packages_agree_with_dpkg(owned: Callable, to: Callable) -> None:
    names = ["bash", "coreutils", "dpkg", "libc6", "tar"]
    tree: dict = {}
    expected: dict[str, str] = {}
    for top in ("bin", "lib", "lib64", "sbin"):
        if Path("/", top).is_symlink():
            tree[top] = to(str(Path("/", top).readlink()))
    for name in names:
        listed = subprocess.run(["dpkg-query", "-L", name], capture_output=True, text=True, check=True).stdout
        for line in listed.split("\n"):
            path = Path(line)
            if line.startswith("/") and path.is_file() and not path.is_symlink():
                real = str(path.parent.resolve() / path.name).lstrip("/")
                tree[real] = b""
                expected[real] = f"dpkg:{name}"
    status = Path("/var/lib/dpkg/status").read_text().split("\n\n")
    wanted = [block for block in status if block.split("\n", 1)[0].removeprefix("Package: ") in names]
    tree["var/lib/dpkg/status"] = "\n\n".join(wanted)
    for path in Path("/var/lib/dpkg/info").iterdir():
        if path.suffix == ".list" and path.stem.split(":")[0] in names:
            tree[str(path).lstrip("/")] = path.read_bytes()
    root = owned(tree)
    assert {path: root.of(path) for path in expected} == expected
    assert all(owner.system in (System.DPKG, System.APPLICATION) for owner in root.owners)
