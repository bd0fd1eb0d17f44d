"""Real clients pull eStargz and zstd:chunked from a real registry, and unpack what the ordinary image holds."""

import pytest
from lazy_clients import Podman, containerd_tree, dockerd_tree, podman_tree, umoci_tree
from rich_image import rich

from slimml.bench.shaping import Link, shaped

CLIENTS = {"dockerd": dockerd_tree, "podman": podman_tree, "containerd": containerd_tree, "umoci": umoci_tree}


@pytest.mark.parametrize("client", CLIENTS)
def test_an_estargz_image_unpacks_as_the_ordinary_one(client, push, engines):
    order = {0: ["lib/file7", "etc/hard"], 1: ["var/cache/two"]}
    assert _same(CLIENTS[client], push, engines, "estargz", order=order)


@pytest.mark.parametrize("client", ["podman", "containerd", "umoci"])
def test_a_zstd_chunked_image_unpacks_as_the_ordinary_one(client, push, engines):
    assert _same(CLIENTS[client], push, engines, "zstd-chunked")


def _same(tree, push, engines, wanted, **wishes):
    found = {}
    for name, kind in (("plain", None), ("lazy", wanted)):
        place = engines / name
        place.mkdir()
        found[name] = tree(push(rich(), f"rich:{name}", kind, **(wishes if kind else {})), place)
    assert len(found["plain"]) > 50
    assert found["lazy"] == found["plain"]
    return True


@pytest.mark.parametrize("wanted", ["estargz", "zstd-chunked"])
def test_a_partial_pull_by_podman_brings_the_same_files(wanted, push, engines):
    ordinary, parts = engines / "ordinary", engines / "parts"
    ordinary.mkdir()
    parts.mkdir()
    podman = Podman(parts, partial=True)
    name = push(rich(), "rich:lazy", wanted)
    assert "Retrieved partial blob" in podman.pull(name)
    found, expected = podman.tree(name), podman_tree(push(rich(), "rich:plain"), ordinary)
    if wanted == "estargz":  # of the root itself it says what all clients but Podman do
        assert found.pop("")["mode"] == "drwxr-xr-x"
        del expected[""]
    assert found == expected


@pytest.mark.parametrize("wanted", ["estargz", "zstd-chunked"])
def test_podman_fetches_only_what_changed_of_a_second_version(wanted, push, engines, registry):
    podman = Podman(engines, partial=True)
    with shaped(Link("counted"), registry) as proxy:
        whole = _fetched(podman, proxy, push(rich(1), "rich:1", wanted), registry)
        update = _fetched(podman, proxy, push(rich(2), "rich:2", wanted), registry)
    assert whole.bytes_down > 9_000_000
    assert update.bytes_down < whole.bytes_down / 100


def _fetched(podman, proxy, name, registry):
    before = proxy.passed()
    said = podman.pull(name.replace(registry, proxy.address))
    assert "Retrieved partial blob" in said
    return proxy.passed().since(before)
