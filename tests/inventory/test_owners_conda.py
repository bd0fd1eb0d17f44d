"""conda's packages and cache."""

import json
from collections.abc import Callable

import pytest

PREFIX = "opt/conda"
SITE = f"{PREFIX}/lib/python3.11/site-packages"


def record(name: str, *files: str, **fields: object) -> dict[str, str]:
    document = {"name": name, "version": "1.0", "build": "py_0", "files": list(files), "depends": []} | fields
    return {f"{PREFIX}/conda-meta/{name}-1.0-py_0.json": json.dumps(document)} | {
        f"{PREFIX}/{file}": "" for file in files
    }


def test_listed_files_belong_to_their_package(owned: Callable) -> None:
    root = owned(record("zlib", "lib/libz.so") | {f"{PREFIX}/lib/mine.so": ""})
    assert (root.of(f"{PREFIX}/lib/libz.so"), root.of(f"{PREFIX}/lib/mine.so")) == ("conda:zlib", "application")


def test_the_record_is_the_packages_own(owned: Callable) -> None:
    root = owned(record("zlib"))
    path = f"{PREFIX}/conda-meta/zlib-1.0-py_0.json"
    assert (root.of(path), root.owner("conda:zlib").database) == ("conda:zlib", (path,))


def test_requirements_lose_their_versions(owned: Callable) -> None:
    assert owned(record("a", depends=["python >=3.11,<3.12.0a0", "zlib"])).owner("conda:a").requires == (
        "python",
        "zlib",
    )


@pytest.mark.parametrize(("spec", "automatic"), [("numpy=1.26", False), ("None", True), ("", True), (None, None)])
def test_what_nobody_asked_for_came_as_a_dependency(owned: Callable, spec: str | None, automatic: bool | None) -> None:
    assert owned(record("numpy", requested_spec=spec)).owner("conda:numpy").automatic is automatic


def test_condas_package_comes_before_the_python_distribution(owned: Callable) -> None:
    info = "lib/python3.11/site-packages/numpy-1.0.dist-info"
    files = ("lib/python3.11/site-packages/numpy/x.py", f"{info}/RECORD", f"{info}/METADATA", f"{info}/INSTALLER")
    tree = record("numpy", *files) | {
        f"{PREFIX}/{info}/RECORD": "numpy/x.py,,\nnumpy/y.py,,\n",
        f"{SITE}/numpy/y.py": "",
    }
    root = owned(tree)
    assert (root.of(f"{SITE}/numpy/x.py"), root.of(f"{SITE}/numpy/y.py")) == ("conda:numpy", "python:numpy")


def test_the_unpacked_copy_in_the_cache_is_no_distribution(owned: Callable) -> None:
    cache = f"{PREFIX}/pkgs/numpy-1.0-py_0"
    info = f"{cache}/lib/python3.11/site-packages/numpy-1.0.dist-info"
    cached = {f"{info}/METADATA": "Name: numpy\n", f"{info}/INSTALLER": "conda", f"{cache}.conda": ""}
    root = owned(record("numpy") | cached)
    assert (root.of(f"{info}/METADATA"), root.of(f"{cache}.conda")) == ("conda:numpy", "conda:numpy")
    assert [owner.label for owner in root.owners] == ["application", "conda:numpy"]


def test_the_cache_is_found_where_the_record_says(owned: Callable) -> None:
    cached = {"mnt/pkgs/zlib-9/lib/libz.so": ""}
    root = owned(record("zlib", link={"source": "/mnt/pkgs/zlib-9", "type": 1}) | cached)
    assert root.of("mnt/pkgs/zlib-9/lib/libz.so") == "conda:zlib"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        "[" * 100_000,
        '{"files": 1, "link": 2, "depends": [3, " "], "name": []}',
        '{"files": ["../../x"]}',
    ],
)
def test_a_record_of_nonsense_names_no_files(owned: Callable, content: str) -> None:
    assert owned({f"{PREFIX}/conda-meta/a.json": content, "app/x": ""}).of("app/x") == "application"


def test_a_record_that_cannot_be_read_makes_its_prefix_unknown(owned: Callable) -> None:
    broken = {f"{PREFIX}/conda-meta/a.json": "{", f"{PREFIX}/lib/a.so": "", "opt/other/x": ""}
    root = owned(record("zlib", "lib/libz.so") | broken)
    assert [root.of(path) for path in (f"{PREFIX}/lib/a.so", f"{PREFIX}/lib/libz.so", "opt/other/x")] == [
        "unknown:conda", "conda:zlib", "application"
    ]  # fmt: skip
