"""Package databases say what is left: checked with dpkg and update-alternatives themselves where they are installed."""

import csv
import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import tarfile

import pytest
from layered_image import file, finding, folder, image_of, root_of
from tiny_image import read_layers, tiny

from slimml.bloat.finding import Action
from slimml.inventory.take import take_inventory
from slimml.slim.databases.apk import WithoutPackages
from slimml.slim.databases.conda import OtherFiles
from slimml.slim.databases.dpkg import WithoutStanzas
from slimml.slim.optimize import carry_out
from slimml.slim.options import Level, Options
from slimml.slim.planning import make_plan

BIG = bytes(range(256)) * 40
needs_dpkg = pytest.mark.skipif(
    not (shutil.which("dpkg-deb") and shutil.which("update-alternatives") and os.geteuid() == 0),
    reason="needs dpkg, and root to install packages into a directory",
)


def run(*command):
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.fixture
def debian(tmp_path):
    """A root with two packages in it, `stays` and `goes`, installed by dpkg."""
    root = tmp_path / "root"
    for directory in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/alternatives", "etc/alternatives"):
        (root / directory).mkdir(parents=True)
    for name in ("status", "available"):
        (root / "var/lib/dpkg" / name).touch()
    for name in ("stays", "goes"):
        package = tmp_path / name
        for directory in ("DEBIAN", f"usr/share/doc/{name}", "usr/bin", "etc"):
            (package / directory).mkdir(parents=True)
        control = f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: A <a@b>\nDescription: x\n y\n"
        (package / "DEBIAN/control").write_text(control)
        (package / "DEBIAN/conffiles").write_text(f"/etc/{name}.conf\n")
        (package / f"etc/{name}.conf").write_text("x")
        (package / f"usr/bin/{name}").write_bytes(BIG)
        (package / f"usr/share/doc/{name}/README").write_bytes(BIG)
        sums = run("sh", "-c", f"cd {package} && md5sum usr/bin/{name} usr/share/doc/{name}/README")
        (package / "DEBIAN/md5sums").write_text(sums)
        run("dpkg-deb", "--build", str(package), str(tmp_path / f"{name}.deb"))
        run("dpkg", f"--root={root}", "--log=/dev/null", "-i", str(tmp_path / f"{name}.deb"))
    return root


def image_of_directory(root):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted(os.listdir(root)):
            tar.add(root / name, name)
    return tiny(out.getvalue())


def unpacked(image, directory):
    for data in read_layers(image):
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            tar.extractall(directory, filter="fully_trusted")
    return directory


def without_package(image, name, store):
    inventory = take_inventory(image)
    owner = next(position for position, it in enumerate(inventory.owners) if it.name == name)
    found = finding([], Action.PACKAGE, owners=(owner,))
    return carry_out(inventory, make_plan(inventory, [found], Options(level=Level.ALL)), store)


@needs_dpkg
def test_a_file_of_a_package_that_stays_is_not_missed_by_dpkg(debian, slim, tmp_path):
    slimmed = slim(image_of_directory(debian), "usr/share/doc/stays/README", "etc/stays.conf")
    root = unpacked(slimmed.image, tmp_path / "after")
    assert run("dpkg", f"--root={root}", "--verify") == ""
    assert "README" not in run("dpkg", f"--root={root}", "-L", "stays")


@needs_dpkg
def test_dpkg_knows_the_new_checksum_of_a_record_that_was_edited(debian, slim, tmp_path):
    for item in distribution("dist/a.py", "dist/b.py"):
        if item.content:
            path = debian / item.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(item.content)
            with open(debian / "var/lib/dpkg/info/stays.md5sums", "a") as sums:
                sums.write(f"{hashlib.md5(item.content).hexdigest()}  {item.name}\n")
            with open(debian / "var/lib/dpkg/info/stays.list", "a") as listed:
                listed.write(f"/{item.name}\n")
    (debian / "ballast").write_bytes(random.Random(1).randbytes(20_000))
    root = unpacked(slim(image_of_directory(debian), f"{SITE}/dist/b.py", "ballast").image, tmp_path / "after")
    assert run("dpkg", f"--root={root}", "--verify") == ""


@needs_dpkg
def test_a_package_that_goes_is_not_known_to_dpkg_any_more(debian, store, tmp_path):
    root = unpacked(without_package(image_of_directory(debian), "goes", store).image, tmp_path / "after")
    assert run("dpkg-query", f"--admindir={root}/var/lib/dpkg", "-W", "-f", "${Package} ") == "stays "
    assert run("dpkg", f"--root={root}", "--verify") == ""
    assert not [name for name in os.listdir(root / "var/lib/dpkg/info") if name.startswith("goes")]


def install_alternative(root, path, priority):
    places = ["--admindir", f"{root}/var/lib/dpkg/alternatives", "--altdir", f"{root}/etc/alternatives"]
    run("update-alternatives", "--log", "/dev/null", *places, "--install", f"{root}/usr/bin/ed", "ed", path, priority)


def relocated(root):
    """update-alternatives writes the paths of this test's directory: make them those of a root."""
    for directory, _, names in os.walk(root):
        for name in names:
            path = os.path.join(directory, name)
            if os.path.islink(path) and os.readlink(path).startswith(str(root)):
                target = os.readlink(path).removeprefix(str(root))
                os.unlink(path)
                os.symlink(target, path)
            elif "alternatives" in directory:
                with open(path) as old:
                    text = old.read()
                with open(path, "w") as new:
                    new.write(text.replace(str(root), ""))
    return root


@needs_dpkg
def test_the_links_of_a_last_candidate_go_with_it(debian, store):
    install_alternative(debian, f"{debian}/usr/bin/goes", "10")
    found = root_of(without_package(image_of_directory(relocated(debian)), "goes", store).image)
    assert not {"usr/bin/ed", "etc/alternatives/ed", "var/lib/dpkg/alternatives/ed"} & set(found)


@needs_dpkg
def test_the_links_lead_to_a_candidate_that_is_left(debian, store):
    install_alternative(debian, f"{debian}/usr/bin/goes", "10")
    install_alternative(debian, f"{debian}/usr/bin/stays", "5")
    found = root_of(without_package(image_of_directory(relocated(debian)), "goes", store).image)
    assert found["usr/bin/ed"][1] == "/etc/alternatives/ed"
    assert found["etc/alternatives/ed"][1] == "/usr/bin/stays"
    assert b"goes" not in found["var/lib/dpkg/alternatives/ed"][1]


SITE = "usr/lib/python3/site-packages"


def distribution(*names):
    """A distribution `dist` with these files, RECORD as pip writes it."""
    record = [f"{name},sha256=x,{len(BIG)}" for name in names]
    record += ["dist-1.dist-info/METADATA,,", "dist-1.dist-info/RECORD,,"]
    return [
        folder(SITE),
        *(file(os.path.normpath(f"{SITE}/{name}"), BIG) for name in names),
        file(f"{SITE}/dist-1.dist-info/METADATA", b"Name: dist\nVersion: 1\n"),
        file(f"{SITE}/dist-1.dist-info/RECORD", "\r\n".join([*record, ""]).encode()),
    ]


def test_record_lists_what_is_left(slim):
    image = image_of(distribution("dist/a.py", "dist/tests/t.py", "../../../bin/dist"))
    found = root_of(slim(image, f"{SITE}/dist/tests/t.py", "usr/bin/dist").image)
    lines = found[f"{SITE}/dist-1.dist-info/RECORD"][1].decode().split("\r\n")
    assert [row[0] for row in csv.reader(line for line in lines if line)] == [
        "dist/a.py", "dist-1.dist-info/METADATA", "dist-1.dist-info/RECORD",
    ]  # fmt: skip


def test_an_edited_database_keeps_mode_owner_and_time(slim):
    image = image_of(distribution("dist/a.py", "dist/b.py"))
    path = f"{SITE}/dist-1.dist-info/RECORD"
    assert root_of(slim(image, f"{SITE}/dist/b.py").image)[path][2:] == root_of(image)[path][2:]


def test_conda_meta_lists_what_is_left():
    old = {"name": "x", "files": ["a", "b"], "paths_data": {"paths": [{"_path": "a"}, {"_path": "b"}]}}
    new = json.loads(OtherFiles(frozenset({"a"})).apply(json.dumps(old).encode()))
    assert new == {"name": "x", "files": ["b"], "paths_data": {"paths": [{"_path": "b"}]}}


def test_apk_lists_what_is_left():
    database = b"P:one\nV:1\nF:usr/bin\nR:a\na:0:0:755\nZ:Q1x\nR:b\nZ:Q1y\n\nP:two\nV:1\nF:etc\nR:c\n\n"
    edited = WithoutPackages(frozenset({"two"}), frozenset({("usr/bin", "a")})).apply(database)
    assert edited == b"P:one\nV:1\nF:usr/bin\nR:b\nZ:Q1y\n\n"


@pytest.mark.parametrize("end", [b"\n", b"\n\n"])
def test_the_last_stanza_can_go(end):
    status = b"Package: a\nVersion: 1\n\nPackage: b\nArchitecture: all" + end
    assert WithoutStanzas(frozenset({"b:all"})).apply(status).rstrip(b"\n") == b"Package: a\nVersion: 1"
