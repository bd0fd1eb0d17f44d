"""Which contents are kept while reading."""

import pytest

from slimml.inventory.captures import wanted
from slimml.oci.limits import MIB


@pytest.mark.parametrize(
    "path",
    [
        "var/lib/dpkg/status",
        "var/lib/dpkg/status.d/libc6",
        "var/lib/dpkg/status.d/libc6.md5sums",
        "var/lib/dpkg/info/libc6:amd64.list",
        "var/lib/dpkg/info/bash.md5sums",
        "var/lib/dpkg/info/bash.conffiles",
        "var/lib/dpkg/diversions",
        "var/lib/apt/extended_states",
        "lib/apk/db/installed",
        "etc/apk/world",
        "var/lib/rpm/rpmdb.sqlite",
        "var/lib/rpm/Packages",
        "usr/lib/sysimage/rpm/Packages.db",
        "opt/venv/lib/python3.11/site-packages/numpy-2.0.dist-info/RECORD",
        "opt/venv/lib/python3.11/site-packages/numpy-2.0.dist-info/direct_url.json",
        "usr/lib/python3/dist-packages/six-1.16.egg-info",
        "usr/lib/python3/dist-packages/six.egg-info/PKG-INFO",
        "usr/lib/python3/dist-packages/six-1.0-py3.egg/EGG-INFO/PKG-INFO",
        "usr/lib/python3/site-packages/app.egg-link",
        "usr/lib/python3/site-packages/__editable__.app-1.0.pth",
        "opt/conda/conda-meta/numpy-1.26.4-py311.json",
        "app/node_modules/express/package.json",
        "app/node_modules/@babel/core/package.json",
        "app/node_modules/a/node_modules/b/package.json",
        "etc/os-release",
        "opt/venv/pyvenv.cfg",
    ],
)
def test_a_file_that_tells_about_others_is_kept(path: str) -> None:
    assert wanted(path, 1000)


@pytest.mark.parametrize(
    "path",
    [
        "var/lib/dpkg/status-old",
        "var/lib/dpkg/info/bash.postinst",
        "app/package.json",
        "app/node_modules/express/lib/package.json",
        "app/node_modules/.bin/package.json",
        "app/node_modules/@babel/package.json",
        "app/data.json",
        "app/RECORD",
        "opt/venv/lib/python3.11/site-packages/numpy-2.0.dist-info/LICENSE.txt",
        "usr/lib/python3/site-packages/distutils-precedence.pth",
        "app/Packages",
        "",
    ],
)
def test_any_other_file_is_not_kept(path: str) -> None:
    assert not wanted(path, 1000)


def test_a_large_file_is_not_kept() -> None:
    assert not wanted("var/lib/dpkg/status", 17 * MIB)


def test_an_rpm_database_may_be_larger() -> None:
    assert wanted("var/lib/rpm/Packages", 100 * MIB)


def test_an_endless_rpm_database_is_not_kept() -> None:
    assert not wanted("var/lib/rpm/Packages", 129 * MIB)
