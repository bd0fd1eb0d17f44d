"""Python distributions, wheels and eggs."""

import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

SITE = "opt/venv/lib/python3.11/site-packages"


def dist(name: str, *files: str, site: str = SITE, **more: str) -> dict[str, str]:
    """A wheel installed by pip: its files, METADATA and a RECORD that lists them relative to `site`."""
    info = f"{site}/{name}-1.0.dist-info"
    tree = {f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", f"{info}/INSTALLER": "pip\n"}
    tree |= {f"{info}/{file}": content for file, content in more.items()}
    lines = [f"{file},sha256=x,1" for file in files] + [f"{name}-1.0.dist-info/RECORD,,"]
    return (
        tree | {f"{info}/RECORD": "\n".join(lines) + "\n"} | {f"{site}/{file}": "" for file in files if file[0] != "."}
    )


def test_recorded_files_belong_to_their_distribution(owned: Callable) -> None:
    root = owned(dist("numpy", "numpy/core.py") | {f"{SITE}/numpy/added.py": ""})
    assert (root.of(f"{SITE}/numpy/core.py"), root.of(f"{SITE}/numpy/added.py")) == ("python:numpy", "application")


def test_a_script_outside_of_the_site_directory_is_found(owned: Callable) -> None:
    root = owned(dist("pip", "../../../bin/pip") | {"opt/venv/bin/pip": ""})
    assert root.of("opt/venv/bin/pip") == "python:pip"


def test_a_script_behind_a_symlinked_directory_is_found(owned: Callable, to: Callable) -> None:
    root = owned(dist("pip", "../../../sbin/pip") | {"opt/venv/sbin": to("bin"), "opt/venv/bin/pip": ""})
    assert root.of("opt/venv/bin/pip") == "python:pip"


def test_names_in_quotes_are_read(owned: Callable) -> None:
    tree = dist("a") | {f"{SITE}/a-1.0.dist-info/RECORD": 'plain.py,,\n"a/x,""y"".py",,\r\n', f'{SITE}/a/x,"y".py': ""}
    assert owned(tree | {f"{SITE}/plain.py": ""}).of(f'{SITE}/a/x,"y".py') == "python:a"


def test_the_metadata_directory_is_the_distributions_own(owned: Callable) -> None:
    info = f"{SITE}/a-1.0.dist-info"
    root = owned(dist("a") | {f"{info}/uv_cache.json": ""})
    assert root.of(f"{info}/uv_cache.json") == "python:a"
    assert set(root.owner("python:a").database) == {
        f"{info}/{name}" for name in ("INSTALLER", "METADATA", "RECORD", "uv_cache.json")
    }


def test_names_are_normalised_and_extras_are_not_required(owned: Callable) -> None:
    metadata = (
        "Name: Ruamel.YAML_x\nVersion: 3\nSummary: Reads\nRequires-Dist: Foo_Bar (>=1) ; python_version > '3'\n"
        "Requires-Dist: baz[fast]>=2\nRequires-Dist: pytest; extra == 'test'\n\nRequires-Dist: body\n"
    )
    owner = owned(dist("a", METADATA=metadata)).owner("python:ruamel-yaml-x")
    assert (owner.version, owner.summary, owner.requires) == ("3", "Reads", ("foo-bar", "baz"))


def test_what_pip_was_not_asked_for_came_as_a_dependency(owned: Callable) -> None:
    root = owned(dist("a", REQUESTED="") | dist("b"))
    assert (root.owner("python:a").automatic, root.owner("python:b").automatic) == (False, True)


def test_where_nothing_was_marked_as_asked_for_it_is_not_known(owned: Callable) -> None:
    assert owned(dist("a")).owner("python:a").automatic is None


def test_bytecode_belongs_to_the_owner_of_its_source(owned: Callable) -> None:
    cache = f"{SITE}/a/__pycache__"
    tree = dist("a", "a/x.py") | {f"{cache}/x.cpython-311.pyc": "", f"{cache}/x.cpython-311.opt-1.pyc": ""}
    root = owned(tree | {f"{SITE}/a/x.pyc": ""})
    assert {root.of(path) for path in root.inventory.paths if path.endswith(".pyc")} == {"python:a"}


def test_bytecode_without_source_belongs_to_whom_its_directory_does(owned: Callable) -> None:
    cache = f"{SITE}/a/__pycache__/old.cpython-310.pyc"
    assert owned(dist("a", "a/x.py") | {cache: ""}).of(cache) == "python:a"


def test_bytecode_without_source_in_a_shared_directory_is_the_applications(owned: Callable) -> None:
    cache = f"{SITE}/__pycache__/old.cpython-310.pyc"
    assert owned(dist("a", "x.py") | dist("b", "y.py") | {cache: ""}).of(cache) == "application"


def test_bytecode_of_the_applications_source_is_the_applications(owned: Callable) -> None:
    cache = f"{SITE}/a/__pycache__/mine.cpython-311.pyc"
    assert owned(dist("a", "a/x.py") | {f"{SITE}/a/mine.py": "", cache: ""}).of(cache) == "application"


def test_the_operating_systems_package_comes_first(owned: Callable) -> None:
    site = "usr/lib/python3/dist-packages"
    listed = "".join(f"/{path}\n" for path in dist("numpy", "numpy/x.py", site=site))
    tree = {
        "var/lib/dpkg/status": "Package: python3-numpy\nStatus: install ok installed\n",
        "var/lib/dpkg/info/python3-numpy.list": listed,
    }
    root = owned(dist("numpy", "numpy/x.py", site=site) | tree)
    assert root.of(f"{site}/numpy/x.py") == "dpkg:python3-numpy"
    assert root.owner("python:numpy").database == ()


def test_a_vendored_distribution_is_no_owner(owned: Callable) -> None:
    inner = dist("wheel", "wheel/x.py", site=f"{SITE}/setuptools/_vendor")
    outer = dist("setuptools", *(path.removeprefix(f"{SITE}/") for path in inner))
    root = owned(inner | outer)
    assert root.of(f"{SITE}/setuptools/_vendor/wheel/x.py") == "python:setuptools"
    assert [owner.name for owner in root.owners] == ["application", "setuptools"]


def test_a_wheel_unpacked_in_a_cache_is_not_installed(owned: Callable) -> None:
    cached = dist("a", "a.py", site="root/.cache/uv/archive-v0/hash")
    del cached["root/.cache/uv/archive-v0/hash/a-1.0.dist-info/INSTALLER"]
    assert [owner.name for owner in owned(cached).owners] == ["application"]


def test_a_distribution_in_any_directory_is_found(owned: Callable) -> None:
    assert owned(dist("a", "a.py", site="app/vendor")).of("app/vendor/a.py") == "python:a"


def test_the_source_of_an_editable_install_is_the_applications(owned: Callable) -> None:
    link = f"{SITE}/__editable__.app-1.0.pth"
    direct = '{"url": "file:///src/app", "dir_info": {"editable": true}}'
    tree = dist("app", "__editable__.app-1.0.pth") | {f"{SITE}/app-1.0.dist-info/direct_url.json": direct}
    root = owned(tree | {"src/app/app/__init__.py": ""})
    assert (root.of(link), root.of("src/app/app/__init__.py")) == ("python:app", "application")


def test_an_egg_link_makes_a_project_a_distribution(owned: Callable) -> None:
    tree = {
        f"{SITE}/My-App.egg-link": "/src/app\n.",
        "src/app/my_app.egg-info/PKG-INFO": "Name: my_app\nVersion: 2\n",
        "src/app/my_app.egg-info/requires.txt": "numpy>=1\n\n[dev]\npytest\n",
        "src/app/my_app/__init__.py": "",
    }
    root = owned(tree)
    assert [root.of(path) for path in tree] == ["python:my-app", "python:my-app", "python:my-app", "application"]
    assert root.owner("python:my-app").requires == ("numpy",)


def test_an_egg_info_left_by_a_build_is_no_distribution(owned: Callable) -> None:
    assert [owner.name for owner in owned({"src/app/a.egg-info/PKG-INFO": "Name: a\n"}).owners] == ["application"]


def test_the_files_installed_beside_an_egg_info_are_found(owned: Callable) -> None:
    info = f"{SITE}/a-1.0-py3.11.egg-info"
    tree = {f"{info}/PKG-INFO": "Name: a\n", f"{info}/installed-files.txt": "../a/x.py\n../../../../bin/a\nPKG-INFO\n"}
    root = owned(tree | {f"{SITE}/a/x.py": "", "opt/venv/bin/a": ""})
    assert (root.of(f"{SITE}/a/x.py"), root.of("opt/venv/bin/a")) == ("python:a", "python:a")
    assert root.owner("python:a").version == "1.0"


def test_sources_that_were_installed_are_found(owned: Callable) -> None:
    info = f"{SITE}/a-1.0.egg-info"
    tree = {f"{info}/SOURCES.txt": "setup.py\nsrc/a/x.py\nsrc/a/gone.py\n", f"{info}/top_level.txt": "a\n"}
    root = owned(tree | {f"{SITE}/a/x.py": "", f"{SITE}/setup.py": ""})
    assert (root.of(f"{SITE}/a/x.py"), root.of(f"{SITE}/setup.py")) == ("python:a", "application")


def test_all_of_an_unpacked_egg_belongs_to_it(owned: Callable) -> None:
    root = owned({f"{SITE}/a-1.0-py3.11.egg/EGG-INFO/PKG-INFO": "", f"{SITE}/a-1.0-py3.11.egg/a/x.py": ""})
    assert root.of(f"{SITE}/a-1.0-py3.11.egg/a/x.py") == "python:a"


def test_a_single_egg_info_file_is_a_distribution(owned: Callable) -> None:
    path = f"{SITE}/a-1.0.egg-info"
    assert owned({path: "Name: a\nVersion: 1.0\n"}).of(path) == "python:a"


@pytest.mark.parametrize(
    "record", ["", "\n\n,,,\n", '"', '"\n"x', "../" * 3000 + "etc/x", "/etc/x", "\0,\0", "x" * 200_000]
)
def test_a_record_of_nonsense_is_read_without_harm(owned: Callable, record: str) -> None:
    tree = dist("a") | {f"{SITE}/a-1.0.dist-info/RECORD": record, "app/x": ""}
    assert owned(tree).of("app/x") == "application"


def test_the_distributions_of_this_python_are_all_found(owned: Callable) -> None:
    site = Path(sysconfig.get_paths()["purelib"])
    infos = sorted(site.glob("*.dist-info"))
    tree: dict = {}
    expected: dict[str, set[str]] = {}
    for info in infos:
        for path in info.rglob("*"):
            if path.is_file():
                tree[f"site/site-packages/{path.relative_to(site)}"] = path.read_bytes()
        for line in (info / "RECORD").read_text().splitlines():
            name = line.rpartition(",")[0].rpartition(",")[0]
            if name[0] not in '".' and not name.endswith(".pyc"):
                path = f"site/site-packages/{name}"
                tree.setdefault(path, b"")
                owner = "-".join(info.stem.rsplit("-", 1)[0].lower().replace("_", "-").replace(".", "-").split("--"))
                expected.setdefault(path, set()).add(f"python:{owner}")
    root = owned(tree)
    labels = [root.owners[number].label for number in root.inventory.owner.tolist()]
    found = dict(zip(root.inventory.paths, labels, strict=True))
    wrong = {path: found[path] for path, owners in expected.items() if found[path] not in owners}
    assert expected
    assert wrong == {}
