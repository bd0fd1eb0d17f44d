"""npm's packages: what lies beneath them, the innermost first."""

import json
from collections.abc import Callable

import pytest


def package(path: str, **fields: object) -> dict[str, str]:
    return {
        f"{path}/package.json": json.dumps({"name": path.rpartition("node_modules/")[2], "version": "1.0"} | fields)
    }


def test_everything_beneath_a_package_is_its_own(owned: Callable) -> None:
    root = owned(package("app/node_modules/a") | {"app/node_modules/a/lib/x.js": "", "app/index.js": ""})
    assert (root.of("app/node_modules/a/lib/x.js"), root.of("app/index.js")) == ("npm:a", "application")


def test_the_innermost_package_has_a_file(owned: Callable) -> None:
    inner = "app/node_modules/a/node_modules/b"
    tree = package("app/node_modules/a") | package(inner) | {f"{inner}/x.js": "", f"{inner}/lib/y.js": ""}
    root = owned(tree)
    assert (root.of(f"{inner}/x.js"), root.of(f"{inner}/lib/y.js")) == ("npm:b", "npm:b")
    assert root.of("app/node_modules/a/package.json") == "npm:a"


def test_a_scoped_package_is_found(owned: Callable) -> None:
    root = owned(package("app/node_modules/@babel/core") | {"app/node_modules/@babel/core/x.js": ""})
    assert root.of("app/node_modules/@babel/core/x.js") == "npm:@babel/core"


def test_a_program_belongs_to_the_package_it_leads_to(owned: Callable, to: Callable) -> None:
    tree = package("app/node_modules/a") | {
        "app/node_modules/a/cli.js": "",
        "app/node_modules/.bin/a": to("../a/cli.js"),
        "app/node_modules/.package-lock.json": "",
    }
    root = owned(tree)
    assert root.of("app/node_modules/.bin/a") == "npm:a"
    assert root.of("app/node_modules/.package-lock.json") == "application"


def test_packages_inside_another_systems_package_are_not_npms(owned: Callable) -> None:
    site = "venv/lib/python3.11/site-packages"
    tree = package(f"{site}/jupyter/node_modules/a") | {
        f"{site}/jupyter-1.0.dist-info/RECORD": "jupyter/node_modules/a/package.json,,\n"
    }
    root = owned(tree)
    assert [owner.label for owner in root.owners] == ["application", "python:jupyter"]


def test_requirements_are_dependencies_and_peers_that_are_not_optional(owned: Callable) -> None:
    fields = {
        "dependencies": {"b": "^1"},
        "peerDependencies": {"c": "*", "d": "*"},
        "peerDependenciesMeta": {"d": {"optional": True}},
        "devDependencies": {"e": "*"},
    }
    assert owned(package("app/node_modules/a", **fields)).owner("npm:a").requires == ("b", "c")


@pytest.mark.parametrize("content", ["", "[]", '{"name": 1, "dependencies": [], "peerDependencies": 3}', "[" * 100_000])
def test_a_manifest_of_nonsense_still_names_a_package(owned: Callable, content: str) -> None:
    root = owned({"app/node_modules/a/package.json": content, "app/node_modules/a/x.js": ""})
    assert root.of("app/node_modules/a/x.js") == "npm:a"
