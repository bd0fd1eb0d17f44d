"""conda: a JSON file for each package in the conda-meta directory of a prefix, and its cache of unpacked packages."""

from __future__ import annotations

from typing import Any

from slimml.inventory.owner import Owner, System
from slimml.inventory.owners.package import Found, Package, beneath_root, object_of
from slimml.inventory.root import Root

_META = "/conda-meta/"


def read(root: Root) -> Found:
    """conda's packages in all prefixes, with what is left of them in the cache that they were linked from."""
    packages, broken = [], {}
    for path in [path for path in root.live if _META in path and path.endswith(".json")]:
        prefix, _, name = path.rpartition(_META)
        if "/" in name:
            continue
        record = object_of(root.captured.get(path, b""))
        if record is None:
            broken[f"{prefix}/"] = path
        else:
            packages.append(_package(root, prefix, path, record))
    packages.sort(key=lambda package: package.owner.place)
    return Found(packages, next(iter(broken.values()), ""), tuple(broken))


def caches(root: Root) -> tuple[str, ...]:
    """Directories, with a slash at the end, where conda keeps unpacked packages, which are not installed there."""
    return tuple({f"{path.rpartition(_META)[0]}/pkgs/" for path in root.captured if _META in path})


def _package(root: Root, prefix: str, path: str, record: dict[str, Any]) -> Package:
    name = _text(record, "name") or path.rpartition("/")[2].removesuffix(".json")
    version, build = _text(record, "version"), _text(record, "build") or _text(record, "build_string")
    link = record.get("link")
    source = _text(record, "extracted_package_dir") or (_text(link, "source") if isinstance(link, dict) else "")
    cached = beneath_root(source) if source else f"{prefix}/pkgs/{name}-{version}-{build}"
    archives = [archive for archive in (f"{cached}.conda", f"{cached}.tar.bz2") if archive in root.live]
    requested = record.get("requested_spec")
    files = [
        f"{prefix}/{file}" if ".." not in file else beneath_root(file, prefix)
        for file in _texts(record, "files")
    ]  # fmt: skip
    owner = Owner(
        System.CONDA,
        name,
        version,
        path,
        automatic=requested in ("", "None") if isinstance(requested, str) else None,
        requires=tuple(words[0] for depend in _texts(record, "depends") if (words := depend.split())),
        database=(path,),
    )
    return Package(owner, [*files, path], [cached, *root.beneath(cached), *archives])


def _text(record: dict[str, Any], key: str) -> str:
    value = record.get(key)
    return value if isinstance(value, str) else ""


def _texts(record: dict[str, Any], key: str) -> list[str]:
    value = record.get(key)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
